"""docs/walks.md is what its table says, each arrow of the table is in the code, and no walk goes back."""

from collections.abc import Iterator

import msgspec
import pytest

from lab.walks.arrows import Begun, Calls, Given, Heard, Hint, How, Outside, Sent, Taken
from lab.walks.inference import Thing, called
from lab.walks.page import PAGE, page, room_of
from lab.walks.table import CLAUDE, DISCORD, WALKS, Arrow, Walk
from stages.support import ROOT
from test_imports import BRIDGE_FLOORS, ONLY_IN, SUPERVISOR_FLOORS, floor_of

ASSEMBLY = "supervisor/assembly.py"
ASKED_AGAIN = {
    "A message": {("supervisor/workers", "supervisor/sessions")},
    "A worker's start": {("supervisor/workers", "supervisor/sessions")},
    "A permission request": {("supervisor/threads", "supervisor/sessions")},
    "Its answer": {("supervisor/workers", "supervisor/sessions"), ("supervisor/commands", "supervisor/discord")},
    "A delta": {("supervisor/threads", "supervisor/sessions")},
}
"""Who asks a room that the walk left before; docs/architecture.md says the same."""

each_walk = pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.title)
each_arrow = pytest.mark.parametrize(
    "arrow",
    {(arrow.start, arrow.to, arrow.how): arrow for walk in WALKS for arrow in walk.arrows}.values(),
    ids=lambda arrow: f"{arrow.start} to {arrow.to}",
)


def test_the_page_is_what_the_table_says() -> None:
    assert page() == PAGE.read_text(), "run ./scripts/walks --write, and look at what changed"


def named(arrow: Arrow) -> Iterator[str]:
    """The files of an arrow, its neighbours too."""
    told = [arrow.start, arrow.to, *msgspec.structs.astuple(arrow.how)]
    told += msgspec.structs.astuple(arrow.how.how) if isinstance(arrow.how, Taken) else []
    yield from (one for one in told if isinstance(one, str) and one.endswith(".py"))


def test_each_file_of_the_table_is_there() -> None:
    assert {
        file for walk in WALKS for arrow in walk.arrows for file in named(arrow) if not (ROOT / file).is_file()
    } == set()


# --- each arrow is in the code -------------------------------------------------------------------------


@each_arrow
def test_the_code_has_the_arrow(arrow: Arrow) -> None:
    assert arrow.how.objection(arrow.start, arrow.to) == ""


@each_arrow
def test_a_library_that_leads_outside_has_its_one_place_there(arrow: Arrow) -> None:
    if isinstance(arrow.how, Outside) and DISCORD in (arrow.start, arrow.to):
        assert {arrow.start, arrow.to} - {DISCORD} <= ONLY_IN[arrow.how.library]


@each_arrow
def test_the_page_on_the_wire_has_each_message_by_its_sender(arrow: Arrow) -> None:
    if isinstance(arrow.how, Sent):
        sender = arrow.start.partition("/")[0]
        assert f"| `{arrow.how.message}` | {sender} |" in (ROOT / "docs/wire.md").read_text()


@pytest.mark.parametrize(
    ("start", "to", "how", "why"),
    [
        ("worker/orders.py", "worker/log.py", Calls("append"), "does not call"),
        ("supervisor/threads/handling.py", "supervisor/sessions/posts_table.py", Calls("desire"), "does not call"),
        ("supervisor/threads/writes.py", "supervisor/sessions/posts_table.py", Calls("PostRow"), "does not call"),
        ("supervisor/workers/downlink.py", "supervisor/sessions/lookup.py", Calls("get_session"), "does not call"),
        ("worker/log.py", "worker/orders.py", Taken(Calls("append")), "does not call"),
        ("supervisor/workers/processes.py", "supervisor/threads/outbox.py", Given(ASSEMBLY), "gives nothing of"),
        ("supervisor/threads/outbox.py", "supervisor/discord/rest.py", Given("worker/main.py"), "gives nothing of"),
        ("supervisor/commands/interactions.py", "supervisor/threads/outbox.py", Given(ASSEMBLY), "gives nothing of"),
        (
            *("supervisor/workers/endpoint.py", "supervisor/workers/this_machine.py"),
            *(Given(ASSEMBLY, "supervisor/workers/processes.py"), "do not know each other"),
        ),
        (
            *("supervisor/workers/seats.py", "supervisor/workers/this_machine.py"),
            *(Given(ASSEMBLY, "supervisor/workers/processes.py"), "calls nobody who could be"),
        ),
        (
            *("supervisor/discord/hearing.py", "supervisor/commands/interactions.py"),
            *(Heard("MESSAGE_CREATE"), "does not hear"),
        ),
        ("supervisor/discord/pace.py", "supervisor/threads/inbound.py", Heard("MESSAGE_CREATE"), "is not told"),
        ("supervisor/sessions/reports.py", "supervisor/threads/outbox.py", Hint("wished"), "does not hear"),
        ("supervisor/sessions/manager.py", "supervisor/sessions/rows.py", Hint("wished"), "does not hear"),
        ("supervisor/sessions/live_text.py", "supervisor/workers/downlink.py", Hint("streamed"), "does not hear"),
        ("supervisor/sessions/rules.py", "supervisor/threads/outbox.py", Hint("streamed"), "does not tell"),
        ("supervisor/workers/downlink.py", "worker/uplink.py", Sent("Records"), "makes no"),
        ("supervisor/workers/downlink.py", "worker/dealer.py", Sent("Order"), "reads no"),
        (
            *("worker/uplink.py", "supervisor/workers/seats.py"),
            *(Sent("Records", read_in="supervisor/workers/endpoint.py"), "calls nothing of"),
        ),
        ("supervisor/workers/this_machine.py", "worker/main.py", Begun(), "tells"),
        ("supervisor/workers/processes.py", "worker/process.py", Begun(), "starts no"),
        ("supervisor/discord/rest.py", DISCORD, Outside("aiohttp"), "does not import"),
        ("supervisor/discord/rest.py", "supervisor/discord/http.py", Outside("aiohttp"), "is to be outside"),
    ],
)
def test_an_invented_arrow_is_found_out(start: str, to: str, how: How, why: str) -> None:
    assert why in how.objection(start, to)


