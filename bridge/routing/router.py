"""BridgeRouter: an inbound fact of Discord's and what is known → a value that says what to do.

Pure: the gateway makes the facts, ``supervisor.main`` carries the values to SessionManager. There is no global
active thread and no processing flag: a fact names its thread, and a thread names its session. A permission
request is never looked for; a click names it, and must come from its own session's thread.
"""

from collections.abc import Callable, Collection, Mapping

import msgspec

from bridge.protocol.events import ANSWERED, Attachment
from bridge.protocol.modes import ACCEPT_EDITS, DEFAULT, is_looser
from bridge.routing import silence
from bridge.routing.actions import (
    Action,
    AllowFirst,
    AskAnswers,
    AskPlanChange,
    AskReason,
    AskTerm,
    CreateSession,
    DecideRequest,
    DraftAnswers,
    EndSession,
    GoOnHere,
    Ignore,
    InterruptSession,
    JudgeProject,
    PromptSession,
    Refuse,
    RequeuePrompt,
    RevokeRule,
    SettleLostTurn,
    ShowInput,
    StartFresh,
)
from bridge.routing.channel import Channel
from bridge.routing.needs import BUTTONS, COMMANDS, MANAGE, TALK
from bridge.routing.places import Place, unfit_in_words
from bridge.routing.silence import Unheard
from bridge.session.custom_ids import (
    HaltButton,
    TrustButton,
    WhenButton,
    place_of,
    rule_button,
    session_to_go_on,
    session_to_start_fresh,
    steering_button,
    trust_button,
)
from bridge.session.managed import ManagedSession
from bridge.session.permission import (
    KEEP_PLANNING,
    NOT_ANSWERED,
    First,
    PermissionRequest,
    Person,
    RequestName,
    Settled,
)
from bridge.session.questions import Draft, answers_at_once, pages_of, picked, written
from bridge.session.rights import ANY, Access, Right, Rights, lacking
from bridge.session.rules import OF_CHANNEL, term_of

THREAD_NAME_CHARS = 95


class MessageSeen(msgspec.Struct, frozen=True):
    """A message of somebody's. ``parent_id`` is the channel of a thread, 0 for a channel itself."""

    message_id: int
    channel_id: int
    parent_id: int
    guild_id: int
    author: Person
    text: str
    is_from_person: bool
    """Not a bot, not a webhook, not one of Discord's own system messages."""
    mentions_bot: bool
    quote: str = ""
    """What it answers or passes on, marked as a quotation."""
    is_forward: bool = False
    is_voice: bool = False
    attachments: tuple[Attachment, ...] = ()
    is_post: bool = True
    """Somebody or some program wrote it: none of Discord's own system messages."""
    place: Place | None = None
    parent: Place | None = None
    """What a server shows of where it was written, and of what that is in; None for what is not shown."""

    @property
    def unheard(self) -> Unheard:
        is_direct = not self.guild_id and self.place is None
        return Unheard(self.author, self.channel_id, self.place, self.parent, self.mentions_bot, is_direct)

    @property
    def prompt(self) -> str:
        """What Claude is told. Nothing in the quotation is what the person asks."""
        return "\n\n".join(filter(None, (self.quote, self.text)))

    @property
    def title(self) -> str:
        """What a thread that begins with it is named after."""
        files = ", ".join(attachment.name for attachment in self.attachments)
        return self.text.strip() or files or ("A forwarded message" if self.is_forward else "")

    @property
    def objection(self) -> str:
        """Why it cannot be a prompt, for the person who wrote it; empty when it can."""
        if self.is_voice:
            return VOICE
        has_own = any(attachment.origin != ANSWERED for attachment in self.attachments)
        return "" if self.text.strip() or has_own or self.is_forward else EMPTY


