"""Which version of the CLI it is, and whether it keeps what we promise (docs/claude-protocol.md, "Versions")."""

import re

import msgspec

MOST_DIGITS = 9
_SAID = re.compile(
    rf"^\s*v?(\d{{1,{MOST_DIGITS}}})\.(\d{{1,{MOST_DIGITS}}})\.(\d{{1,{MOST_DIGITS}}})(-[0-9A-Za-z.-]+)?(?=\s|\+|$)",
    re.MULTILINE | re.ASCII,
)


class ClaudeVersion(msgspec.Struct, frozen=True, order=True):
    """As semver orders them: what is tried out before a release is older than that release."""

    major: int
    minor: int
    patch: int
    is_release: bool = True
    beta: str = ""

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.beta}"


OLDEST = ClaudeVersion(2, 1, 248)
"""Up to 2.1.246 a person's `/text` runs as a command, and up to 2.1.203 the CLI never says that it is idle."""


def version_in(said: str) -> ClaudeVersion | None:
    """The one that ``claude --version`` printed, on whichever line; None when it printed none."""
    if not (found := _SAID.search(said)):
        return None
    major, minor, patch, beta = found.groups()
    return ClaudeVersion(int(major), int(minor), int(patch), not beta, beta or "")


def refusal_of(version: ClaudeVersion, program: str) -> str:
    """Why it is not started, and what to do; empty when it may be."""
    if version >= OLDEST:
        return ""
    return (
        f"{program} is Claude Code {version}, and the oldest that works here is {OLDEST}: an older one runs what people"
        " write as commands, or is never idle. Run `claude update`; with npm on Node 20 name the version that you"
        " install, because npm chooses an old one there by itself"
    )
