"""Joins the child, the log and the uplink in one task group.

A worker lives as long as its child. Its life, in order: take the session's lock, open the log and close what
a dead worker left open, shut the child in, say hello, serve, and at the child's end write ChildExited and
give the supervisor a moment to take the rest. Without a supervisor everything goes on: the log is the truth.
Without a log nothing does: a record that cannot be written ends the child at once, and the worker with it.
"""

import asyncio
import contextlib
import os
import signal
import uuid
from pathlib import Path

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.errors import BridgeError, UserError
from bridge.protocol.layout import Layout
from bridge.protocol.start import WorkerStart
from worker import cgroup, frames, instructions, landlock, mcp, missing, project, recovery, sending, trusted
from worker import claude as cli
from worker.brake import Brake
from worker.child_view import NO_WALLS, ChildView
from worker.child_watch import DEADLINES_S, Watch
from worker.closed import Closed
from worker.edited import with_places
from worker.guard import Guard
from worker.log import Acked, EventLog, LogWriteError
from worker.private_usage import PrivateUsage, measured
from worker.processes_below import kill_descendants
from worker.prompt_files import content_of
from worker.pushes import Pushes, remote_offered, source_of
from worker.read_images import Looking
from worker.returned import Returned
from worker.steps import DeltaRead, EndChild, FileOffered, ImagesReturned, Line, PushAsked, PushDecided, Step
from worker.stored import NoRoomError, Stored
from worker.stream import Stream
from worker.unasked import Unasked
from worker.uplink import Keys, Uplink
from worker.walls import looks, private_folders
from worker.walls.environment import child_environment
from worker.walls.from_start import claude_home_of, home_of, kept_from_claude, private_places, wish_of
from worker.walls.held import held
from worker.walls.probe import shut_in
from worker.walls.wish import RefusedError, Shell, level_of

END_SESSION_DEADLINE_S = 5.0
FAREWELL_DEADLINE_S = 5.0
STDERR_DEADLINE_S = 1.0
WATCH_INTERVAL_S = 0.5
SIGNAL_DEADLINE_S = 0.5
WORDS_LINES = 2
"""Of stderr, from its beginning and from its end, that a person is told."""
SHUT_DOWN = "the machine or the service was shut down"
_TERMINATED = (-signal.SIGTERM, 128 + signal.SIGTERM)


