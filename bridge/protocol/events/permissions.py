"""Facts of permission requests: what was asked, what was decided."""

from typing import Literal

import msgspec

from bridge.protocol.events.base import Event


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
    directories: tuple[str, ...] = ()
    """Outside the project, in which Claude offers to work without asking (``bridge.protocol.directories``)."""
    unseen: tuple[str, ...] = ()
    """Those of them that the child does not see: they are not there, or its walls do not show them."""
    unanswered: tuple[str, ...] = ()
    """Suggested too, and not offered: their file system did not answer in time."""
    not_directories: tuple[str, ...] = ()
    """Suggested too, and not offered: something else is there."""


Verdict = Literal["allowed", "denied", "expired"]


class PermissionResolved(Event, frozen=True):
    """Decided; written before Claude is told. ``seq`` names the request in this log's generation."""

    seq: int
    verdict: Verdict
    always: bool = False
    decided_by: int = 0
    decider: str = ""
    reason: str = ""
    answers: dict[str, str] = msgspec.field(default_factory=dict)
    """To a question of Claude's (AskUserQuestion): the question's text → what was chosen or written."""
    mode: str = ""
    """The permission mode that is set with an approved plan; empty: Claude's own choice."""
    also_by: int = 0
    """Who allowed it first, where two people had to."""
    kept: str = ""
    """With ``always``: for how long, in words, the supervisor allows the like by itself. Empty: Claude was told of the
    rule, and keeps it as long as its process runs. Without: what else is allowed since, in words.
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
