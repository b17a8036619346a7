"""What is under way in a session: prompts that Claude has not finished with, and the running turn."""

from enum import StrEnum

import msgspec

from bridge.protocol import events as e


class PromptState(StrEnum):
    ACCEPTED = "accepted"
    QUEUED = "queued"
    TAKEN = "taken"


class OpenPrompt(msgspec.Struct):
    """A prompt that Claude has not finished with."""

    uuid: str
    author_id: int
    state: PromptState = PromptState.ACCEPTED
    is_message: bool = False
    """It can be edited and deleted on Discord."""
    when: e.When = "next"
    parts: tuple[e.Part, ...] = ()
    """The messages that it is made of, where they are several."""


class Turn(msgspec.Struct, frozen=True):
    """The running turn; named by the seq of its TurnStarted."""

    seq: int
    started_at: float
    prompt_ids: tuple[int, ...]
    origin: str
    authors: tuple[int, ...] = ()
    """The user ids of all whose prompts it serves, also of those that are done meanwhile."""