class Worker:
    """One session's worker. ``steps`` of the stream are taken here, in their order."""

    def __init__(self, start: WorkerStart, log: EventLog, acked: Acked) -> None:
        self._start = start
        self._paths = Layout(Path(start.state_directory).resolve()).session(start.created.session_id)
        self._log = log
        self._past = recovery.read_past(log.read())
        self._commands: asyncio.Queue[c.AnyCommand] = asyncio.Queue()
        self._again: dict[int, e.PromptAccepted] = {}
        self._void: set[int] = set()
        self._claude: cli.Claude | None = None
        self._stream: Stream | None = None
        self._watch = Watch()
        self._stored = Stored(self._paths, start.limits)
        self._cgroup: cgroup.Cgroup | None = None
        self._guard: Guard | None = None
        self._pushes: Pushes | None = None
        self._view = NO_WALLS
        self._closed: Closed | None = None
        self._returned = Returned()
        self._looking = Looking(self._status_inside)
        self._unasked = Unasked(start.trusted_copy)
        self._turn_over = asyncio.Event()
        self._ready = asyncio.Event()
        self._stopping = False
        self._is_over = False
        self._inode = 0
        self._shuts_down = False
        self._told_to_end = asyncio.Event()
        self._signalled = asyncio.Event()
        self._drops_queued = False
        self._failure = ""
        self._is_final = False
        self._pid = os.getpid()
        self._uplink = Uplink(start.created.session_id, log, acked, self._pid, self._hear, self._pending)

    async def run(self) -> None:
        """Raises LogWriteError when the log takes no more; whatever is below us then is still to be ended."""
        self._close_past()
        async with asyncio.TaskGroup() as tasks:
            keys = Keys(self._start.public_key, self._start.secret_key, self._start.server_key)
            uplink = tasks.create_task(self._uplink.run(self._start.endpoint, keys))
            if self._start.wake or self._again:
                await self._serve()
            else:
                self._record(e.ChildExited(0, wanted=True))
            await self._uplink.drained(FAREWELL_DEADLINE_S)
            uplink.cancel()

    # --- the log -------------------------------------------------------------------------------------

    def _close_past(self) -> None:
        """Close what the worker before left open; what Claude never took it gets again."""
        why = f"{self._start.died} while this ran" if self._start.died else recovery.LOST
        events, again = recovery.closing_events(self._past, self._taken(self._past), why=why)
        for event in events:
            self._record(event)
        self._again = {prompt.prompt_id: prompt for prompt in again}

    def _taken(self, past: recovery.Past) -> frozenset[str]:
        open_prompts = past.session.prompts.values() if past.session else ()
        claude_id = recovery.claude_id_of(past, self._claude_id())
        transcript = recovery.transcript_of(claude_id, claude_home_of(self._start))
        return recovery.uuids_taken(transcript, [prompt.uuid for prompt in open_prompts])

    def _record(self, event: e.AnyEvent) -> e.Record:
        try:
            record = self._log.append(event)
        except LogWriteError:
            if self._claude:
                self._claude.kill_now()
            raise
        self._uplink.wake()
        return record

    def _pending(self) -> tuple[int, ...]:
        return tuple(r.seq for r in self._stream.open_requests()) if self._stream else ()

    # --- serving -------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        try:
            environment = child_environment(
                os.environ, self._start.environment, self._start.created.session_id, level_of(self._start.containment)
            )
            self._stored.check()
            if self._start.login_directory and level_of(self._start.containment) == "project":
                environment["CLAUDE_SECURESTORAGE_CONFIG_DIR"] = self._start.login_directory
            missing.look(self._start.created.directory, self._start.command, environment.get("PATH", os.defpath))
            conversation = self._choose_conversation()
            shell = self._shut_in(conversation[0], environment)
            self._begin(shell)
            claude, stream = await self._spawn(shell, environment, conversation)
        except RefusedError as error:
            refused = e.ChildExited(1, wanted=False, reason=str(error), may_pass=True)
            if refused != self._past.exited:  # it is tried again and again, and told once
                self._record(refused)
            return
        except BridgeError as error:
            self._record(e.ChildExited(1, wanted=False, reason=str(error), is_final=isinstance(error, UserError)))
            return
        self._claude, self._stream = claude, stream
        self._view = ChildView(claude.pid) if shell.contained else NO_WALLS
        self._closed = Closed(home_of(self._start), looks.exists, self._is_open) if shell.is_project else None
        if remote_offered(self._start):
            source = source_of(self._start, self._paths.push, shell, environment, self._cgroup)
            self._pushes = Pushes(source, stream, self._take)
        async with asyncio.TaskGroup() as tasks:
            stderr = tasks.create_task(claude.drain_stderr())
            others = [
                tasks.create_task(self._work()),
                tasks.create_task(self._watch_child()),
                tasks.create_task(self._stop_on_signal()),
                tasks.create_task(self._stop_unready()),
                tasks.create_task(self._hold_to_limits(claude)),
                *([tasks.create_task(self._pushes.run())] if self._pushes else []),
            ]
            await self._read(claude, stream)
            code = await self._reap(claude)
            for task in others:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stderr), STDERR_DEADLINE_S)
            stderr.cancel()
        if self._guard and _signal_name(code):
            self._failure = self._failure or self._guard.why_it_died()
        self._close_child(code, claude.stderr_tail)
        claude.close()
        if self._cgroup:
            await asyncio.to_thread(self._cgroup.remove)
        await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        """What was private to the child: of a session that may go on only what lasts, unless that is too much."""
        most = self._start.limits.private_bytes
        is_too_much = 0 < most < measured(self._paths.inside)
        private_folders.clear(self._paths.inside, whole=self._is_over or is_too_much)

    def _begin(self, shell: Shell) -> None:
        """Raises UserError when another directory stands where the project's was, and nobody said to go on there."""
        directory, start = self._start.created.directory, self._start
        own = self._past.session.inode if self._past.session else start.created.inode
        seen = self._inode = project.inode_of(directory)
        is_own = not own or seen in (own, start.accepted_inode)
        self._record(e.WorkerStarted(self._pid, shell.contained, shell.how, seen if is_own else 0, shell.opened))
        if not is_own:
            reason = project.replaced_in_words(directory)
            self._record(e.ProjectReplaced(seen, reason))
            raise UserError(reason)

    def _shut_in(self, claude_id: str, environment: dict[str, str]) -> Shell:
        """Raises UserError when containment is required and cannot be had."""
        return shut_in(wish_of(self._start, environment, claude_id))

    async def _spawn(
        self, shell: Shell, environment: dict[str, str], conversation: tuple[str, bool]
    ) -> tuple[cli.Claude, Stream]:
        claude_id, resuming = conversation
        argv = cli.arguments(
            shell.argv or self._start.command,
            claude_id=claude_id,
            resume=resuming,
            permission_mode=self._start.permission_mode,
            model=self._start.model,
            effort=self._start.effort,
            bypass=self._start.bypass_permissions,
        )
        directory, umask = self._start.created.directory, self._start.umask
        argv += cli.project_arguments(
            await asyncio.to_thread(instructions.read, directory, kept_from_claude(self._start))
        )
        copy = self._start.trusted_copy
        argv += trusted.settings_arguments(copy)
        argv += cli.file_arguments(
            (str(self._paths.files), str(self._paths.scratch)),
            trusted.server_files(copy),
            may_push=bool(remote_offered(self._start)),
        )
        self._cgroup = await asyncio.to_thread(
            cgroup.make, self._start.cgroup, self._start.created.session_id, self._start.limits
        )
        with (
            held(shell.prefix, {shell.directory: self._inode}) as (prefix, fds),
            landlock.scopes(shell.scoped) as scopes,
        ):
            claude = await cli.spawn([*prefix, *argv], directory, environment, umask, fds, self._cgroup, scopes)
        stream = Stream(
            claude.pid,
            claude_id=claude_id,
            resuming=resuming,
            permission_mode=self._start.permission_mode,
            content_of=lambda prompt: content_of(prompt, self._paths.folder),
            places=self._places().in_words(),
            remote=remote_offered(self._start),
        )
        return claude, stream

    def _choose_conversation(self) -> tuple[str, bool]:
        """(Claude's id, whether to resume it). Raises UserError when there is nothing left to resume."""
        claude_id = self._claude_id()
        if self._start.fresh:
            return str(uuid.uuid4()), False
        if recovery.transcript_of(claude_id, claude_home_of(self._start)):
            return claude_id, True
        if self._past.completed_turns:
            reason = "Claude no longer has this conversation, so it cannot be resumed"
            self._record(e.ResumeFailed(claude_id, reason))
            raise UserError(reason)
        return claude_id, False

    def _claude_id(self) -> str:
        return recovery.claude_id_of(self._past, self._start.created.session_id)

    async def _read(self, claude: cli.Claude, stream: Stream) -> None:
        clock = asyncio.get_running_loop().time
        brake = Brake(self._log.last, clock())
        async for batch in claude.lines():
            for line in batch:
                if isinstance(line, cli.Dropped):
                    await self._take(stream.dropped(line.head, line.size))
                else:
                    await self._take(stream.receive(line))
                if pause_s := brake.pause_s(self._log.last, clock()):
                    await asyncio.sleep(pause_s)

    async def _take(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case DeltaRead(block=block, text=text):
                    self._uplink.delta(block, text)
                case Line(data=data):
                    await self._write(data)
                case FileOffered():
                    await self._send_file(step)
                case ImagesReturned():
                    for event in await asyncio.to_thread(self._kept, step):
                        self._record(event)
                case PushAsked() | PushDecided():
                    assert self._pushes
                    self._pushes.hear(step)
                case EndChild(why=why):
                    self._condemn(why)
                case e.PermissionRequested():
                    self._take_event(await with_places(step, self._view, self._start.created.directory))
                case _:
                    self._take_event(step)
                    if image := self._looking.image_of(step):
                        await self._show_image(image)

    async def _send_file(self, offered: FileOffered) -> None:
        """The copy is on the disk before the log tells of it, and in the log before Claude hears of it."""
        call, is_error = offered.call, False
        try:
            sent = await asyncio.to_thread(sending.copy, call.path, self._places(), self._stored.object_to)
            self._record(e.FileSent(sent.name, sent.stored, sent.size_bytes, call.caption))
            self._looking.sent(Path(self._start.created.directory, call.path))
            words = f"{sent.name} ({sent.size_bytes:,} bytes) is on its way to the person."
        except UserError as error:
            words, is_error = f"Not sent: {error}.", True
        answer = mcp.told(call.call_id, words, is_error=is_error)
        await self._write(frames.mcp_answer(offered.request_id, answer))

    async def _show_image(self, path: str) -> None:
        """What Claude looked at, as far as it might send it."""
        with contextlib.suppress(UserError):
            try:
                sent = await asyncio.to_thread(sending.copy, path, self._places(), self._stored.object_to)
            except NoRoomError as error:
                self._record(e.Noticed(f"The image that Claude looked at is not shown: {error}."))
            else:
                self._record(e.FileSent(sent.name, sent.stored, sent.size_bytes))

    def _kept(self, step: ImagesReturned) -> list[e.FileSent | e.Noticed]:
        return list(self._returned.kept(step, self._places(), self._stored.object_to))

    def _places(self) -> sending.Places:
        paths, hidden = self._paths, kept_from_claude(self._start)
        where = sending.places(self._start.created.directory, paths.folder, paths.scratch, paths.sent, hidden)
        return msgspec.structs.replace(where, private=private_places(self._start), view=self._view)

    def _is_open(self, path: Path) -> bool:
        return self._status_inside(path) is not None

    def _status_inside(self, path: Path) -> os.stat_result | None:
        return self._view.status(path)

    def _take_event(self, event: e.AnyEvent) -> None:
        if event == self._past.offered:
            return  # nothing else is offered than by the child before
        event = self._unasked.named(event)
        record = self._record(event)
        match event:
            case e.PermissionRequested(request_id=request_id) if self._stream:
                self._stream.named(request_id, record.seq)
            case e.PromptAccepted():
                self._past.prompts[event.prompt_id] = event
            case e.TextWritten(block=block):
                self._uplink.forget(block)
            case e.TextWithdrawn(blocks=blocks):
                for block in blocks:
                    self._uplink.forget(block)
            case e.TurnEnded():
                self._uplink.forget_all()
                self._watch.turn_ended()
                self._turn_over.set()
            case e.ChildStarted():
                self._ready.set()
            case e.ToolFinished(is_error=True, unknown=False) if self._closed:
                if told := self._closed.told_of(event.output):
                    self._record(e.Noticed(told))
            case _:
                pass

    def _condemn(self, why: str) -> None:
        """At once: no rung of the ladder would keep it from acting. Another child would do the same."""
        assert self._claude
        self._failure = self._failure or why
        self._is_final = True
        self._claude.kill_now()

    async def _write(self, data: bytes) -> None:
        """A child that takes no input is not waited for: it is ended, and the reason told."""
        assert self._claude
        try:
            await self._claude.write(data)
        except BridgeError as error:
            self._failure = self._failure or str(error)
            await self._claude.kill()

    # --- commands ------------------------------------------------------------------------------------

    def _hear(self, command: c.AnyCommand) -> None:
        """Commands wait for the child to be ready; but to be stopped it need not be."""
        self._commands.put_nowait(command)
        if isinstance(command, c.Stop) and not self._ready.is_set():
            self._told_to_end.set()

    async def _work(self) -> None:
        """Initialize, send again what no Claude took, then obey. What was edited meanwhile is sent as it is now."""
        assert self._stream
        await self._take(self._stream.initialize())
        await self._ready.wait()
        later = await self._first_amendments() if self._again else []
        for prompt in list(self._again.values()):
            del self._again[prompt.prompt_id]
            await self._send_prompt(recovery.renewed(prompt))
        for command in later:
            await self._obey(command)
        while not self._stopping:  # what comes then stays in the inbox, for the next worker
            await self._obey(await self._commands.get())

    async def _first_amendments(self) -> list[c.AnyCommand]:
        """The supervisor may know that a prompt was edited or deleted; the other commands can wait a moment."""
        await self._uplink.welcomed()
        waiting = self._drain_commands()
        for command in waiting:
            if isinstance(command, c.Amend):
                await self._obey(command)
        return [command for command in waiting if not isinstance(command, c.Amend)]

    def _drain_commands(self) -> list[c.AnyCommand]:
        return [self._commands.get_nowait() for _ in range(self._commands.qsize())]

    async def _obey(self, command: c.AnyCommand) -> None:
        assert self._stream
        match command:
            case c.Prompt() if command.prompt_id not in self._past.prompts and command.prompt_id not in self._void:
                await self._send_prompt(_accepted(command))
            case c.Amend() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                await self._amend(command)
            case c.Decide() if command.generation != self._log.generation:
                self._refuse_old(command)
            case c.Decide():
                await self._take(self._stream.decide(command))
            case c.Interrupt() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                await self._interrupt(command)
            case c.Configure() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                await self._take(self._stream.configure(command))
            case c.Requeue() if command.command_id not in self._past.commands:
                self._past.commands.add(command.command_id)
                await self._requeue(command)
            case c.Stop() if command.command_id not in self._past.commands:
                await self._obey_stop(command)
            case _:
                pass  # a repetition of what the log says was taken

    async def _send_prompt(self, accepted: e.PromptAccepted) -> None:
        assert self._stream
        self._past.prompts[accepted.prompt_id] = accepted
        self._record(accepted)
        await self._take(self._stream.prompt(accepted))

    async def _amend(self, command: c.Amend) -> None:
        """An edit or a deletion: of a prompt that Claude has, that it will get, or that never came to us."""
        assert self._stream
        known = self._past.prompts.get(command.prompt_id)
        if command.prompt_id in self._again:
            await self._take([*recovery.amended(command, self._again)])
        elif known is None:
            if command.text is None:
                self._void.add(command.prompt_id)
            self._record(recovery.told(command, done=True))  # an edit's own Prompt comes with the new text
        elif known.text == command.text:
            self._record(recovery.told(command, done=True))
        else:
            new = None if command.text is None else recovery.renewed(known, text=command.text)
            await self._take(self._stream.amend(command, known.uuid, new))

    async def _requeue(self, command: c.Requeue) -> None:
        assert self._stream
        known = self._past.prompts.get(command.prompt_id)
        if known is None or (known.when == command.when and command.when != "now"):
            self._record(recovery.told(command, done=True))  # what never came to us comes as it is wanted now
            return
        if command.when == "now":
            self._watch.told_to_stop(asyncio.get_running_loop().time())
        await self._take(self._stream.requeue(command, known.uuid))

    async def _obey_stop(self, command: c.Stop) -> None:
        """To hibernate is asked of an idle session; what came in between is told by the log."""
        if command.if_idle and not self._may_hibernate():
            self._past.commands.add(command.command_id)
            self._record(e.StopDeclined(command.command_id))
        else:
            await self._stop(command.reason, command.command_id)

    def _may_hibernate(self) -> bool:
        session = recovery.read_past(self._log.read()).session
        return session is not None and session.may_hibernate

    async def _interrupt(self, command: c.Interrupt) -> None:
        assert self._stream
        self._record(e.InterruptAccepted(command.command_id, command.by, command.keep_queued))
        self._drops_queued = not command.keep_queued
        self._watch.told_to_stop(asyncio.get_running_loop().time())
        await self._take(self._stream.interrupt(keep_queued=command.keep_queued))

    def _refuse_old(self, command: c.Decide) -> None:
        """A decision on a request of a log that was lost; said once, however often it is repeated."""
        key = c.key_of(command)
        if key not in self._past.commands:
            self._past.commands.add(key)
            self._record(e.DecisionRefused(command.seq, "the request is of a log that is gone", command.decided_by))

    # --- the end -------------------------------------------------------------------------------------

    async def _watch_child(self) -> None:
        """A child that owes an answer for too long, or does not end the turn that it was told to end, is ended."""
        assert self._stream
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            objection = self._watch.objection(self._stream.unanswered, loop.time(), in_turn=self._stream.in_turn)
            if objection and not self._stopping:
                await self._end_hung(objection)
                return

    async def _end_hung(self, why: str) -> None:
        """The ladder's lower end: who does not even answer is not asked to end by itself."""
        assert self._stream and self._claude
        self._failure = self._failure or f"{why}, so its process was ended"
        if not self._stream.unanswered:
            await self._take(self._stream.end_session())
            if await self._claude.exited(END_SESSION_DEADLINE_S) is not None:
                return
        await self._claude.kill()

    async def _hold_to_limits(self, claude: cli.Claude) -> None:
        async def end(why: str) -> None:
            self._failure = self._failure or why
            claude.kill_now()  # of a bomb nothing may run on for a moment
            await claude.kill()

        self._guard = Guard(
            self._start.limits, self._cgroup, self._stored, claude.pid, PrivateUsage(self._paths.inside)
        )
        await self._guard.run(lambda why: self._record(e.Noticed(why)), end)

    async def _stop_on_signal(self) -> None:
        """A signal is ``threadbridge kill``, which leaves a mark first, or the end of the machine or the service."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled.set)
        await self._signalled.wait()
        if self._paths.stopped.exists():
            await self._stop("the worker was told to end", "")
        else:
            await self._shut_down()

    async def _stop_unready(self) -> None:
        await self._told_to_end.wait()
        await self._stop("the worker was told to end", "")

    async def _shut_down(self) -> None:
        """Nobody wished for it: the turn is lost, not interrupted, and what waits is not dropped."""
        assert self._stream and self._claude
        if self._stopping:
            return
        self._stopping = self._shuts_down = True
        self._record(e.WorkerStopping(SHUT_DOWN))
        if not self._stream.in_turn:
            await self._take(self._stream.end_session())
            if await self._claude.exited(END_SESSION_DEADLINE_S) is not None:
                return
        await self._claude.kill()

    async def _stop(self, reason: str, command_id: str) -> None:
        """The ladder: interrupt, end_session, SIGTERM, then the whole tree."""
        assert self._stream and self._claude
        if self._stopping:
            return
        self._stopping = True
        self._past.commands.add(command_id)
        self._is_over = reason != HIBERNATION
        self._record(e.WorkerStopping(reason, command_id))
        if self._stream.in_turn:
            self._turn_over.clear()
            await self._take(self._stream.interrupt(keep_queued=False))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._turn_over.wait(), DEADLINES_S["interrupt"])
        await self._take(self._stream.end_session())
        if await self._claude.exited(END_SESSION_DEADLINE_S) is None:
            await self._claude.kill()

    async def _reap(self, claude: cli.Claude) -> int:
        """The child closed its stdout; it has a moment to exit, and nothing of it may stay.

        A shutdown tells all processes at once, so the child may be gone before we heard of it.
        """
        code = await claude.exited(END_SESSION_DEADLINE_S)
        if code is None:
            return await claude.kill()
        await asyncio.to_thread(kill_descendants, cli.KILL_DEADLINE_S)
        if code in _TERMINATED and not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), SIGNAL_DEADLINE_S)
                self._shuts_down = self._stopping = not self._paths.stopped.exists()
        return code

    def _close_child(self, code: int, stderr_tail: str) -> None:
        """Whatever the child left open, nobody will end any more. Who stops drops what is queued."""
        for text in self._stream.broken_off() if self._stream else ():
            self._take_event(text)
        for event in self._pushes.cut_off() if self._pushes else ():
            self._record(event)
        past = recovery.read_past(self._log.read())
        was_told = self._stopping and not self._shuts_down
        is_wanted = was_told or (self._watch.is_told_to_stop and not self._shuts_down)
        reason = "" if self._stopping else self._failure or exit_in_words(code, stderr_tail)
        why = "stopped" if was_told else SHUT_DOWN if self._shuts_down else reason
        events, again = recovery.closing_events(past, self._taken(past), "interrupted" if is_wanted else "lost", why)
        waiting = {prompt.prompt_id: prompt for prompt in again}
        for command in self._unsettled_amends():
            events += recovery.amended(command, waiting)
        if was_told or (is_wanted and self._drops_queued):
            events += [e.PromptCancelled(prompt_id, why) for prompt_id in waiting]
        for event in events:
            self._record(event)
        is_final = self._is_final or not (self._stopping or self._ready.is_set() or _signal_name(code))
        self._record(e.ChildExited(code, self._stopping, reason, stderr_tail, is_final=is_final))

    def _unsettled_amends(self) -> list[c.Amend]:
        """Those that Claude did not answer, and those that did not even come to it."""
        asked = self._stream.unsettled_amends if self._stream else []
        unread = [command for command in self._drain_commands() if isinstance(command, c.Amend)]
        return [*asked, *(command for command in unread if command.command_id not in self._past.commands)]


def _accepted(command: c.Prompt) -> e.PromptAccepted:
    return e.PromptAccepted(
        prompt_id=command.prompt_id,
        uuid=str(uuid.uuid4()),
        text=command.text,
        author_id=command.author_id,
        author=command.author,
        is_message=command.is_message,
        when=command.when,
        is_command=command.is_command,
        attachments=command.attachments,
    )


def exit_in_words(code: int, stderr_tail: str) -> str:
    """Why a child ended by itself, for a person: the signal's or the code's meaning, stderr's first and last lines.

    What went wrong stands in the first ones where a program dies of an error, and in the last where it gives up.
    """
    words = " … ".join(_first_and_last([line.strip() for line in stderr_tail.splitlines() if line.strip()]))
    if name := _signal_name(code):
        how = f"Claude was ended by {name}"
    else:
        how = f"Claude ended by itself with exit code {code}"
    return f"{how}: {words}" if words else how


def _first_and_last(lines: list[str]) -> list[str]:
    if len(lines) <= WORDS_LINES * 2:
        return [" · ".join(lines)] if lines else []
    return [" · ".join(lines[:WORDS_LINES]), " · ".join(lines[-WORDS_LINES:])]


def _signal_name(code: int) -> str:
    """Negative as in Popen; above 128 as a shell says it, and bubblewrap. Empty for an ordinary exit."""
    number = -code if code < 0 else code - 128
    return signal.Signals(number).name if number in set(signal.Signals) else ""
