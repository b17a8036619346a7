"""What a child may write, in this session or another of the same user: nothing that is reached through it is believed.

A link there, or what a link of the user's leads to there, may be another thing at the next start. So what is bound for
the user's own sake (settings, skills, installations, git's configuration) must not come from such a place.
"""

from collections.abc import Iterable
from pathlib import Path

from worker.walls import at_path
from worker.walls.wish import Containment, within


def written_by_children(wish: Containment) -> tuple[Path, ...]:
    """Real paths: the projects of all channels, what the configuration lets them write, and shared git directories."""
    given = (*wish.reach.projects, wish.project_directory, wish.reach.git_directory)
    return (*(Path(path).resolve() for path in given if path), *named_writable(wish))


def named_writable(wish: Containment) -> tuple[Path, ...]:
    """Real paths of what the configuration lets children write, besides the projects."""
    home = Path(wish.home).resolve()
    return tuple(expanded(name, home).resolve() for name in wish.reach.writable)


def expanded(name: str, home: Path) -> Path:
    """``~`` is the child's home."""
    return home / name[2:] if name.startswith("~/") else Path(name)


def believed(path: Path, written: Iterable[Path], hidden: Iterable[Path]) -> Path | None:
    """The real path; None when a child could have chosen where it leads, or it is, holds or lies in what is hidden."""
    places, real = tuple(written), path.resolve()
    if plantable_link(path, places) or any(within(real, place) for place in places):
        return None
    return None if any(within(real, folder) or within(folder, real) for folder in hidden) else real


def plantable_link(path: Path, written: Iterable[Path]) -> Path | None:
    """A link on the way to ``path`` that lies where children write, so that one of them could have made it."""
    places = tuple(written)
    return next((link for link in links_on_the_way(path) if any(within(link, place) for place in places)), None)


def links_on_the_way(path: Path) -> list[Path]:
    """Each symbolic link that is passed from the root to ``path``, also in what a link leads to."""
    found: list[Path] = []
    waiting, done = list(path.absolute().parts[1:]), Path("/")
    while waiting:
        done = done / waiting.pop(0)
        if at_path.is_link(done) and done not in found:
            found.append(done)
            target = done.readlink()
            waiting = [*(part for part in target.parts if part != "/"), *waiting]
            done = Path("/") if target.is_absolute() else done.parent
        elif done.name == "..":
            done = done.parent.parent
    return found
