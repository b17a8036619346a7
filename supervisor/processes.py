"""Worker processes: ensure, find, stop.

One loop makes the processes match what is wanted. It asks the kernel who holds a session's lock, so a worker
that was started by an earlier supervisor is found the same way as one that was started a moment ago, and its
end is heard through a pidfd. Nothing is resurrected that an operator stopped: ``threadbridge kill`` leaves a
mark that is looked at before every start.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

import bridge
from bridge import events as e
from bridge.layout import Layout
from bridge.session import ManagedSession
from bridge.start import WorkerStart, encode_start
from supervisor import locks
from supervisor.config import Config
from supervisor.downlink import CurveKeys, Downlink, new_keys
from supervisor.session_manager import SessionManager
from supervisor.store import StartRow

LOOK_INTERVAL_S = 0.5
LOCK_DEADLINE_S = 15.0
BACKOFF_S = (0.0, 0.5, 2.0, 5.0)
FAILURES_BEFORE_GIVING_UP = 3
STDERR_KEPT_BYTES = 2000
_START_FD = 3
INSTALLATION = Path(bridge.__file__).resolve().parent.parent


class Found(msgspec.Struct):
    """A worker that runs: who it is, and how its end is heard."""

    pid: int
    start: str
    pidfd: int


class Spawned(msgspec.Struct):
    """A worker of ours that has not taken its lock yet, or has."""

    pid: int
    start: str
    since: float


class Processes:
    """The loop over all sessions. ``environment`` is what a worker may have of ours."""

    def __init__(
        self, config: Config, manager: SessionManager, downlink: Downlink, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._config = config
        self._layout: Layout = config.layout
        self._manager = manager
        self._downlink = downlink
        self._environment = worker_environment(environment)
        self._found: dict[str, Found] = {}
        self._spawned: dict[str, Spawned] = {}
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._wished: set[str] = set()

    def wish(self, session_id: str) -> None:
        """Something changed for this session; look soon."""
        self._wished.add(session_id)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Workers run on."""
        try:
            while True:
                for session in self._manager.get_all_sessions():
                    await self._reconcile(session)
                wished, self._wished = self._wished, set()
                for session_id in wished:
                    await self._downlink.deliver(session_id)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_INTERVAL_S)
                self._wake.clear()
        finally:
            for found in self._found.values():
                asyncio.get_running_loop().remove_reader(found.pidfd)
                os.close(found.pidfd)

    async def _reconcile(self, session: ManagedSession) -> None:
        session_id = session.session_id
        pid = locks.holder(self._layout.session(session_id).lock)
        if session_id in self._found:
            if self._found[session_id].pid == pid:
                return
            self._gone(session_id)
        if pid:
            self._adopt(session_id, pid)
        elif session_id in self._spawned:
            self._look_at_spawned(session_id)
        else:
            self._obey_operator(session_id)
            if self._manager.is_wanted(session_id) and self._may_start(session_id):
                await self._spawn(session)

    # --- workers that run ----------------------------------------------------------------------------

    def _adopt(self, session_id: str, pid: int) -> None:
        """A worker has the lock: listen for its end, and open its endpoint if it is not open yet."""
        start = next((s for s in self._manager.starts() if s.session_id == session_id), None)
        if start is None:
            log.error("session %s: pid %d has its lock, and was not started by us", session_id, pid)
            return
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        if not self._downlink.is_open(session_id, start.start):
            self._downlink.open(start)
        asyncio.get_running_loop().add_reader(pidfd, self._wake.set)
        self._found[session_id] = Found(pid, start.start, pidfd)

    def _gone(self, session_id: str) -> None:
        found = self._found.pop(session_id)
        asyncio.get_running_loop().remove_reader(found.pidfd)
        os.close(found.pidfd)
        self._downlink.close(session_id)
        self._manager.worker_gone(session_id, found.start)
        spawned = self._spawned.pop(session_id, None)
        code = _exit_code(spawned.pid) if spawned else 0
        if code:
            self._failed(session_id, code)
        else:
            self._failures.pop(session_id, None)

    def _look_at_spawned(self, session_id: str) -> None:
        """It has no lock yet: still importing, or already dead."""
        spawned = self._spawned[session_id]
        waited = asyncio.get_running_loop().time() - spawned.since
        code = _exit_code(spawned.pid)
        if code is None and waited < LOCK_DEADLINE_S:
            return
        if code is None:
            os.kill(spawned.pid, signal.SIGKILL)
            os.waitpid(spawned.pid, 0)
            code = -signal.SIGKILL
        del self._spawned[session_id]
        self._downlink.close(session_id)
        self._manager.worker_gone(session_id, spawned.start)
        if code:
            self._failed(session_id, code)

    def _failed(self, session_id: str, code: int) -> None:
        """A worker that ends itself with an error: wait a little longer each time, then say so and stop."""
        count = self._failures[session_id] = self._failures.get(session_id, 0) + 1
        self._not_before[session_id] = asyncio.get_running_loop().time() + BACKOFF_S[min(count, len(BACKOFF_S) - 1)]
        if count >= FAILURES_BEFORE_GIVING_UP:
            del self._failures[session_id]
            self._manager.worker_failed(session_id, self._last_words(session_id, code))

    def _last_words(self, session_id: str, code: int) -> str:
        path = self._layout.session(session_id).folder / "worker.stderr"
        with suppress(OSError):
            lines = path.read_bytes()[-STDERR_KEPT_BYTES:].decode(errors="replace").strip().splitlines()
            return f"exit code {code}: {lines[-1]}" if lines else f"exit code {code}"
        return f"exit code {code}"

    def _may_start(self, session_id: str) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before.get(session_id, 0.0)

    def _obey_operator(self, session_id: str) -> None:
        mark = self._layout.session(session_id).stopped
        if mark.exists():
            self._manager.stopped_by_operator(session_id)
            mark.unlink(missing_ok=True)

    # --- a start -------------------------------------------------------------------------------------

    async def _spawn(self, session: ManagedSession) -> None:
        keys = new_keys()
        start = StartRow(session.session_id, secrets.token_hex(4), keys.public, session.last_activity)
        self._manager.starting(start)
        endpoint = self._downlink.open(start)
        pid = await self._start_process(session, self._start_message(session, endpoint, keys))
        self._spawned[session.session_id] = Spawned(pid, start.start, asyncio.get_running_loop().time())

    def _start_message(self, session: ManagedSession, endpoint: str, keys: CurveKeys) -> WorkerStart:
        config = self._config
        channel = config.channels.get(session.channel_id)
        return WorkerStart(
            created=e.SessionCreated(
                session.session_id,
                session.thread_id,
                session.guild_id,
                session.channel_id,
                session.directory,
                session.owner_id,
            ),
            state_directory=str(self._layout.state),
            endpoint=endpoint,
            server_key=self._downlink.public_key,
            public_key=keys.public,
            secret_key=keys.secret,
            command=config.command,
            environment=config.environment,
            permission_mode=config.permission_mode,
            model=config.model,
            bypass_permissions=config.bypass_permissions,
            containment=channel.containment if channel else "auto",
            protected_paths=(str(INSTALLATION), sys.prefix, str(config.path)),
            generation=session.generation,
            applied=session.applied,
            wake=self._manager.has_work(session.session_id),
            fresh=self._manager.row(session.session_id).fresh,
        )

    async def _start_process(self, session: ManagedSession, start: WorkerStart) -> int:
        """The worker's pid. ``-I``: nothing in a project's directory is ever imported.

        Spawned bare, not as a child that asyncio minds: a worker outlives us, and nobody may end it for tidiness.
        """
        folder = self._layout.session(session.session_id).folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        reading, writing = os.pipe()
        try:
            pid = _spawn(session.session_id, reading, folder / "worker.stderr", self._environment)
        finally:
            os.close(reading)
        try:
            await asyncio.to_thread(_write_all, writing, encode_start(start))
        finally:
            os.close(writing)
        return pid


def _spawn(session_id: str, reading: int, stderr: Path, environment: Mapping[str, str]) -> int:
    """A worker in a process session of its own, with the pipe to its start message as descriptor 3."""
    argv = [sys.executable, "-I", "-m", "worker", "--session", session_id, "--start-fd", str(_START_FD)]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(stderr), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, reading, _START_FD),
    ]
    return os.posix_spawn(sys.executable, argv, environment, file_actions=actions, setsid=True)


def _exit_code(pid: int) -> int | None:
    """Of a child of ours that ended (it is reaped); None while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None


def _write_all(fd: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(fd, "wb", closefd=False) as pipe:
        pipe.write(data)


_NEVER = ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


def worker_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What a worker may see of our environment: no token, nothing of systemd's, nothing that steers Python."""
    return {
        name: value
        for name, value in ours.items()
        if name not in _NEVER and not name.startswith(("DISCORD_", "PYTHON", "THREADBRIDGE_"))
    }


log = logging.getLogger(__name__)
