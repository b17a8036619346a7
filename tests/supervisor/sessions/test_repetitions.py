"""What comes again though it was taken: batches of records, decisions, prompts, hellos. The happy path has none."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.render.view import ThreadView
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import PermissionRequest, Person, RequestName
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager

GENERATION, OTHER_GENERATION = "a" * 16, "b" * 16
ADA, BOB = Person(111, "Ada", 9), Person(112, "Bob", 9)
CHANNEL, THREAD = 222, 10**18


class Desk:
    """A manager with one session, to which a test hands what a worker and people say."""

    def __init__(self, folder: Path) -> None:
        self.store = opened_store(folder / "db")
        self.manager = session_manager(self.store)
        action = CreateSession(THREAD, 9, Channel(CHANNEL, "/srv"), ADA, "hello", "hello")
        self.session_id = self.manager.create_session(action).session_id

    def take(self, records: list[e.Record]) -> int | None:
        return self.manager.reports.record(self.session_id, records)

    def kept(self) -> bytes:
        """Everything that the store has of the session, as bytes."""
        tables = ("sessions", "inbox", "posts")
        return msgspec.json.encode([self.store._execute(f"SELECT * FROM {table}") for table in tables])

    def request(self) -> PermissionRequest:
        found = self.manager.request_of(RequestName(self.session_id, GENERATION, len(ASKED)))
        assert isinstance(found, PermissionRequest)
        return found

    def decisions(self) -> list[c.Decide]:
        return [row.command for row in self.manager.inbox(self.session_id) if isinstance(row.command, c.Decide)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def records(*events: e.AnyEvent, first: int = 1, generation: str = GENERATION) -> list[e.Record]:
    return [e.Record(generation, seq, 1.0, event) for seq, event in enumerate(events, first)]


ASKED: tuple[e.AnyEvent, ...] = (
    e.SessionCreated("s", THREAD, 9, CHANNEL, "/srv", ADA.user_id),
    e.WorkerStarted(10, contained=True, containment="bubblewrap"),
    e.ChildStarted(11, "claude-1", resumed=False),
    e.PromptAccepted(THREAD, "u1", "hello", ADA.user_id, "Ada"),
    e.PromptTaken(THREAD),
    e.TurnStarted((THREAD,)),
    e.TextWritten("b1", "first"),
    e.PermissionRequested("r1", "Bash", '{"command":"ls"}', "digest"),
)
ENDED = (
    e.PermissionResolved(len(ASKED), "allowed", decided_by=ADA.user_id, decider="Ada"),
    e.TurnEnded("completed", (THREAD,), total_cost_usd=0.5, input_tokens=100, output_tokens=10),
)


def test_a_batch_that_comes_again_after_a_lost_acknowledgement_changes_nothing(desk: Desk) -> None:
    batch = records(*ASKED, *ENDED)
    assert desk.take(batch) == len(batch)
    before, session = desk.kept(), desk.manager.row(desk.session_id).session
    for again in (batch, batch[3:7], batch[-1:], []):
        assert desk.take(again) == len(batch)
    assert desk.kept() == before
    assert (session.turn_count, session.input_tokens, session.total_cost_usd) == (1, 100, 0.5)


def test_batches_that_overlap_are_folded_where_they_go_on(desk: Desk) -> None:
    batch = records(*ASKED, *ENDED)
    assert desk.take(batch[:6]) == 6
    assert desk.take(batch[2:]) == len(batch)
    assert desk.manager.row(desk.session_id).session.turn_count == 1


def test_a_batch_behind_a_hole_is_not_folded_and_the_hello_says_where_to_go_on(desk: Desk) -> None:
    batch = records(*ASKED)
    assert desk.take(batch[:3]) == 3
    assert desk.take(batch[4:]) is None
    hello = wire.Hello(desk.session_id, wire.PROTOCOL, GENERATION, 1, len(batch), 10)
    assert desk.manager.reports.hello(desk.session_id, hello).applied == 3
    assert desk.take(batch[3:]) == len(batch)


def test_a_prompt_that_is_read_twice_is_wished_for_once_and_never_again_when_it_was_accepted(desk: Desk) -> None:
    def wished() -> list[int]:
        return [i.command.prompt_id for i in desk.manager.inbox(desk.session_id) if isinstance(i.command, c.Prompt)]

    for _ in range(2):
        desk.manager.prompt(desk.session_id, THREAD + 1, "more", ADA)
    assert wished() == [THREAD, THREAD + 1]
    desk.take(records(*ASKED))
    assert wished() == [THREAD + 1]


def test_of_two_decisions_the_first_is_wished_for_and_both_are_void_once_it_is_resolved(desk: Desk) -> None:
    desk.take(records(*ASKED))
    request = desk.request()
    assert desk.manager.decide(request, "allowed", ADA)
    assert not desk.manager.decide(request, "denied", BOB)
    assert not desk.manager.decide(request, "allowed", ADA)
    assert [decision.verdict for decision in desk.decisions()] == ["allowed"]
    desk.take(records(*ENDED, first=len(ASKED) + 1))
    assert not desk.manager.decide(request, "allowed", ADA)
    assert desk.decisions() == []


def test_a_decision_on_a_request_of_a_log_that_is_gone_is_dropped(desk: Desk) -> None:
    desk.take(records(*ASKED))
    request = desk.request()
    assert desk.manager.decide(request, "allowed", ADA)
    desk.take(records(*ASKED, generation=OTHER_GENERATION))
    assert desk.decisions() == []
    assert not desk.manager.decide(request, "allowed", ADA)


def test_a_record_that_cannot_be_drawn_is_said_and_stops_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = ThreadView.apply

    def fails(view: ThreadView, record: e.Record, *rest: Any, **named: Any) -> Any:
        if isinstance(record.event, e.TextWritten):
            raise IndexError("list index out of range")
        return apply(view, record, *rest, **named)

    monkeypatch.setattr(ThreadView, "apply", fails)
    batch = records(*ASKED, *ENDED)
    assert desk.take(batch) == len(batch)
    keys = [row.key for row in desk.store.posts_like(desk.session_id, "")]
    assert f"unshown:{GENERATION}:7" in keys
    assert f"card:{GENERATION}:8" in keys
