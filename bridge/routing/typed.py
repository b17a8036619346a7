"""A text that is written while something is asked: which request it answers, and what it decides.

It answers the one open question, or keeps a plan going with what to change. While a tool waits for permission it is a
message, and is offered as the reason to deny that. What has a file with it, answers or quotes another message, names
the bot or is a command is none of that; nor is a text while more than one question is open: nobody could know which.
"""

from collections.abc import Iterable

from bridge.routing.actions import DecideRequest
from bridge.routing.bursts import begins
from bridge.routing.seen import MessageSeen
from bridge.session.permission import PermissionRequest, Person
from bridge.session.questions import written


def asked_by(message: MessageSeen, requests: Iterable[PermissionRequest]) -> PermissionRequest | None:
    """``requests``: those of the session that are open and undecided."""
    is_text = bool(message.text.strip()) and not (message.attachments or message.quote or message.is_forward)
    if not is_text or begins(message):
        return None
    is_open = list(requests)
    asked = [one for one in is_open if one.is_plan or one.questions]
    if len(asked or is_open) != 1:
        return None
    (request,) = asked or is_open
    return None if len(request.questions) > 1 else request


def is_only_reason(request: PermissionRequest) -> bool:
    """Whether a text answers it only when somebody says so."""
    return not (request.is_plan or request.questions)


def decision(request: PermissionRequest, text: str, person: Person) -> DecideRequest | None:
    """What the text decides; None for one that cannot be an answer (it is too long, say)."""
    if not request.questions:
        return DecideRequest(request, allowed=False, always=False, reason=text.strip(), person=person)
    draft = written(request.questions, request.draft, 0, {0: text})
    answers = draft.answers(request.questions) if draft else {}
    if not answers:
        return None
    return DecideRequest(request, allowed=True, always=False, reason="", person=person, answers=answers)
