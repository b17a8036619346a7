"""What a worker is told at its start: of the configuration, the session, and what this supervisor has around it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

import bridge
from bridge.protocol import events as e
from bridge.protocol.modes import DEFAULT
from bridge.protocol.start import WorkerStart
from bridge.session.managed import ManagedSession
from supervisor.config import Config
from supervisor.config_in_force import Settings
from supervisor.login import keeper as login
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Trusts

INSTALLATION = Path(bridge.__file__).resolve().parent.parent


class Surroundings(msgspec.Struct, frozen=True):
    """What this start of the supervisor hands on to every worker; as in ``WorkerStart``."""

    open_files: int = 0
    umask: int = -1
    hidden_paths: tuple[str, ...] = ()
    cgroup: str = ""


class StartMessages:
    """``environment`` is what a worker may have of ours."""

    def __init__(
        self,
        settings: Settings,
        manager: SessionManager,
        around: Surroundings | None,
        environment: Mapping[str, str],
    ) -> None:
        self._settings = settings
        self._manager = manager
        self._around = around or Surroundings()
        self._environment = environment
        self._trusts = Trusts(settings.now, manager)

    async def message(self, session: ManagedSession, died: str) -> WorkerStart:
        """All but the keys and the endpoint, which are the start's own. ``died``: how the worker before it ended."""
        manager = self._manager
        copy = await self._trusts.at_start(session) if manager.has_work(session.session_id) else ""
        config = self._settings.now
        channel = config.channels.get(session.channel_id)
        containment = channel.containment if channel else "project"
        return msgspec.structs.replace(
            bare_start(config, _created(session), containment, self._around.hidden_paths, self._environment),
            permission_mode=self._permission_mode(session),
            model=manager.setting(session, "model") or config.model,
            effort=manager.setting(session, "effort"),
            bypass_permissions=config.bypass_permissions,
            generation=session.generation,
            applied=session.applied,
            wake=manager.has_work(session.session_id),
            died=died,
            fresh=manager.row(session.session_id).fresh,
            open_files=self._around.open_files,
            umask=self._around.umask,
            accepted_inode=manager.accepted_inode(session.session_id),
            limits=config.limits,
            cgroup=self._around.cgroup,
            trusted_copy=copy,
            void_prompts=manager.store.void_prompts(session.session_id),
            git_push=channel.git_push if channel else "off",
            directories=manager.rules.directories(session),
            titles=config.titles and not (session.title or session.turn_count),
        )

    def _permission_mode(self, session: ManagedSession) -> str:
        """The one that the session was in; nothing is bypassed that the configuration does not let, and what two people
        must allow is asked.
        """
        config = self._settings.now
        mode = self._manager.setting(session, "permission_mode") or config.permission_mode
        if mode == "bypassPermissions" and not config.bypass_permissions:
            mode = config.permission_mode
        return DEFAULT if self._settings.access(session.channel_id).bars(mode) else mode


def _created(session: ManagedSession) -> e.SessionCreated:
    return e.SessionCreated(
        session.session_id,
        session.thread_id,
        session.guild_id,
        session.channel_id,
        session.directory,
        session.owner_id,
        session.inode,
        session.git_directory,
        session.work_tree,
        session.remote,
    )


def bare_start(
    config: Config,
    created: e.SessionCreated,
    containment: str,
    hidden: tuple[str, ...],
    environment: Mapping[str, str],
) -> WorkerStart:
    """What decides the walls of a session's child, of a real one and of one that is only tried. No worker starts by it.

    ``environment``: the workers'.
    """
    return WorkerStart(
        created=created,
        start="",
        state_directory=str(config.layout.state),
        endpoint="",
        server_key="",
        public_key="",
        secret_key="",
        command=config.command,
        environment=config.environment,
        permission_mode=config.permission_mode,
        model="",
        bypass_permissions=False,
        containment=containment,
        protected_paths=(str(INSTALLATION), sys.prefix, str(config.path)),
        generation="",
        applied=0,
        wake=False,
        hidden_paths=hidden,
        readable=config.readable,
        writable=config.writable,
        login_directory=login.directory_of(config.layout, {**environment, **config.environment}),
        projects=tuple(channel.directory for channel in config.channels.values()),
    )


_NEVER = ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


def worker_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What a worker may see of our environment: no token, nothing of systemd's, nothing that steers Python."""
    return {
        name: value
        for name, value in ours.items()
        if name not in _NEVER and not name.startswith(("DISCORD_", "PYTHON", "THREADBRIDGE_"))
    }