class Clicked(msgspec.Struct, frozen=True):
    """A button, a select or a modal of ours. ``values`` were picked; ``reason`` and ``texts`` are what the modal's
    fields held, ``texts`` by the question's place. ``reason`` is None when it was no modal.
    """

    custom_id: str
    channel_id: int
    guild_id: int
    person: Person
    reason: str | None = None
    values: tuple[str, ...] = ()
    texts: dict[int, str] = {}


EMPTY = "There is no text in this message, and no file: nothing that Claude could read. Write what you want, please."
VOICE = "Claude cannot listen to voice messages. Write what you want, please."

NOT_OFFERED = "That is not among the choices of this question. Nothing was changed."
STAYS_OPEN = "The request stays open."
OWN = (
    "This is for what you asked yourself, and in this channel somebody else allows that. You can deny it. The request"
    " stays open."
)
ONE_MORE = "You allowed this already; another person must allow it too. The request stays open."
NOTHING_CHOSEN = "Choose or write at least one answer first, or press *No answer*."


def _nobody(_session_id: str) -> Collection[int]:
    return ()


def _as_usual(_channel_id: int) -> str:
    return DEFAULT


class BridgeRouter:
    """``session_of`` finds a thread's session; ``request_of`` a pending request or how it ended; ``invited`` who may
    talk in one session only; ``begins_in`` the permission mode of a channel's new sessions.
    """

    def __init__(
        self,
        rights: Rights,
        channels: Mapping[int, Channel],
        session_of: Callable[[int], ManagedSession | None],
        request_of: Callable[[RequestName], PermissionRequest | Settled | None],
        invited: Callable[[str], Collection[int]] = _nobody,
        begins_in: Callable[[int], str] = _as_usual,
    ) -> None:
        self._rights = rights
        self._channels = channels
        self._session_of = session_of
        self._request_of = request_of
        self._invited = invited
        self._begins_in = begins_in

    def handle_message(self, message: MessageSeen) -> Action:
        if not message.is_from_person:
            is_ours = message.channel_id in self._channels or self._session_of(message.channel_id)
            return silence.of_bot(message.unheard) if message.is_post and is_ours else Ignore("not written by a person")
        if session := self._session_of(message.channel_id):
            return self.handle_session_message(message, session)
        return self.handle_new_message(message)

    def handle_new_message(self, message: MessageSeen) -> Action:
        """A message in a channel: it may start a session, whose thread will have the message's id."""
        is_allowed = self._has_some_right(message)
        channel = self._channels.get(message.channel_id)
        if channel is None or message.parent_id:
            return silence.elsewhere(message.unheard, self._channels, is_allowed=is_allowed)
        if channel.mention_only and not message.mentions_bot:
            return Ignore("the bot was not mentioned")
        if message.place and unfit_in_words(message.place):
            return silence.in_unfit(message.unheard, is_allowed=is_allowed)
        if words := self.lacks(TALK, message.author, message.guild_id, message.channel_id):
            return silence.of_stranger(message.unheard, words)
        if message.objection:
            return Refuse(message.objection)
        return CreateSession(
            thread_id=message.message_id,
            guild_id=message.guild_id,
            channel=channel,
            owner=message.author,
            text=message.prompt,
            thread_name=thread_name(message.title),
            attachments=message.attachments,
        )

    def _has_some_right(self, message: MessageSeen) -> bool:
        """In the channel; in the one above a thread that is not ours; in a direct message, in any."""
        above = message.parent.place_id if message.parent and message.channel_id not in self._channels else 0
        places = self._channels if message.unheard.is_direct else (above or message.channel_id,)
        return any(not self.lacks(ANY, message.author, message.guild_id, place) for place in places)

    def handle_session_message(self, message: MessageSeen, session: ManagedSession) -> Action:
        if words := self.lacks_in(session, TALK, message.author):
            return silence.of_stranger(message.unheard, words)
        if message.objection:
            return Refuse(message.objection)
        return PromptSession(
            session.session_id, message.message_id, message.prompt, message.author, message.attachments
        )

    def handle_click(self, click: Clicked) -> Action:
        """The click's own custom_id names the request, and its channel must be the session's thread."""
        if fresh := session_to_start_fresh(click.custom_id):
            return self._refusal(fresh, click, BUTTONS["fresh"]) or StartFresh(fresh, click.person)
        if moved := session_to_go_on(click.custom_id):
            return self._refusal(moved, click, BUTTONS["moved"]) or GoOnHere(moved, click.person)
        if project := trust_button(click.custom_id):
            return self._judge_project(project, click)
        if rule_id := rule_button(click.custom_id):
            return self._revoke_rule(rule_id, click)
        if not (parsed := RequestName.parse(click.custom_id)):
            return Ignore("not a button of ours")
        verb, name = parsed
        session = self._session_at(click)
        if session is None or session.session_id != name.session_id:
            return Refuse("This button belongs to another thread, so it decides nothing here.")
        if words := self.lacks_in(session, BUTTONS[place_of(verb)[0]], click.person):
            return Refuse(words if verb in ("continue", "show") else f"{words} {STAYS_OPEN}")
        if verb == "show":
            return ShowInput(name)
        if verb in ("continue", "discard"):
            return SettleLostTurn(name, verb == "continue", click.person)
        match self._request_of(name):
            case None:
                return Refuse("This request is not known (any more), so it cannot be decided.")
            case Settled() as settled:
                return Refuse(settled.in_words())
            case request:
                return self._within(session, request, _decide(verb, request, click), click.person)

    def _session_at(self, click: Clicked) -> ManagedSession | None:
        """Of the click's thread; of a thread that is said to be in another server than it is, none."""
        session = self._session_of(click.channel_id)
        return session if session and session.guild_id == click.guild_id else None

    def _within(self, session: ManagedSession, request: PermissionRequest, action: Action, person: Person) -> Action:
        """The action, where this person may do it; to deny is never dangerous, so anybody who decides may."""
        match action:
            case DecideRequest(allowed=False) | Refuse() | Ignore() | AskReason() | AskPlanChange():
                return action
        if not self._access(session).decide_own and session.prompter_of(request) == person.user_id:
            return Refuse(OWN)
        of_channel = isinstance(action, DecideRequest) and action.always and action.term in OF_CHANNEL
        if of_channel and (words := self.lacks_in(session, MANAGE, person)):
            return Refuse(f"{words} It would count for the whole channel. {STAYS_OPEN}")
        if isinstance(action, DecideRequest) and (words := self._access(session).bars(action.mode)):
            return Refuse(f"{words} {STAYS_OPEN}")
        loosens = isinstance(action, DecideRequest) and self.loosens(session, session.channel_id, action.mode)
        if loosens and (words := self.lacks_in(session, MANAGE, person)):
            return Refuse(f"{words} It is a looser mode that follows. {STAYS_OPEN}")
        event = request.event
        if isinstance(action, DecideRequest) and self._access(session).needs_two(event.tool, event.tool_input):
            return _by_two(action)
        return action

    def _refusal(self, session_id: str, click: Clicked, rights: tuple[Right, ...]) -> Refuse | None:
        """None when the click's person may, and it comes from the session's own thread."""
        session = self._session_at(click)
        if session is None or session.session_id != session_id:
            return Refuse("This button belongs to another thread, so it does nothing here.")
        words = self.lacks_in(session, rights, click.person)
        return Refuse(words) if words else None

    def _revoke_rule(self, rule_id: str, click: Clicked) -> Action:
        session = self._session_of(click.channel_id)
        if session is None and click.channel_id not in self._channels:
            return Refuse("This button belongs to another channel, so it does nothing here.")
        channel_id, guild_id = click.channel_id, click.guild_id
        if session:
            channel_id, guild_id = session.channel_id, session.guild_id
        if words := self.lacks(BUTTONS["rule"], click.person, guild_id, channel_id):
            return Refuse(words)
        return RevokeRule(rule_id, channel_id, session.session_id if session else "", click.person)

    def _judge_project(self, button: TrustButton, click: Clicked) -> Action:
        """It is decided for the channel of the click, where alone the question is known."""
        session = self._session_of(click.channel_id)
        if session is None and click.channel_id not in self._channels:
            return Refuse("This button belongs to another channel, so it does nothing here.")
        channel_id = session.channel_id if session else click.channel_id
        guild_id = session.guild_id if session else click.guild_id
        if words := self.lacks(BUTTONS["trust"], click.person, guild_id, channel_id):
            return Refuse(words)
        return JudgeProject(channel_id, button.verb, button.digest, click.person)

    def steer(self, click: Clicked) -> Action | None:
        """A button that steers a running turn; None when it is none of those."""
        if not (button := steering_button(click.custom_id)):
            return None
        session = self._session_at(click)
        if session is None or session.session_id != button.session_id:
            return Refuse("This button belongs to another thread, so it does nothing here.")
        match button:
            case WhenButton(session_id, prompt_id, when):
                words = self.lacks_in(session, BUTTONS["when"], click.person)
                return Refuse(words) if words else RequeuePrompt(session_id, prompt_id, when)
            case HaltButton(session_id, fate):
                words = self.lacks_to_stop(session, click.person)
                return Refuse(words) if words else InterruptSession(session_id, keeps_waiting=fate == "keep")

    def abort(self, thread_id: int, person: Person) -> Action:
        """``/stop`` in a thread: end the turn, or the session when it is idle."""
        if (session := self._session_of(thread_id)) is None:
            return Refuse("This thread has no session of Claude's.")
        if words := self.lacks_to_stop(session, person):
            return Refuse(words)
        if session.is_processing or session.prompts:
            return InterruptSession(session.session_id)
        return EndSession(session.session_id)

    # --- rights --------------------------------------------------------------------------------------

    def lacks_to_stop(self, session: ManagedSession, person: Person) -> str:
        """What a person is told who may not stop what this session does; empty when they may."""
        is_own = person.user_id == session.owner_id or session.is_asked_by(person.user_id)
        return self.lacks_in(session, (*TALK, *MANAGE) if is_own else MANAGE, person)

    def loosens(self, session: ManagedSession | None, channel_id: int, mode: str) -> bool:
        """Whether Claude would ask less in the mode than it does now, and than new sessions of the channel do."""
        begins = self._begins_in(channel_id)
        now = (session.admitted_mode if session else "") or begins
        return bool(mode) and is_looser(mode, now) and is_looser(mode, begins)

    def lacks(self, rights: tuple[Right, ...], person: Person, guild_id: int, channel_id: int) -> str:
        """What a person is told who has none of these rights in the channel; empty when they have one."""
        access = self._rights.access(channel_id)
        return "" if any(access.holds(right, person, guild_id) for right in rights) else lacking(rights, access)

    def lacks_in(self, session: ManagedSession, rights: tuple[Right, ...], person: Person) -> str:
        """As ``lacks``, in a session's thread, where people may be invited to talk."""
        is_near = "talk" in rights and person.guild_id == session.guild_id
        if is_near and person.user_id in self._invited(session.session_id):
            return ""
        return self.lacks(rights, person, session.guild_id, session.channel_id)

    def lacks_for(self, command: str, person: Person, guild_id: int, channel_id: int) -> str:
        """As ``lacks``, for a slash command in a channel or thread; a name that is none of ours needs any right."""
        rights = COMMANDS.get(command, ANY)
        if session := self._session_of(channel_id):
            return self.lacks_in(session, rights, person)
        return self.lacks(rights, person, guild_id, channel_id)

    def access(self, channel_id: int) -> Access:
        return self._rights.access(channel_id)

    def _access(self, session: ManagedSession) -> Access:
        return self._rights.access(session.channel_id)

    def channel(self, channel_id: int) -> Channel | None:
        return self._channels.get(channel_id)


