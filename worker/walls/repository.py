"""A repository whose git directory lies outside of the project: what of it is open, and what stays sealed.

The project may be a directory inside a repository, a linked worktree, or a submodule; without the common git directory
git says only that there is no repository. Which one that is was found at the session's creation, and a ``.git`` file
that was changed later opens nothing. A git directory decides in many places what git *runs* for its other users
(``hooks``, ``config``, includes, ``commondir``, a rebase's list, those of submodules and other worktrees), so what is
shared is read-only. A linked worktree's child writes what a commit needs: its own entry, objects, refs and logs. Where
the project is a directory inside a repository, there is no entry of its own: git reads, and does not commit. A
submodule's git directory is the project's alone, but for what its superproject's git would run in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from worker.walls import at_path
from worker.walls.wish import Mount, within

_SHARED = ("objects", "refs", "logs")
_SEALED = ("hooks", "config", "config.worktree", "worktrees", "modules")
_MOST_BYTES = 4096


def mounts(project: Path, git_directory: str, work_tree: str, home: Path, never: Iterable[Path]) -> Iterator[Mount]:
    """Real paths. ``never``: what is not opened, nor anything in it or around it; nor is anything around ``home``."""
    common, top = Path(git_directory), Path(work_tree) if work_tree else None
    if not git_directory or not _is_repository(common):
        return
    shut = tuple(never)
    for place in filter(None, (common, top)):
        if within(home, place) or any(within(place, folder) or within(folder, place) for folder in shut):
            return
    if top and at_path.is_folder(top):
        yield Mount(top, "read-only")
    entry = _entry_of(top or project, common)
    if entry:
        yield Mount(common, "read-only")
        yield from (Mount(common / name, "writable") for name in _SHARED if at_path.is_folder(common / name))
        yield Mount(entry, "writable")
    elif top:
        yield Mount(common, "read-only")
    else:
        yield Mount(common, "writable")
        yield from (Mount(path, "read-only") for path in _sealed(common))


def _is_repository(common: Path) -> bool:
    return at_path.is_file(common / "HEAD") and all(at_path.is_folder(common / name) for name in ("objects", "refs"))


def _entry_of(top: Path, common: Path) -> Path | None:
    """A linked worktree's own entry, known by what points back to it."""
    for back in common.glob("worktrees/*/gitdir"):
        named = at_path.text(back, _MOST_BYTES).strip()
        if named and Path(named).resolve() == (top / ".git").resolve():
            return back.parent
    return None


def _sealed(common: Path) -> Iterator[Path]:
    yield from (
        path for path in (common / name for name in _SEALED) if at_path.exists(path) and not at_path.is_link(path)
    )


def in_words(mounts: Sequence[Mount]) -> tuple[str, ...]:
    """Of what was opened, each outermost place, and whether it is written."""
    outermost = [
        one for one in mounts if not any(one is not other and within(one.path, other.path) for other in mounts)
    ]
    return tuple(f"`{one.path}` ({_how(one, mounts)})" for one in outermost)


def _how(outer: Mount, mounts: Sequence[Mount]) -> str:
    if outer.kind == "writable":
        return "its git data"
    takes_commits = any(one.kind == "writable" and within(one.path, outer.path) for one in mounts)
    return "read-only, but for what a commit needs" if takes_commits else "read-only"
