"""The shape of the configuration file: its tables, their keys, and what stands where nothing is said."""

from typing import Literal

import msgspec

from bridge.session.display import Thinking, Verbosity
from supervisor.config.access import AccessTable
from supervisor.config.table import Table

Containment = Literal["project", "home", "none", "required", "auto"]
"""``required`` and ``auto`` are older words; they mean ``project`` now."""
GitPush = Literal["off", "ask"]
Titles = Literal["claude", "words"]


class DiscordTable(Table, frozen=True):
    token_file: str = ""
    api_base: str = "https://discord.com/api/v10"
    burst: str = "1.5s"
    """Within which messages of one person are one prompt; 0: each is its own."""


class ChannelTable(Table, frozen=True):
    id: int
    directory: str
    mention_only: bool = False
    containment: Containment = "project"
    verbosity: Verbosity = "normal"
    thinking: Thinking = "off"
    git_push: GitPush | None = None
    """None: as ``containment.git_push``."""
    access: AccessTable = AccessTable()
    """Who has rights in this channel, besides those of ``[access]``."""
    decide_own: bool = True
    second: tuple[str, ...] = ()


class ClaudeTable(Table, frozen=True):
    command: tuple[str, ...] = ("claude",)
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    permission_mode: str = "default"
    resume_at_reset: bool = False
    """A turn that a usage limit ended is taken up when that is free again, without anybody asking for it."""
    model: str = ""
    allow_bypass_permissions: bool = False
    """The second, explicit key that ``permission_mode = "bypassPermissions"`` needs."""


class ContainmentTable(Table, frozen=True):
    """What is open at the level ``project``, besides the project. Paths; ``~`` is Claude's home."""

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    mcp_logins: bool = False
    """Whether the logins of remote MCP servers come along with Claude's own."""
    git_push: GitPush = "off"
    """Whether Claude may ask that we push for it."""


class PermissionsTable(Table, frozen=True):
    timeout: str = "60m"


class SessionsTable(Table, frozen=True):
    hibernate_after: str = "15m"


class DisplayTable(Table, frozen=True):
    ping_after: str = "60s"
    titles: Titles = "claude"
    archive_after: str = "7d"
    """Without a message for so long, Discord archives a thread."""


class FilesTable(Table, frozen=True):
    max_megabytes: float = 25.0
    """Of all files of one message together (1 MB is a million bytes)."""


class LimitsTable(Table, frozen=True):
    """Of one session; 0: none."""

    memory: str = "50%"
    tasks: int = 1000
    cpu_weight: int = 100
    stored: str = "2G"
    private: str = "10G"


class ProjectsTable(Table, frozen=True):
    """Below which directories ``/project add`` takes one. None: nowhere."""

    roots: tuple[str, ...] = ()


class MetricsTable(Table, frozen=True):
    """Where Prometheus may ask; empty: nowhere."""

    listen: str = ""


class StateTable(Table, frozen=True):
    directory: str = ""
    keep: str = "0"


class ConfigFile(Table, frozen=True):
    discord: DiscordTable = DiscordTable()
    access: AccessTable = AccessTable()
    channels: tuple[ChannelTable, ...] = ()
    claude: ClaudeTable = ClaudeTable()
    containment: ContainmentTable = ContainmentTable()
    permissions: PermissionsTable = PermissionsTable()
    sessions: SessionsTable = SessionsTable()
    display: DisplayTable = DisplayTable()
    files: FilesTable = FilesTable()
    limits: LimitsTable = LimitsTable()
    projects: ProjectsTable = ProjectsTable()
    state: StateTable = StateTable()
    metrics: MetricsTable = MetricsTable()


TABLES: dict[str, type[Table]] = {
    "discord": DiscordTable,
    "access": AccessTable,
    "claude": ClaudeTable,
    "containment": ContainmentTable,
    "permissions": PermissionsTable,
    "sessions": SessionsTable,
    "display": DisplayTable,
    "files": FilesTable,
    "limits": LimitsTable,
    "projects": ProjectsTable,
    "state": StateTable,
    "metrics": MetricsTable,
}
