"""Where something is still to be read back, and what waits until it is.

A place that is *behind* holds live messages until its read-back has come to its end. One that cannot be read has a
*gap* (``supervisor.sessions.gaps``): it is heard live, and tried again beside that.
"""

import asyncio
from collections.abc import Callable

import msgspec

from supervisor.changes import Changes
from supervisor.discord.shapes import Message
from supervisor.sessions.gaps import Gap


class Behind:
    """``clock`` gives Unix seconds; ``changes`` hears when all is read back.

    ``wake`` is set when there is more to do.
    """

    def __init__(self, clock: Callable[[], float], changes: Changes) -> None:
        self.gaps: dict[int, Gap] = {}
        self.wake = asyncio.Event()
        self._clock = clock
        self._changes = changes
        self._held: dict[int, list[Message]] = {}
        self._surely: set[int] = set()
        self._caught_up_at: float | None = 0.0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def places(self) -> frozenset[int]:
        return frozenset(self._held)

    @property
    def since(self) -> float | None:
        """Unix seconds since when something is to be read back; None while nothing is."""
        return self._since if self._held else None

    @property
    def caught_up_at(self) -> float | None:
        """Unix seconds since when nothing is to be read back; None while something is."""
        return None if self._held else self._caught_up_at

    def look_whether_caught_up(self) -> None:
        if not self._held and self._caught_up_at is None:
            self._caught_up_at = self._clock()
            self._changes.caught_up()

    def add(self, channel_id: int, *, surely: bool = False) -> None:
        """Live messages wait for the read-back; where that is known not to work it is tried beside them.

        ``surely``: something is known to have been missed there.
        """
        if surely:
            self._surely.add(channel_id)
        if gap := self.gaps.get(channel_id):
            gap.not_before = 0.0
        else:
            self._since = self._since if self._held else self._clock()
            self._held.setdefault(channel_id, [])
            self._caught_up_at = None

    def is_surely(self, channel_id: int) -> bool:
        return channel_id in self._surely

    def holds(self, channel_id: int) -> bool:
        return channel_id in self._held

    def keep(self, message: Message) -> None:
        """Until its place is read back."""
        self._held[message.channel_id].append(message)

    def edit(self, channel_id: int, message_id: int, content: str) -> None:
        """A message that is held reads otherwise now."""
        held = self._held.get(channel_id, [])
        held[:] = [msgspec.structs.replace(one, content=content) if one.id == message_id else one for one in held]

    def forget(self, channel_id: int, message_id: int) -> None:
        """A message that is held was deleted."""
        held = self._held.get(channel_id, [])
        held[:] = [one for one in held if one.id != message_id]

    def release(self, channel_id: int) -> list[Message]:
        """From here on the place is live again; what arrived meanwhile comes first."""
        return self._held.pop(channel_id, [])

    def is_read(self, channel_id: int) -> Gap | None:
        """The read-back came to its end. The gap that was there."""
        self._surely.discard(channel_id)
        return self.gaps.pop(channel_id, None)

    def drop(self, channel_id: int) -> None:
        """The place is gone."""
        self._held.pop(channel_id, None)
        self.gaps.pop(channel_id, None)
        self.look_whether_caught_up()
