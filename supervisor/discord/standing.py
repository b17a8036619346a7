"""How we stand with Discord: derived from the connection and from what is still to be read back.

We are back since max(LISTENING since, caught up since); while either is not the case, we are not.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from bridge.routing.places import unfit_in_words
from supervisor.changes import Changes
from supervisor.discord.connection import Connection, State
from supervisor.discord.guilds import Guilds

log = logging.getLogger(__name__)


class ReadBack(Protocol):
    """What was written while we did not listen: in how many places it is still to be read, or cannot be."""

    @property
    def behind(self) -> int: ...
    @property
    def gaps(self) -> int: ...
    @property
    def caught_up_at(self) -> float | None:
        """Unix seconds; None while something is to be read back."""


class Standing:
    """``channels`` are the configured ones. ``trouble`` tells in words what keeps us from doing anything at all.

    ``hides``: whether we may not see a channel that its server shows.
    """

    def __init__(
        self,
        connection: Connection,
        read_back: ReadBack,
        guilds: Guilds,
        channels: Iterable[int],
        changes: Changes,
        trouble: Callable[[], str],
        hides: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.was_back = asyncio.Event()
        """Set once, when we are back for the first time."""
        self._connection = connection
        self._read_back = read_back
        self._guilds = guilds
        self._channels = channels
        self._trouble = trouble
        self._hides = hides
        self._changes = changes
        changes.hear_caught_up(self.look)

    @property
    def back_at(self) -> float | None:
        """Unix seconds since when Discord is connected and read back; None while it is away."""
        listens, caught_up = self._connection.listens_since, self._read_back.caught_up_at
        return None if listens is None or caught_up is None else max(listens, caught_up)

    @property
    def behind(self) -> int:
        """In how many places something is still to be read back."""
        return self._read_back.behind

    @property
    def gaps(self) -> int:
        """In how many something cannot be read back."""
        return self._read_back.gaps

    @property
    def unusable(self) -> int:
        """How many of the configured channels we are not shown, or cannot work in, while we listen."""
        listens = self._connection.listens_since is not None
        return sum(map(self._is_unusable, self._channels)) if listens else 0

    def _is_unusable(self, channel_id: int) -> bool:
        return not self._guilds.place(channel_id) or bool(self.unfit(channel_id)) or self._hides(channel_id)

    def look(self) -> None:
        """Something of this changed."""
        if self.back_at is not None:
            self.was_back.set()
        self._changes.listening(self.back_at is not None)

    @property
    def status(self) -> str:
        """How it stands, or what keeps us from doing anything in it."""
        return self._trouble() or self.state

    @property
    def state(self) -> str:
        """In words."""
        match self._connection.state:
            case State.AWAY | State.ASIDE:
                return self._connection.why or "not connected to Discord yet"
            case State.LOGIN | State.CONNECTING | State.SERVERS:
                return self._connection.why or "connecting to Discord"
            case State.RECONNECTING:
                return "the connection to Discord was lost; resuming"
            case State.LISTENING if behind := self._read_back.behind:
                return f"connected to Discord, reading back what was written meanwhile (in {behind} places)"
            case State.LISTENING:
                return f"connected to Discord{self._missing()}{self._unread()}"

    def say_what_is_missing(self) -> None:
        if missing := self._missing():
            log.warning("connected to Discord%s: is the id right, is the bot in that server, may it see it?", missing)

    def unfit(self, channel_id: int) -> str:
        """Why no session can begin in a channel that we are shown; empty where one can."""
        place = self._guilds.place(channel_id)
        return unfit_in_words(place) if place else ""

    def _missing(self) -> str:
        unseen = [str(channel_id) for channel_id in self._channels if not self._guilds.place(channel_id)]
        words = f"; it shows us no channel {', '.join(unseen)}" if unseen else ""
        unfit = [f"; channel {channel_id} {why}" for channel_id in self._channels if (why := self.unfit(channel_id))]
        hidden = [f"; the bot may not see channel {one} (View Channels)" for one in self._channels if self._hides(one)]
        return words + "".join([*unfit, *hidden])

    def _unread(self) -> str:
        gaps = self._read_back.gaps
        return f"; what was written meanwhile cannot be read back yet (in {gaps} places)" if gaps else ""
