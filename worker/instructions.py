"""The project's own instructions to Claude (``CLAUDE.md``), which are text and so may be read.

Nothing else of the project's ``.claude`` is: its settings, hooks and commands run programs. ``--setting-sources user``
keeps Claude from them, and from the project's ``CLAUDE.md`` too. So that is read here, outside of the child's walls,
with rights that the child has not. What counts is therefore where the file that we *opened* really is: a link to
another file of the project is followed, one that leads out of it, or into what is hidden from the child (the project
may be a whole home, with the token and the state in it), is not. It is opened as a place only (O_PATH) until it
is known to be a regular file, so that a pipe blocks nobody.

Claude keeps what it was told at a conversation's first request, until it is compacted (docs/claude-protocol.md,
"Conversations").
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

FILES = ("CLAUDE.md", ".claude/CLAUDE.md")
MOST_BYTES = 96 * 1024
"""Of all of them. One argument of a program has at most 128 KiB (execve(2), MAX_ARG_STRLEN)."""
_HEAD_BYTES = 200


def read(project: str, hidden: Sequence[str]) -> str:
    """What Claude is told of the project's instructions; empty when there are none. ``hidden``: paths kept from it."""
    root = Path(project).resolve()
    kept = (Path(path).resolve() for path in hidden if path)
    shut = tuple(folder for folder in kept if not root.is_relative_to(folder))  # the project itself is shown again
    room = MOST_BYTES
    told = []
    for name in FILES:
        if part := _told(root, shut, name, room - _HEAD_BYTES):
            told.append(part)
            room -= len(part.encode())
    return "\n\n".join(told)


def _told(root: Path, shut: tuple[Path, ...], name: str, room: int) -> str:
    try:
        place = os.open(root / name, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        real = Path(os.readlink(f"/proc/self/fd/{place}"))  # noqa: PTH115 - as the kernel says it, unresolved
        if not real.is_relative_to(root):
            return f"({name} of the project is not shown here: it is a link that leads out of the project.)"
        if any(real.is_relative_to(folder) for folder in shut):
            return f"({name} of the project is not shown here: it leads to what is kept from Claude.)"
        return _content(place, name, room) if stat.S_ISREG(os.fstat(place).st_mode) else ""
    except OSError as error:
        return f"({name} of the project could not be read: {error.strerror}.)"
    finally:
        os.close(place)


def _content(place: int, name: str, room: int) -> str:
    with os.fdopen(os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        data = file.read(max(room, 0) + 1)
    text = data[: max(room, 0)].decode(errors="ignore").replace("\0", "").strip()
    if not text:
        return ""
    cut = f"\n\n(Cut off here: read the rest in {name}.)" if len(data) > room else ""
    return f"The project's instructions, from {name} in your working directory:\n\n{text}{cut}"
