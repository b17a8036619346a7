"""One child from its start to its last record: its lines are read, orders obeyed, deadlines kept, in one task group.

What its protocol wants is done here, step by step in their order (``worker.steps``): an event is logged, a delta
offered, a line written.
"""

import asyncio
import contextlib
from collections.abc import Callable
from uuid import uuid4

from bridge.protocol import commands as c
from bridge.protocol import directories
from bridge.protocol import events as e
from bridge.protocol.errors import BridgeError
from worker import orders, recovery
from worker.brake import Brake
from worker.child import Record, Started
from worker.child_end import End, last_records, signal_name
from worker.claude import Dropped
from worker.commands_heard import CommandsHeard
from worker.edited import with_places
from worker.files_out import FilesOut
from worker.history import History
from worker.ladder import TOLD_TO_END, Ladder
from worker.owed_answers import OwedAnswers
from worker.pushes import Pushes
from worker.steps import DeltaRead, EndChild, FileOffered, ImagesReturned, Line, PushAsked, PushDecided, Step
from worker.suggested import Place, places_at, with_places_of
from worker.uplink import Uplink

STDERR_DEADLINE_S = 1.0
LOOK_INTERVAL_S = 0.5
"""At what Claude owes us."""


class ChildLife:
    """``signalled``: somebody told the worker to end. ``is_marked``: ``threadbridge kill`` left its mark before."""

    def __init__(
        self,
        started: Started,
        history: History,
        record: Record,
        uplink: Uplink,
        commands: CommandsHeard,
        files: FilesOut,
        is_marked: Callable[[], bool],
    ) -> None:
        self._started = started
        self._child = started.child
        self._stream = started.stream
        self._history = history
        self._record = record
        self._uplink = uplink
        self._commands = commands
        self._files = files
        self._ready = asyncio.Event()
        self.signalled = asyncio.Event()
        self._owed = OwedAnswers()
        self._pushes = Pushes(started.pushing, self._stream, self.take) if started.pushing else None
        self._clock = asyncio.get_running_loop().time
        self._brake = Brake(history.applied, self._clock())
        self._ladder = Ladder(*(self._child, self._stream, history, record, self.take), is_marked, self._is_held_up)

    async def run(self) -> End:
        """Until the child is gone and nothing of it is left."""
        async with asyncio.TaskGroup() as tasks:
            stderr = tasks.create_task(self._child.drain_stderr())
            others = [
                tasks.create_task(self._work()),
                tasks.create_task(self._keep_deadlines()),
                tasks.create_task(self._end_on_signal()),
                tasks.create_task(self._stop_unready()),
                tasks.create_task(self._hold_to_limits()),
                *([tasks.create_task(self._pushes.run())] if self._pushes else []),
            ]
            await self._read()
            code = await self._ladder.reap(self.signalled)
            for task in others:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stderr), STDERR_DEADLINE_S)
            stderr.cancel()
        return self._end(code)

    def close(self, end: End, taken: Callable[[], frozenset[str]]) -> None:
        """The last records, of what the child left open too. ``taken``: the uuids of prompts that Claude took."""
        for text in self._stream.broken_off():
            self._take_event(text)
        for event in self._pushes.cut_off() if self._pushes else ():
            self._record(event)
        for event in last_records(self._history, taken(), end, self._unsettled_amends()):
            self._record(event)
        self._child.close()

    def _end(self, code: int) -> End:
        why = self._started.holder.why_it_died() if signal_name(code) else ""
        return End(
            code,
            self._child.stderr_tail,
            self._ladder.failure or why,
            self._ladder.is_final,
            self._ready.is_set(),
            self._owed.is_told_to_stop,
        )

    def _unsettled_amends(self) -> list[c.Amend]:
        """Those that Claude did not answer, and those that did not even come to it."""
        unread = [command for command in self._commands.drained() if isinstance(command, c.Amend)]
        known = self._history.answered | self._stream.under_way
        return [*self._stream.unsettled_amends, *(one for one in unread if one.command_id not in known)]

    # --- the child's lines ---------------------------------------------------------------------------

    async def _read(self) -> None:
        async for batch in self._child.lines():
            for line in batch:
                if isinstance(line, Dropped):
                    await self.take(self._stream.dropped(line.head, line.size))
                else:
                    await self.take(self._stream.receive(line))
                await self._hold_up()

    def _is_held_up(self) -> bool:
        return self._brake.is_on(self._clock())

    async def _hold_up(self) -> None:
        """A torrent is read slowly, but for what is left of it once it was killed: who ended it waits for that."""
        pause_s = self._brake.pause_s(self._history.applied, self._clock())
        if pause_s and not self._ladder.is_killed:
            await asyncio.sleep(pause_s)

    async def take(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case DeltaRead(block=block, text=text):
                    self._uplink.delta(block, text)
                case Line(data=data):
                    await self._write(data)
                case FileOffered():
                    await self._write(await self._files.send(step, self._record))
                case ImagesReturned():
                    await self._files.show_returned(step, self._record)
                case PushAsked() | PushDecided():
                    assert self._pushes
                    self._pushes.hear(step)
                case EndChild(why=why):
                    self._ladder.condemn(why)
                case e.PermissionRequested():
                    seen = await with_places(step, self._started.view, self._directory)
                    self._take_event(
                        await with_places_of(seen, self._started.view, self._directory, self._started.home)
                    )
                case _:
                    self._take_event(step)
                    await self._files.show_read(step, self._record)

    @property
    def _directory(self) -> str:
        return self._history.session.directory if self._history.session else ""

    def _take_event(self, event: e.AnyEvent) -> None:
        if event == self._history.offered:
            return  # nothing else is offered than by the child before
        event = self._started.unasked.named(event)
        record = self._record(event)
        match event:
            case e.PermissionRequested(request_id=request_id):
                self._stream.named(request_id, record.seq)
            case e.TextWritten(block=block):
                self._uplink.forget(block)
            case e.TextWithdrawn(blocks=blocks):
                for block in blocks:
                    self._uplink.forget(block)
            case e.TurnEnded():
                self._uplink.forget_all()
                self._owed.turn_ended()
                self._ladder.turn_ended()
            case e.ChildStarted():
                self._ready.set()
            case e.ToolFinished(is_error=True, unknown=False) if self._started.closed:
                if told := self._started.closed.told_of(event.output):
                    self._record(e.Noticed(told))
            case _:
                pass

    async def _write(self, data: bytes) -> None:
        """A child that takes no input is not waited for: it is ended, and the reason told."""
        try:
            await self._child.write(data)
        except BridgeError as error:
            await self._ladder.end_deaf(str(error))

    # --- orders --------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Initialize, send again what no Claude took, then obey. What was edited meanwhile is sent as it is now."""
        await self.take(self._stream.initialize())
        await self._ready.wait()
        await self._open_directories()
        again = [prompt.prompt_id for prompt in self._history.open_prompts()]
        later = await self._first_amendments() if again else []
        for prompt_id in again:
            if prompt := self._history.open_prompt(prompt_id):
                await self._send_again(prompt)
        for command in later:
            await self._obey(command)
        while not self._ladder.is_descending:  # what comes then stays in the inbox, for the next worker
            await self._obey(await self._commands.next())

    async def _first_amendments(self) -> list[c.AnyCommand]:
        """The supervisor may know that a prompt was edited or deleted; the other commands can wait a moment."""
        await self._uplink.welcomed()
        waiting = self._commands.drained()
        for command in waiting:
            if isinstance(command, c.Amend):
                await self._obey(command)
        return [command for command in waiting if not isinstance(command, c.Amend)]

    async def _send_again(self, prompt: e.PromptAccepted) -> None:
        accepted = recovery.renewed(prompt)
        await self._make([accepted, orders.Send(accepted)])

    async def _obey(self, command: c.AnyCommand) -> None:
        child = orders.Child(self._stream.under_way, self._stream.given)
        await self._make(orders.moves_of(command, self._history, child))

    async def _make(self, moves: list[orders.Move]) -> None:
        for move in moves:
            match move:
                case orders.Send():
                    await self.take(self._stream.prompt(move.prompt))
                case orders.Amend():
                    await self.take(self._stream.amend(move.command, move.uuid, move.new))
                case orders.Requeue():
                    if move.command.when == "now":
                        self._owed.told_to_stop(asyncio.get_running_loop().time())
                    await self.take(self._stream.requeue(move.command, move.uuid))
                case orders.Decide():
                    await self.take(self._stream.decide(move.command))
                case orders.Configure():
                    await self._configure(move.command)
                case orders.EndTurn():
                    self._owed.told_to_stop(asyncio.get_running_loop().time())
                    await self.take(self._stream.interrupt(keep_queued=move.keep_queued))
                case orders.Stop():
                    await self._ladder.stop(move.reason, move.command_id)
                case _:
                    self._take_event(move)

    async def _open_directories(self) -> None:
        """Of a child that has just begun, and knows of none."""
        if paths := self._started.directories:
            await self._configure(c.Configure(f"begin:{uuid4().hex}", directories.SETTING, directories.value_of(paths)))

    async def _configure(self, command: c.Configure) -> None:
        is_of_places = command.setting == directories.SETTING
        paths = directories.read(command.value) if is_of_places else ()
        places = await places_at(paths, self._started.view)
        linked, unanswered = (
            [path for path in paths if places[path] is place] for place in (Place.LINKED, Place.UNANSWERED)
        )
        if words := directories.not_told_in_words(linked, unanswered):
            self._record(e.Noticed(words))
        await self.take(self._stream.configure(command, frozenset((*linked, *unanswered))))

    # --- its end -------------------------------------------------------------------------------------

    async def _keep_deadlines(self) -> None:
        """A child that owes an answer for too long, or does not end the turn that it was told to end, is ended."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            objection = self._owed.objection(self._stream.unanswered, loop.time(), in_turn=self._stream.in_turn)
            if objection and not self._ladder.is_descending:
                await self._ladder.end_hung(objection)
                return

    async def _hold_to_limits(self) -> None:
        await self._started.holder.run(lambda why: self._record(e.Noticed(why)), self._ladder.end_at_limit)

    async def _end_on_signal(self) -> None:
        await self.signalled.wait()
        await self._ladder.obey_signal()

    async def _stop_unready(self) -> None:
        """Commands wait for the child to be ready; but to be stopped it need not be."""
        await self._commands.stop_heard.wait()
        if not self._ready.is_set():
            await self._ladder.stop(TOLD_TO_END)
