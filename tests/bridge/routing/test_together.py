"""A click on a card that several requests share decides exactly what was listed, each as on a card of its own."""

from collections.abc import Sequence

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.routing.actions import Action, AskOneByOne, DecideRequest, DecideTogether, Refuse
from bridge.routing.channel import Channel
from bridge.routing.clicks import OWN
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.routing.together import ALL_DECIDED, NOT_LISTED, TAKES_TWO
from bridge.session.card_listing import Listing, listing_of
from bridge.session.custom_ids import TogetherButton, TogetherVerb
from bridge.session.managed import session_from
from bridge.session.patterns import ToolPattern
from bridge.session.permission import PermissionRequest, Person, RequestName, Settled
from bridge.session.rights import Access, Grant, Policy
from stages.known import Told

ADA, BOB, EVE = Person(1, "ada", 500), Person(2, "bob", 500), Person(66, "eve", 500)
SESSION, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
G = "0123456789abcdef"


def asked(seq: int, command: str = "ls", digest: str = "") -> PermissionRequest:
    event = e.PermissionRequested("r", "Bash", f'{{"command":"{command}"}}', digest or f"d{seq}")
    return PermissionRequest(RequestName(SESSION, G, seq), 1.0, ADA.user_id, event)


LISTED = listing_of([asked(5), asked(6), asked(7)])


class World(Told):
    """``now``: what the requests are at the click; ``listed``: what the card is known to have listed."""

    def __init__(self, *now: PermissionRequest | Settled | None, listed: Listing | None = LISTED, **access: object):
        self.now = dict(zip((5, 6, 7), now, strict=False))
        self.listed, self.alike = listed, list[PermissionRequest]()
        super().__init__(lambda thread: self.session if thread == 700 else None, lambda name: self.now.get(name.seq))
        self.session = session_from(e.SessionCreated(SESSION, 700, 500, 600, "/srv", 1), 1.0)
        self.session.generation = G
        both = Grant(frozenset({1, 2}))
        here = msgspec.structs.replace(Access(both, both, both), **access)
        policy = Policy(channels={600: here})
        self.router = BridgeRouter(policy, {600: Channel(600, "/srv")}, self)

    def listing(self, _session_id: str, name: str) -> Listing | None:
        return self.listed if self.listed and self.listed.name == name else None

    def equals_of(self, _name: RequestName) -> Sequence[PermissionRequest]:
        return self.alike

    def press(self, verb: TogetherVerb, person: Person = BOB, *, thread: int = 700, session: str = SESSION) -> Action:
        return self.click(TogetherButton(verb, session, LISTED.name).custom_id(), person, thread)

    def click(self, custom_id: str, person: Person = BOB, thread: int = 700) -> Action:
        return self.router.handle_click(Clicked(custom_id, thread, 500, person))


def test_allow_all_is_a_decision_for_each_that_was_listed() -> None:
    action = World(asked(5), asked(6), asked(7)).press("all")
    assert isinstance(action, DecideTogether) and action.others == ()
    assert [(one.request.name.seq, one.allowed, one.person) for one in action.decisions] == [
        *((5, True, BOB), (6, True, BOB), (7, True, BOB))
    ]


def test_deny_all_denies_each() -> None:
    action = World(asked(5), asked(6), asked(7)).press("none")
    assert isinstance(action, DecideTogether) and not any(one.allowed for one in action.decisions)


def test_what_came_in_between_is_not_part_of_it() -> None:
    world = World(asked(5), asked(6), asked(7))
    world.now[8] = asked(8)
    action = world.press("all")
    assert isinstance(action, DecideTogether) and [one.request.name.seq for one in action.decisions] == [5, 6, 7]


def test_what_is_over_is_told_and_the_rest_is_decided() -> None:
    action = World(asked(5), Settled("withdrawn", "", ""), Settled("denied", "eve", "")).press("all")
    assert isinstance(action, DecideTogether) and [one.request.name.seq for one in action.decisions] == [5]
    assert "withdrawn" in action.others[0] and "already denied by eve" in action.others[1]
    action = World(*[Settled("withdrawn", "", "")] * 3).press("all")
    assert isinstance(action, Refuse) and action.text.count("withdrawn") == 1


def test_an_input_that_is_not_the_listed_one_is_not_allowed_by_it() -> None:
    action = World(asked(5), asked(6, digest="another"), None).press("all")
    assert isinstance(action, DecideTogether) and [one.request.name.seq for one in action.decisions] == [5]
    assert len(action.others) == 2


@pytest.mark.parametrize("verb", ["all", "none", "each"])
def test_a_list_that_is_not_known_or_of_another_log_decides_nothing(verb: TogetherVerb) -> None:
    world = World(asked(5), asked(6), asked(7), listed=None)
    assert world.press(verb) == Refuse(NOT_LISTED)
    world.listed, world.session.generation = LISTED, "f" * 16
    assert world.press(verb) == Refuse(NOT_LISTED)


@pytest.mark.parametrize("verb", ["all", "none", "each"])
def test_it_takes_the_right_and_the_sessions_own_thread(verb: TogetherVerb) -> None:
    world = World(asked(5), asked(6), asked(7))
    refused = world.press(verb, EVE)
    assert isinstance(refused, Refuse) and "**decide**" in refused.text and "stays open" in refused.text
    for action in (world.press(verb, thread=701), world.press(verb, session=OTHER)):
        assert isinstance(action, Refuse) and "another thread" in action.text


def test_where_nobody_decides_for_oneself_each_ones_asker_counts() -> None:
    mine, bobs = asked(5), msgspec.structs.replace(asked(6), asked_for=BOB.user_id)
    action = World(mine, bobs, asked(7), decide_own=False).press("all", ADA)
    assert isinstance(action, DecideTogether) and [one.request.name.seq for one in action.decisions] == [6]
    assert action.others == (OWN, OWN)
    denied = World(mine, bobs, asked(7), decide_own=False).press("none", ADA)
    assert isinstance(denied, DecideTogether) and len(denied.decisions) == 3, "to deny is never dangerous"


def test_what_takes_two_people_since_the_configuration_says_so_stays_open() -> None:
    action = World(asked(5), asked(6, "rm x"), asked(7), second=(ToolPattern.parse("Bash:rm*"),)).press("all")
    assert isinstance(action, DecideTogether) and [one.request.name.seq for one in action.decisions] == [5, 7]
    assert action.others == (TAKES_TWO,)


def test_one_by_one_shows_the_first_that_is_open() -> None:
    assert World(Settled("withdrawn", "", ""), asked(6), asked(7)).press("each") == AskOneByOne(asked(6))
    assert World(*[Settled("withdrawn", "", "")] * 3).press("each") == Refuse(ALL_DECIDED)


def test_what_is_equal_is_decided_alike_where_this_person_may_decide_it() -> None:
    world = World(asked(5), decide_own=False)
    world.alike = [asked(6), msgspec.structs.replace(asked(7), asked_for=BOB.user_id)]
    for verb, alike in (("allow", [6]), ("deny", [6, 7])):
        action = world.click(RequestName(SESSION, G, 5).custom_id(verb))
        assert isinstance(action, DecideRequest) and [one.name.seq for one in action.equals] == alike
