"""Every transcript with a line lost, doubled, or come again where none belongs: the session still ends idle."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession, session_from
from stages.replay import NAMES, Entry, Replay, transcript, was_killed

pytestmark = pytest.mark.slow

IDLE: Entry = ("out", {"type": "system", "subtype": "session_state_changed", "state": "idle", "session_id": ""})
"""What the CLI says with the environment that it is given; most transcripts were recorded without it."""


def left_open(name: str, entries: Sequence[Entry]) -> str:
    return left_open_by(Replay(name, entries=entries))


def left_open_by(replay: Replay) -> str:
    """In words, what would keep the session busy or awake after these lines."""
    created = replay.records[0]
    assert isinstance(created.event, e.SessionCreated)
    session = session_from(created.event, created.at)
    for record in replay.records:
        session.apply(record)
    if replay.condemned or replay.stream.unanswered:
        return ""  # a mode without its approval, an answer that is owed: the worker ends such a child
    return _left_open(session) + (" the stream is in a turn" if replay.stream.in_turn else "")


def _left_open(session: ManagedSession) -> str:
    kept = (session.turn, session.prompts, session.requests, session.tasks)
    return " ".join(str(one) for one in kept if one)


def worth_breaking(entries: Sequence[Entry]) -> Iterator[int]:
    """Of what came out each line, but of a text's pieces only the first ones."""
    seen: dict[str, int] = {}
    for index, (kind, line) in enumerate(entries):
        if kind == "out" and isinstance(line, dict):
            name = str([line.get("type"), line.get("subtype"), line.get("event", {}).get("type")])
            seen[name] = seen.get(name, 0) + 1
            if line["type"] != "stream_event" or seen[name] <= 2:
                yield index


def another(line: dict[str, Any]) -> dict[str, Any]:
    """The same said anew, as a line of its own."""
    return {**line, "uuid": "99999999-0000-4000-8000-000000000009"} if "uuid" in line else line


def whole(name: str) -> list[Entry]:
    return [*transcript(name), IDLE]


SOUND = [name for name in NAMES if not was_killed(name) and not left_open(name, whole(name))]


def test_nearly_all_transcripts_end_idle_when_nothing_is_broken() -> None:
    assert len(SOUND) > 50


@pytest.mark.parametrize("name", SOUND)
def test_a_lost_line_keeps_no_session_busy(name: str) -> None:
    lines = whole(name)
    for index in worth_breaking(lines[:-1]):
        broken = lines[:index] + lines[index + 1 :]
        assert not left_open(name, broken), f"without {json.dumps(lines[index][1])[:300]}"


@pytest.mark.parametrize("name", SOUND)
def test_a_doubled_line_keeps_no_session_busy_and_ends_no_turn_twice(name: str) -> None:
    lines = whole(name)
    turns = len(Replay(name).events(e.TurnEnded))
    for index in worth_breaking(lines[:-1]):
        replay = Replay(name, entries=[*lines[: index + 1], *lines[index:-1]])
        assert len(replay.events(e.TurnEnded)) == turns
        replay.play(lines[-1])
        assert not left_open_by(replay), f"twice {json.dumps(lines[index][1])[:300]}"


@pytest.mark.parametrize("name", SOUND)
def test_a_line_that_comes_again_when_all_is_over_wakes_nothing(name: str) -> None:
    lines = whole(name)
    for index in worth_breaking(lines[:-1]):
        stray = another(lines[index][1])
        if stray.get("subtype") != "can_use_tool" and "request" not in stray:
            assert not left_open(name, [*lines, ("out", stray)]), f"again {json.dumps(stray)[:300]}"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SOUND])
def test_even_a_transcript_that_ends_in_the_middle_raises_nothing_when_it_is_damaged(name: str) -> None:
    lines = whole(name)
    for index in worth_breaking(lines[:-1]):
        left_open(name, lines[:index] + lines[index + 1 :])
        left_open(name, [*lines[: index + 1], *lines[index:]])
