"""Every custom_id of ours, spelled and parsed: the one grammar of buttons, menus, modals and their fields.

    tb:VERB:SESSION:GENERATION:SEQ       a card of a permission request, a question or a lost turn
    tb:list:all|none|each:SESSION:LIST   a card that several requests share, of the list that was shown
    tb:when:next|later|now:SESSION:PROMPT   take a waiting prompt up at another time
    tb:plain:SESSION:PROMPT              a typed answer is none
    tb:tell:MESSAGE:AUTHOR               send to Claude what was written as a command of ours, in the place of the click
    tb:because:SESSION:PROMPT            deny what is asked, with what was typed as the reason
    tb:halt:keep|drop:SESSION            end the running turn, and keep or drop what waits
    tb:reset:on|off:SESSION              go on when a usage limit is free again, or not
    tb:fresh:SESSION                     begin anew where Claude cannot resume
    tb:moved:SESSION                     go on in the directory that stands there now
    tb:strict:SESSION                    Claude asks again, in the mode default
    tb:wide:on|off:CHANNEL               edits are accepted in the channel's new sessions, or are asked about again
    tb:trust:yes|no|revoke:DIGEST        a project's own files
    tb:rule:RULE                         revoke what was allowed for longer
    tb:stop                              the menu of sessions that may be stopped
    tb:status:next|back:PAGE:CHANNEL:STATE:PERSON   another page of /status; 0 and any: all
    reason · answerN                     the fields of a modal; N is the question's place

SESSION is a session id's 32 hex digits, without its dashes. A post stays in its thread for good, and its buttons
with it; so what any version spelled is parsed by each later one: words are added, none goes or changes.
At most 100 characters (docs/discord-api.md, "Messages and components").
"""

import re
from typing import Literal, Self, cast, get_args

import msgspec

from bridge.protocol.events import When
from bridge.protocol.questions import MOST_QUESTIONS
from bridge.trust.decision import Verb

CARD_VERBS = (
    r"allow|always|deny|reason"  # a tool
    r"|keep|hour|chour|cweek|cever"  # for how long a tool is allowed
    r"|dir|cdir"  # the directories that Claude suggests with it: for the session, for the channel
    r"|edits|plan"  # accept edits from now on, with a plan or an edit; keep planning
    r"|send|skip|(?:pick|option|other|page)[0-9]{1,3}"  # a question, with the place in its card
    r"|continue|discard"  # a lost turn
    r"|again"  # what nobody answered in time
    r"|show"  # what was decided, whole
    r"|diff|sdiff"  # what a turn, or the session, changed; named by the turn's TurnStarted
)
STOP_PICKER = "tb:stop"
REASON_FIELD = "reason"
_ANSWER_FIELD = "answer"
_PLACES = frozenset(map(str, range(MOST_QUESTIONS)))

_SESSION = "([0-9a-f]{32})"
_CARD = re.compile(rf"tb:({CARD_VERBS}):{_SESSION}:([0-9a-f]{{8,32}}):([0-9]{{1,15}})")
_WHEN = re.compile(rf"tb:when:(next|later|now):{_SESSION}:([0-9]{{1,20}})")
_TYPED = re.compile(rf"tb:(plain|because):{_SESSION}:([0-9]{{1,20}})")
_TELL = re.compile(r"tb:tell:([0-9]{1,20}):([0-9]{1,20})")
_HALT = re.compile(rf"tb:halt:(keep|drop):{_SESSION}")
_RESET = re.compile(rf"tb:reset:(on|off):{_SESSION}")
_FRESH = re.compile(rf"tb:fresh:{_SESSION}")
_MOVED = re.compile(rf"tb:moved:{_SESSION}")
_STRICT = re.compile(rf"tb:strict:{_SESSION}")
_WIDE = re.compile(r"tb:wide:(on|off):([0-9]{1,19})")
_TRUST = re.compile(r"tb:trust:(yes|no|revoke):([0-9a-f]{64})")
_RULE = re.compile("tb:rule:([0-9a-f]{16})")
_STATUS = re.compile(r"tb:status:(?:next|back):([0-9]{1,4}):([0-9]{1,19}):([a-z]+):([0-9]{1,19})")

_TOGETHER = re.compile(rf"tb:list:(all|none|each):{_SESSION}:([0-9a-f]{{48}})")

