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

from typing import Annotated, Literal

import msgspec

Number = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""What another process counts: a number that any store can hold, also one more of it."""


class Event(msgspec.Struct, frozen=True, tag=True, tag_field="kind", omit_defaults=True):
    """A fact. The subclass's name is its tag in the log and on the wire."""


# --- the session -------------------------------------------------------------------------------------


class SessionCreated(Event, frozen=True):
    """A log's first record: all that is needed to rebuild the supervisor's row of this session."""

    session_id: str
    thread_id: int
    guild_id: int
    channel_id: int
    directory: str
    owner_id: int
    inode: int = 0
    """The directory's own number in its file system, which no other in its place has; 0: not known."""
    git_directory: str = ""
    """The repository's common git directory, where it lies outside of ``directory``: opened for the child too."""
    work_tree: str = ""
    """The repository's top directory, where ``directory`` is one inside it."""
    remote: str = ""
    """The URL that the repository is pushed to, as it was then (``bridge.protocol.remote``); empty: there is none."""


class LogGap(Event, frozen=True):
    """Records up to ``through`` were acknowledged by the supervisor but are gone from the log."""

    through: int


# --- processes ---------------------------------------------------------------------------------------


class WorkerStarted(Event, frozen=True):
    pid: int
    contained: bool
    containment: str
    """How the child is shut in, or why it is not; in words."""
    inode: int = 0
    """The project directory's, as far as it is the session's; 0: not known."""
    opened: tuple[str, ...] = ()
    """What is open besides the project because of what the project is, in words: its repository."""


class ChildStarted(Event, frozen=True):
    """A ``claude`` child answered its initialize request. ``pid`` is seen from the host's PID namespace."""

    pid: int
    claude_id: str
    resumed: bool
    version: str = ""
    logged_in: bool = True


class ChildExited(Event, frozen=True):
    """The child is gone. ``wanted`` when we stopped it. ``code`` is negative for a signal, as in Popen."""

    code: int
    wanted: bool
    reason: str = ""
    """In words, for the thread; empty when there is nothing to say."""
    stderr_tail: str = ""
    is_final: bool = False
    """To start another one by itself would end the same way."""
    may_pass: bool = False
    """Nothing was started, for a reason that lies outside the session and may be gone later: it is tried again."""


class ResumeFailed(Event, frozen=True):
    """Claude has no conversation under the id that we asked it to resume; a fresh one was not started."""

    claude_id: str
    reason: str


class ProjectReplaced(Event, frozen=True):
    """Where the project directory was, there is another one now; nothing was started in it."""

    inode: int
    """The other one's."""
    reason: str


class ClaudeIdentified(Event, frozen=True):
    """Claude's own id of the conversation. It changes with ``/clear`` (docs/claude-protocol.md, "Conversations")."""

    claude_id: str


class ModeChanged(Event, frozen=True):
    permission_mode: str
    admitted: bool = False
    """No looser than what was set or chosen (``bridge.protocol.modes``). Older workers did not look."""


class WorkerStopping(Event, frozen=True):
    """A Stop command was taken, or the worker was told by a signal to end."""

    reason: str
    command_id: str = ""


class StopDeclined(Event, frozen=True):
    """A Stop that was only for an idle session came when it had something to do (again)."""

    command_id: str


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something a person can choose: a model, or a slash command of Claude's with its argument's hint."""

    name: str
    description: str = ""
    hint: str = ""
    efforts: tuple[str, ...] = ()


class ChildOffered(Event, frozen=True):
    """What this child's initialize answer says can be chosen (docs/claude-protocol.md, "Handshake")."""

    models: tuple[Offer, ...] = ()
    commands: tuple[Offer, ...] = ()


# --- prompts -----------------------------------------------------------------------------------------

When = Literal["next", "later", "now"]
"""When Claude takes up a prompt that comes during a turn: at its next step, after the turn, or at once."""


