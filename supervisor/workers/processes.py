"""Worker processes: ensure, find, stop.

One loop makes the processes match what is wanted. It asks the kernel who holds a session's lock, so a worker
that was started by an earlier supervisor is found the same way as one that was started a moment ago. From then on its
pidfd alone tells whether it lives: a lock's path may be renamed or removed below a worker that is well. A session that
sleeps costs nothing: it is looked at when something is wished of it, when the operator rings, and once in a while.
Nothing is resurrected that an operator stopped: ``threadbridge kill`` leaves a mark that is looked at before every
start.

Who may speak for a worker is noted in the store before its start, and in a file of its session's folder, which
outlives the store. A worker that cannot reach us all the same (our keys are lost, or it hangs) is ended by the
ladder, and the next one goes on where its log stands.

What hinders one session (a folder that is gone, no memory for a process) is tried again, more and more seldom, and
hinders no other. A store that takes no writes makes everything wait.
"""

import asyncio
import logging
import os
import secrets
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

import bridge
from bridge.protocol import events as e
from bridge.protocol.errors import LocalError
from bridge.protocol.layout import START_NAME_BYTES, Layout
from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOCKED, EXIT_LOG, WorkerStart, encode_start, worker_exit_in_words
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from bridge.text import one_line
from supervisor import locks, state_directory
from supervisor.config import Config
from supervisor.login import keeper as login
from supervisor.private_files import write_private
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.trust import Trusts
from supervisor.workers import trees
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.curve import CurveKeys, new_keys
from supervisor.workers.downlink import Downlink

LOOK_INTERVAL_S = 0.5
LOOK_AT_ALL_INTERVAL_S = 30.0
HINDRANCES_BEFORE_SAYING_SO = 3
LOCK_DEADLINE_S = 15.0
UNHEARD_DEADLINE_S = 30.0
"""A worker repeats its hello several times a second, and finds a new supervisor within one."""
LONGEST_HINDRANCE_S = 30.0
BACKOFF_S = (0.0, 0.5, 2.0, 5.0)
REFUSAL_PAUSES_S = (2.0, 5.0, 15.0, 30.0, 60.0)
"""While a child cannot be shut in: each look takes a worker's start."""
FAILURES_BEFORE_GIVING_UP = 3
STDERR_KEPT_BYTES = 2000
MOST_WORDS = 500
_START_FD = 3
WORKER_PYTHON = sys.executable
_UNREACHABLE = Post(
    "⚠ This session's worker could not be reached any more and was ended, so a turn that ran is interrupted."
    " Write here to go on where the conversation stands."
)
INSTALLATION = Path(bridge.__file__).resolve().parent.parent


class Found(msgspec.Struct):
    """A worker that runs: who it is, and how its end is heard."""

    pid: int
    start: str
    pidfd: int
    since: float
    ending: bool = False


class Spawned(msgspec.Struct):
    """A worker of ours that has not taken its lock yet, or has."""

    pid: int
    start: str
    since: float


class Surroundings(msgspec.Struct, frozen=True):
    """What this start of the supervisor hands on to every worker; as in ``WorkerStart``."""

    open_files: int = 0
    umask: int = -1
    hidden_paths: tuple[str, ...] = ()
    cgroup: str = ""


