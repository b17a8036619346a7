"""What a click means: a button names what it is of, and counts only where that is.

A permission request is never looked for; a click names it, and must come from its own session's thread.
"""

import msgspec

from bridge.protocol.directories import MOST
from bridge.routing.actions import (
    Action,
    AskAgain,
    AskPlanChange,
    AskReason,
    DecideRequest,
    GoOnHere,
    Ignore,
    InterruptSession,
    JudgeProject,
    JudgeTyped,
    MakeStrict,
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
from bridge.routing.needs import BUTTONS, MANAGE
from bridge.routing.permits import Permits
from bridge.routing.seen import Clicked
from bridge.routing.together import NOT_LISTED, decided_together, listed_one, one_by_one
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
from bridge.session.rights import Right
from bridge.session.rules import OF_CHANNEL

STAYS_OPEN = "The request stays open."
OWN = (
    "This is for what you asked yourself, and in this channel somebody else allows that. You can deny it. The request"
    " stays open."
)
FULL = (
    f"Claude can be told of {MOST} directories, and with this one there would be more. `/rules` lists and revokes them;"
    " *Allow* allows this request alone."
)


class Clicks(Permits):
    """On cards, marks and lists."""

    def handle_click(self, click: Clicked) -> Action:
        """The click's own custom_id names the request, and its channel must be the session's thread."""
        return self._of_more_than_one(click) or self._of_a_request(click)

    def _of_more_than_one(self, click: Clicked) -> Action | None:
        """A button of a session, a project, a rule or a list; None when it is none of those."""
        if fresh := session_to_start_fresh(click.custom_id):
            return self._refusal(fresh, click, BUTTONS["fresh"]) or StartFresh(fresh)
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
        match self._known.request_of(name):
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
        alike = [msgspec.structs.replace(action, request=one) for one in self._known.equals_of(action.request.name)]
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
        listing = self._known.listing(session.session_id, button.listing)
        if listing is None or listing.generation != session.generation:
            return Refuse(NOT_LISTED)
        names = [RequestName(session.session_id, listing.generation, seq) for seq in listing.digests]
        found = [self._known.request_of(name) for name in names]
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
        session = self._known.session_of_thread(click.channel_id)
        return session if session and session.guild_id == click.guild_id else None

    def _within(self, session: ManagedSession, request: PermissionRequest, action: Action, person: Person) -> Action:
        """The action, where this person may do it; to deny is never dangerous, so anybody who decides may."""
        match action:
            case DecideRequest(allowed=False) | Refuse() | Ignore() | AskReason() | AskPlanChange():
                return action
        if not self._access(session).decide_own and person.user_id in session.askers_of(request):
            return Refuse(OWN)
        of_channel = isinstance(action, DecideRequest) and action.lasts and action.term in OF_CHANNEL
        if of_channel and (words := self.lacks_in(session, MANAGE, person)):
            return Refuse(f"{words} It would count for the whole channel. {STAYS_OPEN}")
        if isinstance(action, DecideRequest) and (words := self._barred(session, action)):
            return Refuse(f"{words} {STAYS_OPEN}")
        if isinstance(action, DecideRequest) and self._is_full(session, action):
            return Refuse(f"{FULL} {STAYS_OPEN}")
        event = request.event
        if isinstance(action, DecideRequest) and self._access(session).needs_two(event.tool, event.tool_input):
            return by_two(action)
        return action

    def _barred(self, session: ManagedSession, action: DecideRequest) -> str:
        """Why it would leave unasked what two people must allow; empty when it does not."""
        access = self._access(session)
        return access.bars(action.mode) or (access.bars_directories if action.opens else "")

    def _is_full(self, session: ManagedSession, action: DecideRequest) -> bool:
        """Whether it would allow a directory that Claude could not be told of."""
        wanted, in_channel = action.request.offered_directories, action.term in OF_CHANNEL
        return action.opens and not self._known.has_room_for(session.session_id, wanted, in_channel=in_channel)

    def _refusal(self, session_id: str, click: Clicked, rights: tuple[Right, ...]) -> Refuse | None:
        """None when the click's person may, and it comes from the session's own thread."""
        session = self._session_at(click)
        if session is None or session.session_id != session_id:
            return Refuse("This button belongs to another thread, so it does nothing here.")
        words = self.lacks_in(session, rights, click.person)
        return Refuse(words) if words else None

    def _revoke_rule(self, rule_id: str, click: Clicked) -> Action:
        session = self._known.session_of_thread(click.channel_id)
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
        session = self._known.session_of_thread(click.channel_id)
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
