"""BridgeRouter: an inbound fact of Discord's and what is known → a value that says what to do.

Pure: the gateway makes the facts, ``supervisor.main`` carries the values to SessionManager. There is no global
active thread and no processing flag: a fact names its thread, and a thread names its session. A permission
request is never looked for; a click names it, and must come from its own session's thread.
"""

from collections.abc import Callable, Collection, Mapping

import msgspec

from bridge.protocol.modes import DEFAULT, is_looser
from bridge.routing import silence, typed
from bridge.routing.actions import (
    Action,
    AskAgain,
    AskPlanChange,
    AskReason,
    CreateSession,
    DecideRequest,
    EndSession,
    GoOnHere,
    Ignore,
    InterruptSession,
    JudgeProject,
    JudgeTyped,
    MakeStrict,
    PromptSession,
    Refuse,
    RequeuePrompt,
    RevokeRule,
    SettleLostTurn,
    ShowChanges,
    ShowInput,
    StartFresh,
    WantReset,
)
from bridge.routing.answers import NOT_KNOWN, by_two, decided_by
from bridge.routing.bursts import begins, stands_alone
from bridge.routing.channel import Channel
from bridge.routing.needs import BUTTONS, COMMANDS, DECIDE, MANAGE, TALK
from bridge.routing.places import unfit_in_words
from bridge.routing.seen import Clicked, MessageSeen, thread_name
from bridge.routing.together import NOT_LISTED, NothingShared, SharedCards, decided_together, listed_one, one_by_one
from bridge.session.custom_ids import (
    HaltButton,
    TogetherButton,
    TrustButton,
    TypedButton,
    WhenButton,
    only_shows,
    place_of,
    reset_button,
    rule_button,
    session_to_go_on,
    session_to_make_strict,
    session_to_start_fresh,
    steering_button,
    together_button,
    trust_button,
)
from bridge.session.managed import ManagedSession
from bridge.session.permission import (
    PermissionRequest,
    Person,
    RequestName,
    Settled,
)
from bridge.session.rights import ANY, Access, Right, Rights, lacking
from bridge.session.rules import OF_CHANNEL

STAYS_OPEN = "The request stays open."
OWN = (
    "This is for what you asked yourself, and in this channel somebody else allows that. You can deny it. The request"
    " stays open."
)


def _nobody(_session_id: str) -> Collection[int]:
    return ()


def _none(_channel_id: int, _author_id: int, _message_id: int) -> None:
    return None


def _as_usual(_channel_id: int) -> str:
    return DEFAULT


