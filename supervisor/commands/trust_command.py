"""``/trust``: what of projects' own files acts in this channel, with buttons that revoke it.

In a thread it asks as well, by a new card there, when its project has files that nobody trusts.
"""

from collections.abc import Mapping

from bridge.protocol.errors import UserError
from bridge.render import trust
from bridge.render.posts import Post
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from supervisor.commands.answer import Answer, answer_later
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Trusts


class TrustCommand:
    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel], trusts: Trusts) -> None:
        self._manager = manager
        self._channels = channels
        self._trusts = trusts

    def run(self, asked: Interaction) -> Answer:
        """Raises UserError where there is no session of ours and no channel."""
        place = self._place(asked)
        return answer_later(lambda: self._shown(place, asks=True))

    async def listed(self, asked: Interaction) -> Post:
        """The same list again, without a new card. Raises UserError."""
        return await self._shown(self._place(asked), asks=False)

    def _place(self, asked: Interaction) -> ManagedSession | Channel:
        place = self._manager.session_of_thread(asked.channel_id) or self._channels.get(asked.channel_id)
        if place is None:
            raise UserError("There is no session of Claude's here, and this channel is not configured for one.")
        return place

    async def _shown(self, place: ManagedSession | Channel, *, asks: bool) -> Post:
        is_asked = asks and isinstance(place, ManagedSession)
        if asks and isinstance(place, ManagedSession):
            looked = await self._trusts.offer(place)
        else:
            looked = await self._trusts.look(place.channel_id, place.directory)
        trusted = self._trusts.trusted(place.channel_id)
        return trust.listed(trusted, looked.acting, asks=looked.asks, is_asked=is_asked)