Fate = Literal["keep", "drop"]
State = Literal["awaiting", "working", "idle", "asleep", "broken", "ended"]
"""Of a session, as one can look for it."""
TogetherVerb = Literal["all", "none", "each"]
"""Allow all, deny all, one by one."""


# --- cards: the name of a request or of a lost turn -------------------------------------------------------


def on_card(verb: str, session_id: str, generation: str, seq: int) -> str:
    return f"tb:{verb}:{_plain(session_id)}:{generation}:{seq}"


def card_button(custom_id: str) -> tuple[str, str, str, int] | None:
    """(verb, session id, generation, seq); None where it is on no permission's and no lost turn's card."""
    if not (found := _CARD.fullmatch(custom_id)):
        return None
    verb, session, generation, seq = found.groups()
    return verb, _dashed(session), generation, int(seq)


def answers_nothing(custom_id: str) -> bool:
    """Whether the button is one of what is over: who deletes its post misses nothing that waits."""
    found = card_button(custom_id)
    return only_shows(custom_id) or (found is not None and found[0] == "again")


def only_shows(custom_id: str) -> bool:
    """Whether the button is one of what is over: nothing can be answered with it."""
    found = card_button(custom_id)
    return found is not None and found[0] in ("show", "diff", "sdiff")


class TogetherButton(msgspec.Struct, frozen=True):
    """On a card that several requests share; ``listing`` names what it listed when the button was shown."""

    verb: TogetherVerb
    session_id: str
    listing: str

    def custom_id(self) -> str:
        return f"tb:list:{self.verb}:{_plain(self.session_id)}:{self.listing}"


def together_button(custom_id: str) -> TogetherButton | None:
    """None for a button that is none of these."""
    if not (found := _TOGETHER.fullmatch(custom_id)):
        return None
    return TogetherButton(msgspec.convert(found[1], TogetherVerb), _dashed(found[2]), found[3])


# --- steering a running turn ------------------------------------------------------------------------------


class WhenButton(msgspec.Struct, frozen=True):
    """Take this prompt up at another time."""

    session_id: str
    prompt_id: int
    when: When

    def custom_id(self) -> str:
        return f"tb:when:{self.when}:{_plain(self.session_id)}:{self.prompt_id}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        if not (found := _WHEN.fullmatch(custom_id)):
            return None
        when, session, prompt_id = found.groups()
        return cls(_dashed(session), int(prompt_id), msgspec.convert(when, When))


class HaltButton(msgspec.Struct, frozen=True):
    """End the running turn, and keep or drop what waits."""

    session_id: str
    waiting: Fate

    def custom_id(self) -> str:
        return f"tb:halt:{self.waiting}:{_plain(self.session_id)}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        if not (found := _HALT.fullmatch(custom_id)):
            return None
        return cls(_dashed(found[2]), msgspec.convert(found[1], Fate))


class TypedButton(msgspec.Struct, frozen=True):
    """What a typed text is, that might be an answer: a message like any other, or the reason to deny what is asked."""

    verb: Literal["plain", "because"]
    session_id: str
    prompt_id: int

    def custom_id(self) -> str:
        word = "tb:plain" if self.verb == "plain" else "tb:because"
        return f"{word}:{_plain(self.session_id)}:{self.prompt_id}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        if not (found := _TYPED.fullmatch(custom_id)):
            return None
        verb, session, prompt_id = found.groups()
        return cls("plain" if verb == "plain" else "because", _dashed(session), int(prompt_id))


class TellButton(msgspec.Struct, frozen=True):
    """Below a message that is one of our commands, for its author."""

    message_id: int
    author_id: int

    def custom_id(self) -> str:
        return f"tb:tell:{self.message_id}:{self.author_id}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        found = _TELL.fullmatch(custom_id)
        return cls(int(found[1]), int(found[2])) if found else None


def steering_button(custom_id: str) -> WhenButton | HaltButton | None:
    return WhenButton.parse(custom_id) or HaltButton.parse(custom_id)


# --- a session that cannot simply go on --------------------------------------------------------------------


def to_start_fresh(session_id: str) -> str:
    return f"tb:fresh:{_plain(session_id)}"


def session_to_start_fresh(custom_id: str) -> str | None:
    """The session id of a "Start fresh" button's custom_id."""
    found = _FRESH.fullmatch(custom_id)
    return _dashed(found[1]) if found else None


