"""The configuration that is in force. Whoever needs it asks each time, so a new one holds from the next question on.

A running supervisor cannot take up everything: what it has spoken to, opened or started with stays as it was, and the
person who changed it is told that it takes effect at the next start.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from bridge.routing.channel import Channel
from bridge.session.display import Display
from bridge.session.rights import Access
from supervisor.config import Config

AT_THE_NEXT_START = {
    "api_base": "discord.api_base",
    "token_file": "discord.token_file",
    "layout": "state.directory",
    "command": "claude.command",
    "environment": "claude.environment",
    "mcp_logins": "containment.mcp_logins",
    "metrics_listen": "metrics.listen",
}
"""Fields of ``Config`` that are used once, by the keys a person knows them by."""


class Settings:
    """``now`` is never changed, only replaced: whoever keeps it for one decision decides by one configuration."""

    def __init__(self, config: Config) -> None:
        self.now = config
        self.left: Mapping[int, Access] = {}
        """Of channels that ``now`` has no more: how it was decided there (``supervisor.sessions.left_channels``)."""
        self._ears: list[Callable[[frozenset[int]], None]] = []

    @property
    def channels(self) -> Mapping[int, Channel]:
        """Those of ``now``, whenever it is looked at."""
        return _Channels(self)

    def access(self, channel_id: int) -> Access:
        """What takes more people in a channel still does in its sessions when it is configured no more."""
        access, left = self.now.policy.access(channel_id), self.left.get(channel_id)
        if left is None or channel_id in self.now.channels:
            return access
        return msgspec.structs.replace(access, decide_own=left.decide_own, second=left.second)

    def display(self, channel_id: int) -> Display:
        return msgspec.structs.replace(self.now.display(channel_id), second=self.access(channel_id).second)

    def hear_added(self, ear: Callable[[frozenset[int]], None]) -> None:
        """It gets the ids of channels that were not configured before, within the step of each replacement."""
        self._ears.append(ear)

    def replace(self, config: Config) -> tuple[str, ...]:
        """Put another one in force; the keys of what counts only from the next start on."""
        config, later = _carried(self.now, config)
        added = frozenset(config.channels) - frozenset(self.now.channels)
        self.now = config
        for ear in self._ears:
            ear(added)
        return later


def carried(now: Config, new: Config) -> Config:
    """The new one, with what cannot change while we run as it is now."""
    return _carried(now, new)[0]


def _carried(now: Config, new: Config) -> tuple[Config, tuple[str, ...]]:
    differ = [field for field in AT_THE_NEXT_START if getattr(now, field) != getattr(new, field)]
    kept = {field: getattr(now, field) for field in differ}
    return msgspec.structs.replace(new, **kept), tuple(AT_THE_NEXT_START[field] for field in differ)


class _Channels(Mapping[int, Channel]):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __getitem__(self, channel_id: int) -> Channel:
        return self._settings.now.channels[channel_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._settings.now.channels)

    def __len__(self) -> int:
        return len(self._settings.now.channels)
