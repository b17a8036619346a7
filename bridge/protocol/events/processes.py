"""Facts of the processes: the worker and Claude, its child."""

import msgspec

from bridge.protocol.events.base import Event


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
