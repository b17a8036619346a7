"""A permission request, its name and its decision.

    PENDING ──PermissionResolved──▶ ALLOWED | DENIED | EXPIRED
       └──────PermissionWithdrawn─▶ WITHDRAWN

The name ``(session, generation, seq)`` is the whole identity: the worker's log gives it, every message
carries it, a button's ``custom_id`` spells it, and a decision without it cannot be expressed. The decision
also carries the digest of the input that was *shown*, and the worker refuses a mismatch; so nobody can
approve one thing and have another run.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

import msgspec

from bridge.protocol import events as e
from bridge.protocol.commands import Decide
from bridge.protocol.edits import EDIT_TOOLS
from bridge.protocol.modes import ACCEPT_EDITS
from bridge.protocol.questions import Question, read_questions
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL
from bridge.session.custom_ids import card_button, on_card
from bridge.session.people import named
from bridge.session.questions import Draft

NOT_ANSWERED = (
    "The person chose not to answer. Do not ask the same again: go on with what you think best and say what you"
    " assumed, or end your turn and wait for their next message."
)
NOTHING_ANSWERED: Mapping[str, str] = MappingProxyType({})
KEEP_PLANNING = "The person wants you to keep planning. Ask what to change, or refine the plan."


class RequestName(msgspec.Struct, frozen=True):
    """Names one permission request for ever; see the module's text. A lost turn is named likewise, by its end."""

    session_id: str
    generation: str
    seq: int

    def custom_id(self, verb: str) -> str:
        """At most 100 characters (docs/discord-api.md, "Messages and components")."""
        return on_card(verb, self.session_id, self.generation, self.seq)

    @classmethod
    def parse(cls, custom_id: str) -> tuple[str, Self] | None:
        """(verb, name), or None for a custom_id that is not of a permission's or a lost turn's card."""
        if not (found := card_button(custom_id)):
            return None
        verb, session_id, generation, seq = found
        return verb, cls(session_id, generation, seq)


class First(msgspec.Struct, frozen=True):
    """Who allowed what two people must allow, and as what; ``digest`` is that of the input that they saw."""

    user_id: int
    name: str
    digest: str
    answers: dict[str, str] = {}
    mode: str = ""


class PermissionRequest(msgspec.Struct, frozen=True):
    """A pending request. ``asked_for`` is the user id of the person whose prompt it serves."""

    name: RequestName
    at: float
    asked_for: int
    event: e.PermissionRequested
    agent: str = ""
    """Which subagent asks, in words; empty: Claude itself, or a subagent that nobody told of."""
    draft: Draft = Draft()
    """What is chosen so far, of a question. It lives and dies with the request."""
    needs_two: bool = False
    askers: tuple[int, ...] = ()
    """All whose prompts the turn serves; older ones know only ``asked_for``."""
    must_ask: bool = False
    """In this channel edits are never accepted without asking: two people must allow some of them."""
    no_directories: bool = False
    """In this channel no directory is worked in without asking: two people must allow some of what would be done."""
    first: First | None = None
    """Who allowed it, while another one is still to; kept like the draft."""

    @property
    def is_plan(self) -> bool:
        return self.event.tool == PLAN_TOOL

    @property
    def offers_edits(self) -> bool:
        """Whether with this plan or edit all may be accepted from now on; an edit that takes two loosens nothing."""
        is_edit = self.event.tool in EDIT_TOOLS and ACCEPT_EDITS in self.event.modes and not self.needs_two
        return not self.must_ask and (self.is_plan or is_edit)

    @property
    def offered_directories(self) -> tuple[str, ...]:
        """In which Claude may work without asking from now on."""
        return self.event.directories if self.may_open else ()

    @property
    def may_open(self) -> bool:
        """Whether a directory may be offered with it. Where Claude does not accept edits and this is no edit, one alone
        would not let it do the like again: then none is.
        """
        barred = self.needs_two or self.no_directories or (self.event.modes and not self.offers_edits)
        return not (barred or self.is_plan)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Of a question of Claude's, in its order; of anything else none."""
        return (self.event.tool == QUESTION_TOOL and read_questions(self.event.tool_input)) or ()

    def decide(
        self,
        verdict: e.Verdict,
        person: "Person | None",
        *,
        always: bool = False,
        reason: str = "",
        answers: Mapping[str, str] = NOTHING_ANSWERED,
        mode: str = "",
    ) -> Decide:
        """The command that carries this decision, bound to the digest that was shown."""
        first = self.first if verdict == "allowed" else None
        return Decide(
            generation=self.name.generation,
            seq=self.name.seq,
            digest=self.event.digest,
            verdict=verdict,
            always=always and bool(self.event.rules),
            decided_by=person.user_id if person else 0,
            decider=person.name if person else "",
            reason=reason,
            answers=dict(answers),
            mode=mode,
            also_by=first.user_id if first else 0,
        )


class Settled(msgspec.Struct, frozen=True):
    """How a request ended; ``verdict`` as in the log, or ``withdrawn``."""

    verdict: str
    decider: str
    reason: str
    always: bool = False
    answers: dict[str, str] = {}
    mode: str = ""
    decider_id: int = 0
    also_by: int = 0
    """Who allowed it first, where two people had to."""
    kept: str = ""
    """For how long, in words, what Claude suggested is allowed without asking since."""

    def in_words(self) -> str:
        match self.verdict:
            case "allowed" | "denied":
                return f"This request was already {self.verdict} by {named(self.decider_id, self.decider)}."
            case "expired":
                return "This request expired: nobody answered in time, and Claude was told so."
            case _:
                return "Claude no longer asks this; the request was withdrawn."


class Person(msgspec.Struct, frozen=True):
    """Somebody on Discord, as an event named them. ``role_ids`` are those of ``guild_id`` only."""

    user_id: int
    name: str
    guild_id: int = 0
    role_ids: frozenset[int] = frozenset()
