"""What the router says is to be done: values, carried out by whoever asked it."""

import msgspec

from bridge.protocol.events import Attachment, When
from bridge.routing.channel import Channel
from bridge.session.permission import First, PermissionRequest, Person, RequestName
from bridge.session.questions import Draft
from bridge.session.rules import Term
from bridge.trust.decision import Verb


class CreateSession(msgspec.Struct, frozen=True):
    thread_id: int
    guild_id: int
    channel: Channel
    owner: Person
    text: str
    thread_name: str
    attachments: tuple[Attachment, ...] = ()
    may_grow: bool = False
    """Messages that follow closely join its first prompt."""


class PromptSession(msgspec.Struct, frozen=True):
    session_id: str
    prompt_id: int
    text: str
    author: Person
    attachments: tuple[Attachment, ...] = ()
    may_grow: bool = False
    """Messages that follow closely join it."""
    joins: int = 0
    """The open prompt that it is a part of; 0: it is one of its own."""
    answers: RequestName | None = None
    """The request that it answers, unless somebody says otherwise in time."""
    is_reason: bool = False
    """It answers only when somebody says so: as the reason to deny it."""


class DecideRequest(msgspec.Struct, frozen=True):
    request: PermissionRequest
    allowed: bool
    always: bool
    reason: str
    person: Person
    answers: dict[str, str] = {}
    mode: str = ""
    term: Term = "always"
    """With ``always`` and ``opens``: for how long, and where."""
    opens: bool = False
    """The directories that Claude suggests with it are worked in without asking from then on."""

    equals: tuple[PermissionRequest, ...] = ()
    """What the card showed as one with it; it is decided alike."""

    @property
    def lasts(self) -> bool:
        """More than the request is allowed."""
        return self.always or self.opens


class DecideTogether(msgspec.Struct, frozen=True):
    """What a shared card listed: decided as far as it is open and this person may; the rest is told in words."""

    decisions: tuple[DecideRequest, ...]
    others: tuple[str, ...]


class AskOneByOne(msgspec.Struct, frozen=True):
    """Show what a shared card listed one after the other, to who asked for that."""

    request: PermissionRequest


class AskTerm(msgspec.Struct, frozen=True):
    """Offer for how long, and where, the like is to be allowed."""

    request: PermissionRequest


class RevokeRule(msgspec.Struct, frozen=True):
    rule_id: str
    channel_id: int
    session_id: str
    """Empty: it was pressed in the channel itself."""
    person: Person


class AllowFirst(msgspec.Struct, frozen=True):
    """Not a decision yet: another person must allow it too."""

    request: PermissionRequest
    first: First


class DraftAnswers(msgspec.Struct, frozen=True):
    """Not a decision yet: keep what is chosen so far, and show it."""

    request: PermissionRequest
    draft: Draft


class AskAnswers(msgspec.Struct, frozen=True):
    """Open the modal for answers in a person's own words, with a field for each question of the page."""

    request: PermissionRequest
    page: int


class JudgeTyped(msgspec.Struct, frozen=True):
    """What a typed text is that might be an answer."""

    session_id: str
    prompt_id: int
    is_reason: bool
    """The reason to deny what is asked; else a message like any other."""
    person: Person


class AskPlanChange(msgspec.Struct, frozen=True):
    """Open the modal for what to change in a plan; it is submitted under the same custom_id."""

    custom_id: str


class AskReason(msgspec.Struct, frozen=True):
    """Open the modal for a denial's reason; it is submitted under the same custom_id."""

    custom_id: str
    tool: str


class ShowInput(msgspec.Struct, frozen=True):
    """Show what a decided request asked, to who looks it up."""

    name: RequestName


class ShowChanges(msgspec.Struct, frozen=True):
    """Show what a turn changed, or the whole session so far. ``turn`` is its TurnStarted's name."""

    turn: RequestName
    whole_session: bool


class SettleLostTurn(msgspec.Struct, frozen=True):
    """A turn was lost with its process (``name`` is its TurnEnded's): tell Claude to go on, or leave it."""

    name: RequestName
    goes_on: bool
    person: Person


class RequeuePrompt(msgspec.Struct, frozen=True):
    """Claude has not taken the prompt up: it is to be taken at another time."""

    session_id: str
    prompt_id: int
    when: When


class AskAgain(msgspec.Struct, frozen=True):
    """Nobody answered the request in time: tell Claude that somebody would now."""

    name: RequestName
    person: Person


class StartFresh(msgspec.Struct, frozen=True):
    session_id: str


class MakeStrict(msgspec.Struct, frozen=True):
    """End a looser mode: Claude asks again."""

    session_id: str
    person: Person


class WantReset(msgspec.Struct, frozen=True):
    """Claude is to go on when a usage limit is free again, or not."""

    session_id: str
    wanted: bool
    person: Person


class GoOnHere(msgspec.Struct, frozen=True):
    """In the directory that stands now where the session's was."""

    session_id: str
    person: Person


class JudgeProject(msgspec.Struct, frozen=True):
    """Whether the project's files with this digest are to act in the channel."""

    channel_id: int
    verb: Verb
    digest: str
    person: Person


class InterruptSession(msgspec.Struct, frozen=True):
    session_id: str
    keeps_waiting: bool = False
    """What waits in Claude's queue is taken up next; else it is dropped."""


class EndSession(msgspec.Struct, frozen=True):
    session_id: str


class OfferCommand(msgspec.Struct, frozen=True):
    """The message is a command of ours by this name: it is said, and its author can have it sent to Claude."""

    name: str


class Refuse(msgspec.Struct, frozen=True):
    """Told to the person; ephemeral where Discord allows it."""

    text: str


class Whisper(msgspec.Struct, frozen=True):
    """One quiet line (none, when ``text`` is empty) and one in the log, once per person and place in ``period_s``."""

    text: str
    noted: str
    period_s: float


class Ignore(msgspec.Struct, frozen=True):
    why: str


Action = (
    CreateSession
    | PromptSession
    | DecideRequest
    | DecideTogether
    | AskAgain
    | AskOneByOne
    | MakeStrict
    | JudgeTyped
    | AllowFirst
    | AskTerm
    | RevokeRule
    | DraftAnswers
    | AskAnswers
    | AskPlanChange
    | AskReason
    | SettleLostTurn
    | ShowInput
    | ShowChanges
    | StartFresh
    | GoOnHere
    | WantReset
    | JudgeProject
    | RequeuePrompt
    | InterruptSession
    | EndSession
    | OfferCommand
    | Refuse
    | Whisper
    | Ignore
)
