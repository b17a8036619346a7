"""The connection's machine: its table, and what is derived from where it stands."""

import pytest

from bridge.protocol.errors import UserError
from supervisor.changes import Changes
from supervisor.discord.attempts import RETRY_MIN_S, Attempts
from supervisor.discord.connection import (
    LOSSES_WINDOW_S,
    MOST_LOSSES,
    TRANSITIONS,
    WAITS_FOR_DISCORD,
    Connection,
    State,
    Step,
)
from supervisor.discord.guilds import Guilds
from supervisor.discord.standing import Standing
from supervisor.discord.token_watch import PAUSES_S, TRIES

BEGINS = (Step.ATTEMPT, Step.LOGGED_IN, Step.READY, Step.SERVERS_HERE)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class ReadBack:
    """As much as Inbound tells of it."""

    def __init__(self) -> None:
        self.behind, self.gaps = 0, 0
        self.caught_up_at: float | None = 0.0


class Desk:
    def __init__(self) -> None:
        self.clock = Clock()
        self.connection = Connection(self.clock, self.clock)
        self.read_back = ReadBack()
        self.changes = Changes()
        self.trouble = ""
        self.standing = Standing(self.connection, self.read_back, Guilds(), (), self.changes, lambda: self.trouble)

    def happen(self, *steps: Step) -> State:
        for step in steps:
            self.connection.happens(step)
        return self.connection.state


def test_each_state_has_a_row_and_each_step_leads_somewhere() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {step for row in TRANSITIONS.values() for step in row} == set(Step)


def test_a_connection_goes_from_its_login_to_where_all_is_heard() -> None:
    desk = Desk()
    seen = [desk.happen(step) for step in BEGINS]
    assert seen == [State.LOGIN, State.CONNECTING, State.SERVERS, State.LISTENING]


@pytest.mark.parametrize("begun", range(2, len(BEGINS) + 1))
def test_a_lost_socket_is_resumed_or_begins_with_the_servers_anew(begun: int) -> None:
    resumed, anew = Desk(), Desk()
    assert resumed.happen(*BEGINS[:begun], Step.LOST) is State.RECONNECTING
    assert resumed.happen(Step.RESUMED) is State.LISTENING
    assert anew.happen(*BEGINS[:begun], Step.LOST, Step.READY) is State.SERVERS


def test_servers_of_a_connection_that_was_lost_meanwhile_make_nobody_listen() -> None:
    desk = Desk()
    assert desk.happen(*BEGINS[:3], Step.LOST, Step.SERVERS_HERE) is State.RECONNECTING
    assert not desk.connection.happens(Step.SERVERS_HERE)


def test_whoever_stands_aside_stays_there() -> None:
    for state in State:
        desk = Desk()
        desk.connection.state = state
        assert desk.happen(Step.STAND_ASIDE, *Step) is State.ASIDE


def test_where_we_wait_for_discord_there_is_a_deadline_and_where_it_is_heard_there_is_none() -> None:
    assert {State.LOGIN, State.CONNECTING, State.RECONNECTING} == WAITS_FOR_DISCORD


def test_a_socket_that_is_lost_again_and_again_is_flapping_and_an_old_loss_is_forgotten() -> None:
    desk = Desk()
    desk.happen(*BEGINS)
    for _ in range(MOST_LOSSES):
        assert not desk.connection.is_flapping
        desk.happen(Step.LOST, Step.RESUMED)
    assert desk.connection.is_flapping
    desk.clock.now_s += LOSSES_WINDOW_S
    assert not desk.connection.is_flapping


def test_a_fresh_connection_begins_without_losses() -> None:
    desk = Desk()
    desk.happen(*BEGINS, *[Step.LOST] * MOST_LOSSES, Step.ENDED, Step.ATTEMPT)
    assert not desk.connection.is_flapping


# --- what is derived -----------------------------------------------------------------------------------


def test_we_are_back_since_the_later_of_listening_and_having_read_back() -> None:
    desk = Desk()
    desk.happen(*BEGINS)
    assert desk.standing.back_at == 1000.0
    desk.read_back.caught_up_at = 1007.0
    assert desk.standing.back_at == 1007.0
    desk.clock.now_s = 1020.0
    desk.happen(Step.LOST, Step.RESUMED)
    assert desk.standing.back_at == 1020.0


@pytest.mark.parametrize("state", [state for state in State if state is not State.LISTENING])
def test_nobody_is_back_who_does_not_listen(state: State) -> None:
    desk = Desk()
    desk.connection.state = state
    assert desk.standing.back_at is None
    assert desk.standing.state != "connected to Discord"


def test_nobody_is_back_before_all_was_read_back_and_then_whoever_waits_is_told_once() -> None:
    desk = Desk()
    desk.read_back.behind, desk.read_back.caught_up_at = 2, None
    desk.happen(*BEGINS)
    desk.standing.look()
    assert desk.standing.back_at is None
    assert "reading back what was written meanwhile (in 2 places)" in desk.standing.state
    assert not desk.standing.was_back.is_set()
    desk.read_back.behind, desk.read_back.caught_up_at = 0, 1003.0
    desk.changes.caught_up()
    assert desk.standing.was_back.is_set()
    assert desk.standing.state == "connected to Discord"


def test_what_keeps_us_from_all_is_told_instead_of_how_it_stands() -> None:
    desk = Desk()
    assert desk.standing.status == "not connected to Discord yet"
    desk.trouble = "the token is refused"
    assert desk.standing.status == "the token is refused"


def test_a_place_that_cannot_be_read_back_is_told_of() -> None:
    desk = Desk()
    desk.happen(*BEGINS)
    desk.read_back.gaps = 1
    assert "cannot be read back yet (in 1 places)" in desk.standing.state


# --- attempts ------------------------------------------------------------------------------------------


def test_pauses_grow_to_the_longest_and_begin_anew_once_it_worked() -> None:
    attempts = Attempts(lambda: 30.0, lambda: 1.0)
    assert [attempts.next_pause_s() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    attempts.connected()
    assert attempts.next_pause_s() == RETRY_MIN_S


def test_a_refusal_is_final_when_it_is_repeated_and_nobody_was_ever_let_in() -> None:
    attempts = Attempts(lambda: 30.0)
    for times in range(TRIES - 1):
        assert attempts.refused("no") == PAUSES_S[times]
    with pytest.raises(UserError, match="no"):
        attempts.refused("no")


def test_who_was_let_in_once_is_looked_at_again_for_ever() -> None:
    attempts = Attempts(lambda: 30.0)
    attempts.let_in()
    waits = [attempts.refused("no") for _ in range(20)]
    assert waits[0] == PAUSES_S[0]
    assert waits[-1] == PAUSES_S[-1]


def test_a_channel_is_unusable_as_soon_as_we_are_thrown_out_of_its_server_and_not_in_an_outage() -> None:
    desk, guilds = Desk(), Guilds()
    standing = Standing(desk.connection, desk.read_back, guilds, (10, 11), desk.changes, lambda: "")
    assert standing.unusable == 0, "nobody has told us anything yet"
    guilds.heard("GUILD_CREATE", {"id": "7", "channels": [{"id": "10", "type": 0}, {"id": "11", "type": 2}]})
    desk.happen(*BEGINS)
    assert standing.unusable == 1, "a voice channel"
    guilds.heard("GUILD_DELETE", {"id": "7", "unavailable": True})
    assert standing.unusable == 1
    guilds.heard("GUILD_DELETE", {"id": "7"})
    assert standing.unusable == 2
