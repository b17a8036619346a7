"""Joins the child, the log and the uplink in one task group.

A worker lives as long as its child. Its life, in order: take the session's lock, open the log and close what
a dead worker left open, shut the child in, say hello, serve, and at the child's end write ChildExited and
give the supervisor a moment to take the rest. Without a supervisor everything goes on: the log is the truth.
"""

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from pathlib import Path

from bridge import commands as c
from bridge import events as e
from bridge.errors import BridgeError, UserError
from bridge.layout import Layout
from bridge.start import WorkerStart, decode_start
from worker import claude as cli
from worker import containment, lock, prctl, recovery
from worker.log import EventLog
from worker.processes_below import kill_descendants
from worker.stream import DeltaRead, Line, Step, Stream
from worker.uplink import Keys, Uplink

INITIALIZE_DEADLINE_S = 60.0
INTERRUPT_DEADLINE_S = 10.0
END_SESSION_DEADLINE_S = 5.0
FAREWELL_DEADLINE_S = 5.0
STDERR_DEADLINE_S = 1.0
EXIT_LOCKED = 75
"""Another worker has the session (sysexits' EX_TEMPFAIL)."""


class Worker:
    """One session's worker. ``steps`` of the stream are taken here, in their order."""

    def __init__(self, start: WorkerStart, log: EventLog) -> None:
        self._start = start
        self._log = log
        self._past = recovery.read_past(log.read())
        self._commands: asyncio.Queue[c.AnyCommand] = asyncio.Queue()
        self._claude: cli.Claude | None = None
        self._stream: Stream | None = None
        self._turn_over = asyncio.Event()
        self._ready = asyncio.Event()
        self._stopping = False
        self._failure = ""
        self._pid = os.getpid()
        self._uplink = Uplink(start.created.session_id, log, self._pid, self._commands.put_nowait, self._pending)

    async def run(self) -> None:
        self._begin_log()
        again = self._close_past()
        async with asyncio.TaskGroup() as tasks:
            keys = Keys(self._start.public_key, self._start.secret_key, self._start.server_key)
            uplink = tasks.create_task(self._uplink.run(self._start.endpoint, keys))
            if self._start.wake or again:
                await self._serve(again)
            else:
                self._record(e.ChildExited(0, wanted=True))
            await self._uplink.drained(FAREWELL_DEADLINE_S)
            uplink.cancel()

    # --- the log -------------------------------------------------------------------------------------

    def _begin_log(self) -> None:
        if not self._log.last:
            self._record(self._start.created)
        if self._log.damage:
            self._record(e.Noticed(self._log.damage))

    def _close_past(self) -> list[e.PromptAccepted]:
        """Close what the worker before left open; what it returns Claude never took, and gets again."""
        events, again = recovery.closing_events(self._past, self._taken(self._past))
        for event in events:
            self._record(event)
        return again

    def _taken(self, past: recovery.Past) -> frozenset[str]:
        open_prompts = past.session.prompts.values() if past.session else ()
        claude_id = past.session.claude_id if past.session else ""
        transcript = recovery.transcript_of(claude_id or self._claude_id(), self._claude_home())
        return recovery.uuids_taken(transcript, [prompt.uuid for prompt in open_prompts])

    def _record(self, event: e.AnyEvent) -> e.Record:
        record = self._log.append(event)
        self._uplink.wake()
        return record

    def _pending(self) -> tuple[int, ...]:
        return tuple(r.seq for r in self._stream.open_requests()) if self._stream else ()

    # --- serving -------------------------------------------------------------------------------------

    async def _serve(self, again: list[e.PromptAccepted]) -> None:
        try:
            shell = self._shut_in()
            self._record(e.WorkerStarted(self._pid, shell.contained, shell.how))
            claude, stream = await self._spawn(shell)
        except BridgeError as error:
            self._record(e.ChildExited(1, wanted=False, reason=str(error)))
            return
        self._claude, self._stream = claude, stream
        async with asyncio.TaskGroup() as tasks:
            stderr = tasks.create_task(claude.drain_stderr())
            others = [
                tasks.create_task(self._obey_all()),
                tasks.create_task(self._initialize(again)),
                tasks.create_task(self._stop_on_signal()),
            ]
            await self._read(claude, stream)
            code = await self._reap(claude)
            for task in others:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stderr), STDERR_DEADLINE_S)
            stderr.cancel()
        self._close_child(code, claude.stderr_tail)
        claude.close()

    def _shut_in(self) -> containment.Shell:
        """Raises UserError when containment is required and cannot be had."""

        def added(name: str) -> list[str]:
            return [value] if (value := self._start.environment.get(name, "")) else []

        wish = containment.Containment(
            mode=self._start.containment,
            state_directory=self._start.state_directory,
            protected_paths=self._start.protected_paths,
            project_directory=self._start.created.directory,
            home=self._home(),
            runtime_directory=os.environ.get("XDG_RUNTIME_DIR", ""),
            hidden=(*containment.HIDDEN, *added("XDG_RUNTIME_DIR")),
            temporary_directories=("/tmp", *added("TMPDIR"), *added("CLAUDE_CODE_TMPDIR")),  # noqa: S108
            claude_directory=self._variable("CLAUDE_CONFIG_DIR"),
            uid=os.getuid(),
        )
        return containment.decide(wish, containment.probe(wish) if wish.mode != "none" else None)

    async def _spawn(self, shell: containment.Shell) -> tuple[cli.Claude, Stream]:
        claude_id, resuming = self._choose_conversation()
        argv = cli.arguments(
            self._start.command,
            claude_id=claude_id,
            resume=resuming,
            permission_mode=self._start.permission_mode,
            model=self._start.model,
            bypass=self._start.bypass_permissions,
        )
        environment = containment.child_environment(os.environ, self._start.environment, self._start.created.session_id)
        claude = await cli.spawn([*shell.prefix, *argv], self._start.created.directory, environment)
        return claude, Stream(claude.pid, claude_id=claude_id, resuming=resuming)

    def _choose_conversation(self) -> tuple[str, bool]:
        """(Claude's id, whether to resume it). Raises UserError when there is nothing left to resume."""
        claude_id = self._claude_id()
        if self._start.fresh:
            return str(uuid.uuid4()), False
        if recovery.transcript_of(claude_id, self._claude_home()):
            return claude_id, True
        if self._past.completed_turns:
            reason = "Claude no longer has this conversation, so it cannot be resumed"
            self._record(e.ResumeFailed(claude_id, reason))
            raise UserError(reason)
        return claude_id, False

    def _claude_id(self) -> str:
        session = self._past.session
        return (session.claude_id if session else "") or self._start.created.session_id

    def _variable(self, name: str) -> str:
        """As the child will see it: the configuration's word before our own environment's."""
        return self._start.environment.get(name) or os.environ.get(name, "")

    def _home(self) -> str:
        return self._variable("HOME") or str(Path.home())

    def _claude_home(self) -> Path:
        return Path(self._variable("CLAUDE_CONFIG_DIR") or Path(self._home(), ".claude"))

    async def _read(self, claude: cli.Claude, stream: Stream) -> None:
        async for batch in claude.lines():
            for line in batch:
                await self._take(stream.receive(line))

    async def _take(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case DeltaRead(block=block, text=text):
                    self._uplink.delta(block, text)
                case Line(data=data):
                    await self._write(data)
                case _:
                    self._take_event(step)

    def _take_event(self, event: e.AnyEvent) -> None:
        record = self._record(event)
        match event:
            case e.PermissionRequested(request_id=request_id) if self._stream:
                self._stream.named(request_id, record.seq)
            case e.TextWritten(block=block):
                self._uplink.forget(block)
            case e.TextWithdrawn(blocks=blocks):
                for block in blocks:
                    self._uplink.forget(block)
            case e.TurnEnded():
                self._uplink.forget_all()
                self._turn_over.set()
            case e.ChildStarted():
                self._ready.set()
            case _:
                pass

    async def _write(self, data: bytes) -> None:
        """A child that takes no input is not waited for: it is ended, and the reason told."""
        assert self._claude
        try:
            await self._claude.write(data)
        except BridgeError as error:
            self._failure = self._failure or str(error)
            await self._claude.kill()

    # --- commands ------------------------------------------------------------------------------------

    async def _initialize(self, again: list[e.PromptAccepted]) -> None:
        assert self._stream and self._claude
        await self._take(self._stream.initialize())
        try:
            await asyncio.wait_for(self._ready.wait(), INITIALIZE_DEADLINE_S)
        except TimeoutError:
            self._failure = f"Claude did not answer within {INITIALIZE_DEADLINE_S:.0f} seconds of its start"
            await self._claude.kill()
            return
        for prompt in again:
            await self._prompt(c.Prompt(prompt.prompt_id, prompt.text, prompt.author_id, prompt.author))

    async def _obey_all(self) -> None:
        await self._ready.wait()
        while True:
            await self._obey(await self._commands.get())

    async def _obey(self, command: c.AnyCommand) -> None:
        assert self._stream
        match command:
            case c.Prompt() if command.prompt_id not in self._past.prompts:
                await self._prompt(command)
            case c.Decide() if command.generation != self._log.generation:
                self._record(e.DecisionRefused(command.seq, "the request is of a log that is gone", command.decided_by))
            case c.Decide():
                await self._take(self._stream.decide(command))
            case c.Interrupt() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                self._record(e.InterruptAccepted(command.command_id, command.by, command.keep_queued))
                await self._take(self._stream.interrupt(keep_queued=command.keep_queued))
            case c.Configure() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                await self._take(self._stream.configure(command))
            case c.Stop() if command.command_id not in self._past.commands:
                await self._stop(command.reason, command.command_id)
            case _:
                pass  # a repetition of what the log says was taken

    async def _prompt(self, command: c.Prompt) -> None:
        assert self._stream
        accepted = e.PromptAccepted(
            command.prompt_id, str(uuid.uuid4()), command.text, command.author_id, command.author
        )
        self._past.prompts[command.prompt_id] = accepted
        self._record(accepted)
        await self._take(self._stream.prompt(accepted.prompt_id, accepted.uuid, accepted.text))

    # --- the end -------------------------------------------------------------------------------------

    async def _stop_on_signal(self) -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        await told.wait()
        await self._stop("the worker was told to end", "")

    async def _stop(self, reason: str, command_id: str) -> None:
        """The ladder: interrupt, end_session, SIGTERM, then the whole tree."""
        assert self._stream and self._claude
        if self._stopping:
            return
        self._stopping = True
        self._past.commands.add(command_id)
        self._record(e.WorkerStopping(reason, command_id))
        if self._stream.in_turn:
            self._turn_over.clear()
            await self._take(self._stream.interrupt(keep_queued=False))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._turn_over.wait(), INTERRUPT_DEADLINE_S)
        await self._take(self._stream.end_session())
        if await self._claude.exited(END_SESSION_DEADLINE_S) is None:
            await self._claude.kill()

    async def _reap(self, claude: cli.Claude) -> int:
        """The child closed its stdout; it has a moment to exit, and nothing of it may stay."""
        code = await claude.exited(END_SESSION_DEADLINE_S)
        if code is None:
            return await claude.kill()
        await asyncio.to_thread(kill_descendants, cli.KILL_DEADLINE_S)
        return code

    def _close_child(self, code: int, stderr_tail: str) -> None:
        """Whatever the child left open, nobody will end any more. Who stops drops what is queued."""
        past = recovery.read_past(self._log.read())
        outcome: e.Outcome = "interrupted" if self._stopping else "lost"
        why = "stopped" if self._stopping else "Claude ended while this ran"
        events, again = recovery.closing_events(past, self._taken(past), outcome, why)
        dropped = [e.PromptCancelled(prompt.prompt_id, why) for prompt in again if self._stopping]
        for event in [*events, *dropped]:
            self._record(event)
        reason = "" if self._stopping else self._failure or exit_in_words(code, stderr_tail)
        self._record(e.ChildExited(code, self._stopping, reason, stderr_tail))


def exit_in_words(code: int, stderr_tail: str) -> str:
    """Why a child ended by itself, for a person: the signal's or the code's meaning and stderr's last line."""
    last_words = stderr_tail.strip().splitlines()[-1:] or [""]
    if code < 0:
        how = f"Claude was ended by {signal.Signals(-code).name}"
    else:
        how = f"Claude ended by itself with exit code {code}"
    return f"{how}: {last_words[0]}" if last_words[0] else how


def read_start(fd: int) -> WorkerStart:
    """The start message from the inherited pipe; the pipe is read to its end and closed."""
    with os.fdopen(fd, "rb") as pipe:
        return decode_start(pipe.read())


def run(start_fd: int) -> int:
    """The process's exit code."""
    prctl.undumpable()
    os.chdir("/")
    os.umask(0o077)
    start = read_start(start_fd)
    paths = Layout(Path(start.state_directory)).session(start.created.session_id)
    paths.folder.mkdir(parents=True, exist_ok=True)
    if lock.take(paths.lock) is None:
        print("another worker has this session", file=sys.stderr)
        return EXIT_LOCKED
    prctl.become_subreaper()
    log = EventLog(paths.log)
    asyncio.run(Worker(start, log).run())
    log.close()
    return 0