ANSWERED = "answered"


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that a person sent with a prompt. ``url`` is where it is to be had (Discord's links expire);
    ``stored`` its path below the session's folder once it is there; ``failure`` in words why it never will be.
    """

    attachment_id: int
    name: str
    size_bytes: int
    media_type: str = ""
    url: str = ""
    stored: str = ""
    failure: str = ""
    origin: str = ""
    """Empty: it is the person's own. ``forwarded``: it hung on a message of somebody's that the person passed on;
    ``answered``: on the one that the person answers.
    """


class PromptAccepted(Event, frozen=True):
    """Custody of a prompt passes from the supervisor's inbox to the log; written before Claude gets it.

    ``uuid`` names the message to Claude. A second record of the same ``prompt_id`` means that it was sent
    again under a new uuid, because Claude never took the first one up.
    """

    prompt_id: int
    uuid: str
    text: str
    author_id: int
    author: str
    is_message: bool = False
    """``prompt_id`` is a message's, which can be edited and deleted; else an interaction's."""
    when: When = "next"
    is_command: bool = False
    """A slash command of Claude's, which a person chose; other text is never run as one."""
    attachments: tuple[Attachment, ...] = ()
    is_ours: bool = False
    """The bridge's own words, in the name of who let Claude go on."""


class PromptQueued(Event, frozen=True):
    """Claude read it while a turn was running."""

    prompt_id: int


class PromptTaken(Event, frozen=True):
    """Claude took it into a turn."""

    prompt_id: int


class PromptDone(Event, frozen=True):
    prompt_id: int


class PromptCancelled(Event, frozen=True):
    """It will not be worked on (any more): its turn was interrupted, failed, or it was withdrawn."""

    prompt_id: int
    reason: str = ""


class PromptAmended(Event, frozen=True):
    """An Amend was taken up; ``done`` is False when it came too late: Claude had the prompt already.

    A prompt that was deleted is open no more; a PromptCancelled follows. Before that of an edit stands the
    PromptAccepted of the new text, under a new uuid: whatever dies in between, the old text is not sent again.
    """

    command_id: str
    prompt_id: int
    deleted: bool
    done: bool


class PromptRequeued(Event, frozen=True):
    """A Requeue was taken up; not ``done``: Claude had the prompt already. Before it stands, as after an edit, the
    PromptAccepted under a new uuid.
    """

    command_id: str
    prompt_id: int
    when: When
    done: bool


# --- turns -------------------------------------------------------------------------------------------

Outcome = Literal["completed", "failed", "interrupted", "lost"]


class TurnStarted(Event, frozen=True):
    """The record's seq names the turn. No prompts: it started by itself; ``origin`` says from what."""

    prompt_ids: tuple[int, ...] = ()
    origin: str = ""


class TextWritten(Event, frozen=True):
    """A whole block of Claude's text. ``block`` names the block whose deltas it replaces."""

    block: str
    text: str
    agent_id: str = ""
    broken_off: bool = False
    """It is only what there was of the block when its turn or its process ended."""


class ThinkingWritten(Event, frozen=True):
    """What Claude thought, as far as it tells; capped like a tool's output."""

    text: str


class FileSent(Event, frozen=True):
    """Claude gave the person a file (the tool ``send_file``). ``stored``: its copy below the session's folder."""

    name: str
    stored: str
    size_bytes: int
    caption: str = ""


class TextWithdrawn(Event, frozen=True):
    """The stream broke and Claude asks again: these blocks' deltas and texts are void."""

    blocks: tuple[str, ...]


class ToolStarted(Event, frozen=True):
    """``tool_input`` is JSON text, capped; ``input_bytes`` says how long it was."""

    tool_use_id: str
    tool: str
    tool_input: str
    input_bytes: int = 0
    agent_id: str = ""


class ToolFinished(Event, frozen=True):
    """``output`` is capped to 16 KiB; ``output_bytes`` and ``output_digest`` tell of the whole."""

    tool_use_id: str
    is_error: bool
    output: str
    output_bytes: int = 0
    output_digest: str = ""
    unknown: bool = False
    """The worker died, or the turn ended, while it ran: nobody knows its outcome."""
    allowed_by: str = ""
    """By what the CLI says that it was allowed, in its words; empty when it does not tell."""
    rule: str = ""
    """The rule of the trusted copy that allowed it, so that nobody was asked; empty when it was none of those."""


class ApiRetried(Event, frozen=True):
    """An API call failed and Claude will try again. ``delay`` in seconds; ``error``: the CLI's word for why
    (docs/claude-protocol.md, "API failures").
    """

    attempt: int
    max_attempts: int
    delay: float
    error: str
    status: int | None = None


class TaskStarted(Event, frozen=True):
    """A background task (a shell or a subagent) began."""

    task_id: str
    task_type: str
    description: str
    tool_use_id: str = ""
    backgrounded: bool = True


class TaskProgressed(Event, frozen=True):
    """A task is at something else now. ``tokens`` and ``tool_uses`` so far."""

    task_id: str
    description: str = ""
    last_tool: str = ""
    tool_uses: int = 0
    tokens: int = 0


class TaskEnded(Event, frozen=True):
    task_id: str
    status: str
    summary: str = ""


class Compacted(Event, frozen=True):
    """Claude summed its context up."""

    trigger: str = ""


class Noticed(Event, frozen=True):
    """Something a person should be told that fits no other event."""

    text: str


class TurnEnded(Event, frozen=True):
    """``outcome`` says how. Tokens are this turn's; ``total_cost_usd`` is Claude's own cumulative figure."""

    outcome: Outcome
    prompt_ids: tuple[int, ...] = ()
    reason: str = ""
    """For failed: what went wrong and what to do, in words."""
    error: str = ""
    """The field's own code (authentication_failed, overloaded, max_turns, …)."""
    duration: float = 0.0
    total_cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    result: str = ""
    """The answer of a turn that showed no text of its own (a local command)."""
    cost_usd: float | None = None
    """What was spent since the result before, where Claude tells that (2.1.330 does)."""
    resets_at: float = 0.0
    """When the limit that ended it is free again; 0: not told."""
    context_tokens: int = 0
    context_window: int = 0
    """What is in Claude's context now, and what it holds; 0: not told."""


# --- permissions -------------------------------------------------------------------------------------


class SuggestedRule(msgspec.Struct, frozen=True):
    """One rule of the one ``addRules`` suggestion; ``content`` empty means every use of the tool."""

    tool: str
    content: str = ""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a text that is to be replaced stands in its file.

    ``line``: the number of its first line; 0: not known. ``before`` and ``after``: what stands beside it on its first
    and behind it on its last line, that line's end included. ``count``: how often it occurs.
    """

    line: int
    before: str = ""
    after: str = ""
    count: int = 1


class PermissionRequested(Event, frozen=True):
    """Claude asks. The record's (generation, seq) names the request.

    ``tool_input`` is the whole input as JSON text, never capped: it is what the person decides on, and
    ``digest`` (sha256 hex of exactly that text) binds the decision to it.
    """

    request_id: str
    tool: str
    tool_input: str
    digest: str
    tool_use_id: str = ""
    description: str = ""
    rules: tuple[SuggestedRule, ...] = ()
    agent_id: str = ""
    server: str = ""
    reason: str = ""
    blocked_path: str = ""
    places: tuple[Place, ...] = ()
    """Of an edit's texts in their file when it was asked, in their order; empty: nobody looked, or it is no edit."""
    modes: tuple[str, ...] = ()
    """Permission modes that Claude offers to go on in, of those that may be set with an approval."""


Verdict = Literal["allowed", "denied", "expired"]


class PermissionResolved(Event, frozen=True):
    """Decided; written before Claude is told. ``seq`` names the request in this log's generation."""

    seq: int
    verdict: Verdict
    always: bool = False
    decided_by: int = 0
    decider: str = ""
    reason: str = ""
    answers: dict[str, str] = {}
    """To a question of Claude's (AskUserQuestion): the question's text → what was chosen or written."""
    mode: str = ""
    """The permission mode that is set with an approved plan; empty: Claude's own choice."""
    also_by: int = 0
    """Who allowed it first, where two people had to."""
    kept: str = ""
    """With ``always``: for how long, in words, the supervisor allows the like by itself. Empty: Claude was told of the
    rule, and keeps it as long as its process runs.
    """


class PermissionWithdrawn(Event, frozen=True):
    """Claude no longer asks."""

    seq: int
    reason: str


class DecisionRefused(Event, frozen=True):
    """A decision reached the worker and was not applied (wrong digest or generation, unknown request)."""

    seq: int
    reason: str
    decided_by: int = 0
    generation: str = ""
    """Of the log in which the request stood, when that is gone; empty: of this one."""


class InterruptAccepted(Event, frozen=True):
    command_id: str
    by: int = 0
    keep_queued: bool = False


class ConfigureAccepted(Event, frozen=True):
    command_id: str
    setting: str
    value: str
    error: str = ""


class UnknownEvent(Event, frozen=True):
    """A fact that a newer version told, kept whole (``bridge.protocol.records``); ``told`` is its JSON text."""

    told: str


AnyEvent = (
    SessionCreated
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
