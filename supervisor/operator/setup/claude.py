"""The machine's Claude Code: where it is, whether it is one that we can work with, and whether somebody is logged in.

Its installer puts it into ``~/.local/bin``, which a service's PATH has not, and many a shell's neither.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bridge.protocol.claude_version import OLDEST
from supervisor.workers import claude_cli
from supervisor.workers.starts import worker_environment

VENDORS = ".local/bin/claude"
"""Below the home: where the vendor's own installer puts it."""
STATUS_DEADLINE_S = 30.0
"""0.6 s were measured with claude 2.1.330 on an idle machine."""
INSTALL = "install it: curl -fsSL https://claude.ai/install.sh | bash"


class Claude(msgspec.Struct, frozen=True):
    """``command``: its argv, the program with its whole path; empty when there is none. ``trouble``: in words."""

    command: tuple[str, ...] = ()
    version: str = ""
    trouble: str = ""
    is_logged_in: bool = False


def find(configured: Sequence[str], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The configured command, else the one on the path, else the vendor's."""
    program, *rest = configured or ("claude",)
    expanded = os.path.expanduser(program)  # noqa: PTH111 - it may be a bare name
    if found := shutil.which(expanded, path=environ.get("PATH", os.defpath)):
        return (str(Path(found).absolute()), *rest)
    vendors = Path(environ.get("HOME", "/"), VENDORS)
    return (str(vendors),) if program == "claude" and os.access(vendors, os.X_OK) else ()


def is_off_path(command: Sequence[str], environ: Mapping[str, str]) -> bool:
    """There is one, and its name alone does not find it."""
    return bool(command) and not shutil.which("claude", path=environ.get("PATH", os.defpath))


def look(configured: Sequence[str], environ: Mapping[str, str] = os.environ) -> Claude:
    """All that can be seen of it; takes about a second."""
    command = find(configured, environ)
    if not command:
        name = (configured or ("claude",))[0]
        return Claude(trouble=f"Claude Code is not on this machine (looked for {name}); {INSTALL}")
    environment = worker_environment(environ)
    answer = claude_cli.ask(command, environment)
    if answer.refusal:
        return Claude(command, str(answer.version), answer.refusal)
    trouble = "" if answer.version else f"{answer.in_words()}; Threadbridge works with {OLDEST} and newer"
    return Claude(command, str(answer.version or ""), trouble, _is_logged_in(command, environment))


def log_in(command: Sequence[str]) -> None:
    """Its own dialogue, at this terminal, until the person ends it. Raises OSError."""
    subprocess.run([*command, "auth", "login"], check=False)


def _is_logged_in(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """What ``claude auth status`` says by its exit code. No answer in time is a no."""
    try:
        asked = subprocess.run(
            [*command, "auth", "status"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**environment, "DISABLE_AUTOUPDATER": "1"},
            timeout=STATUS_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return not asked.returncode
