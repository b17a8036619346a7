"""``/status``: the sessions of this server that a person may know of, to them alone.

Of a channel that they can read by Discord's own permissions, and where they have some right.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from bridge.discord_numbers import AnswerType
from bridge.render import replies, status
from bridge.render.posts import Post, payload
from bridge.routing.router import BridgeRouter
from bridge.session.custom_ids import State, StatusButton
from bridge.session.managed import ManagedSession
from bridge.session.rights import ANY
from supervisor.commands.answer import Answer, answer_with, option
from supervisor.commands.sight import Sight
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager


class StatusCommand:
    """``listed`` says of sessions what a list shows."""

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        sight: Sight,
        listed: Callable[[list[ManagedSession]], Sequence[replies.Listed]],
    ) -> None:
        self._manager = manager
        self._router = router
        self._sight = sight
        self._listed = listed

    def run(self, asked: Interaction) -> Answer:
        return answer_with(self._page(asked, _wanted(asked)))

    def turned(self, asked: Interaction, wanted: StatusButton) -> Answer:
        """Another page, in the place of the one that was there."""
        return Answer(AnswerType.UPDATE, payload(self._page(asked, wanted), editing=True))

    def _page(self, asked: Interaction, wanted: StatusButton) -> Post:
        seen = self._listed(self._seen_by(asked))
        return status.page(seen, wanted, asked.person.user_id, self._manager.clock())

    def _seen_by(self, asked: Interaction) -> list[ManagedSession]:
        of_server = [s for s in self._manager.get_all_sessions() if s.guild_id == asked.guild_id]
        readable = {
            channel_id
            for channel_id in {s.channel_id for s in of_server}
            if self._sight.reads(channel_id, asked.guild_id, asked.member or {})
        }
        mine = [s for s in of_server if s.channel_id in readable]
        return [s for s in mine if not self._router.lacks_in(s, ANY, asked.person)]


def _wanted(asked: Interaction) -> StatusButton:
    """What was chosen of the command's options; what is no such choice counts as none."""
    channel, state, person = (option(asked, name) for name in ("channel", "state", "person"))
    return StatusButton(channel_id=_id(channel), state=_state(state), person_id=_id(person))


def _state(given: str) -> State | Literal["any"]:
    return next((state for state in status.STATES if state == given), "any")


def _id(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 20 else 0
