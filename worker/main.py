"""Joins the child, the log and the uplink in one task group.

A worker lives as long as its child. Its life, in order, once `process` has the session's lock and its log: close what
a dead worker left open, say hello, shut the child in and serve it, and at the child's end write ChildExited and
give the supervisor a moment to take the rest. Without a supervisor everything goes on: the log is the truth.
Without a log nothing does: a record that cannot be written ends the child at once, and the worker with it.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bridge.protocol import events as e
from bridge.protocol.errors import BridgeError, UserError
from bridge.protocol.layout import Layout
from bridge.protocol.start import WorkerStart
from worker import recovery, transcript
from worker.child import Child, Started, Starting
from worker.child_end import is_over_in
from worker.child_life import ChildLife
from worker.commands_heard import CommandsHeard
from worker.files_out import FilesOut, places_of
from worker.history import History
from worker.log import LogWriteError
from worker.stored import Stored
from worker.uplink import AckedNote, LogRead, Socket, Uplink
from worker.walls.from_start import claude_home_of
from worker.walls.wish import RefusedError

FAREWELL_DEADLINE_S = 5.0


class Log(LogRead, Protocol):
    """The session's event log (``worker.log``)."""

    def append(self, event: e.AnyEvent) -> e.Record:
        """Raises LogWriteError when it takes no more."""

    def skip_to(self, applied: int) -> e.Record:
        """Go on above ``applied``; the LogGap."""


class Worker:
    """One session's worker. ``on_signal`` calls what it is given when the process is told to end."""

    def __init__(
        self,
        start: WorkerStart,
        log: Log,
        acked: AckedNote,
        socket: Socket,
        starting: Starting,
        on_signal: Callable[[Callable[[], object]], object],
    ) -> None:
        self._start = start
        self._paths = Layout(Path(start.state_directory).resolve()).session(start.created.session_id)
        self._log = log
        self._history = History.of(log.read())
        self._commands = CommandsHeard()
        self._starting = starting
        self._on_signal = on_signal
        self._child: Child | None = None
        self._uplink = Uplink(
            start.created.session_id, log, acked, os.getpid(), socket, self._commands.hear, self._skip_to
        )

    async def run(self) -> None:
        """Raises LogWriteError when the log takes no more; whatever is below us then is still to be ended."""
        self._close_past()
        async with asyncio.TaskGroup() as tasks:
            uplink = tasks.create_task(self._uplink.run())
            if self._start.wake or self._history.open_prompts():
                await self._serve()
            else:
                self._record(e.ChildExited(0, wanted=True))
            await self._uplink.drained(FAREWELL_DEADLINE_S)
            uplink.cancel()

    def _close_past(self) -> None:
        """Close what the worker before left open; what Claude never took stays open, and it gets that again."""
        why = f"{self._start.died} while this ran" if self._start.died else recovery.LOST
        closing, _ = recovery.closing_events(self._history, self._taken(), why=why)
        for event in closing:
            self._record(event)
        for prompt in self._history.open_prompts():
            if prompt.prompt_id in self._start.void_prompts:
                self._record(e.PromptCancelled(prompt.prompt_id, recovery.FROM_A_BACKUP))

    def _taken(self) -> frozenset[str]:
        claude_id = recovery.claude_id_of(self._history, self._start.created.session_id)
        path = transcript.path_of(claude_id, claude_home_of(self._start))
        return transcript.uuids_taken(path, [prompt.uuid for prompt in self._history.open_prompts()])

    def _record(self, event: e.AnyEvent) -> e.Record:
        try:
            record = self._log.append(event)
        except LogWriteError:
            if self._child:
                self._child.kill_now()
            raise
        self._history.apply(record)
        self._uplink.wake()
        return record

    def _skip_to(self, applied: int) -> None:
        self._history.apply(self._log.skip_to(applied))

    async def _serve(self) -> None:
        try:
            started = await self._starting(self._history, self._record)
        except RefusedError as error:
            refused = e.ChildExited(1, wanted=False, reason=str(error), may_pass=True)
            if refused != self._history.exited:  # it is tried again and again, and told once
                self._record(refused)
            return
        except BridgeError as error:
            self._record(e.ChildExited(1, wanted=False, reason=str(error), is_final=isinstance(error, UserError)))
            return
        self._child = started.child
        await self._live(started)

    async def _live(self, started: Started) -> None:
        life = ChildLife(
            started,
            self._history,
            self._record,
            self._uplink,
            self._commands,
            self._files_out(started),
            self._paths.stop_mark.exists,
        )
        self._on_signal(life.signalled.set)
        end = await life.run()
        life.close(end, self._taken)
        await started.clear(is_over_in(self._history))

    def _files_out(self, started: Started) -> FilesOut:
        directory, stored = self._start.created.directory, Stored(self._paths, self._start.limits)
        return FilesOut(directory, started.view, lambda: places_of(self._start, self._paths, started.view), stored)
