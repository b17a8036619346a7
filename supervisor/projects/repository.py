"""The git repository that a project directory belongs to, where its git directory lies outside of the project.

Looked at once, when a session is created: what a child does to ``.git`` later opens nothing. A ``.git`` *file* names
another place, and whoever writes in the project can write one: a child of the session before, or an archive. So nothing
that it says is believed but what git itself keeps elsewhere: a linked worktree's entry is a directory of
``worktrees`` in a git directory that is one, and names this directory back; a submodule's names it in its configuration
(gitrepository-layout(5)). All of it lies outside of the project. Only regular files are read, and little of them.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

MOST_BYTES = 4096


class Repository(msgspec.Struct, frozen=True):
    """Real paths; "" where there is nothing outside of the project."""

    git_directory: str = ""
    """The common one."""
    work_tree: str = ""
    """The top directory, where the project is a directory inside it."""


NONE = Repository()


def found_at(directory: str, home: str) -> Repository:
    """``home``: no repository that holds the whole of it is opened."""
    project = Path(directory).resolve()
    found = place_of(directory, home)
    if found is None or found[1].is_relative_to(project):
        return NONE
    top, common = found
    return Repository(str(common), "" if top == project else str(top))


def place_of(directory: str, home: str) -> tuple[Path, Path] | None:
    """(its top directory, its common git directory) of the repository, wherever that lies; as above."""
    project = Path(directory).resolve()
    for top in (project, *project.parents):
        marker = top / ".git"
        if not os.path.lexists(marker):
            continue
        if top != project and (top == Path("/") or Path(home).resolve().is_relative_to(top)):
            return None
        common = _common(top, marker)
        return (top, common) if common else None
    return None


def _common(top: Path, marker: Path) -> Path | None:
    """The common git directory of the work tree ``top``; None when there is none that is its own."""
    if marker.is_symlink():
        return None
    if marker.is_dir():
        return marker.resolve() if _is_repository(marker) else None
    own = _named(top, _line(marker).removeprefix("gitdir:").strip())
    if own is None or own.is_relative_to(top) or not _is_ours(own):
        return None
    if own.parent.name == "worktrees":
        common, back = own.parent.parent, _line(own / "gitdir")
        is_named = bool(back) and Path(back).resolve() == marker.resolve()
        return common if is_named and not common.is_relative_to(top) and _is_repository(common) else None
    return own if _is_repository(own) and _names_work_tree(own, top) else None


def _is_repository(path: Path) -> bool:
    folders = all((path / name).is_dir() and not (path / name).is_symlink() for name in ("objects", "refs"))
    return folders and bool(_line(path / "HEAD")) and _is_ours(path)


def _names_work_tree(own: Path, top: Path) -> bool:
    """A submodule's: ``worktree = …`` in its configuration, relative to the git directory."""
    for line in _text(own / "config").splitlines():
        key, _, value = line.strip().partition("=")
        if key.strip().lower() == "worktree":
            return (own / value.strip().strip('"')).resolve() == top
    return False


def _named(base: Path, name: str) -> Path | None:
    found = (base / name).resolve() if name else None
    return found if found and found.is_dir() else None


def _is_ours(path: Path) -> bool:
    """As git's own ``safe.directory``: nothing is opened that another user owns."""
    return path.stat().st_uid == os.geteuid()


def _line(path: Path) -> str:
    return _text(path).partition("\n")[0].strip()


def _text(path: Path) -> str:
    """Of a regular file; a pipe that a child left there holds nobody up."""
    with suppress(OSError, ValueError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return file.read(MOST_BYTES).decode(errors="replace")
    return ""