def to_go_on(session_id: str) -> str:
    return f"tb:moved:{_plain(session_id)}"


class ResetButton(msgspec.Struct, frozen=True):
    """On the card of a usage limit that was hit."""

    verb: Literal["on", "off"]
    session_id: str

    def custom_id(self) -> str:
        return f"tb:reset:{self.verb}:{_plain(self.session_id)}"


def reset_button(custom_id: str) -> ResetButton | None:
    """None for a button that is none of these."""
    found = _RESET.fullmatch(custom_id)
    return ResetButton("on" if found[1] == "on" else "off", _dashed(found[2])) if found else None


def session_to_go_on(custom_id: str) -> str | None:
    """The session id of a "Go on here" button's custom_id."""
    found = _MOVED.fullmatch(custom_id)
    return _dashed(found[1]) if found else None


def to_make_strict(session_id: str) -> str:
    return f"tb:strict:{_plain(session_id)}"


def session_to_make_strict(custom_id: str) -> str | None:
    """The session id of a "Ask about everything again" button's custom_id."""
    found = _STRICT.fullmatch(custom_id)
    return _dashed(found[1]) if found else None


class ChannelModeButton(msgspec.Struct, frozen=True):
    """Edits are accepted in sessions that begin in the channel from now on, or are asked about again."""

    verb: Literal["on", "off"]
    channel_id: int

    def custom_id(self) -> str:
        return f"tb:wide:{self.verb}:{self.channel_id}"


def channel_mode_button(custom_id: str) -> ChannelModeButton | None:
    """None for a button that is none of these."""
    found = _WIDE.fullmatch(custom_id)
    return ChannelModeButton("on" if found[1] == "on" else "off", int(found[2])) if found else None


# --- what is trusted, and what is allowed for longer -------------------------------------------------------


class TrustButton(msgspec.Struct, frozen=True):
    """The answer to what a project's own files would do, of the digest that was shown."""

    verb: Verb
    digest: str

    def custom_id(self) -> str:
        return f"tb:trust:{self.verb}:{self.digest}"


def trust_button(custom_id: str) -> TrustButton | None:
    """None for a button that is none of these."""
    found = _TRUST.fullmatch(custom_id)
    return TrustButton(cast(Verb, found[1]), found[2]) if found else None


def to_revoke_rule(rule_id: str) -> str:
    return f"tb:rule:{rule_id}"


def rule_button(custom_id: str) -> str:
    """The rule's id of a button that revokes it; else empty."""
    found = _RULE.fullmatch(custom_id)
    return found[1] if found else ""


# --- what one looks at --------------------------------------------------------------------------------------


class StatusButton(msgspec.Struct, frozen=True):
    """A page (from 0) of the sessions in a channel, in a state, of a person; 0 and ``any``: all of them."""

    page: int = 0
    channel_id: int = 0
    state: State | Literal["any"] = "any"
    person_id: int = 0

    def custom_id(self, word: Literal["next", "back"]) -> str:
        """Both lead to the page; the word keeps two buttons of one message apart."""
        return f"tb:status:{word}:{self.page}:{self.channel_id}:{self.state}:{self.person_id}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        found = _STATUS.fullmatch(custom_id)
        if not found or found[3] not in (*get_args(State), "any"):
            return None
        return cls(int(found[1]), int(found[2]), cast(State, found[3]), int(found[4]))


# --- the fields of a modal ---------------------------------------------------------------------------------


def answer_field(place: int) -> str:
    return f"{_ANSWER_FIELD}{place}"


def place_of_field(custom_id: str) -> int | None:
    """The place of the question that a field of the modal answers."""
    number = custom_id.removeprefix(_ANSWER_FIELD)
    return int(number) if custom_id.startswith(_ANSWER_FIELD) and number in _PLACES else None


# --- words ---------------------------------------------------------------------------------------------------


def place_of(verb: str) -> tuple[str, int]:
    """("pick", 2) of "pick2"; the number is 0 where a verb has none."""
    word = verb.rstrip("0123456789")
    return word, int(verb[len(word) :] or 0)


def _plain(session_id: str) -> str:
    return session_id.replace("-", "")


def _dashed(session: str) -> str:
    return f"{session[:8]}-{session[8:12]}-{session[12:16]}-{session[16:20]}-{session[20:]}"
