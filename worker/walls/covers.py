"""What is hidden, sealed and pinned of what a child could otherwise reach, and what stands in the way of that."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge.protocol.errors import UserError
from worker import bubblewrap, opening
from worker.walls.wish import SHOWN_AGAIN, Containment, Kind, Mount, Walls, within

Reachable = Callable[[Path], bool]
"""Whether the child could come to a path at all."""


def _everything(path: Path) -> bool:
    return True


def survey(wish: Containment) -> Walls:
    """The level ``home``. Make the missing mount points, resolve every path, leave out what is not there.

    Raises UserError when the project or home directory lies where the child could not use it.
    """
    refuse_misplaced(wish, _everything)
    covers = all_covers(wish, _everything)
    mounts = {mount.path: mount for mount in (*pins(covers, wish.uid, _everything), *covers)}
    project = Path(wish.project_directory).resolve()
    if any(within(project, cover.path) for cover in covers):
        opening.real(Path(wish.project_directory), wish.uid)  # no link may lead into what is covered
        mounts[project] = Mount(project, "writable")
    mounts |= {path: Mount(path, "writable") for path in (Path(given).resolve() for given in wish.writable)}
    program = bubblewrap.find(os.environ.get("PATH", ""))
    weak = tuple(weaknesses(wish, _everything))
    size = bubblewrap.takes(program, "--size")
    return Walls(program, wish.uid == 0, tuple(mounts.values()), weak, takes_size=size)


def _claude(wish: Containment) -> Path:
    return Path(wish.claude_directory or Path(wish.home, ".claude"))


def _private(wish: Containment) -> list[Path]:
    names = ("cc-socks", f"cc-socks-{wish.uid}")
    sockets = [Path(folder, name) for folder in wish.temporary_directories for name in names]
    return [*sockets, _claude(wish) / "sessions"]


def _settings(wish: Containment) -> list[Path]:
    return [_claude(wish) / name for name in ("settings.json", "settings.local.json")]


def _units(wish: Containment) -> Path:
    return Path(wish.home, ".config/systemd")


def _read_only(wish: Containment) -> list[Path]:
    return list(map(Path, (*SHOWN_AGAIN, *wish.installation, *wish.protected_paths, *wish.shown)))


def _hidden(wish: Containment) -> list[Path]:
    return [Path(path) for path in (wish.state_directory, *wish.secrets, *wish.hidden, wish.runtime_directory) if path]


def hidden_places(wish: Containment) -> tuple[Path, ...]:
    """Real paths of what no child may see."""
    return tuple(path.resolve() for path in _hidden(wish))


def _plantable(wish: Containment, reachable: Reachable) -> Iterable[Mount]:
    """What a child could make itself, or replace by a link: each is made when it is missing, so that it is covered.

    Raises UserError for a link.
    """
    wanted: list[tuple[Kind, opening.Make, list[Path]]] = [
        ("private", "directory", _private(wish)),
        ("read-only", "directory", [_units(wish)]),
        ("read-only", "file", _settings(wish)),
    ]
    for kind, make, paths in wanted:
        for path in filter(reachable, paths):
            if real := opening.real(path, wish.uid, make):
                yield Mount(real, kind)


def refuse_misplaced(wish: Containment, reachable: Reachable) -> None:
    """Raises UserError when the project or home directory lies where the child could not or must not use it."""
    state, project = Path(wish.state_directory).resolve(), Path(wish.project_directory).resolve()
    for name, path in (("home", Path(wish.home)), ("claude", _claude(wish))):
        if within(path.resolve(), state):
            raise UserError(
                f"the {name} directory {path} lies inside the state directory {state}, which is hidden from"
                " Claude; choose another state directory"
            )
    if within(project, state):
        raise UserError(f"the project directory {project} lies inside the state directory {state}; move one")
    for secret in (Path(path).resolve() for path in wish.secrets):
        if within(project, secret):
            raise UserError(f"the project directory {project} lies in {secret}, where the bot's token is; move one")
    for path in map(Path, (*wish.installation, *wish.protected_paths)):
        if within(project, path.resolve()):
            raise UserError(
                f"the project directory {project} lies inside {path}, which belongs to Threadbridge"
                " itself and which Claude must not change; use another copy"
            )
    if project in {path.resolve() for path in _hidden(wish)}:
        raise UserError(f"the project directory {project} is one that is hidden from Claude; choose another")
    for path in _sealed(wish, reachable):
        if within(project, path):
            raise UserError(
                f"the project directory {wish.project_directory} is or lies in {path}, which is kept from Claude"
            )


def _sealed(wish: Containment, reachable: Reachable) -> list[Path]:
    """Real paths of what the child must not change. Raises UserError for a link that it could have put there."""
    paths = (*_private(wish), *_settings(wish), _units(wish))
    sealed = [real for path in filter(reachable, paths) if (real := opening.real(path, wish.uid))]
    sealed += [path.resolve() for path in paths if not reachable(path)]
    return sealed + [Path(path).resolve() for path in SHOWN_AGAIN]


def all_covers(wish: Containment, reachable: Reachable) -> list[Mount]:
    """What is sealed or hidden, of what can be reached."""
    kinds: list[tuple[Kind, list[Path]]] = [
        ("read-only", _read_only(wish)),
        ("hidden", _hidden(wish)),
    ]
    there = ((kind, path) for kind, paths in kinds for path in filter(reachable, paths) if os.access(path, os.F_OK))
    return [*_plantable(wish, reachable), *(Mount(path.resolve(), kind) for kind, path in there)]


def pins(covers: list[Mount], uid: int, could_be_renamed: Reachable) -> list[Mount]:
    """Never an ancestor inside a cover: binding it would uncover it."""
    parents = {parent for cover in covers for parent in cover.path.parents if parent != Path("/")}
    ancestors = filter(could_be_renamed, parents)
    loose = (path for path in sorted(ancestors) if _renamable(path, uid))
    return [Mount(path, "pinned") for path in loose if not any(within(path, c.path) for c in covers)]


def _renamable(path: Path, uid: int) -> bool:
    """May the user rename it? As he may put something beside it."""
    return opening.could_plant(path.parent.stat(), uid)


def weaknesses(wish: Containment, reachable: Reachable) -> Iterable[str]:
    """A symbolic link cannot be pinned: the child replaces it, and the next start follows it elsewhere."""
    for path in map(Path, (wish.state_directory, *wish.protected_paths)):
        for part in (path.absolute(), *path.absolute().parents):
            if part.is_symlink() and reachable(part.parent) and _renamable(part, wish.uid):
                yield f"{path} is reached through the symbolic link {part}, which Claude could replace"