def _decide(verb: str, request: PermissionRequest, click: Clicked) -> Action:
    """What the card's own buttons say; a button of another kind of card says nothing here."""
    if request.questions:
        return _answer(*place_of(verb), request, click)
    if request.is_plan:
        return _judge_plan(verb, request, click)
    if verb == "reason" and click.reason is None:
        return AskReason(click.custom_id, request.event.tool)
    if verb == "keep":
        return AskTerm(request)
    if term := term_of(verb):
        return DecideRequest(request, allowed=True, always=True, reason="", person=click.person, term=term)
    if verb == "edits" and request.offers_edits:
        return DecideRequest(request, allowed=True, always=False, reason="", person=click.person, mode=ACCEPT_EDITS)
    if verb not in ("allow", "deny", "reason"):
        return Ignore("not a button of this card")
    return DecideRequest(request, verb == "allow", False, (click.reason or "").strip(), click.person)


def _by_two(action: DecideRequest) -> Action:
    """The first of two is noted, the second one's decision counts when it is the same; no rule comes of it."""
    request, person, first = action.request, action.person, action.request.first
    mine = First(person.user_id, person.name, request.event.digest, action.answers, action.mode)
    is_same = first is not None and (first.digest, first.answers, first.mode) == (mine.digest, mine.answers, mine.mode)
    if first is None or not is_same:
        return AllowFirst(request, mine)
    if first.user_id == person.user_id:
        return Refuse(ONE_MORE)
    return msgspec.structs.replace(action, always=False, term="always")


