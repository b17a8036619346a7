"""Who may say that a project's files act, and for which channel a click counts."""

import pytest

from bridge.protocol import events as e
from bridge.routing import actions as a
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session.custom_ids import TrustButton
from bridge.session.managed import ManagedSession, session_from
from bridge.session.permission import Person
from bridge.session.rights import Policy
from bridge.trust.decision import Verb
from stages.known import Told

GUILD, CHANNEL_ID, THREAD_ID = 500, 600, 700
ADA = Person(42, "ada", GUILD)
BOB = Person(43, "bob", GUILD, frozenset({9}))
EVE = Person(66, "eve", GUILD)
DIGEST = "a" * 64
NO_MANAGE = "You do not have the right **manage** here, so nothing was done. <@42>, <@&9> have it."


def session_of(thread_id: int) -> ManagedSession | None:
    if thread_id != THREAD_ID:
        return None
    created = e.SessionCreated("aaaaaaaa-0000-4000-8000-000000000001", THREAD_ID, GUILD, CHANNEL_ID, "/srv/app", 42)
    return session_from(created, 1000.0)


def click(verb: Verb, where: int, person: Person, guild_id: int = GUILD) -> a.Action:
    policy = Policy(users=frozenset({42}), roles=frozenset({9}))
    router = BridgeRouter(policy, {CHANNEL_ID: Channel(CHANNEL_ID, "/srv/app")}, Told(session_of))
    return router.handle_click(Clicked(TrustButton(verb, DIGEST).custom_id(), where, guild_id, person))


@pytest.mark.parametrize("where", [CHANNEL_ID, THREAD_ID])
@pytest.mark.parametrize("person", [ADA, BOB])
@pytest.mark.parametrize("verb", ["yes", "no", "revoke"])
def test_a_click_in_the_channel_or_a_thread_of_it_counts_for_the_channel(
    verb: Verb, person: Person, where: int
) -> None:
    assert click(verb, where, person) == a.JudgeProject(CHANNEL_ID, verb, DIGEST, person)


@pytest.mark.parametrize("where", [CHANNEL_ID, THREAD_ID])
def test_nobody_else_decides(where: int) -> None:
    assert click("yes", where, EVE) == a.Refuse(NO_MANAGE)


def test_a_role_counts_only_in_the_threads_own_server() -> None:
    other = Person(44, "of another server", 501, frozenset({9}))
    assert click("yes", THREAD_ID, other, 501) == a.Refuse(NO_MANAGE)


def test_nothing_is_decided_in_a_channel_that_is_none_of_ours() -> None:
    assert isinstance(click("yes", 999, ADA), a.Refuse)


@pytest.mark.parametrize(
    "name", ["tb:trust:yes:", "tb:trust:maybe:" + DIGEST, "tb:trust:yes:" + "A" * 64, "tb:trust:yes"]
)
def test_a_made_up_button_is_none(name: str) -> None:
    router = BridgeRouter(Policy(users=frozenset({42})), {}, Told(session_of))
    assert isinstance(router.handle_click(Clicked(name, THREAD_ID, GUILD, ADA)), a.Ignore)
