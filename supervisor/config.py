"""One TOML file → one frozen struct. Every error names the file and the key, and says what to do.

Nothing starts half: whatever can be checked before Discord is spoken to is checked here.
"""

import math
import os
import re
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.protocol.limits import CPU_WEIGHTS, Limits, bytes_of
from bridge.protocol.start import is_forbidden_for_child
from bridge.routing.channel import Channel
from bridge.session.display import PING_AFTER_S, Display, Thinking, Verbosity
from bridge.session.rights import ANY, Policy
from supervisor.config_access import AccessTable, ChannelAccess, GrantTable, gaps_of, policy_of
from supervisor.config_table import Table as _Table
from supervisor.config_table import Wrong as _Wrong
from supervisor.config_table import check_id
from supervisor.meant import meant, meant_model

PLACES = ("$THREADBRIDGE_CONFIG", "~/.config/threadbridge/config.toml", "/etc/threadbridge/config.toml")
PERMISSION_MODES = ("default", "acceptEdits", "plan", "dontAsk", "auto", "manual", "bypassPermissions")
MOST_MEGABYTES = 500
"""What Discord takes from anybody in one file (discord-api-docs, "Uploading Files")."""
Containment = Literal["project", "home", "none", "required", "auto"]
"""``required`` and ``auto`` are older words; they mean ``project`` now."""
GitPush = Literal["off", "ask"]
_CHOICES: dict[str, tuple[str, ...]] = {
    "containment": ("project", "home", "none"),
    "verbosity": get_args(Verbosity),
    "thinking": get_args(Thinking),
    "git_push": get_args(GitPush),
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_ID_DIGITS = 20
"""Of 64 bits."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class DiscordTable(_Table, frozen=True):
    token_file: str = ""
    api_base: str = "https://discord.com/api/v10"


class ChannelTable(_Table, frozen=True):
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


class ClaudeTable(_Table, frozen=True):
    command: tuple[str, ...] = ("claude",)
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    permission_mode: str = "default"
    model: str = ""
    allow_bypass_permissions: bool = False
    """The second, explicit key that ``permission_mode = "bypassPermissions"`` needs."""


class ContainmentTable(_Table, frozen=True):
    """What is open at the level ``project``, besides the project. Paths; ``~`` is Claude's home."""

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    mcp_logins: bool = False
    """Whether the logins of remote MCP servers come along with Claude's own."""
    git_push: GitPush = "off"
    """Whether Claude may ask that we push for it."""


class PermissionsTable(_Table, frozen=True):
    timeout: str = "60m"


class SessionsTable(_Table, frozen=True):
    hibernate_after: str = "15m"


class DisplayTable(_Table, frozen=True):
    ping_after: str = "60s"


class FilesTable(_Table, frozen=True):
    max_megabytes: float = 25.0
    """Of all files of one message together (1 MB is a million bytes)."""


class LimitsTable(_Table, frozen=True):
    """Of one session; 0: none."""

    memory: str = "50%"
    tasks: int = 1000
    cpu_weight: int = 100
    stored: str = "2G"
    private: str = "10G"


class ProjectsTable(_Table, frozen=True):
    """Below which directories ``/project add`` takes one. None: nowhere."""

    roots: tuple[str, ...] = ()


class StateTable(_Table, frozen=True):
    directory: str = ""


class ConfigFile(_Table, frozen=True):
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


_TABLES: dict[str, type[_Table]] = {
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
}


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
    most_file_bytes: int = 25_000_000
    """Of all files of one prompt together."""
    ping_after_s: float | None = PING_AFTER_S
    """None: never."""
    limits: Limits = Limits()
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    """What is open to Claude besides the project. Absolute, or below ``~/``."""
    mcp_logins: bool = False
    project_roots: tuple[str, ...] = ()
    """Absolute."""
    warnings: tuple[str, ...] = ()
    """What the log says at the start: old words, and doors that were left open."""

    def display(self, channel_id: int) -> Display:
        """What threads of the channel show; also of one that is configured no more."""
        if channel := self.channels.get(channel_id):
            second = self.policy.access(channel_id).second
            return Display(channel.verbosity, channel.thinking, self.ping_after_s, second)
        return Display(ping_after_s=self.ping_after_s)


def find(explicit: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file. Raises UserError when there is none."""
    home = environ.get("HOME", "/")
    places = [environ.get("THREADBRIDGE_CONFIG", ""), f"{home}/.config/threadbridge/config.toml", PLACES[2]]
    if explicit or places[0]:
        return Path(explicit or places[0])
    for place in places[1:]:
        if os.path.isfile(place):  # noqa: PTH113 - False, not an error, where we may not look
            return Path(place)
    raise UserError(
        f"there is no configuration: looked at --config, {', '.join(PLACES)};"
        " docs/configuration.md shows one to begin with"
    )


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Raises UserError that names the file, the key, and what is wrong with it."""
    return parse(path, _text(path), environ)


def parse(path: Path, text: str, environ: Mapping[str, str] = os.environ) -> Config:
    """What ``load`` would say of the file if this stood in it. Raises UserError."""
    try:
        return _checked(path, _parsed(path, text.removeprefix("\ufeff")), environ)
    except _Wrong as wrong:
        raise UserError(f"{path}: {wrong}") from None


def state_directory(path: Path) -> str:
    """What the configuration says of it, for commands that need nothing else; empty when it says nothing."""
    return _parsed(path, _text(path)).state.directory


def read_token(config: Config, environ: Mapping[str, str] = os.environ) -> str:
    """The bot token: the file, else systemd's credential, else $DISCORD_TOKEN. Raises UserError."""
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    credential = Path(credentials) / "discord-token" if credentials else None
    if config.token_file:
        token = _read_token_file(config.path, Path(config.token_file).expanduser())
    elif credential and credential.is_file():
        token = _read_token_file(config.path, credential)
    else:
        token = _plain_token(environ.get("DISCORD_TOKEN", ""))
    if not token:
        raise UserError(
            f"{config.path}: discord.token_file is empty, and there is no credential discord-token and no"
            " $DISCORD_TOKEN: put the bot's token in a file that only you can read, and name it there"
        )
    return token


def seconds_of(text: str) -> float | None:
    """``"90s"``, ``"60m"``, ``"2h"``, ``"1d"`` in seconds; ``"0"`` is None: for ever. Raises ValueError."""
    if text.strip() == "0":
        return None
    if not (found := _DURATION.fullmatch(text.strip())) or not math.isfinite(float(found[1])) or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * _SECONDS[found[2]]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text") from None


def _parsed(path: Path, text: str) -> ConfigFile:
    try:
        return msgspec.convert(_unquoted(tomllib.loads(text)), ConfigFile)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {_in_words(error)}") from None
    except ValueError:  # Python reads no number of more digits than that
        raise UserError(f"{path}: holds a number of more than 4,300 digits") from None
    except RecursionError:
        raise UserError(f"{path}: its brackets are nested too deeply") from None


def _unquoted(file: dict[str, Any]) -> dict[str, Any]:
    """Ids may stand in quotes, as Discord copies them."""

    def number(given: object) -> object:
        is_id = isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) <= _ID_DIGITS
        return int(given) if isinstance(given, str) and is_id else given

    def unquote(access: object) -> None:
        if not isinstance(access, dict):
            return
        for key in ("users", "roles"):
            if isinstance(ids := access.get(key), list):
                access[key] = [number(one) for one in ids]
        for right in ANY:
            unquote(access.get(right))

    unquote(file.get("access"))
    for table in tables if isinstance(tables := file.get("channels"), list) else ():
        if isinstance(table, dict):
            unquote(table.get("access"))
            if "id" in table:
                table["id"] = number(table["id"])
    return file


def _meant(given: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for what is nearly one of the known words."""
    near = meant(given, known)
    return f"; did you mean {near}?" if near else ""


def _keys_of(place: str) -> tuple[str, ...]:
    """The keys of the table at ``channels[0]`` or ``access.talk``; of the file itself at ""."""
    *_, last = ["", *place.split(".")]
    name = last.partition("[")[0]
    tables: dict[str, type[_Table]] = {"": ConfigFile, "channels": ChannelTable, **_TABLES}
    tables |= dict.fromkeys(ANY, GrantTable)
    return tables[name].__struct_fields__ if name in tables else ()


def _in_words(error: msgspec.ValidationError) -> str:
    """msgspec says `… - at `$.channels[0].id``; a person wants the key first."""
    what, _, where = str(error).partition(" - at `")
    key = where.rstrip("`").removeprefix("$").removeprefix(".")
    if unknown := re.search(r"unknown field `([^`]+)`", what):
        meant = _meant(unknown[1], _keys_of(key))
        return f"{'.'.join(filter(None, [key, unknown[1]]))}: there is no such key{meant}"
    if missing := re.search(r"missing required field `([^`]+)`", what):
        return f"{'.'.join(filter(None, [key, missing[1]]))}: is missing"
    if (wrong := re.fullmatch(r"Invalid enum value (.*)", what)) and (known := _CHOICES.get(key.rpartition(".")[2])):
        return f"{key}: {wrong[1]} is none of {', '.join(known)}{_meant(wrong[1].strip(chr(39)), known)}"
    return f"{key}: {what[0].lower()}{what[1:]}"


def _checked(path: Path, file: ConfigFile, environ: Mapping[str, str]) -> Config:
    claude, channels = file.claude, _channels(file.channels, file.containment.git_push)
    policy = _policy(file)
    return Config(
        path=path.absolute(),
        api_base=_api_base(file.discord),
        policy=policy,
        channels=channels,
        command=_command(claude, environ),
        environment=_environment(claude),
        permission_mode=_permission_mode(claude),
        bypass_permissions=claude.permission_mode == "bypassPermissions",
        model=claude.model,
        permission_timeout_s=_seconds("permissions.timeout", file.permissions.timeout),
        hibernate_after_s=_seconds("sessions.hibernate_after", file.sessions.hibernate_after),
        layout=_layout(file.state, environ),
        token_file=file.discord.token_file,
        most_file_bytes=_file_bytes(file.files),
        ping_after_s=_seconds("display.ping_after", file.display.ping_after),
        limits=_limits(file.limits),
        readable=_opened("readable", file.containment.readable),
        writable=_opened("writable", file.containment.writable),
        mcp_logins=file.containment.mcp_logins,
        project_roots=tuple(_root(n, root) for n, root in enumerate(file.projects.roots)),
        warnings=(
            *_warnings(path, file),
            *(f"{path}: {gap}" for gap in gaps_of(policy, list(channels), claude.permission_mode)),
        ),
    )


def _root(n: int, given: str) -> str:
    root = Path(given).expanduser()
    if not root.is_absolute() or not root.is_dir():
        raise _Wrong(f"projects.roots[{n}]", f"{given!r} is not the absolute path of a directory")
    return str(root)


def _warnings(path: Path, file: ConfigFile) -> Iterator[str]:
    if near := meant_model(file.claude.model):
        yield f"{path}: claude.model: Claude Code may know no {file.claude.model!r}; did you mean {near}?"
    for n, table in enumerate(file.channels):
        if table.containment in {"auto", "required"}:
            yield (
                f'{path}: channels[{n}].containment: "{table.containment}" means "project" now: Claude sees its project'
                ' and what [containment] names, and no more of your home; write "project", or "home" for what it saw'
            )
        elif table.containment == "home":
            yield (
                f'{path}: channels[{n}].containment: "home": its Claudes can read and change what this user can, but'
                " for what is Threadbridge's own"
            )
        elif table.containment == "none":
            yield (
                f"{path}: channels[{n}].containment: its Claudes run uncontained: they can do whatever this user can,"
                " read the bot's token and decide for other sessions included"
            )
        if table.git_push == "ask" and table.containment in {"home", "none"}:
            yield (
                f'{path}: channels[{n}].git_push: "ask" does nothing at the level {table.containment}: Claude has your'
                " keys there, and pushes by itself"
            )


def _api_base(table: DiscordTable) -> str:
    if not table.api_base.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise _Wrong("discord.api_base", "must begin with https:// (http:// only for this machine)")
    return table.api_base.rstrip("/")


def _policy(file: ConfigFile) -> Policy:
    of_channels = {
        table.id: ChannelAccess(f"channels[{n}].access", table.access, table.decide_own, table.second)
        for n, table in enumerate(file.channels)
    }
    return policy_of(file.access, of_channels)


def _channels(tables: tuple[ChannelTable, ...], git_push: GitPush) -> dict[int, Channel]:
    if not tables:
        raise _Wrong("channels", "there is none; add a [[channels]] table with id and directory")
    channels: dict[int, Channel] = {}
    for n, table in enumerate(tables):
        key = f"channels[{n}]"
        check_id(f"{key}.id", table.id)
        if table.id in channels:
            raise _Wrong(f"{key}.id", f"{table.id} stands there twice")
        directory = Path(table.directory).expanduser()
        if not directory.is_absolute():
            raise _Wrong(f"{key}.directory", f"{table.directory!r} is not an absolute path")
        if not directory.is_dir():
            raise _Wrong(f"{key}.directory", f"{directory} is not a directory")
        channels[table.id] = Channel(
            table.id,
            str(directory),
            table.mention_only,
            table.containment if table.containment in {"home", "none"} else "project",
            table.verbosity,
            table.thinking,
            table.git_push or git_push,
        )
    return channels


def _opened(key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not (name.startswith(("~/", "/")) and name.strip("/~")) or ".." in Path(name).parts:
            raise _Wrong(
                f"containment.{key}", f"{name!r} is not an absolute path, nor one below ~/; name what is needed there"
            )
    return names


def _command(table: ClaudeTable, environ: Mapping[str, str]) -> tuple[str, ...]:
    if not table.command or not table.command[0]:
        raise _Wrong("claude.command", "is empty")
    program = os.path.expanduser(table.command[0])  # noqa: PTH111 - it may be a bare name
    path = {**environ, **table.environment}.get("PATH", os.defpath)
    if not (found := shutil.which(program, path=path)):
        raise _Wrong(
            "claude.command",
            f"there is no program {table.command[0]!r} on the path; install Claude Code, or give its full path",
        )
    return (str(Path(found).absolute()), *table.command[1:])


def _environment(table: ClaudeTable) -> dict[str, str]:
    for name in table.environment:
        if is_forbidden_for_child(name):
            raise _Wrong(f"claude.environment.{name}", "cannot be given to Claude; remove it")
    return table.environment


def _permission_mode(table: ClaudeTable) -> str:
    if table.permission_mode not in PERMISSION_MODES:
        meant = _meant(table.permission_mode, PERMISSION_MODES)
        known = ", ".join(PERMISSION_MODES)
        raise _Wrong("claude.permission_mode", f"{table.permission_mode!r} is none of {known}{meant}")
    if table.permission_mode == "bypassPermissions" and not table.allow_bypass_permissions:
        raise _Wrong(
            "claude.permission_mode",
            "bypassPermissions lets Claude do anything without asking; if you mean it, also set"
            " claude.allow_bypass_permissions = true",
        )
    return table.permission_mode


def _seconds(key: str, given: str) -> float | None:
    try:
        return seconds_of(given)
    except ValueError:
        raise _Wrong(key, f"{given!r} is no time such as 90s, 60m, 2h, 1d or 0") from None


def _file_bytes(table: FilesTable) -> int:
    if not 0 <= table.max_megabytes <= MOST_MEGABYTES:
        raise _Wrong("files.max_megabytes", f"{table.max_megabytes:g} is not from 0 to {MOST_MEGABYTES}")
    return int(table.max_megabytes * 1_000_000)


def _limits(table: LimitsTable) -> Limits:
    least, most = CPU_WEIGHTS
    if table.cpu_weight and not least <= table.cpu_weight <= most:
        raise _Wrong("limits.cpu_weight", f"{table.cpu_weight} is not from {least} to {most} (0: none)")
    if table.tasks < 0:
        raise _Wrong("limits.tasks", f"{table.tasks} is no number of processes (0: none)")
    ram_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    memory, stored = _bytes("limits.memory", table.memory, ram_bytes), _bytes("limits.stored", table.stored)
    private = _bytes("limits.private", table.private)
    return Limits(memory, table.tasks, table.cpu_weight, stored, private)


def _bytes(key: str, given: str, ram_bytes: int = 0) -> int:
    try:
        return bytes_of(given, ram_bytes)
    except ValueError:
        example = "4G, 512M, 50% or 0" if ram_bytes else "2G, 512M or 0"
        raise _Wrong(key, f"{given!r} is no size such as {example}") from None


def _layout(table: StateTable, environ: Mapping[str, str]) -> Layout:
    home = environ.get("HOME", "/")
    given = table.directory or environ.get("STATE_DIRECTORY", "") or f"{home}/.local/state/threadbridge"
    layout = Layout(Path(given).expanduser().absolute())
    try:
        layout.check_socket_paths()
    except UserError as error:
        raise _Wrong("state.directory", str(error)) from None
    return layout


def _plain_token(text: str) -> str:
    """As people paste it: in quotes, or with the word that stands before it in a header."""
    token = text.strip().strip("\"'`").strip()
    return token.removeprefix("Bot ").strip()


def _read_token_file(config: Path, path: Path) -> str:
    try:
        return _plain_token(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{config}: discord.token_file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{config}: discord.token_file: {path} holds no token") from None