# --- what the arrows are looked up by ------------------------------------------------------------------


def test_who_is_called_is_known_by_what_annotations_and_constructors_say() -> None:
    found = called("supervisor/workers/downlink.py")
    assert Thing("supervisor/sessions/live_text.py", "LiveText.hear") in found  # self._manager.reports.live.hear
    assert Thing("supervisor/sessions/lookup.py", "Lookup.inbox") in found  # inherited by SessionManager
    assert Thing("supervisor/workers/endpoint.py", "meaning") in found
    assert not any(thing.file == "supervisor/threads/outbox.py" for thing in found)


def test_what_only_is_a_protocol_is_nobody_in_particular() -> None:
    files = {thing.file for thing in called("supervisor/threads/carrier.py")}
    assert "supervisor/discord/asking.py" in files and "supervisor/discord/rest.py" not in files


# --- no walk goes back ---------------------------------------------------------------------------------


def is_crossing(arrow: Arrow) -> bool:
    return isinstance(arrow.how, Sent | Begun | Outside)


def passages(walk: Walk) -> Iterator[list[Arrow]]:
    """The arrows from one boundary between processes to the next."""
    passage: list[Arrow] = []
    for arrow in walk.arrows:
        if is_crossing(arrow):
            yield passage
            passage = []
        else:
            passage.append(arrow)
    yield passage


def changes_of_room(passage: list[Arrow]) -> Iterator[tuple[Arrow, str, str]]:
    for arrow in passage:
        start, to = room_of(arrow.start), room_of(arrow.to)
        if start != to:
            yield arrow, start, to


def floor(room: str) -> int:
    package = room.partition("/")[0]
    floors = {"bridge": BRIDGE_FLOORS, "supervisor": SUPERVISOR_FLOORS}[package]
    return floor_of(room.replace("/", "."), package, floors)


@each_walk
def test_a_walk_goes_on_from_where_it_has_been(walk: Walk) -> None:
    been = {walk.arrows[0].start}
    for arrow in walk.arrows:
        assert arrow.start in been
        been.add(arrow.to)
    assert {DISCORD, CLAUDE} & been


@each_walk
def test_a_room_that_was_left_is_asked_but_not_entered_again(walk: Walk) -> None:
    asked_again: set[tuple[str, str]] = set()
    for passage in passages(walk):
        left: set[str] = set()
        for arrow, start, to in changes_of_room(passage):
            if arrow.asks:
                asked_again |= {(start, to)} if to in left else set()
            else:
                assert to not in left
                left.add(start)
    assert asked_again == ASKED_AGAIN[walk.title]


@each_walk
def test_a_call_leads_down_and_only_an_event_or_a_hint_leads_up(walk: Walk) -> None:
    for passage in passages(walk):
        for arrow, start, to in changes_of_room(passage):
            if to.startswith("bridge/") and not start.startswith("bridge/"):
                assert arrow.asks
            else:
                goes_up = floor(to) > floor(start)
                assert goes_up == isinstance(arrow.how, Heard | Hint), arrow


@each_walk
def test_no_arrow_leads_out_of_what_is_pure(walk: Walk) -> None:
    for arrow in walk.arrows:
        if arrow.start.startswith("bridge/"):
            assert arrow.to.startswith("bridge/") and not arrow.asks


def test_the_plan_tells_who_asks_a_room_again() -> None:
    told = (ROOT / "docs/architecture.md").read_text().partition("## Walks")[2].partition("\n## ")[0]
    pairs = {pair for found in ASKED_AGAIN.values() for pair in found}
    assert all(f"`{asking}/` asks `{asked}/`" in " ".join(told.split()) for asking, asked in pairs)
