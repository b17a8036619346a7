"""BridgeRouter: an inbound fact of Discord's and what is known → a value that says what to do.

Pure: who hears of Discord makes the facts, and carries the values to SessionManager. There is no global active thread
and no processing flag: a fact names its thread, and a thread names its session.
"""

import msgspec

from bridge.routing import silence, typed
from bridge.routing.actions import (
    Action,
    CreateSession,
    DecideRequest,
    EndSession,
    Ignore,
    InterruptSession,
    OfferCommand,
    PromptSession,
    Refuse,
)
from bridge.routing.bursts import begins, stands_alone
from bridge.routing.clicks import Clicks
from bridge.routing.needs import DECIDE, TALK
from bridge.routing.places import unfit_in_words
from bridge.routing.plain_commands import CLAUDES, command_in
from bridge.routing.seen import MessageSeen, thread_name
from bridge.session.managed import ManagedSession
from bridge.session.permission import (
    PermissionRequest,
    Person,
)
from bridge.session.rights import ANY


class BridgeRouter(Clicks):
    """All facts; here, messages and what stops a session. The rest is inherited by noun."""

    def handle_message(self, message: MessageSeen, *, is_prompt: bool = False) -> Action:
        """``is_prompt``: its author says that it is for Claude, though it is one of our commands."""
        if not message.is_from_person:
            is_ours = message.channel_id in self._channels or self._known.session_of_thread(message.channel_id)
            return silence.of_bot(message.unheard) if message.is_post and is_ours else Ignore("not written by a person")
        if session := self._known.session_of_thread(message.channel_id):
            return self.handle_session_message(message, session, is_prompt=is_prompt)
        return self.handle_new_message(message, is_prompt=is_prompt)

    def handle_new_message(self, message: MessageSeen, *, is_prompt: bool = False) -> Action:
        """A message in a channel: it may start a session, whose thread will have the message's id."""
        is_allowed = self._has_some_right(message)
        channel = self._channels.get(message.channel_id)
        if channel is None or message.parent_id:
            return silence.elsewhere(message.unheard, self._channels, is_allowed=is_allowed)
        if channel.mention_only and not message.mentions_bot:
            return self._unmentioned(message)
        if message.place and unfit_in_words(message.place):
            return silence.in_unfit(message.unheard, is_allowed=is_allowed)
        if words := self.lacks(TALK, message.author, message.guild_id, message.channel_id):
            return silence.of_stranger(message.unheard, words)
        if message.objection:
            return Refuse(message.objection)
        if (command := self._command_in(message, None)) and not is_prompt:
            return OfferCommand(command)
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

    def _unmentioned(self, message: MessageSeen) -> Action:
        """Where one has to mention the bot: only what goes on with what its author has just begun so."""
        may = not self.lacks(TALK, message.author, message.guild_id, message.channel_id)
        if not may or (part := self._part(message)) is None:
            return Ignore("the bot was not mentioned")
        return Refuse(message.objection) if message.objection else part

    def _part(self, message: MessageSeen) -> PromptSession | None:
        """The message, where it goes on with what its author has just begun."""
        if begins(message):
            return None
        found = self._known.joined_by(message.channel_id, message.author.user_id, message.message_id)
        what = message.message_id, message.prompt, message.author, message.attachments
        return PromptSession(found[0], *what, joins=found[1], may_grow=not found[1]) if found else None

    def _has_some_right(self, message: MessageSeen) -> bool:
        """In the channel; in the one above a thread that is not ours; in a direct message, in any."""
        above = message.parent.place_id if message.parent and message.channel_id not in self._channels else 0
        places = self._channels if message.unheard.is_direct else (above or message.channel_id,)
        return any(not self.lacks(ANY, message.author, message.guild_id, place) for place in places)

    def _command_in(self, message: MessageSeen, session: ManagedSession | None) -> str:
        """The name of the command of ours that it is, where Claude Code has none of that name; else empty."""
        name = command_in(message)
        claudes = self._known.claude_commands(message.channel_id, session) or CLAUDES if name else ()
        return "" if name in claudes else name

    def handle_session_message(
        self, message: MessageSeen, session: ManagedSession, *, is_prompt: bool = False
    ) -> Action:
        if words := self.lacks_in(session, TALK, message.author):
            return silence.of_stranger(message.unheard, words)
        if message.objection:
            return Refuse(message.objection)
        if (command := self._command_in(message, session)) and not is_prompt:
            return OfferCommand(command)
        what = message.message_id, message.prompt, message.author, message.attachments
        prompt = PromptSession(session.session_id, *what, may_grow=not stands_alone(message))
        return self._part(message) or self._as_answer(prompt, message, session)

    def _as_answer(self, prompt: PromptSession, message: MessageSeen, session: ManagedSession) -> PromptSession:
        """A text that answers what is asked, where its author may."""
        found = [self._known.request_of(name) for name in (one.name for one in session.requests.values())]
        asked = typed.asked_by(message, [one for one in found if isinstance(one, PermissionRequest)])
        decision = typed.decision(asked, message.text, message.author) if asked else None
        if asked is None or decision is None or self.lacks_in(session, DECIDE, message.author):
            return prompt
        if not isinstance(self._within(session, asked, decision, message.author), DecideRequest):
            return prompt
        return msgspec.structs.replace(prompt, answers=asked.name, is_reason=typed.is_only_reason(asked))

    def abort(self, thread_id: int, person: Person) -> Action:
        """``/stop`` in a thread: end the turn, or the session when it is idle."""
        if (session := self._known.session_of_thread(thread_id)) is None:
            return Refuse("This thread has no session of Claude's.")
        if words := self.lacks_to_stop(session, person):
            return Refuse(words)
        return halting(session)


def halting(session: ManagedSession, *, keeps_waiting: bool = False) -> InterruptSession | EndSession:
    """What to stop it means: to end the turn, or the session when it is idle. ``keeps_waiting``: as in the action."""
    if session.is_processing or session.prompts:
        return InterruptSession(session.session_id, keeps_waiting)
    return EndSession(session.session_id)
