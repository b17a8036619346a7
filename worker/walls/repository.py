"""A repository whose git directory lies outside of the project: what of it is open, and what stays sealed.

The project may be a directory inside a repository, or a linked worktree; without the common git directory git says
only that there is no repository. Which one that is was found at the session's creation, and a ``.git`` file that was
changed later opens nothing. What in a git directory decides what git *runs* for its other users (``hooks``, ``config``,
those of submodules, other worktrees' entries) is read-only: the next git command in the user's shell would obey it.
A linked worktree's child writes only what a commit needs. A directory inside a repository shares the whole of it, and
so could plant a ``commondir``, which leads git to another configuration: no mount can stand where nothing is, so that
file is taken away again as soon as it is seen (``sweep``).
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from worker.walls import looks
from worker.walls.wish import Mount

_SHARED = ("objects", "refs", "logs")
_SEALED = ("hooks", "config", "config.worktree", "worktrees", "info/attributes")
COMMONDIR = "commondir"
SWEPT = (
    "A file `commondir` appeared in the git directory of the repository around this project. It would have led git to"
    " another configuration, so it was taken away."
)


def mounts(project: Path, git_directory: str, work_tree: str) -> Iterator[Mount]:
    """Real paths. Makes the hooks' folder where it is missing, so that it is covered."""
    common = Path(git_directory)
    if not git_directory or not looks.is_folder(common):
        return
    if work_tree and looks.is_folder(Path(work_tree)):
        yield Mount(Path(work_tree), "read-only")
    entry = _entry_of(project, Path(work_tree) if work_tree else project, common)
    if entry:
        yield Mount(common, "read-only")
        yield from (Mount(common / name, "writable") for name in _SHARED if looks.is_folder(common / name))
        yield Mount(entry, "writable")
    else:
        with contextlib.suppress(OSError):
            (common / "hooks").mkdir(exist_ok=True)
        yield Mount(common, "writable")
        yield from (Mount(path, "read-only") for path in _sealed(common))


def _entry_of(project: Path, top: Path, common: Path) -> Path | None:
    """A linked worktree's own entry, known by what points back to it."""
    for back in common.glob("worktrees/*/gitdir"):
        with contextlib.suppress(OSError, ValueError):
            if Path(back.read_text().strip()).resolve() == (top / ".git").resolve():
                return back.parent
    return None


def _sealed(common: Path) -> Iterator[Path]:
    found = [common / name for name in _SEALED]
    for module in common.glob("modules/**/config"):
        found += [module, module.parent / "hooks"]
    yield from (path for path in found if looks.exists(path) and not looks.is_link(path))


def in_words(git_directory: str, work_tree: str) -> tuple[str, ...]:
    found = [f"`{git_directory}` (its git data; hooks and configuration read-only)"] if git_directory else []
    return (*found, *([f"`{work_tree}` (read-only)"] if work_tree else []))


def sweep(git_directory: str) -> bool:
    """Take away a ``commondir`` that was planted in a repository's own git directory; whether there was one."""
    planted = Path(git_directory, COMMONDIR)
    if not git_directory or not (looks.is_link(planted) or looks.exists(planted)):
        return False
    with contextlib.suppress(OSError):
        planted.unlink()
    return True
