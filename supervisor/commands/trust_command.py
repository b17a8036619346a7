"""``/trust``: what of projects' own files acts in this channel, with buttons that revoke it.

In a thread it asks as well, by a new card there, when its project has files that nobody trusts.
"""

from collections.abc import Mapping
from typing import Any

from bridge.protocol.errors import UserError
from bridge.render import trust
from bridge.render.posts import payload
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from supervisor.commands.answer import Answer, answer_later
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Looked, Trusts


class TrustCommand:
    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel], trusts: Trusts) -> None:
        self._manager = manager
        self._channels = channels
        self._trusts = trusts

    def run(self, asked: Interaction) -> Answer:
        """Raises UserError where there is no session of ours and no channel."""
        if session := self._manager.session_of_thread(asked.channel_id):
            return answer_later(lambda: self._in_thread(session))
        if channel := self._channels.get(asked.channel_id):
            return answer_later(lambda: self._in_channel(channel))
        raise UserError("There is no session of Claude's here, and this channel is not configured for one.")

    async def _in_thread(self, session: ManagedSession) -> dict[str, Any]:
        return self._listed(session.channel_id, await self._trusts.offer(session), is_asked=True)

    async def _in_channel(self, channel: Channel) -> dict[str, Any]:
        looked = await self._trusts.look(channel.channel_id, channel.directory)
        return self._listed(channel.channel_id, looked, is_asked=False)

    def _listed(self, channel_id: int, looked: Looked, *, is_asked: bool) -> dict[str, Any]:
        trusted = self._trusts.trusted(channel_id)
        return payload(trust.listed(trusted, looked.acting, asks=looked.asks, is_asked=is_asked), editing=True)
