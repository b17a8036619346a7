"""docs/machines.md is what the code does."""

import re

import pytest

from bridge.protocol.answers import ANSWERED_BY
from bridge.session.open_work import PromptState
from bridge.session.states import SessionState
from lab import machines
from supervisor.discord.connection import State as ConnectionState
from supervisor.workers.seats import SeatState

LEFT_BY_A_RESTART = (ConnectionState.ASIDE,)


def test_the_page_is_drawn_from_the_code_as_it_is() -> None:
    assert machines.PAGE.read_text() == machines.page(), "run ./scripts/machines --write, and look at what changed"


@pytest.mark.parametrize("states", [SessionState, PromptState, SeatState, ConnectionState])
def test_each_state_is_drawn_and_can_be_left_and_entered(
    states: type[SessionState] | type[PromptState] | type[SeatState] | type[ConnectionState],
) -> None:
    edges = re.findall(r"^    (\S+) --> (\S+): ", machines.page(), re.MULTILINE)
    for state in states:
        assert state in LEFT_BY_A_RESTART or any(start == state.name != end for start, end in edges)
        assert any(end == state.name != start for start, end in edges)


def test_each_command_is_in_the_table_of_wishes() -> None:
    assert all(f"| {command.__name__} | " in machines.wishes() for command in ANSWERED_BY)


def test_edges_between_the_same_states_are_one() -> None:
    drawn = machines.drawn([("A", "x", "B"), ("A", "y", "B"), ("A", "x", "B"), ("B", "z", "A")])
    assert drawn.splitlines()[2:-1] == ["    A --> B: x · y", "    B --> A: z"]
