"""Facts of prompts: what became of what a person wrote."""

from typing import Literal

import msgspec

from bridge.protocol.events.base import Event

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
    message_id: int = 0
    """Of the part that it came with; 0: of the prompt's own message."""


class Part(msgspec.Struct, frozen=True):
    """One of several messages that are one prompt."""

    message_id: int
    channel_id: int
    text: str


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
    parts: tuple[Part, ...] = ()
    """The messages that it is made of, where they are several; ``text`` is theirs together."""


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
