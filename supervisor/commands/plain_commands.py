"""*Send it to Claude*, below a message that is one of our commands: it becomes the prompt that it would have been.

The button names the message and its author, and the message is read again when it is pressed: so a restart changes
nothing, and an edit is sent as it is now. It is sent once: in a thread the post that offers it is a row of the store,
settled in the transaction that makes the prompt; in a channel the session that begins has the message's id, or, where
an edit made it join what its author had just begun, that prompt has it as a part.
"""

import logging
from collections.abc import Container
from contextlib import suppress

from bridge.discord_numbers import AnswerType
from bridge.protocol.errors import RemoteError, UserError
from bridge.render import plain_commands as told
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession, PromptSession, Refuse, Whisper
from bridge.routing.needs import BUTTONS
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import MessageSeen
from bridge.session.custom_ids import TellButton
from bridge.session.managed import ManagedSession
from supervisor.commands.answer import Answer
from supervisor.commands.sight import Sight
from supervisor.discord.asking import ReadingOne
from supervisor.discord.errors import ChannelGone, MessageGone
from supervisor.discord.shapes import Interaction, Member, read
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

ELSEWHERE = "This button belongs to another channel, so it does nothing here."
NOT_THEIRS = "Only who wrote it can send it to Claude."
GONE = "the message is not there any more."
NOT_KNOWN = "what became of it is not remembered. If Claude has not answered it, write it again, please."

log = logging.getLogger(__name__)


class PlainCommands:
    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: ReadingOne,
        channels: Container[int],
        sight: Sight,
    ) -> None:
        self._manager = manager
        self._router = router
        self._rest = rest
        self._channels = channels
        self._sight = sight

    def picked(self, asked: Interaction) -> Answer | None:
        """What the button leads to; None for another one. Raises UserError for who may not."""
        if (button := TellButton.parse(str(asked.data.get("custom_id", "")))) is None:
            return None
        person, session = asked.person, self._manager.session_of_thread(asked.channel_id)
        if (session.guild_id if session else asked.guild_id) != asked.guild_id:
            raise UserError(ELSEWHERE)
        if session is None and asked.channel_id not in self._channels:
            raise UserError(ELSEWHERE)
        if words := self._lacks(asked, session):
            raise UserError(words)
        if person.user_id != button.author_id:
            raise UserError(NOT_THEIRS)
        return Answer(AnswerType.DEFERRED_UPDATE, None, lambda: self._send(asked, button, session))

    def _lacks(self, asked: Interaction, session: ManagedSession | None) -> str:
        if session:
            return self._router.lacks_in(session, BUTTONS["tell"], asked.person)
        return self._router.lacks(BUTTONS["tell"], asked.person, asked.guild_id, asked.channel_id)

    async def _send(self, asked: Interaction, button: TellButton, session: ManagedSession | None) -> Post:
        """What stands in the post's place from then on."""
        try:
            return self._became(asked.channel_id, button.message_id, session) or await self._read_and_send(
                asked, button, session
            )
        except (RemoteError, StoreError) as error:
            log.info("message %s could not be sent to Claude: %s", button.message_id, error)
            failed = told.failed(str(error), button.message_id, button.author_id)
            with suppress(StoreError):
                return self._became(asked.channel_id, button.message_id, session) or failed
            return failed

    async def _read_and_send(self, asked: Interaction, button: TellButton, session: ManagedSession | None) -> Post:
        """Raises RemoteError and StoreError."""
        try:
            found = await self._rest.message(asked.channel_id, button.message_id)
        except (MessageGone, ChannelGone):
            gone = told.not_sent(GONE, button.message_id)
            known = self._became(asked.channel_id, button.message_id, session)
            return known or self._settled(session, gone, button.message_id)
        member = read(asked.member, Member) if asked.member else None
        seen = self._sight.seen(found, asked.guild_id, member)
        if seen.author.user_id != button.author_id:
            return told.not_sent(NOT_KNOWN, button.message_id)
        return self._became(seen.channel_id, seen.message_id, session) or self._carry_out(seen, session)

    def _carry_out(self, seen: MessageSeen, session: ManagedSession | None) -> Post:
        """Raises StoreError."""
        done = told.sent(seen.message_id)
        match self._router.handle_message(seen, is_prompt=True):
            case CreateSession() as action:
                self._manager.create_session(action, handled_in=seen.channel_id)
            case PromptSession() as action:
                with self._manager.transaction():
                    self._settled(session, done, seen.message_id)
                    self._manager.hear(action, handled_in=seen.channel_id)
            case Refuse(text) | Whisper(text):
                done = self._settled(session, told.not_sent(text, seen.message_id), seen.message_id)
            case _:
                done = self._settled(session, told.not_sent("it is no prompt here.", seen.message_id), seen.message_id)
        return done

    def _became(self, channel_id: int, message_id: int, session: ManagedSession | None) -> Post | None:
        """What it came to already, for who taps twice; None: nothing yet, as far as is known."""
        if session is None:
            begun = self._manager.session_of_thread(message_id)
            is_sent = begun or self._manager.waiting.session_with(channel_id, message_id)
            return told.sent(message_id) if is_sent else None
        row = self._manager.store.post(session.session_id, told.key_of(message_id))
        if row is None:
            return told.not_sent(NOT_KNOWN, message_id)
        return None if row.desired.buttons else row.desired

    def _settled(self, session: ManagedSession | None, post: Post, message_id: int) -> Post:
        """The post, which a thread goes on to show."""
        if session:
            self._manager.show(session.session_id, told.key_of(message_id), post)
        return post
