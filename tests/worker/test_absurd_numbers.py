"""Numbers that no Claude tells, wherever one stands: nothing of them makes a record or a session unreadable."""

from typing import Any

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.records import decode_record, encode_record
from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession, session_from
from stages.replay import NAMES, Entry, Replay, transcript
from worker import frames as f
from worker.results import turn_ended
from worker.turn import Turn

ABSURD = (1e308, -1e308, 1e18, -1, 2**63, 2**70)


def with_each_number(line: Any, number: float) -> Any:
    """The line with this one in the place of each number."""
    match line:
        case dict():
            return {key: with_each_number(value, number) for key, value in line.items()}
        case list():
            return [with_each_number(value, number) for value in line]
        case bool():
            return line
        case int() | float():
            return number
    return line


def absurd(name: str, number: float) -> list[Entry]:
    return [(kind, with_each_number(line, number) if kind == "out" else line) for kind, line in transcript(name)]


def read_back[T](value: T) -> T:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


@pytest.mark.parametrize("number", ABSURD)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_numbers_claude_tells_its_session_is_shown_and_can_be_read_again(name: str, number: float) -> None:
    created, *records = (
        decode_record(encode_record(one)[1]) for one in Replay(name, entries=absurd(name, number)).records
    )
    assert isinstance(created, e.Record) and isinstance(created.event, e.SessionCreated)
    session, view = session_from(created.event, created.at), ThreadView()
    for record in records:
        assert isinstance(record, e.Record)
        session.apply(record)
        view.apply(record, session, {})
    assert read_back(session) == session
    assert read_back(view) == view


def test_what_cannot_be_meant_counts_as_not_told() -> None:
    told = {
        "total_cost_usd": 1e308,
        "duration_ms": -1,
        "num_turns": 1,
        "usage": {"input_tokens": 2**70, "output_tokens": 7},
    }
    line = {"type": "result", "subtype": "success", **told}
    frame = f.read_frame(msgspec.json.encode(line))
    assert frame
    ended = turn_ended(frame, (1,), Turn(), said_text=True)
    figures = ended.total_cost_usd, ended.duration, ended.input_tokens, ended.output_tokens
    assert figures == (None, 0.0, 0, 7)


def test_what_was_spent_stays_a_number_that_can_be_kept() -> None:
    session = ManagedSession("s", 1, 2, 3, "/srv", 4, 0.0)
    for _ in range(3):
        session.update_costs(e.TurnEnded("completed", (1,), total_cost_usd=1e308, cost_usd=1e308))
    assert read_back(session) == session
