"""What happened in a session: facts, in the past tense.

The worker appends each fact to its event log *before* the fact has any effect outside, and the supervisor
folds the same facts. A fact is never changed; what is the case now is derived (``bridge.session.managed``).

A ``Record`` is an event with its name: ``(generation, seq)``. The generation is a random number in a log's
first record, so a lost or truncated log can never let an old button decide a new request. Together with the
session id this names a permission request everywhere: in the log, on the wire, in a button's ``custom_id``,
in the decision and in the event that answers it.

Times are Unix seconds. Ids of Discord are integers (snowflakes). ``prompt_id`` is the Discord id of the
message or interaction that carried a prompt.
"""

import msgspec

from bridge.protocol.events.base import Event, Number
from bridge.protocol.events.permissions import (
    DecisionRefused,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
    Place,
    SuggestedRule,
    Verdict,
)
from bridge.protocol.events.processes import (
    ChildExited,
    ChildOffered,
    ChildStarted,
    ClaudeIdentified,
    ModeChanged,
    Offer,
    ProjectReplaced,
    ResumeFailed,
    StopDeclined,
    WorkerStarted,
    WorkerStopping,
)
from bridge.protocol.events.prompts import (
    ANSWERED,
    Attachment,
    Part,
    PromptAccepted,
    PromptAmended,
    PromptCancelled,
    PromptDone,
    PromptQueued,
    PromptRequeued,
    PromptTaken,
    When,
)
from bridge.protocol.events.session import (
    LogGap,
    SessionCreated,
    Titled,
)
from bridge.protocol.events.settings import (
    ConfigureAccepted,
    InterruptAccepted,
)
from bridge.protocol.events.turns import (
    ApiRetried,
    Compacted,
    FileChange,
    FileSent,
    Hunk,
    Noticed,
    Outcome,
    TaskEnded,
    TaskProgressed,
    TaskStarted,
    TextWithdrawn,
    TextWritten,
    ThinkingWritten,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    UsageNoted,
)

__all__ = [
    "ANSWERED",
    "AnyEvent",
    "ApiRetried",
    "Attachment",
    "ChildExited",
    "ChildOffered",
    "ChildStarted",
    "ClaudeIdentified",
    "Compacted",
    "ConfigureAccepted",
    "DecisionRefused",
    "Event",
    "FileChange",
    "FileSent",
    "Hunk",
    "InterruptAccepted",
    "LogGap",
    "ModeChanged",
    "Noticed",
    "Number",
    "Offer",
    "Outcome",
    "Part",
    "PermissionRequested",
    "PermissionResolved",
    "PermissionWithdrawn",
    "Place",
    "ProjectReplaced",
    "PromptAccepted",
    "PromptAmended",
    "PromptCancelled",
    "PromptDone",
    "PromptQueued",
    "PromptRequeued",
    "PromptTaken",
    "Record",
    "ResumeFailed",
    "SessionCreated",
    "StopDeclined",
    "SuggestedRule",
    "TaskEnded",
    "TaskProgressed",
    "TaskStarted",
    "TextWithdrawn",
    "TextWritten",
    "ThinkingWritten",
    "Titled",
    "ToolFinished",
    "ToolStarted",
    "TurnEnded",
    "TurnStarted",
    "UnknownEvent",
    "UsageNoted",
    "Verdict",
    "When",
    "WorkerStarted",
    "WorkerStopping",
]


class UnknownEvent(Event, frozen=True):
    """A fact that a newer version told, kept whole (``bridge.protocol.records``); ``told`` is its JSON text."""

    told: str


AnyEvent = (
    SessionCreated
    | Titled
    | LogGap
    | WorkerStarted
    | ChildStarted
    | ChildExited
    | ResumeFailed
    | ProjectReplaced
    | ClaudeIdentified
    | ModeChanged
    | WorkerStopping
    | StopDeclined
    | ChildOffered
    | PromptAccepted
    | PromptQueued
    | PromptTaken
    | PromptDone
    | PromptCancelled
    | PromptAmended
    | PromptRequeued
    | TurnStarted
    | TextWritten
    | TextWithdrawn
    | ThinkingWritten
    | FileSent
    | ToolStarted
    | ToolFinished
    | ApiRetried
    | TaskStarted
    | TaskProgressed
    | TaskEnded
    | Compacted
    | Noticed
    | UsageNoted
    | TurnEnded
    | PermissionRequested
    | PermissionResolved
    | PermissionWithdrawn
    | DecisionRefused
    | InterruptAccepted
    | ConfigureAccepted
    | UnknownEvent
)


class Record(msgspec.Struct, frozen=True):
    """A numbered event of one log: one line of it, and one item on the wire. ``at`` in Unix seconds."""

    generation: str
    seq: Number
    at: float
    event: AnyEvent