def _judge_plan(verb: str, request: PermissionRequest, click: Clicked) -> Action:
    match verb:
        case "allow" | "edits":
            mode = ACCEPT_EDITS if verb == "edits" else ""
            return DecideRequest(request, allowed=True, always=False, reason="", person=click.person, mode=mode)
        case "plan" if click.reason is None:
            return AskPlanChange(click.custom_id)
        case "plan" | "deny":
            reason = (click.reason or "").strip() or KEEP_PLANNING
            return DecideRequest(request, allowed=False, always=False, reason=reason, person=click.person)
        case _:
            return Ignore("not a button of this card")


def _answer(word: str, number: int, request: PermissionRequest, click: Clicked) -> Action:
    """``number`` is the button's, the select's or the page's; all are checked against the stored request."""
    asked, draft = request.questions, request.draft
    match word:
        case "skip":
            return DecideRequest(request, allowed=False, always=False, reason=NOT_ANSWERED, person=click.person)
        case "send":
            return _answered(request, draft, click.person)
        case "page" if number < len(pages_of(asked)):
            return DraftAnswers(request, msgspec.structs.replace(draft, page=number))
        case "other" if click.reason is None and number < len(pages_of(asked)):
            return AskAnswers(request, number)
        case "other" if click.reason is not None:
            new = written(asked, draft, number, click.texts)
        case "pick":
            new = picked(asked, draft, number, click.values)
        case "option":
            new = picked(asked, draft, 0, (str(number),))
        case _:
            return Ignore("not a button of this card")
    if new is None:
        return Refuse(NOT_OFFERED)
    return _answered(request, new, click.person) if answers_at_once(asked) else DraftAnswers(request, new)


def _answered(request: PermissionRequest, draft: Draft, person: Person) -> Action:
    if not (answers := draft.answers(request.questions)):
        return Refuse(NOTHING_CHOSEN)
    return DecideRequest(request, allowed=True, always=False, reason="", person=person, answers=answers)


def thread_name(text: str) -> str:
    """The first 95 characters on one line; a thread's name has 1 to 100 (docs/discord-api.md, "Messages and
    components").
    """
    return " ".join(text.split())[:THREAD_NAME_CHARS].strip() or "Claude"
