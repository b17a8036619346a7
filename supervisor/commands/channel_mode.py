"""In which permission mode sessions of a channel begin, where that is a looser one: announced, and ended by one tap."""

from collections.abc import Mapping
from typing import Any

from bridge.discord_numbers import AnswerType
from bridge.protocol.errors import UserError
from bridge.protocol.modes import ACCEPT_EDITS, DEFAULT, is_looser
from bridge.render import loosened, replies
from bridge.render.posts import Post, payload
from bridge.routing.channel import Channel
from bridge.routing.needs import BUTTONS
from bridge.routing.router import BridgeRouter
from bridge.session.custom_ids import channel_mode_button
from bridge.session.managed import ManagedSession
from supervisor.commands.answer import Answer, answer_in_words, answer_later, answer_with
from supervisor.discord.asking import Posting
from supervisor.discord.pace import Priority
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager

SETTING = "permission_mode"
ENDED = "In sessions that begin in this channel from now on Claude asks. This one stays as its line says."
IS_SO = "Sessions that begin in this channel accept edits already."


class ChannelMode:
    """Of all channels."""

    def __init__(
        self, manager: SessionManager, router: BridgeRouter, rest: Posting, channels: Mapping[int, Channel]
    ) -> None:
        self._manager = manager
        self._router = router
        self._rest = rest
        self._channels = channels

    def picked(self, asked: Interaction) -> Answer | None:
        """What a button about it leads to; None for another one. Raises UserError for who may not."""
        if (button := channel_mode_button(str(asked.data.get("custom_id", "")))) is None:
            return None
        session = self._manager.session_of_thread(asked.channel_id)
        here = session.channel_id if session else asked.channel_id
        if here != button.channel_id or (session is None and here not in self._channels):
            raise UserError("This button belongs to another channel, so it does nothing here.")
        guild_id = session.guild_id if session else asked.guild_id
        if words := self._router.lacks(BUTTONS["wide"], asked.person, guild_id, here):
            raise UserError(words)
        if button.verb == "on":
            return self._accept(asked, here)
        return self._end(asked, here) if session is None else self._end_in_thread(asked, session)

    def _accept(self, asked: Interaction, channel_id: int) -> Answer:
        if words := self._router.access(channel_id).bars(ACCEPT_EDITS):
            raise UserError(f"{words} Nothing was changed.")
        if not self._router.loosens(None, channel_id, ACCEPT_EDITS):
            return answer_in_words(IS_SO)
        return answer_later(lambda: self.loosen(asked, channel_id, ACCEPT_EDITS))

    def _end(self, asked: Interaction, channel_id: int) -> Answer:
        """What announced it says so from then on, without its button. What is strict already stays as it is."""
        if not is_looser(self._manager.default(channel_id, SETTING), DEFAULT):
            return Answer(AnswerType.UPDATE, payload(loosened.over_in_channel(), editing=True))
        self._manager.set_default(channel_id, SETTING, DEFAULT, asked.person.user_id)
        return Answer(AnswerType.UPDATE, payload(loosened.ended_in_channel(asked.person.user_id), editing=True))

    def _end_in_thread(self, asked: Interaction, session: ManagedSession) -> Answer:
        """Below a thread's own line, which goes on to say what holds there, and is drawn anew."""
        if is_looser(self._manager.default(session.channel_id, SETTING), DEFAULT):
            self.choose(asked, session.channel_id, DEFAULT, session)
        return answer_in_words(ENDED)

    def choose(self, asked: Interaction, channel_id: int, mode: str, session: ManagedSession | None) -> Answer | None:
        """What is no looser than what the channel has. What it ends is ended with a word in the channel, where it was
        announced: in the channel itself that is the answer. ``session``: that of the thread in which it was chosen.
        """
        person, before = asked.person.user_id, self._manager.default(channel_id, SETTING)
        ended = loosened.ended_in(session.thread_id if session else 0, person)
        is_ended = is_looser(before, DEFAULT) and not is_looser(mode, DEFAULT)
        with self._manager.transaction():
            self._manager.set_default(channel_id, SETTING, mode, person)
            if is_ended and session:
                self._manager.show(session.session_id, f"{loosened.KEY}:ended:{asked.id}", ended)
        return answer_with(ended, to_all=True) if is_ended and session is None else None

    async def loosen(self, asked: Interaction, channel_id: int, mode: str) -> dict[str, Any]:
        """It is announced first: nothing gets looser without a word."""
        post = loosened.in_channel(mode, asked.person.user_id, channel_id)
        await self._rest.create(channel_id, post, str(asked.id), Priority.URGENT)
        self._manager.set_default(channel_id, SETTING, mode, asked.person.user_id)
        chosen = replies.setting_chosen("mode", mode, in_thread=False, runs=False, for_channel=True)
        return payload(Post(chosen), editing=True)
