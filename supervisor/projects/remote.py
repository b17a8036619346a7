"""To which URL a repository's work is pushed: read from its configuration once, when a session is created.

Read as text, never by git: git would obey what else stands there (``include``, ``url.….insteadOf``). What a child
writes there later counts for nothing. What an earlier session of the directory wrote there counts; so each card shows
the URL.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from bridge.protocol.remote import local_path, recorded
from supervisor.projects.repository import place_of

MOST_BYTES = 256 * 1024
PREFERRED = "origin"
_SECTION = re.compile(r'\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)', re.DOTALL)
_ENTRY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}


def remote_of(directory: str, home: str) -> str:
    """The URL of ``origin``, or of the only remote there is; "" when there is none that could be pushed to."""
    if (found := place_of(directory, home)) is None:
        return ""
    top, common = found
    url = recorded(chosen(_text(common / "config")), str(top))
    return str(Path(url).resolve()) if local_path(url) else url


def chosen(config: str) -> str:
    """The URL that a push would go to, as it stands in a git configuration (git-config(1), "Syntax")."""
    urls: dict[str, dict[str, str]] = {}
    for name, key, value in _remotes(config):
        urls.setdefault(name, {}).setdefault(key, value)
    if PREFERRED not in urls and len(urls) != 1:
        return ""
    found = urls.get(PREFERRED) or next(iter(urls.values()))
    return found.get("pushurl") or found.get("url", "")


def _remotes(config: str) -> Iterator[tuple[str, str, str]]:
    """(remote, key, value) of each URL."""
    remote = ""
    for line in _lines(config):
        rest = line
        if section := _SECTION.fullmatch(line):
            is_remote = section[1].lower() == "remote" and section[2] is not None
            remote, rest = re.sub(r"\\(.)", r"\1", section[2]) if is_remote else "", section[3]
        entry = _ENTRY.fullmatch(rest)
        if remote and entry and entry[1].lower() in ("url", "pushurl"):
            yield remote, entry[1].lower(), _value(entry[2])


def _lines(config: str) -> Iterator[str]:
    """A backslash at a line's end joins it with the next."""
    held = ""
    for line in config.splitlines():
        held += line.lstrip() if not held else line
        if (len(held) - len(held.rstrip("\\"))) % 2:
            held = held[:-1]
            continue
        yield held
        held = ""
    yield held


def _value(text: str) -> str:
    """Without quotes, escapes, and the comment behind it."""
    value, spaces, is_quoted = "", "", False
    characters = iter(text)
    for character in characters:
        if character == '"':
            is_quoted = not is_quoted
        elif character in "#;" and not is_quoted:
            break
        elif character.isspace() and not is_quoted:
            spaces += character
        else:
            if character == "\\":
                escaped = next(characters, "")
                character = _ESCAPES.get(escaped, escaped)  # noqa: PLW2901
            value, spaces = value + (spaces if value else "") + character, ""
    return value


def _text(path: Path) -> str:
    """ "" for a link, for what is no file, and for what is too long to be a configuration."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            data = file.read(MOST_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    except OSError:
        return ""
    return "" if len(data) > MOST_BYTES else data.decode(errors="replace")
