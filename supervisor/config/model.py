"""What the supervisor runs on: the configuration, checked."""

from pathlib import Path

import msgspec

from bridge.discord_numbers import ARCHIVE_MINUTES
from bridge.protocol.layout import Layout
from bridge.protocol.limits import Limits
from bridge.routing.channel import Channel
from bridge.session.display import PING_AFTER_S, Display
from bridge.session.rights import Policy


class Config(msgspec.Struct, frozen=True):
    """What the supervisor runs on. Times in seconds; None waits for ever."""

    path: Path
    api_base: str
    policy: Policy
    channels: dict[int, Channel]
    command: tuple[str, ...]
    environment: dict[str, str]
    permission_mode: str
    bypass_permissions: bool
    model: str
    permission_timeout_s: float | None
    layout: Layout
    token_file: str
    hibernate_after_s: float | None = 900.0
    metrics_listen: str = ""
    """An address and a port; empty: nowhere."""
    keep_s: float | None = None
    """How long the log and the files of an ended session are kept; None: for ever."""
    burst_s: float = 0.0
    """Within which messages of one person are one prompt; 0: each is its own."""
    most_file_bytes: int = 25_000_000
    """Of all files of one prompt together."""
    resume_at_reset: bool = False
    titles: bool = False
    """Claude is asked for a title of each new thread."""
    archive_minutes: int = ARCHIVE_MINUTES[-1]
    ping_after_s: float | None = PING_AFTER_S
    """None: never."""
    limits: Limits = Limits()
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    """What is open to Claude besides the project. Absolute, or below ``~/``."""
    mcp_logins: bool = False
    project_roots: tuple[str, ...] = ()
    """Absolute."""
    digest: str = ""
    """Of the file's text."""
    warnings: tuple[str, ...] = ()
    """What the log says at the start: old words, and doors that were left open."""

    def display(self, channel_id: int) -> Display:
        """What threads of the channel show; also of one that is configured no more."""
        if channel := self.channels.get(channel_id):
            second = self.policy.access(channel_id).second
            return Display(channel.verbosity, channel.thinking, self.ping_after_s, second)
        return Display(ping_after_s=self.ping_after_s)
