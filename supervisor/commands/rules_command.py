"""``/rules``: what is allowed here without asking, with buttons that revoke it."""

from collections.abc import Mapping

from bridge.protocol.errors import UserError
from bridge.render import rules
from bridge.routing.channel import Channel
from supervisor.commands.interactions import Answer, InteractionJson, shown
from supervisor.sessions.manager import SessionManager


class RulesCommand:
    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel]) -> None:
        self._manager = manager
        self._channels = channels

    def run(self, asked: InteractionJson) -> Answer:
        """Raises UserError where there is no session of ours and no channel."""
        if session := self._manager.session_of_thread(asked.channel_id):
            return shown(rules.listed(self._manager.rules.of(session.channel_id, session.session_id)))
        if asked.channel_id in self._channels:
            return shown(rules.listed(self._manager.rules.of(asked.channel_id)))
        raise UserError("There is no session of Claude's here, and this channel is not configured for one.")
