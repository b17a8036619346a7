"""What a click on a card that several requests share means: each request is judged by itself, as on its own card."""

from collections.abc import Sequence

from bridge.routing.actions import Action, AskOneByOne, DecideRequest, DecideTogether, Refuse
from bridge.routing.answers import NOT_KNOWN
from bridge.session.card_listing import Listing
from bridge.session.permission import PermissionRequest, Person, Settled

NOT_LISTED = "This list is not known (any more). Nothing was decided: look at the newest card."
ALL_DECIDED = "All of it is decided already."
TAKES_TWO = "One of them takes two people now: press *One by one* for it. It stays open."

Found = PermissionRequest | Settled | None
"""What a name stands for now."""


def listed_one(listing: Listing, found: Found, person: Person, *, allowed: bool) -> DecideRequest | Refuse:
    """The decision of one that was listed; whether this person may is another question."""
    match found:
        case Settled():
            return Refuse(found.in_words())
        case PermissionRequest() if listing.has(found):
            return DecideRequest(found, allowed, always=False, reason="", person=person)
        case _:
            return Refuse(NOT_KNOWN)


def decided_together(judged: Sequence[Action]) -> Action:
    """As much of it as may be; the rest is said."""
    decisions = tuple(one for one in judged if isinstance(one, DecideRequest))
    others = tuple(one.text if isinstance(one, Refuse) else TAKES_TWO for one in judged if one not in decisions)
    return DecideTogether(decisions, others) if decisions else Refuse("\n".join(dict.fromkeys(others)))


def one_by_one(found: Sequence[Found]) -> Action:
    is_open = [one for one in found if isinstance(one, PermissionRequest)]
    return AskOneByOne(is_open[0]) if is_open else Refuse(ALL_DECIDED)
