"""How the parts are joined, as it is drawn in ``supervisor/assembly.py``: nobody is held by what it holds."""

from collections.abc import Iterator
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path

from lab.configured import configuration
from supervisor.assembly import session_manager, threads, workers
from supervisor.config_in_force import Settings
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.reload import Reload
from supervisor.sessions.store import Store
from supervisor.workers.curve import server_keys

TOKEN = "a.b.c"


def held(part: object) -> Iterator[object]:
    """The parts of ours that stand in another's attributes; what it only calls, it does not hold."""
    for value in getattr(part, "__dict__", {}).values():
        if type(value).__module__.startswith("supervisor."):
            yield value


def all_held(parts: list[object]) -> dict[int, tuple[object, list[object]]]:
    """Each part that is held by one of these, however far away, with those that it holds."""
    found: dict[int, tuple[object, list[object]]] = {}
    while parts:
        part = parts.pop()
        if id(part) not in found:
            found[id(part)] = part, [*held(part)]
            parts += held(part)
    return found


def test_there_is_no_ring_of_objects_that_hold_each_other(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    with closing(Store(config.layout.database)) as store:
        manager, settings = session_manager(store), Settings(config)
        above = threads(Reload(settings), manager, Rest(config.api_base, TOKEN, Pace()), TOKEN)
        below = workers(settings, manager, server_keys(store))
        parts = all_held([*above, *above.ears, *below])
        below.downlink._sockets.close()
    assert len(parts) > 50
    names = {key: f"{type(part).__name__} {key}" for key, (part, _) in parts.items()}
    graph = {names[key]: [names[id(one)] for one in holds if one is not part] for key, (part, holds) in parts.items()}
    TopologicalSorter(graph).prepare()  # CycleError names the ring
