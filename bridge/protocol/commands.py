"""What the supervisor asks of a worker. Commands are wishes: they are repeated until an event answers them
(``bridge.protocol.answers`` says which).

A worker that is given a command a second time ignores it: the events in its log say that it was taken.
"""

import msgspec

from bridge.protocol.events import Attachment, Part, Verdict, When

HIBERNATION = "hibernation"
"""The reason of a stop that only saves memory: the next prompt wakes the session."""


class Command(msgspec.Struct, frozen=True, tag=True, tag_field="kind", omit_defaults=True):
    """A wish. The subclass's name is its tag on the wire and in the inbox."""


class Prompt(Command, frozen=True):
    prompt_id: int
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
    parts: tuple[Part, ...] = ()
    """As in PromptAccepted; of one that is open, also where it is one message."""
    heard_at: float = 0.0
    """Unix seconds when its last message came, while others may still join it; 0: it is closed."""
    is_typed: bool = False
    """Its author was seen typing after that."""
    answer_to: int = 0
    """The seq of the open request that it answers unless its author says otherwise in time; 0: it answers none."""
    answer_in: str = ""
    """The generation of the log that names that request."""
    is_reason: bool = False
    """It answers only when somebody says so: as the reason to deny the request."""


class Decide(Command, frozen=True):
    """A person's (or the clock's) answer to the request ``(generation, seq)``, bound to what was shown."""

    generation: str
    seq: int
    digest: str
    verdict: Verdict
    always: bool = False
    decided_by: int = 0
    decider: str = ""
    reason: str = ""
    answers: dict[str, str] = {}
    mode: str = ""
    """As in PermissionResolved."""
    also_by: int = 0
    """Who allowed it first, where two people must."""
    kept: str = ""
    """As in PermissionResolved."""
    loosens: bool = False
    """Claude asks less from then on. Only versions before this one told it: it takes no other right."""
    by_rules: tuple[str, ...] = ()
    """The ids of the rules by which it was decided."""


class Interrupt(Command, frozen=True):
    """End the running turn. Queued prompts are dropped unless ``keep_queued``."""

    command_id: str
    by: int = 0
    keep_queued: bool = False


class Configure(Command, frozen=True):
    """``setting`` is ``permission_mode``, ``model``, ``effort`` or ``directories`` (bridge.protocol.directories)."""

    command_id: str
    setting: str
    value: str
    by: int = 0
    loosens: bool = False
    """Claude asks less from then on."""


class Amend(Command, frozen=True):
    """A prompt that Claude has not taken up was edited, or deleted (``text`` is None)."""

    command_id: str
    prompt_id: int
    text: str | None
    by: int = 0
    parts: tuple[Part, ...] = ()
    """What is left of several messages, and what they say now."""


class Requeue(Command, frozen=True):
    """A prompt that Claude has not taken up is to be taken at another time."""

    command_id: str
    prompt_id: int
    when: When
    by: int = 0


class Stop(Command, frozen=True):
    """End the child by the ladder, then the worker. ``if_idle``: only when it has nothing to do (hibernation)."""

    command_id: str
    reason: str = ""
    if_idle: bool = False


AnyCommand = Prompt | Decide | Interrupt | Configure | Amend | Requeue | Stop
