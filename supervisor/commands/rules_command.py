"""``/rules``: what is allowed here without asking, with buttons that revoke it, and which rules allow nothing now."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.errors import UserError
from bridge.render import rules
from bridge.render.posts import Post, payload
from bridge.routing.channel import Channel
from bridge.session.rules import Rule
from supervisor.commands.answer import Answer, answer_later, answer_with
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager


class RulesCommand:
    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel]) -> None:
        self._manager = manager
        self._channels = channels

    def run(self, asked: Interaction) -> Answer:
        """Raises UserError where there is no session of ours and no channel."""
        return self._answer(*self._found(asked))

    def listed(self, asked: Interaction) -> Post:
        """What is known now; of givers that nobody asked about yet it says so. Raises UserError."""
        return self._listed(*self._found(asked))

    def _found(self, asked: Interaction) -> tuple[Sequence[Rule], int]:
        """Those that hold there, and its server."""
        if session := self._manager.session_of_thread(asked.channel_id):
            return self._manager.rules.of(session.channel_id, session.session_id), session.guild_id
        if asked.channel_id in self._channels:
            return self._manager.rules.of(asked.channel_id), asked.guild_id
        raise UserError("There is no session of Claude's here, and this channel is not configured for one.")

    def _answer(self, found: Sequence[Rule], guild_id: int) -> Answer:
        """At once, where the rights of all givers are known."""
        unknown = {rule.by_id for rule in found if self._manager.rules.lost(rule, guild_id) is None}
        if unknown:
            return answer_later(lambda: self._looked(found, guild_id, unknown))
        return answer_with(self._listed(found, guild_id))

    async def _looked(self, found: Sequence[Rule], guild_id: int, unknown: set[int]) -> dict[str, Any]:
        for user_id in unknown:
            await self._manager.delivery.members.look(guild_id, user_id)
        return payload(self._listed(found, guild_id), editing=True)

    def _listed(self, found: Sequence[Rule], guild_id: int) -> Post:
        return rules.listed([(rule, self._manager.rules.lost(rule, guild_id)) for rule in found])