class BridgeRouter:
    """``session_of`` finds a thread's session; ``request_of`` a pending request or how it ended; ``invited`` who may
    talk in one session only; ``begins_in`` the permission mode of a channel's new sessions; ``joined_by`` the session
    and prompt that a message (channel, author, id) is a part of. ``shared``, set by who joins the parts: what cards
    show of several requests.
    """

    def __init__(
        self,
        rights: Rights,
        channels: Mapping[int, Channel],
        session_of: Callable[[int], ManagedSession | None],
        request_of: Callable[[RequestName], PermissionRequest | Settled | None],
        invited: Callable[[str], Collection[int]] = _nobody,
        begins_in: Callable[[int], str] = _as_usual,
        joined_by: Callable[[int, int, int], tuple[str, int] | None] = _none,
    ) -> None:
        self.shared: SharedCards = NothingShared()
        self._rights = rights
        self._channels = channels
        self._session_of = session_of
        self._request_of = request_of
        self._invited = invited
        self._begins_in = begins_in
        self._joined_by = joined_by

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
        return self._part(message) or CreateSession(
            thread_id=message.message_id,
            guild_id=message.guild_id,
            channel=channel,
            owner=message.author,
            text=message.prompt,
            thread_name=thread_name(message.title),
            attachments=message.attachments,
            may_grow=not stands_alone(message),
        )

    def _part(self, message: MessageSeen) -> PromptSession | None:
        """The message, where it goes on with what its author has just begun."""
        if begins(message):
            return None
        found = self._joined_by(message.channel_id, message.author.user_id, message.message_id)
        what = message.message_id, message.prompt, message.author, message.attachments
        return PromptSession(found[0], *what, joins=found[1]) if found else None

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
        what = message.message_id, message.prompt, message.author, message.attachments
        prompt = PromptSession(session.session_id, *what, may_grow=not stands_alone(message))
        return self._part(message) or self._as_answer(prompt, message, session)

    def _as_answer(self, prompt: PromptSession, message: MessageSeen, session: ManagedSession) -> PromptSession:
        """A text that answers what is asked, where its author may."""
        found = [self._request_of(name) for name in (one.name for one in session.requests.values())]
        asked = typed.asked_by(message, [one for one in found if isinstance(one, PermissionRequest)])
        decision = typed.decision(asked, message.text, message.author) if asked else None
        if asked is None or decision is None or self.lacks_in(session, DECIDE, message.author):
            return prompt
        if not isinstance(self._within(session, asked, decision, message.author), DecideRequest):
            return prompt
        return msgspec.structs.replace(prompt, answers=asked.name, is_reason=typed.is_only_reason(asked))

    def handle_click(self, click: Clicked) -> Action:
        """The click's own custom_id names the request, and its channel must be the session's thread."""
        return self._of_more_than_one(click) or self._of_a_request(click)

    def _of_more_than_one(self, click: Clicked) -> Action | None:
        """A button of a session, a project, a rule or a list; None when it is none of those."""
        if fresh := session_to_start_fresh(click.custom_id):
            return self._refusal(fresh, click, BUTTONS["fresh"]) or StartFresh(fresh, click.person)
        if moved := session_to_go_on(click.custom_id):
            return self._refusal(moved, click, BUTTONS["moved"]) or GoOnHere(moved, click.person)
        if strict := session_to_make_strict(click.custom_id):
            return self._refusal(strict, click, BUTTONS["strict"]) or MakeStrict(strict, click.person)
        if limit := reset_button(click.custom_id):
            refusal = self._refusal(limit.session_id, click, BUTTONS["reset"])
            return refusal or WantReset(limit.session_id, limit.verb == "on", click.person)
        if project := trust_button(click.custom_id):
            return self._judge_project(project, click)
        if rule_id := rule_button(click.custom_id):
            return self._revoke_rule(rule_id, click)
        if said := TypedButton.parse(click.custom_id):
            is_reason = said.verb == "because"
            answer = JudgeTyped(said.session_id, said.prompt_id, is_reason, click.person)
            return self._refusal(said.session_id, click, BUTTONS[said.verb]) or answer
        together = together_button(click.custom_id)
        return self._judge_together(together, click) if together else None

    def _of_a_request(self, click: Clicked) -> Action:
        if not (parsed := RequestName.parse(click.custom_id)):
            return Ignore("not a button of ours")
        verb, name = parsed
        session = self._session_at(click)
        if session is None or session.session_id != name.session_id:
            return Refuse("This button belongs to another thread, so it decides nothing here.")
        if words := self.lacks_in(session, BUTTONS[place_of(verb)[0]], click.person):
            return Refuse(
                words if verb in ("continue", "again") or only_shows(click.custom_id) else f"{words} {STAYS_OPEN}"
            )
        if only_shows(click.custom_id):
            return ShowInput(name) if verb == "show" else ShowChanges(name, verb == "sdiff")
        if verb == "again":
            return AskAgain(name, click.person)
        if verb in ("continue", "discard"):
            return SettleLostTurn(name, verb == "continue", click.person)
        match self._request_of(name):
            case None:
                return Refuse(NOT_KNOWN)
            case Settled() as settled:
                return Refuse(settled.in_words())
            case request:
                action = self._within(session, request, decided_by(verb, request, click), click.person)
                return self._with_equals(session, action, click.person)

    def _with_equals(self, session: ManagedSession, action: Action, person: Person) -> Action:
        """What the card showed as one with it is decided alike, where this person may decide that too."""
        if not isinstance(action, DecideRequest):
            return action
        alike = [msgspec.structs.replace(action, request=one) for one in self.shared.equals_of(action.request.name)]
        judged = [self._within(session, one.request, one, person) for one in alike]
        may = tuple(one.request for one in judged if isinstance(one, DecideRequest))
        return msgspec.structs.replace(action, equals=may)

    def _judge_together(self, button: TogetherButton, click: Clicked) -> Action:
        """Exactly what was listed when the button was shown, each request by itself."""
        session = self._session_at(click)
        if session is None or session.session_id != button.session_id:
            return Refuse("This button belongs to another thread, so it decides nothing here.")
        if words := self.lacks_in(session, BUTTONS["list"], click.person):
            return Refuse(f"{words} {STAYS_OPEN}")
        listing = self.shared.listing(session.session_id, button.listing)
        if listing is None or listing.generation != session.generation:
            return Refuse(NOT_LISTED)
        names = [RequestName(session.session_id, listing.generation, seq) for seq in listing.digests]
        found = [self._request_of(name) for name in names]
        if button.verb == "each":
            return one_by_one(found)
        return decided_together(
            [
                decision
                if isinstance(decision := listed_one(listing, one, click.person, allowed=button.verb == "all"), Refuse)
                else self._within(session, decision.request, decision, click.person)
                for one in found
            ]
        )

    def _session_at(self, click: Clicked) -> ManagedSession | None:
        """Of the click's thread; of a thread that is said to be in another server than it is, none."""
        session = self._session_of(click.channel_id)
        return session if session and session.guild_id == click.guild_id else None

    def _within(self, session: ManagedSession, request: PermissionRequest, action: Action, person: Person) -> Action:
        """The action, where this person may do it; to deny is never dangerous, so anybody who decides may."""
        match action:
            case DecideRequest(allowed=False) | Refuse() | Ignore() | AskReason() | AskPlanChange():
                return action
        if not self._access(session).decide_own and person.user_id in session.askers_of(request):
            return Refuse(OWN)
        of_channel = isinstance(action, DecideRequest) and action.always and action.term in OF_CHANNEL
        if of_channel and (words := self.lacks_in(session, MANAGE, person)):
            return Refuse(f"{words} It would count for the whole channel. {STAYS_OPEN}")
        if isinstance(action, DecideRequest) and (words := self._access(session).bars(action.mode)):
            return Refuse(f"{words} {STAYS_OPEN}")
        event = request.event
        if isinstance(action, DecideRequest) and self._access(session).needs_two(event.tool, event.tool_input):
            return by_two(action)
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
        return halting(session)

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


def halting(session: ManagedSession, *, keeps_waiting: bool = False) -> InterruptSession | EndSession:
    """What to stop it means: to end the turn, or the session when it is idle. ``keeps_waiting``: as in the action."""
    if session.is_processing or session.prompts:
        return InterruptSession(session.session_id, keeps_waiting)
    return EndSession(session.session_id)
