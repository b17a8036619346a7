"""What people did to sessions, and what was done for them: facts in the past tense, beside those of the workers' logs.

The workers' logs hold what happened in a session. What the supervisor decides by itself or is told by a click (a
session ended, a card settled, a channel's choice) is in no log of theirs; without these facts a store that is lost
would not know it again. The others are there for an audit alone: who asked, who decided what, what ran, how it ended.

An entry carries no text of a prompt, an answer or a tool: a digest (sha256 hex) stands for it. The one exception is an
answer that is still being chosen, since its card shows it. Times are Unix seconds, ids are Discord's; 0 is nobody.
"""

import msgspec

from bridge.session.permission import First
from bridge.session.questions import Draft


class Entry(msgspec.Struct, frozen=True, tag=True, tag_field="kind", omit_defaults=True):
    """A fact. The subclass's name is its tag in the journal; fields are only added, with defaults."""

    session_id: str = ""
    channel_id: int = 0
    by: int = 0
    """Who did it; 0: nobody of Discord (the clock, the operator, Claude)."""


# --- what a rebuilt store knows again ----------------------------------------------------------------


class SessionEnded(Entry, frozen=True):
    reason: str = ""
    at: float = 0.0


class SessionPruned(Entry, frozen=True):
    """It had ended long ago, so its log and its files were removed."""

    ended_at: float = 0.0


class SessionReopened(Entry, frozen=True):
    """It was ended or broken, and somebody goes on with it."""


class ConversationBegunAnew(Entry, frozen=True):
    """The next child begins a new conversation of Claude's."""


class LostTurnSettled(Entry, frozen=True):
    """The card of a lost turn was clicked. ``verdict``: what it says since."""

    generation: str = ""
    seq: int = 0
    verdict: str = ""


class ResetChosen(Entry, frozen=True):
    """Whether Claude goes on when what ended its turn is over: a usage limit, or an outage. ``who``: by name."""

    generation: str = ""
    seq: int = 0
    """Of the record that ended the turn."""
    wanted: bool = False
    who: str = ""


class AskedAgain(Entry, frozen=True):
    """Claude was told that a request which nobody answered in time would be answered now."""

    generation: str = ""
    seq: int = 0
    who: str = ""


class DirectoryAccepted(Entry, frozen=True):
    """The session goes on in the directory that stands where its own was."""

    inode: int = 0
    who: str = ""


class AnswersDrafted(Entry, frozen=True):
    """What is chosen so far of a question that is open."""

    generation: str = ""
    seq: int = 0
    draft: Draft = Draft()


class AllowedFirst(Entry, frozen=True):
    """One of the two people who must allow it did."""

    generation: str = ""
    seq: int = 0
    first: First | None = None


class PeopleInvited(Entry, frozen=True):
    """Who may talk in the session's thread only: all of them since."""

    users: tuple[int, ...] = ()


class DefaultChosen(Entry, frozen=True):
    """What new sessions of a channel begin with; an empty value: the configuration's."""

    setting: str = ""
    value: str = ""


class SettingChosen(Entry, frozen=True):
    """The session's own ``/model``, ``/mode`` or ``/effort``; an empty value: the default."""

    setting: str = ""
    value: str = ""


class ProjectAdded(Entry, frozen=True):
    """Messages in the channel start sessions in the directory since."""

    directory: str = ""


class AskedOnHost(Entry, frozen=True):
    """A person on the host asked it by a command of ours. ``who``: their user's name there; ``what``: the command.

    ``number`` tells one such wish from the next; ``digest`` of the text that came with it, empty without one.
    """

    who: str = ""
    what: str = ""
    number: int = 0
    digest: str = ""


class ProjectRemoved(Entry, frozen=True):
    """Messages in the channel start nothing since."""


class NotCarriedOut(Entry, frozen=True):
    """``by`` wished it, and had no right to it (any more) when it was delivered. ``what`` in words, of no person's."""

    what: str = ""
    generation: str = ""
    seq: int = 0
    """Of a decision: the request's."""


class FactRemembered(Entry, frozen=True):
    """A choice of a person's that is kept by its name (trust, rules, rights); an empty value: it was taken back."""

    name: str = ""
    value: str = ""
    what: str = ""
    """In words."""


# --- what an audit reads -----------------------------------------------------------------------------


class OfRecord(Entry, frozen=True):
    """Told by a worker's record of this name."""

    generation: str = ""
    seq: int = 0


class SessionBegun(Entry, frozen=True):
    thread_id: int = 0
    directory: str = ""


class PromptGiven(OfRecord, frozen=True):
    """``by`` wrote it; Claude has it. ``digest`` of its text."""

    prompt_id: int = 0
    digest: str = ""


class PermissionAsked(OfRecord, frozen=True):
    """``by``: whose prompt the turn serves. ``digest`` of the whole input, as the decision is bound to."""

    tool: str = ""
    digest: str = ""


class PermissionDecided(OfRecord, frozen=True):
    """``request`` is the seq of what was asked."""

    request: int = 0
    tool: str = ""
    digest: str = ""
    verdict: str = ""
    always: bool = False
    mode: str = ""


class ToolBegan(OfRecord, frozen=True):
    """``tool_use_id`` names the call; ``digest`` of its input as the log has it (of at most 16 KiB)."""

    tool: str = ""
    tool_use_id: str = ""
    digest: str = ""


class ToolEnded(OfRecord, frozen=True):
    """``outcome``: completed, failed, or unknown. ``unasked``: by what it was allowed without a question."""

    tool_use_id: str = ""
    outcome: str = ""
    unasked: str = ""


class TurnOver(OfRecord, frozen=True):
    outcome: str = ""


class ModeSet(OfRecord, frozen=True):
    """The permission mode that the session runs in since."""

    mode: str = ""


class ChildUncontained(OfRecord, frozen=True):
    """Claude runs without walls since. ``how`` in words."""

    how: str = ""


class JournalBroken(Entry, frozen=True):
    """What stood before this entry is not what was written: the file was cut, edited or replaced, in words."""

    what: str = ""


type AnyEntry = (
    SessionEnded
    | SessionPruned
    | SessionReopened
    | ConversationBegunAnew
    | LostTurnSettled
    | ResetChosen
    | AskedAgain
    | DirectoryAccepted
    | AnswersDrafted
    | AllowedFirst
    | PeopleInvited
    | DefaultChosen
    | SettingChosen
    | NotCarriedOut
    | FactRemembered
    | ProjectAdded
    | ProjectRemoved
    | AskedOnHost
    | SessionBegun
    | PromptGiven
    | PermissionAsked
    | PermissionDecided
    | ToolBegan
    | ToolEnded
    | TurnOver
    | ModeSet
    | ChildUncontained
    | JournalBroken
)
type RecordEntry = (
    PromptGiven | PermissionAsked | PermissionDecided | ToolBegan | ToolEnded | TurnOver | ModeSet | ChildUncontained
)
"""Those of a worker's record."""
