"""``ConfigFile`` → ``Config``. Each value is checked against this machine; what is wrong is said with its key."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from bridge.discord_numbers import ARCHIVE_MINUTES, MOST_MEGABYTES
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.protocol.limits import CPU_WEIGHTS, Limits, bytes_of
from bridge.protocol.start import is_forbidden_for_child
from bridge.routing.channel import Channel
from bridge.session.rights import Policy
from supervisor.config.access import ChannelAccess, gaps_of, policy_of
from supervisor.config.durations import seconds_of
from supervisor.config.file import (
    ChannelTable,
    ClaudeTable,
    ConfigFile,
    DiscordTable,
    DisplayTable,
    FilesTable,
    GitPush,
    LimitsTable,
    StateTable,
)
from supervisor.config.model import Config
from supervisor.config.parsing import did_you_mean
from supervisor.config.table import Wrong, check_id
from supervisor.meant import meant_model

PERMISSION_MODES = ("default", "acceptEdits", "plan", "dontAsk", "auto", "manual", "bypassPermissions")
LONGEST_BURST_S = 10.0


def checked(path: Path, file: ConfigFile, environ: Mapping[str, str]) -> Config:
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
        layout=layout_of(file.state, environ),
        token_file=file.discord.token_file,
        burst_s=_burst_s(file.discord),
        most_file_bytes=_file_bytes(file.files),
        metrics_listen=_listen(file.metrics.listen),
        keep_s=_seconds("state.keep", file.state.keep),
        resume_at_reset=claude.resume_at_reset,
        titles=file.display.titles == "claude",
        archive_minutes=_archive_minutes(file.display),
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
        raise Wrong(f"projects.roots[{n}]", f"{given!r} is not the absolute path of a directory")
    return str(root)


def _warnings(path: Path, file: ConfigFile) -> Iterator[str]:
    if near := meant_model(file.claude.model):
        yield f"{path}: claude.model: Claude Code may know no {file.claude.model!r}; did you mean {near}?"
    host = file.metrics.listen.rpartition(":")[0].strip("[]")
    if host and not ip_address(host).is_loopback:
        yield f"{path}: metrics.listen: whoever reaches {file.metrics.listen} over the network can read the metrics"
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


def _listen(given: str) -> str:
    host, _, port = given.rpartition(":")
    with suppress(ValueError):
        if not given or (ip_address(host.strip("[]")) and 0 < int(port) < 1 << 16):
            return given
    raise Wrong("metrics.listen", f"{given!r} is no address and port such as 127.0.0.1:9100 or [::1]:9100")


def _api_base(table: DiscordTable) -> str:
    if not table.api_base.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise Wrong("discord.api_base", "must begin with https:// (http:// only for this machine)")
    return table.api_base.rstrip("/")


def _policy(file: ConfigFile) -> Policy:
    of_channels = {
        table.id: ChannelAccess(f"channels[{n}].access", table.access, table.decide_own, table.second)
        for n, table in enumerate(file.channels)
    }
    return policy_of(file.access, of_channels)


def _channels(tables: tuple[ChannelTable, ...], git_push: GitPush) -> dict[int, Channel]:
    if not tables:
        raise Wrong("channels", "there is none; add a [[channels]] table with id and directory")
    channels: dict[int, Channel] = {}
    for n, table in enumerate(tables):
        key = f"channels[{n}]"
        check_id(f"{key}.id", table.id)
        if table.id in channels:
            raise Wrong(f"{key}.id", f"{table.id} stands there twice")
        directory = Path(table.directory).expanduser()
        if not directory.is_absolute():
            raise Wrong(f"{key}.directory", f"{table.directory!r} is not an absolute path")
        if not directory.is_dir():
            raise Wrong(f"{key}.directory", f"{directory} is not a directory")
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
            raise Wrong(
                f"containment.{key}", f"{name!r} is not an absolute path, nor one below ~/; name what is needed there"
            )
    return names


def _command(table: ClaudeTable, environ: Mapping[str, str]) -> tuple[str, ...]:
    if not table.command or not table.command[0]:
        raise Wrong("claude.command", "is empty")
    program = os.path.expanduser(table.command[0])  # noqa: PTH111 - it may be a bare name
    path = {**environ, **table.environment}.get("PATH", os.defpath)
    if not (found := shutil.which(program, path=path)):
        raise Wrong(
            "claude.command",
            f"there is no program {table.command[0]!r} on the path; install Claude Code, or give its full path",
        )
    return (str(Path(found).absolute()), *table.command[1:])


def _environment(table: ClaudeTable) -> dict[str, str]:
    for name in table.environment:
        if is_forbidden_for_child(name):
            raise Wrong(f"claude.environment.{name}", "cannot be given to Claude; remove it")
    return table.environment


def _permission_mode(table: ClaudeTable) -> str:
    if table.permission_mode not in PERMISSION_MODES:
        near = did_you_mean(table.permission_mode, PERMISSION_MODES)
        known = ", ".join(PERMISSION_MODES)
        raise Wrong("claude.permission_mode", f"{table.permission_mode!r} is none of {known}{near}")
    if table.permission_mode == "bypassPermissions" and not table.allow_bypass_permissions:
        raise Wrong(
            "claude.permission_mode",
            "bypassPermissions lets Claude do anything without asking; if you mean it, also set"
            " claude.allow_bypass_permissions = true",
        )
    return table.permission_mode


def _seconds(key: str, given: str) -> float | None:
    try:
        return seconds_of(given)
    except ValueError:
        raise Wrong(key, f"{given!r} is no time such as 90s, 60m, 2h, 1d or 0") from None


def _archive_minutes(table: DisplayTable) -> int:
    minutes = round((_seconds("display.archive_after", table.archive_after) or 0.0) / 60)
    if minutes not in ARCHIVE_MINUTES:
        raise Wrong("display.archive_after", f"{table.archive_after!r} is none of 1h, 1d, 3d, 7d, which Discord has")
    return minutes


def _burst_s(table: DiscordTable) -> float:
    seconds = _seconds("discord.burst", table.burst) or 0.0
    if seconds > LONGEST_BURST_S:
        raise Wrong("discord.burst", f"{table.burst!r} is longer than {LONGEST_BURST_S:g}s; every prompt waits for it")
    return seconds


def _file_bytes(table: FilesTable) -> int:
    if not 0 <= table.max_megabytes <= MOST_MEGABYTES:
        raise Wrong("files.max_megabytes", f"{table.max_megabytes:g} is not from 0 to {MOST_MEGABYTES}")
    return int(table.max_megabytes * 1_000_000)


def _limits(table: LimitsTable) -> Limits:
    least, most = CPU_WEIGHTS
    if table.cpu_weight and not least <= table.cpu_weight <= most:
        raise Wrong("limits.cpu_weight", f"{table.cpu_weight} is not from {least} to {most} (0: none)")
    if table.tasks < 0:
        raise Wrong("limits.tasks", f"{table.tasks} is no number of processes (0: none)")
    ram_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    memory, stored = _bytes("limits.memory", table.memory, ram_bytes), _bytes("limits.stored", table.stored)
    private = _bytes("limits.private", table.private)
    return Limits(memory, table.tasks, table.cpu_weight, stored, private)


def _bytes(key: str, given: str, ram_bytes: int = 0) -> int:
    try:
        return bytes_of(given, ram_bytes)
    except ValueError:
        example = "4G, 512M, 50% or 0" if ram_bytes else "2G, 512M or 0"
        raise Wrong(key, f"{given!r} is no size such as {example}") from None


def layout_of(table: StateTable, environ: Mapping[str, str]) -> Layout:
    home = environ.get("HOME", "/")
    given = table.directory or environ.get("STATE_DIRECTORY", "") or f"{home}/.local/state/threadbridge"
    layout = Layout(Path(given).expanduser().absolute())
    try:
        layout.check_socket_paths()
    except UserError as error:
        raise Wrong("state.directory", str(error)) from None
    return layout
