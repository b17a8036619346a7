"""What a click on a card of a request means: the decision, or what is asked next. Rights were asked before."""

import msgspec

from bridge.protocol.modes import ACCEPT_EDITS
from bridge.routing.actions import (
    Action,
    AllowFirst,
    AskAnswers,
    AskPlanChange,
    AskReason,
    AskTerm,
    DecideRequest,
    DraftAnswers,
    Ignore,
    Refuse,
)
from bridge.routing.seen import Clicked
from bridge.session.custom_ids import (
    place_of,
)
from bridge.session.permission import (
    KEEP_PLANNING,
    NOT_ANSWERED,
    First,
    PermissionRequest,
    Person,
)
from bridge.session.questions import Draft, answers_at_once, pages_of, picked, written
from bridge.session.rules import Term, term_of

NOT_OFFERED = "That is not among the choices of this question. Nothing was changed."
NOT_KNOWN = "This request is not known (any more), so it cannot be decided."
ONE_MORE = "You allowed this already; another person must allow it too. The request stays open."
NOTHING_CHOSEN = "Choose or write at least one answer first, or press *No answer*."


def decided_by(verb: str, request: PermissionRequest, click: Clicked) -> Action:
    """What the card's own buttons say; a button of another kind of card says nothing here."""
    if request.questions:
        return _answer(*place_of(verb), request, click)
    if request.is_plan:
        return _judge_plan(verb, request, click)
    if verb == "reason" and click.reason is None:
        return AskReason(click.custom_id, request.event.tool)
    if verb == "keep":
        return AskTerm(request)
    if term := term_of(verb):
        return DecideRequest(request, allowed=True, always=True, reason="", person=click.person, term=term)
    if verb == "edits" and request.offers_edits:
        return DecideRequest(request, allowed=True, always=False, reason="", person=click.person, mode=ACCEPT_EDITS)
    if verb in ("dir", "cdir") and request.offered_directories:
        return _opened(request, click.person, "cever" if verb == "cdir" else "always")
    if verb not in ("allow", "deny", "reason"):
        return Ignore("not a button of this card")
    return DecideRequest(request, verb == "allow", False, (click.reason or "").strip(), click.person)


def by_two(action: DecideRequest) -> Action:
    """The first of two is noted, the second one's decision counts when it is the same; no rule comes of it."""
    request, person, first = action.request, action.person, action.request.first
    mine = First(person.user_id, person.name, request.event.digest, action.answers, action.mode)
    is_same = first is not None and (first.digest, first.answers, first.mode) == (mine.digest, mine.answers, mine.mode)
    if first is None or not is_same:
        return AllowFirst(request, mine)
    if first.user_id == person.user_id:
        return Refuse(ONE_MORE)
    return msgspec.structs.replace(action, always=False, term="always", opens=False)


def _opened(request: PermissionRequest, person: Person, term: Term) -> DecideRequest:
    """Where Claude suggests both, edits are accepted too: the directory alone would not let it do the like again."""
    mode = ACCEPT_EDITS if request.offers_edits else ""
    return DecideRequest(request, True, False, "", person, mode=mode, term=term, opens=True)


def _judge_plan(verb: str, request: PermissionRequest, click: Clicked) -> Action:
    match verb:
        case "allow" | "edits":
            mode = ACCEPT_EDITS if verb == "edits" else ""
            return DecideRequest(request, allowed=True, always=False, reason="", person=click.person, mode=mode)
        case "plan" if click.reason is None:
            return AskPlanChange(click.custom_id)
        case "plan" | "deny":
            reason = (click.reason or "").strip() or KEEP_PLANNING
            return DecideRequest(request, allowed=False, always=False, reason=reason, person=click.person)
        case _:
            return Ignore("not a button of this card")


def _answer(word: str, number: int, request: PermissionRequest, click: Clicked) -> Action:
    """``number`` is the button's, the select's or the page's; all are checked against the stored request."""
    asked, draft = request.questions, request.draft
    match word:
        case "skip":
            return DecideRequest(request, allowed=False, always=False, reason=NOT_ANSWERED, person=click.person)
        case "send":
            return _answered(request, draft, click.person)
        case "page" if number < len(pages_of(asked)):
            return DraftAnswers(request, msgspec.structs.replace(draft, page=number))
        case "other" if click.reason is None and number < len(pages_of(asked)):
            return AskAnswers(request, number)
        case "other" if click.reason is not None:
            new = written(asked, draft, number, click.texts)
        case "pick":
            new = picked(asked, draft, number, click.values)
        case "option":
            new = picked(asked, draft, 0, (str(number),))
        case _:
            return Ignore("not a button of this card")
    if new is None:
        return Refuse(NOT_OFFERED)
    return _answered(request, new, click.person) if answers_at_once(asked) else DraftAnswers(request, new)


def _answered(request: PermissionRequest, draft: Draft, person: Person) -> Action:
    if not (answers := draft.answers(request.questions)):
        return Refuse(NOTHING_CHOSEN)
    return DecideRequest(request, allowed=True, always=False, reason="", person=person, answers=answers)
