"""The level ``project``: of this machine's files a child sees what is listed here, and nothing else.

Later mounts win, and parents come before what lies in them. In this order, each over the ones before: the machine's own
directories; $HOME, /tmp, /var/tmp, /run and /dev/shm of the session's own; what makes common tools work; what the
configuration names; Claude's files; the project with its repository; the session's files. Last come the same covers
as at the level ``home``, as far as what they cover can be reached at all: a project may be a whole home.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.protocol.errors import UserError
from worker import bubblewrap, opening
from worker.walls import at_path, claude_home, covers, private_folders, private_home, program, repository, system
from worker.walls.own_places import expanded, links_on_the_way, named_writable, plantable_link, written_by_children
from worker.walls.wish import Containment, Kind, Mount, RefusedError, Walls, within


def survey(wish: Containment) -> Walls:
    """Makes what is missing, resolves every path. Raises UserError when something cannot be opened or covered."""
    private = Path(wish.reach.private)
    project = Path(wish.project_directory).resolve()
    hidden = covers.hidden_places(wish)
    covers.refuse_misplaced(wish, reachable([project, *named_writable(wish)]))
    _prepare(wish, private)
    around = _around(wish, project, hidden)
    listed = {mount.path: mount for mount in _listed(wish, private, project, hidden, around)}
    cli = program.find(
        wish.reach.command, wish.reach.path, Path(wish.home), lambda path: _is_shown(path, listed.values())
    )
    _refuse_writable(wish, (str(mount.bound) for mount in cli.mounts))
    listed |= {mount.path: mount for mount in cli.mounts}
    listed |= {mount.path: mount for mount in _covers(wish, project, listed)}
    mounts = _mountable(wish, private, listed)
    found = bubblewrap.find(os.environ.get("PATH", ""))
    writable = reachable(mount.path for mount in mounts if mount.kind == "writable" and not mount.source)
    return Walls(
        found,
        wish.uid == 0,
        tuple(mounts),
        tuple(covers.weaknesses(wish, writable)),
        takes_size=bubblewrap.takes(found, "--size"),
        level="project",
        directory=str(project),
        argv=cli.argv,
        opened=repository.in_words(around),
    )


def _listed(
    wish: Containment, private: Path, project: Path, hidden: tuple[Path, ...], around: Iterable[Mount]
) -> Iterator[Mount]:
    home, reach = Path(wish.home).resolve(), wish.reach
    yield from system.mounts(hidden)
    for path, name in (("/tmp", "tmp"), ("/var/tmp", "var-tmp"), ("/run", "run"), ("/dev/shm", "shm")):  # noqa: S108
        yield Mount(Path(path), "writable", str(private / name))
    yield from (Mount(Path(path), "writable", str(private / "tmp")) for path in _temporary(wish))
    yield Mount(home, "writable", str(private / "home"))
    if not within(home, project):
        yield from private_home.mounts(home, Path(reach.caches), written_by_children(wish), hidden)
    yield from _configured(wish, home, hidden)
    yield from claude_home.mounts(wish, private, hidden)
    yield from _links(Path(wish.project_directory))
    yield from _links(Path(wish.home))
    yield from around
    yield Mount(project, "writable")
    yield from (
        Mount(Path(path).resolve(), "read-only")
        for path in (*wish.shown, reach.login)
        if path and at_path.is_folder(Path(path))
    )
    yield from (Mount(Path(path).resolve(), "writable") for path in wish.writable)


def _around(wish: Containment, project: Path, hidden: tuple[Path, ...]) -> list[Mount]:
    """The repository around the project; what of it the configuration names writable stays so."""
    home, reach, named = Path(wish.home).resolve(), wish.reach, named_writable(wish)
    found = repository.mounts(project, reach.git_directory, reach.work_tree, home, _never_shared(wish, hidden))
    return [mount for mount in found if mount.path not in named]


def _never_shared(wish: Containment, hidden: tuple[Path, ...]) -> tuple[Path, ...]:
    """What no repository around a project may be, hold or lie in."""
    system_places = ("/etc", "/proc", "/dev", "/sys", "/boot", "/usr", "/run")
    return (*hidden, claude_home.real(wish), *map(Path, system_places))


def _temporary(wish: Containment) -> list[str]:
    """Where the configuration leads temporary files, besides /tmp: the same folder."""
    return [path for path in wish.temporary_directories if path != "/tmp" and Path(path).is_absolute()]  # noqa: S108


def _prepare(wish: Containment, private: Path) -> None:
    """Raises RefusedError: a full disk may have room again later."""
    try:
        private_folders.prepare(private)
        for folder in private_home.folders(Path(wish.reach.caches)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        claude_home.write_copy(wish, private)
    except OSError as error:
        raise RefusedError(f"what is private to Claude could not be made: {error.strerror} ({private})") from error


def _refuse_writable(wish: Containment, programs: Iterable[str]) -> None:
    """Raises UserError for a CLI that a child could change: it runs outside too, to renew the login."""
    named = shutil.which(wish.reach.command[0], path=wish.reach.path) if wish.reach.command else None
    written = written_by_children(wish)
    for path in map(Path, (*([named] if named else []), *programs)):
        for place in written:
            if any(within(part, place) for part in (path.absolute(), path.resolve(), *links_on_the_way(path))):
                raise UserError(f"[claude] command: {path} lies in {place}, which Claude may write; use another copy")


# ---- what the configuration names


def _configured(wish: Containment, home: Path, hidden: tuple[Path, ...]) -> Iterator[Mount]:
    for names, is_writable in ((wish.reach.readable, False), (wish.reach.writable, True)):
        for name in names:
            path = expanded(name, home)
            real = _followed(path, wish, hidden)
            if not at_path.exists(real):
                continue
            kind: Kind = "device" if within(real, Path("/dev")) else "writable" if is_writable else "read-only"
            yield Mount(real, kind)
            if real != path and not at_path.is_link(path.parent):
                yield Mount(path, kind, str(real))


def _followed(path: Path, wish: Containment, hidden: tuple[Path, ...]) -> Path:
    """The real path. Raises UserError for a link that a child may have planted, and for what is not to be opened."""
    if link := plantable_link(path, written_by_children(wish)):
        raise UserError(f"[containment] names {path}, but {link} is a symbolic link, which Claude could have made")
    real = path.resolve()
    home = Path(wish.home).resolve()
    if real == Path("/") or within(home, real):
        raise UserError(
            f"[containment] names {path}, which holds the whole home: name what is needed in it, or set"
            ' containment = "home" for the channel'
        )
    if any(within(real, folder) for folder in hidden):
        raise UserError(f"[containment] names {path}, which lies in what is hidden from Claude: take it out")
    return real


def _links(path: Path) -> Iterator[Mount]:
    """So that the project and the home are also found by the names that people use."""
    for link in links_on_the_way(path):
        if not any(at_path.is_link(parent) for parent in link.parents):
            yield Mount(link, "link", str(link.readlink()))


# ---- what can be reached, and what of it is covered


def reachable(places: Iterable[Path]) -> covers.Reachable:
    """Whether one of the places holds a path, as it is written or where it leads; that is looked up once a path."""
    known = {place.parts for place in places}
    depths = {len(parts) for parts in known}

    def holds(path: Path) -> bool:
        parts = path.parts
        return any(parts[:depth] in known for depth in depths)

    return lambda path: holds(path) or holds(path.resolve())


def _covers(wish: Containment, project: Path, listed: dict[Path, Mount]) -> Iterator[Mount]:
    """Of what stands at its own path inside. What is shown again in what is hidden comes after it."""
    own = {mount.path: mount for mount in listed.values() if mount.kind != "link"}
    found = covers.all_covers(wish, reachable(path for path, mount in own.items() if not mount.source))

    def could_be_renamed(path: Path) -> bool:
        """What lies in a place that the child writes, and is no mount itself."""
        above = next((own[parent] for parent in path.parents if parent in own), None)
        return path not in own and above is not None and above.kind == "writable" and not above.source

    shown = {Path(path).resolve() for path in (*wish.shown, *wish.writable, wish.reach.login) if path}
    for mount in (*covers.pins(found, wish.uid, could_be_renamed), *found):
        if mount.path in shown or mount.path == project:
            continue
        if within(project, mount.path) and mount.kind != "pinned":
            opening.real(Path(wish.project_directory), wish.uid)  # no link may lead into what is covered
        yield mount


def _is_shown(path: Path, mounts: Iterable[Mount]) -> bool:
    return any(within(path, mount.path) and not mount.source for mount in mounts if mount.kind != "link")


def _mountable(wish: Containment, private: Path, listed: dict[Path, Mount]) -> list[Mount]:
    """Without those for which there is no place: in a read-only mount nothing can be made."""
    ordered = sorted(listed.values(), key=lambda mount: len(mount.path.parts))
    kept: dict[Path, Mount] = {}
    for mount in ordered:
        above = next((kept[parent] for parent in mount.path.parents if parent in kept), None)
        if above and not _has_place(mount, above, private, wish):
            continue
        kept[mount.path] = mount
    return list(kept.values())


def _has_place(mount: Mount, above: Mount, private: Path, wish: Containment) -> bool:
    below = mount.path.relative_to(above.path)
    source = Path(above.bound)
    match above.kind:
        case "link":
            return False
        case "hidden" | "private":
            return True
        case "read-only" | "device":
            return mount.kind != "link" and at_path.exists(source / below)
        case _ if mount.kind == "link":
            if within(source, private):  # it lasts, so it is made here, and not again by each bubblewrap
                private_folders.make_link(source, below, mount.bound)
            return False
        case _:
            if within(source, private) or within(source, Path(wish.reach.caches)):
                is_folder = mount.kind in {"hidden", "private"} or at_path.is_folder(Path(mount.bound))
                private_folders.make_way(source, below, is_folder=is_folder)
            return True