class Processes:
    """The loop over all sessions. ``environment`` is what a worker may have of ours."""

    def __init__(
        self,
        config: Config,
        manager: SessionManager,
        downlink: Downlink,
        environment: Mapping[str, str] = os.environ,
        around: Surroundings | None = None,
        cli: ClaudeCli | None = None,
    ) -> None:
        """``cli``: which Claude Code it is; without it nothing is asked of that."""
        self._cli = cli
        self._around = around or Surroundings()
        self._trusts = Trusts(config, manager)
        self._config = config
        self._layout: Layout = config.layout
        self._manager = manager
        self._downlink = downlink
        self._environment = worker_environment(environment)
        self._found: dict[str, Found] = {}
        self._spawned: dict[str, Spawned] = {}
        self._failures: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self._ends: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        self._hindrances: dict[str, tuple[int, str]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._wake = asyncio.Event()
        self._wished: set[str] = set()
        self._rung = 0
        manager.changes.hear_wishes(self.wish)
        self._place = state_directory.place(config.layout)

    def wish(self, session_id: str) -> None:
        """Something changed for this session; look soon."""
        self._wished.add(session_id)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Workers run on."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._keep()
        finally:
            for session_id in list(self._found):
                self._forget_found(session_id)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        look_at = all_at = loop.time()
        while True:
            wished, self._wished = self._wished, set()
            self._wake.clear()
            now = loop.time()
            try:
                if now >= all_at or self._operator_rang():
                    await self._reconcile_all([s.session_id for s in self._manager.get_all_sessions()])
                    all_at = now + LOOK_AT_ALL_INTERVAL_S
                else:
                    await self._reconcile_all(wished | self._under_way() if now >= look_at else wished)
                for session_id in wished:
                    await self._downlink.deliver(session_id)
            except StoreError:
                self._wished |= wished
                all_at = now  # what was begun and could not be noted stands in none of our lists
                await asyncio.sleep(LOOK_INTERVAL_S)
            look_at = now + LOOK_INTERVAL_S if now >= look_at else look_at
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, look_at - loop.time()))

    def _under_way(self) -> set[str]:
        """Sessions for which waiting alone changes something."""
        unheard = {key for key, found in self._found.items() if not found.ending and self._may_have_to_end(key)}
        return self._spawned.keys() | self._not_before.keys() | unheard

    def _may_have_to_end(self, session_id: str) -> bool:
        downlink = self._downlink
        is_understood = downlink.has_heard(session_id) and downlink.stranger(session_id) != "older"
        return not is_understood or downlink.is_stuck(session_id)

    def _operator_rang(self) -> bool:
        """``threadbridge kill`` leaves its marks in the sessions' folders, and then rings."""
        rung, self._rung = self._rung, state_directory.rung(self._layout)
        return rung != self._rung

    async def _reconcile_all(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            session = self._manager.get_session(session_id)
            try:
                if session:
                    await self._reconcile(session)
            except StoreError:
                raise
            except (OSError, LocalError) as error:
                self._hindered(session_id, str(error))
            except Exception as error:
                log.debug("session %s", session_id, exc_info=True)
                self._hindered(session_id, f"{type(error).__name__}: {error}")

    def _hindered(self, session_id: str, why: str) -> None:
        times, said = self._hindrances.get(session_id, (0, ""))
        if why != said:
            log.error("session %s: its worker cannot be seen to: %s", session_id, why)
        self._hindrances[session_id] = times + 1, why
        pause_s = min(0.5 * 2.0 ** min(times, 10), LONGEST_HINDRANCE_S)
        self._not_before[session_id] = asyncio.get_running_loop().time() + pause_s
        if times + 1 >= HINDRANCES_BEFORE_SAYING_SO and self._manager.has_work(session_id):
            self._say_hindered(session_id, why)

    def _say_hindered(self, session_id: str, why: str) -> None:
        key = f"hindered:{self._manager.row(session_id).session.applied}"
        words = f"⚠ Claude cannot be started now: {one_line(why, MOST_WORDS)}. It is tried again by itself."
        self._manager.show(session_id, key, Post(words))

    async def _reconcile(self, session: ManagedSession) -> None:
        session_id = session.session_id
        if found := self._found.get(session_id):
            if not _has_ended(found.pidfd):
                self._end_unheard(session_id, found)
                return
            self._gone(session_id)
        state_directory.check_place(self._layout, self._place)
        if pid := locks.holder(self._layout.session(session_id).lock):
            self._adopt(session_id, pid)
        elif session_id in self._spawned:
            self._look_at_spawned(session_id)
        else:
            self._obey_operator(session_id)
            await self._start_if_wanted(session)

    async def _start_if_wanted(self, session: ManagedSession) -> None:
        if not self._may_start(session.session_id):
            return
        self._not_before.pop(session.session_id, None)
        if self._manager.is_wanted(session.session_id) and self._may_run_claude(session.session_id):
            await self._spawn(session)

    def _may_run_claude(self, session_id: str) -> bool:
        """Whether it is known which Claude Code that would be, and it is not too old, which is said once.

        A worker that only closes a log needs none.
        """
        answer = self._cli.answer if self._cli else None
        if self._cli is None or not self._manager.has_work(session_id) or (answer and not answer.refusal):
            return True
        self._not_before[session_id] = asyncio.get_running_loop().time() + LOOK_INTERVAL_S
        if answer and self._hindrances.get(session_id, (0, ""))[1] != answer.refusal:
            self._hindrances[session_id] = 0, answer.refusal
            self._say_hindered(session_id, answer.refusal)
        return False

    # --- workers that run ----------------------------------------------------------------------------

    def _adopt(self, session_id: str, pid: int) -> None:
        """A worker has the lock: listen for its end, and open its endpoint if it is not open yet."""
        start = self._start_of(session_id)
        if start is None:
            log.error("session %s: pid %d has its lock, and nobody knows by which start", session_id, pid)
        elif not self._downlink.is_open(session_id, start.start):
            self._downlink.open(start)
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(pidfd, self.wish, session_id)
        self._found[session_id] = Found(pid, start.start if start else "", pidfd, loop.time())

    def _start_of(self, session_id: str) -> StartRow | None:
        """The start that the lock's holder wrote into the lock, by our note of it; else the one in the store."""
        paths = self._layout.session(session_id)
        with suppress(OSError):
            name = paths.lock.read_bytes()[:START_NAME_BYTES].decode(errors="replace")
            noted = _read_start(paths.start(name)) if name.isalnum() else None
            if noted and (noted.session_id, noted.start) == (session_id, name):
                return noted
        return next((s for s in self._manager.starts() if s.session_id == session_id), None)

    def _forget_start(self, session_id: str, start: str) -> None:
        self._manager.worker_gone(session_id, start)
        if start:
            self._layout.session(session_id).start(start).unlink(missing_ok=True)

    def _end_unheard(self, session_id: str, found: Found) -> None:
        """A worker that runs and cannot make itself understood will not: end it, so that another can go on."""
        is_older = self._downlink.stranger(session_id) == "older"
        if found.ending or (self._is_heard(session_id, found) and not is_older):
            return
        log.error("session %s: its worker (pid %d) does not reach us, and is ended", session_id, found.pid)
        if not is_older:  # of which the downlink has told
            self._manager.show(session_id, f"unreachable:{found.pid}:{found.start}", _UNREACHABLE)
        assert self._tasks
        self._tasks.create_task(asyncio.to_thread(trees.end, session_id, found.pid))
        found.ending = True

    def _is_heard(self, session_id: str, found: Found) -> bool:
        """Or may still come to be."""
        waited = asyncio.get_running_loop().time() - found.since
        if waited < UNHEARD_DEADLINE_S:
            return True
        return self._downlink.has_heard(session_id) and not self._downlink.is_stuck(session_id)

    def _forget_found(self, session_id: str) -> Found:
        found = self._found.pop(session_id)
        asyncio.get_running_loop().remove_reader(found.pidfd)
        os.close(found.pidfd)
        return found

    def _gone(self, session_id: str) -> None:
        found = self._forget_found(session_id)
        self._downlink.close(session_id)
        self._forget_start(session_id, found.start)
        spawned = self._spawned.pop(session_id, None)
        code = _ended(spawned.pid) if spawned else 0
        self._ends[session_id] = worker_end_in_words(code, self._last_line(session_id))
        if code:
            self._failed(session_id, code)
        else:
            self._failures.pop(session_id, None)
            self._slow_down(session_id)

    def _slow_down(self, session_id: str) -> None:
        """After a child that died before it did anything, the next one waits a little longer each time."""
        session = self._manager.get_session(session_id)
        if session and session.last_failure_may_pass:
            refusals = self._refusals[session_id] = self._refusals.get(session_id, 0) + 1
            pause_s = REFUSAL_PAUSES_S[min(refusals, len(REFUSAL_PAUSES_S)) - 1]
        else:
            self._refusals.pop(session_id, None)
            pause_s = BACKOFF_S[min(session.quick_deaths, len(BACKOFF_S) - 1)] if session else 0.0
        if pause_s:
            self._not_before[session_id] = asyncio.get_running_loop().time() + pause_s

    def _look_at_spawned(self, session_id: str) -> None:
        """It has no lock yet: still importing, or already dead."""
        spawned = self._spawned[session_id]
        waited = asyncio.get_running_loop().time() - spawned.since
        code = _exit_code(spawned.pid)
        if code is None and waited < LOCK_DEADLINE_S:
            return
        if code is None:
            code = _ended(spawned.pid)
        del self._spawned[session_id]
        self._downlink.close(session_id)
        self._forget_start(session_id, spawned.start)
        if code:
            self._failed(session_id, code)
        else:
            self._slow_down(session_id)  # it took its lock and ended well between two looks

    def _failed(self, session_id: str, code: int) -> None:
        """A worker that ends itself with an error: wait a little longer each time, then say so and stop.

        Without a place for its log it did nothing, and nothing is dropped: it is tried until there is one.
        """
        if code in (EXIT_DISK_FULL, EXIT_LOG):
            words = worker_end_in_words(code, "")
            self._hindered(session_id, words)
            key = f"hindered:{self._manager.row(session_id).session.applied}"
            self._manager.show(session_id, key, Post(f"⚠ {words[0].upper()}{words[1:]}. It is tried again by itself."))
            return
        if code == EXIT_LOCKED:  # another of ours was first, and is found by its lock
            self._not_before[session_id] = asyncio.get_running_loop().time() + LOOK_INTERVAL_S
            return
        count = self._failures[session_id] = self._failures.get(session_id, 0) + 1
        self._not_before[session_id] = asyncio.get_running_loop().time() + BACKOFF_S[min(count, len(BACKOFF_S) - 1)]
        if count >= FAILURES_BEFORE_GIVING_UP:
            del self._failures[session_id]
            self._manager.worker_failed(session_id, worker_end_in_words(code, self._last_line(session_id)))

    def _last_line(self, session_id: str) -> str:
        """Of what the worker said on stderr; empty when it said nothing."""
        path = self._layout.session(session_id).stderr
        with suppress(OSError):
            lines = path.read_bytes()[-STDERR_KEPT_BYTES:].decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def _may_start(self, session_id: str) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before.get(session_id, 0.0)

    def _obey_operator(self, session_id: str) -> None:
        mark = self._layout.session(session_id).stopped
        if mark.exists():
            self._manager.stopped_by_operator(session_id)
            mark.unlink(missing_ok=True)

    # --- a start -------------------------------------------------------------------------------------

    async def _spawn(self, session: ManagedSession) -> None:
        copy = await self._trusts.at_start(session) if self._manager.has_work(session.session_id) else ""
        keys = new_keys()
        start = StartRow(session.session_id, secrets.token_hex(4), keys.public, time.time())
        folder = self._layout.session(session.session_id).folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._manager.starting(start)
        write_private(self._layout.session(session.session_id).start(start.start), msgspec.json.encode(start))
        endpoint = self._downlink.open(start)
        pid = await self._start_process(session, self._start_message(session, start.start, endpoint, keys, copy))
        self._spawned[session.session_id] = Spawned(pid, start.start, asyncio.get_running_loop().time())
        self._hindrances.pop(session.session_id, None)

    def _start_message(
        self, session: ManagedSession, start: str, endpoint: str, keys: CurveKeys, trusted_copy: str
    ) -> WorkerStart:
        config = self._config
        channel = config.channels.get(session.channel_id)
        created = e.SessionCreated(
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
        containment = channel.containment if channel else "project"
        return msgspec.structs.replace(
            bare_start(config, created, containment, self._around.hidden_paths, self._environment),
            start=start,
            endpoint=endpoint,
            server_key=self._downlink.public_key,
            public_key=keys.public,
            secret_key=keys.secret,
            permission_mode=self._permission_mode(session),
            model=self._manager.setting(session, "model") or config.model,
            effort=self._manager.setting(session, "effort"),
            bypass_permissions=config.bypass_permissions,
            generation=session.generation,
            applied=session.applied,
            wake=self._manager.has_work(session.session_id),
            died=self._ends.pop(session.session_id, ""),
            fresh=self._manager.row(session.session_id).fresh,
            open_files=self._around.open_files,
            umask=self._around.umask,
            accepted_inode=self._manager.accepted_inode(session.session_id),
            limits=config.limits,
            cgroup=self._around.cgroup,
            trusted_copy=trusted_copy,
            git_push=channel.git_push if channel else "off",
        )

    def _permission_mode(self, session: ManagedSession) -> str:
        """The one that the session was in; nothing is bypassed that the configuration does not let."""
        mode = self._manager.setting(session, "permission_mode") or self._config.permission_mode
        if mode == "bypassPermissions" and not self._config.bypass_permissions:
            return self._config.permission_mode
        return mode

    async def _start_process(self, session: ManagedSession, start: WorkerStart) -> int:
        """The worker's pid. ``-I``: nothing in a project's directory is ever imported.

        Spawned bare, not as a child that asyncio minds: a worker outlives us, and nobody may end it for tidiness.
        """
        stderr = self._layout.session(session.session_id).stderr
        reading, writing = os.pipe()
        try:
            pid = _spawn(session.session_id, reading, stderr, self._environment)
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        try:
            await asyncio.to_thread(_write_all, writing, encode_start(start))
        finally:
            os.close(writing)
        return pid


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


def _spawn(session_id: str, reading: int, stderr: Path, environment: Mapping[str, str]) -> int:
    """A worker in a process session of its own, with the pipe to its start message as descriptor 3."""
    argv = [WORKER_PYTHON, "-I", "-m", "worker", "--session", session_id, "--start-fd", str(_START_FD)]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(stderr), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, reading, _START_FD),
    ]
    return os.posix_spawn(WORKER_PYTHON, argv, environment, file_actions=actions, setsid=True)


def _read_start(path: Path) -> StartRow | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=StartRow)
    except (OSError, msgspec.MsgspecError):
        return None


def _has_ended(pidfd: int) -> bool:
    """pidfd_open(2): it becomes readable when the process ends."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _exit_code(pid: int) -> int | None:
    """Of a child of ours that ended (it is reaped); None while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if ended else None


def _ended(pid: int) -> int:
    """The exit code of a child of ours that shall run no more: it gave up its lock, or never took it."""
    if (code := _exit_code(pid)) is None:
        os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code


def worker_end_in_words(code: int, last_line: str) -> str:
    """How a worker that died was ended, for the turn that was lost with it. ``code`` as in Popen; 0: nobody knows."""
    if code == 0:
        return ""
    if words := worker_exit_in_words(code):
        return words
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {code}" + (f": {last_line}" if last_line else "")


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
