"""The git repository that a project directory belongs to, where its git directory lies outside of the project.

Looked at once, when a session is created: what a child does to ``.git`` later opens nothing. A ``.git`` *file* names
another place, and an archive may bring one that names somebody else's repository; so it counts only when that place
names this directory back, as git itself writes it for linked worktrees and submodules (gitrepository-layout(5)).
"""

import os
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
        return marker.resolve() if _is_ours(marker) and (marker / "HEAD").is_file() else None
    own = _named(top, _line(marker).removeprefix("gitdir:").strip())
    if own is None or not _is_ours(own) or not (own / "HEAD").is_file():
        return None
    if back := _line(own / "gitdir"):
        common = _named(own, _line(own / "commondir"))
        return common if Path(back).resolve() == marker.resolve() and common and _is_ours(common) else None
    return own if _names_work_tree(own, top) else None


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
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
