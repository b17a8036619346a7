"""Where nothing is done: who is told why, who is not, and that all of it is noted."""

import msgspec
import pytest

from bridge.routing import actions as a
from bridge.routing.channel import Channel
from bridge.routing.places import Place
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import MessageSeen
from bridge.session.permission import Person
from bridge.session.rights import Policy
from stages.known import Told

GUILD = 500
ADA, EVE = Person(42, "ada", GUILD), Person(66, "eve", GUILD)
OURS, QUIET, OTHER = Place(600, 0, "ours", 0, GUILD), Place(601, 0, "quiet", 0, GUILD), Place(999, 0, "other", 0, GUILD)
CHANNELS = {600: Channel(600, "/srv/app"), 601: Channel(601, "/srv/app", mention_only=True)}


def thread(parent: Place, kind: int = 11) -> Place:
    return Place(1234, kind, "by hand", parent.place_id, GUILD)


def leads_to(
    place: Place | None, parent: Place | None = None, *, author: Person = ADA, mention: bool = False, **fields: object
) -> a.Action:
    channel_id = place.place_id if place else 999
    named = [one for key, one in (("named", place), ("parent_named", parent)) if fields.pop(key, False) and one]
    channels = CHANNELS | {one.place_id: Channel(one.place_id, "/srv/app") for one in named}
    router = BridgeRouter(Policy(frozenset({42})), channels, Told())
    seen = MessageSeen(900, channel_id, 0, GUILD, author, "hi", True, mention, place=place, parent=parent)
    return router.handle_message(msgspec.structs.replace(seen, **fields))


def said(action: a.Action) -> str:
    """What the person reads; empty for a note in the log alone."""
    assert isinstance(action, a.Whisper), action
    assert action.noted
    return action.text


# --- a channel that is not ours --------------------------------------------------------------------------


def test_a_mention_in_a_channel_that_is_not_configured_is_answered_with_its_id() -> None:
    assert "this channel is not configured" in said(leads_to(OTHER, mention=True))
    assert "with the id 999" in said(leads_to(OTHER, mention=True))
    assert "with the id 999" in said(leads_to(thread(OTHER), OTHER, mention=True))
    assert "with the id 999" in said(leads_to(None, mention=True))


def test_without_a_mention_it_is_none_of_our_business() -> None:
    assert isinstance(leads_to(OTHER), a.Ignore)
    assert isinstance(leads_to(thread(OTHER), OTHER), a.Ignore)


def test_strangers_are_told_nothing_in_a_channel_that_is_not_ours() -> None:
    assert said(leads_to(OTHER, author=EVE, mention=True)) == ""
    assert said(leads_to(thread(OURS), OURS, author=EVE, mention=True)) == ""
    assert isinstance(leads_to(OTHER, author=EVE), a.Ignore)
    assert isinstance(leads_to(thread(OURS), OURS, author=EVE), a.Ignore)


def test_a_direct_message_is_answered_to_people_on_the_list() -> None:
    assert "Write in <#600>, <#601>" in said(leads_to(None, guild_id=0))
    assert said(leads_to(None, guild_id=0, author=EVE)) == ""


# --- a thread by hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [10, 11, 12])
def test_in_a_thread_by_hand_below_a_channel_of_ours_the_way_to_claude_is_told(kind: int) -> None:
    for mention in (True, False):
        assert "Write in <#600>" in said(leads_to(thread(OURS, kind), OURS, mention=mention))


def test_below_a_channel_that_wants_to_be_mentioned_only_a_mention_is_answered() -> None:
    assert isinstance(leads_to(thread(QUIET), QUIET), a.Ignore)
    assert "Write in <#601>" in said(leads_to(thread(QUIET), QUIET, mention=True))


def test_a_post_in_a_forum_that_is_configured_is_answered_with_what_it_is() -> None:
    forum = Place(700, 15, "help", 0, GUILD)
    assert "the configured id 700 is a forum" in said(leads_to(thread(forum), forum, parent_named=True))


def test_a_channel_in_a_category_that_is_configured_is_told_its_own_id() -> None:
    category = Place(700, 4, "work", 0, GUILD)
    inside = Place(701, 0, "inside", 700, GUILD)
    assert "this channel's id, 701" in said(leads_to(inside, category, parent_named=True, mention=True))
    assert isinstance(leads_to(inside, category, parent_named=True), a.Ignore)


# --- a channel that cannot have sessions -----------------------------------------------------------------


@pytest.mark.parametrize(("kind", "words"), [(2, "a voice channel"), (13, "a stage channel"), (11, "its channel, 999")])
def test_a_configured_channel_that_cannot_have_sessions_says_so_instead_of_failing(kind: int, words: str) -> None:
    place = Place(800, kind, "talk", 999, GUILD)
    assert words in said(leads_to(place, OTHER, named=True))
    assert said(leads_to(place, OTHER, named=True, author=EVE)) == ""


def test_an_announcement_channel_is_as_good_as_any() -> None:
    assert isinstance(leads_to(Place(800, 5, "news", 0, GUILD), named=True), a.CreateSession)


# --- people who may not, and programs --------------------------------------------------------------------


def test_a_stranger_in_our_channel_is_told_their_id_for_the_operator() -> None:
    assert "Your id is `66`" in said(leads_to(OURS, author=EVE))
    assert isinstance(leads_to(QUIET, author=EVE), a.Ignore)
    assert "the right **talk**" in said(leads_to(QUIET, author=EVE, mention=True))


def test_bots_and_webhooks_are_noted_and_never_answered() -> None:
    for mention in (True, False):
        assert said(leads_to(OURS, is_from_person=False, mention=mention)) == ""
    assert isinstance(leads_to(OURS, is_from_person=False, is_post=False), a.Ignore)
    assert isinstance(leads_to(OTHER, is_from_person=False, mention=True), a.Ignore)


def test_a_name_cannot_write_lines_of_its_own_into_the_log() -> None:
    action = leads_to(OURS, author=Person(66, "eve\nERROR all is lost", GUILD))
    assert isinstance(action, a.Whisper)
    assert "\n" not in action.noted
