"""What is in ~/.claude at the level ``project``, put together at each start.

Read-only and the user's own: settings, memory, agents, skills, commands, plugins, hooks. What of these is missing is
covered by something empty, for the CLI takes up in mid-session what appears there (docs/claude-protocol.md, "Project
files"). The transcripts of this directory and the file history of this conversation are the user's too, so that thread
and terminal can resume each other. ``.claude.json`` is a private copy of what is needed. The login's file is never
there. Everything else is private to the session and begins empty, but for ``KEPT``, which a conversation needs again
after a pause.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from worker.walls import at_path
from worker.walls.own_places import believed, written_by_children
from worker.walls.wish import Containment, Mount, RefusedError, within

FILES = {"settings.json": "{}\n", "settings.local.json": "{}\n", "CLAUDE.md": "", "keybindings.json": "{}\n"}
"""Each with what stands for a missing one."""
FOLDERS = ("agents", "commands", "skills", "plugins", "hooks", "output-styles", "rules", "workflows", "themes")
KEPT = ("plans", "todos", "tasks", "file-history")
LOGIN = ".credentials.json"
NEEDED = ("mcpServers", "hasCompletedOnboarding")
"""Of ``.claude.json``. The CLI works without the file (docs/claude-protocol.md, "Login files")."""
MOST_JSON_BYTES = 16 * 1024 * 1024
_LONGEST_SLUG = 200


def real(wish: Containment) -> Path:
    """The user's own, outside."""
    return Path(wish.claude_directory or Path(wish.home, ".claude")).resolve()


def inside(wish: Containment) -> Path:
    """Where it stands inside."""
    return Path(wish.claude_directory).resolve() if wish.claude_directory else Path(wish.home).resolve() / ".claude"


def mounts(wish: Containment, private: Path, hidden: tuple[Path, ...]) -> Iterator[Mount]:
    """Makes what is missing of the user's own folders. Raises UserError when that cannot be done."""
    place, own = inside(wish), real(wish)
    if any(within(own, folder) for folder in hidden):
        raise UserError(f"Claude's directory {own} lies in what is hidden from Claude; choose another place for one")
    if wish.claude_directory or within(place, Path(wish.project_directory).resolve()):
        yield Mount(place, "writable", str(private / "claude"))
        if not wish.claude_directory:  # the project is a whole home
            yield Mount(Path(wish.home).resolve() / ".claude.json", "writable", str(private / "home/.claude.json"))
    for name in KEPT:
        yield Mount(place / name, "writable", str(private / "kept" / name))
    rules = _Rules(written_by_children(wish), (*hidden, own / LOGIN))
    yield from _users(place, own, private / "nothing", rules, wish.reach.trusted)
    project = str(Path(wish.project_directory).resolve())
    yield _own(place, own, Path("projects", slug(project)))
    if (claude_id := wish.reach.claude_id) and at_path.is_folder(own / "file-history" / claude_id):
        yield _own(place, own, Path("file-history", claude_id))
    yield from _transcript_elsewhere(place, own, project, wish.reach.claude_id)


class _Rules(msgspec.Struct, frozen=True):
    """Where nothing is believed: what children write, and what is hidden."""

    written: tuple[Path, ...]
    hidden: tuple[Path, ...]

    def believed(self, path: Path) -> Path | None:
        return believed(path, self.written, self.hidden)


def _users(place: Path, own: Path, nothing: Path, rules: _Rules, trusted: dict[str, str]) -> Iterator[Mount]:
    """A link of the user's is followed, but never to where a child could have led it."""
    for name in (*FILES, *FOLDERS):
        found = rules.believed(own / name)
        is_there = found and (at_path.is_folder(found) if name in FOLDERS else at_path.is_file(found))
        source = found if found and is_there else nothing / (name if name in FILES else "folder")
        below = {entry: copy for entry, copy in trusted.items() if Path(entry).parts[0] == name}
        if name in FOLDERS and below:
            yield from _mixed(place, source, name, below, rules)
        else:
            yield Mount(place / name, "read-only", str(source))


def _mixed(place: Path, source: Path, name: str, trusted: dict[str, str], rules: _Rules) -> Iterator[Mount]:
    """The user's own entries beside the trusted copies; the user's win."""
    yield Mount(place / name, "hidden")
    for entry, copy in trusted.items():
        if not at_path.exists(source / Path(entry).relative_to(name)):
            yield Mount(place / entry, "read-only", copy)
    for entry_of_user in sorted(source.iterdir()):
        found = rules.believed(entry_of_user)
        if found and at_path.exists(found):
            yield Mount(place / name / entry_of_user.name, "read-only", str(found))


def _own(place: Path, own: Path, name: Path) -> Mount:
    try:
        (own / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(f"{own / name} could not be made: {error.strerror}") from error
    return Mount(place / name, "writable", str((own / name).resolve()))


def _transcript_elsewhere(place: Path, own: Path, project: str, claude_id: str) -> Iterator[Mount]:
    """A conversation that began in another directory stays in that one's folder: its file comes along, nothing else."""
    if not claude_id:
        return
    for path in own.glob(f"projects/*/{claude_id}.jsonl"):
        if path.parent.name != slug(project) and at_path.is_file(path) and not at_path.is_link(path):
            yield Mount(place / "projects" / path.parent.name / path.name, "writable", str(path.resolve()))


def slug(directory: str) -> str:
    """The folder's name below ``projects`` (docs/claude-protocol.md, "Conversations")."""
    units = [unit for letter in directory for unit in _utf16(ord(letter))]
    name = "".join(chr(unit) if re.fullmatch(r"[a-zA-Z0-9]", chr(unit)) else "-" for unit in units)
    if len(name) <= _LONGEST_SLUG:
        return name
    value = 0
    for unit in units:
        value = (value * 31 + unit) & 0xFFFFFFFF
    return f"{name[:_LONGEST_SLUG]}-{_base36(min(value, (1 << 32) - value))}"


def _utf16(point: int) -> tuple[int, ...]:
    if point < 0x10000:
        return (point,)
    return (0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def write_copy(wish: Containment, private: Path) -> None:
    """``.claude.json`` inside: never the file itself, which tells every other session what to start. Raises OSError."""
    beside = Path(wish.claude_directory) if wish.claude_directory else Path(wish.home)
    folder = private / ("claude" if wish.claude_directory else "home")
    copy = json.dumps(needed(_read(beside / ".claude.json"), str(Path(wish.project_directory).resolve())))
    fd = os.open(folder / ".claude.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(copy)


def needed(whole: dict[str, object], project: str) -> dict[str, object]:
    """What a session of ``project`` needs of the user's ``.claude.json``."""
    kept = {key: whole[key] for key in NEEDED if key in whole}
    projects = whole.get("projects")
    if isinstance(projects, dict) and isinstance(entry := projects.get(project), dict):
        kept["projects"] = {project: entry}
    return kept


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MOST_JSON_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
