"""Whom a command means, and what one can give where it is nobody."""

from typing import cast

import pytest

from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.routing.channel import Channel
from bridge.routing.places import Place
from bridge.session.managed import ManagedSession, session_from
from supervisor.commands.addressees import MOST_NAMED, Addressees
from supervisor.commands.sight import Sight
from supervisor.sessions.manager import SessionManager

GENERAL, DEV, TWIN, UNSEEN = 111111111111111111, 222222222222222222, 333333333333333333, 444444444444444444
NAMES = {GENERAL: "general", DEV: "cafe", TWIN: "general"}
SESSION = "cafe0000-0000-4000-8000-000000000001"


class Known:
    """One session, whose thread is there."""

    def get_all_sessions(self) -> list[ManagedSession]:
        return [session_from(e.SessionCreated(SESSION, 700000000000000000, 500, GENERAL, "/srv", 1), 1.0)]


def addressees(*channels: int) -> Addressees:
    sight = Sight(
        lambda *_: True,
        lambda *_: True,
        lambda _: "",
        lambda i: Place(i, 0, name=NAMES[i], guild_id=500) if i in NAMES else None,
    )
    return Addressees(cast(SessionManager, Known()), {i: Channel(i, "/srv") for i in channels}, sight)


@pytest.mark.parametrize("target", ["general", "#general", f"{GENERAL}", f"<#{GENERAL}>", f"#{GENERAL}"])
def test_a_channel_is_meant_by_its_name_or_its_id(target: str) -> None:
    found = addressees(GENERAL, DEV).channel(target)
    assert found and found.channel_id == GENERAL


@pytest.mark.parametrize("target", ["700000000000000000", "cafe0000", "CAFE0", "other", "9", ""])
def test_anything_else_may_be_a_sessions(target: str) -> None:
    assert addressees(GENERAL, DEV).channel(target) is None


@pytest.mark.parametrize("target", ["other", "#other", "#", "999999999999999999"])
def test_who_means_none_is_told_what_can_be_given(target: str) -> None:
    with pytest.raises(UserError) as refused:
        which = addressees(GENERAL, UNSEEN)
        assert which.channel(target) is None
        which.session(target, or_channel=True)
    assert f"Channels: #general ({GENERAL}), {UNSEEN}." in str(refused.value)


def test_a_name_that_is_a_sessions_beginning_too_is_not_guessed() -> None:
    with pytest.raises(UserError, match="give #cafe, or more of it"):
        addressees(GENERAL, DEV).channel("cafe")
    found = addressees(GENERAL, DEV).channel("#cafe")
    assert found and found.channel_id == DEV


def test_a_name_that_two_channels_have_takes_an_id() -> None:
    with pytest.raises(UserError, match="give its id") as refused:
        addressees(GENERAL, TWIN).channel("general")
    assert str(TWIN) in str(refused.value)


def test_where_only_a_session_can_be_meant_a_channel_is_said_to_be_one() -> None:
    with pytest.raises(UserError, match="is a channel: give a session in it"):
        addressees(GENERAL).session("general")
    with pytest.raises(UserError, match=r"there is no session 'other'\. `threadbridge list` shows the sessions"):
        addressees(GENERAL).session("other")


def test_of_many_channels_some_are_told_and_how_many_more_there_are() -> None:
    with pytest.raises(UserError, match="and 5 more"):
        addressees(*range(1, MOST_NAMED + 6)).channel("#x")
