"""What a tool failed for because it is not open to Claude: told to the person, by the key that would open it.

At the level ``project`` keys and logins of the user's are not there. A program says so in its own words (``gh auth
login``, ``Permission denied (publickey)``), which tell nobody that a line of the configuration would help. No I/O but
the look whether a path that was missed is there outside.
"""

import re
from collections.abc import Callable
from pathlib import Path

from worker.mcp import NOT_PUSHED, PERHAPS_PUSHED

_SAID: tuple[tuple[str, str], ...] = (
    (
        r"Permission denied \([^)]*publickey|Host key verification failed|Could not open a connection to your auth",
        "~/.ssh",
    ),
    (r"gh auth login|GH_TOKEN environment variable", "~/.config/gh"),
    (r"\bENEEDAUTH\b|\bE401\b|npm (?:ERR!|error) code E40[13]", "~/.npmrc"),
    (r"could not read Username for 'https?:|Authentication failed for 'https?:", "~/.git-credentials"),
    (r"Unable to locate credentials|NoCredentialProviders|aws configure|aws sso login", "~/.aws"),
    (r"gcloud auth login|Could not automatically determine credentials", "~/.config/gcloud"),
    (r"Cannot connect to the Docker daemon|docker\.sock", "/var/run/docker.sock"),
    (r"connection to the server localhost:8080 was refused", "~/.kube"),
    (r"401 Error, Credentials not correct", "~/.config/pip"),
)
_MISSING = re.compile(r"No such file or directory|ENOENT|cannot find|not found|does not exist", re.IGNORECASE)
OUTSIDE = (NOT_PUSHED, PERHAPS_PUSHED)
"""What ``git_push`` says of a push that was made outside, where nothing is closed."""
MOST_TOLD = 4
"""In one session's start: more would be noise."""
LEAD_CHARS = 100
"""A tool's output may be a JSON list of its blocks."""


class Closed:
    """``is_there`` looks outside, ``is_open`` inside."""

    def __init__(self, home: str, is_there: Callable[[Path], bool], is_open: Callable[[Path], bool]) -> None:
        self._home = home.rstrip("/")
        self._is_there = is_there
        self._is_open = is_open
        self._told: set[str] = set()

    def told_of(self, output: str) -> str:
        """What to say of a tool that failed with this output; empty for nothing new."""
        if any(words in output[:LEAD_CHARS] for words in OUTSIDE):
            return ""
        for name in self._missed(output):
            if name not in self._told and len(self._told) < MOST_TOLD:
                self._told.add(name)
                return (
                    f"`{name}` is not open to Claude in this channel. If it is to be, add it on the machine:"
                    f' `[containment]` `readable = ["{name}"]`.'
                )
        return ""

    def _missed(self, output: str) -> list[str]:
        found = [name for said, name in _SAID if re.search(said, output)]
        if _MISSING.search(output) and self._home:
            found += [f"~{path}" for path in re.findall(re.escape(self._home) + r"(/[\w.@+/-]*[\w@+-])", output)]
        return [name for name in found if self._is_closed(Path(name.replace("~", self._home, 1)))]

    def _is_closed(self, path: Path) -> bool:
        return self._is_there(path) and not self._is_open(path)
