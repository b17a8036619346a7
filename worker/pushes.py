"""The pushes that Claude asks for, one after the other, beside the reading of its lines.

    asked ──prepared──▶ card ──allowed──▶ pushed or not, told in the thread and to Claude
       └──refused, in words for Claude └──denied, expired: told; withdrawn: forgotten

The card is a request of the worker's own, in the same log, with the same name, digest and buttons as Claude's. What is
allowed is what was prepared; nothing is read of the child's again.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bridge.protocol import events as e
from bridge.protocol.errors import BridgeError, RemoteError
from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.protocol.requests import digest_of
from bridge.protocol.start import WorkerStart
from worker import bubblewrap, lines_out, mcp, pushing
from worker.cgroup import Cgroup
from worker.git import Inside, Outside
from worker.steps import Line, PushAsked, PushDecided, Step, Take
from worker.walls.from_start import home_of
from worker.walls.wish import Shell, level_of

CUT_OFF = "Perhaps pushed: Claude was ended while {} was on its way. Look at the remote."

TOO_LATE = "the turn ended before the person could be asked"


def source_of(
    start: WorkerStart, copy: Path, shell: Shell, environment: Mapping[str, str], cgroup: Cgroup | None
) -> pushing.Source:
    """``copy``: where the branch's copy is made; the child does not see it. ``environment``: the child's."""
    home = Path(home_of(start))
    written = (*start.projects, start.created.directory, start.created.git_directory, start.state_directory)
    opened = (str(home / name.removeprefix("~/")) if name.startswith("~/") else name for name in start.writable)
    return pushing.Source(
        Inside(tuple(shell.prefix), start.created.directory, environment, cgroup, shell.scoped),
        Outside(bubblewrap.find(os.environ.get("PATH", ""), name="git"), copy, start.created.remote, os.environ),
        tuple(Path(path).resolve() for path in (*written, *opened) if path),
    )


def remote_offered(start: WorkerStart) -> str:
    """The URL to which Claude may ask to push; "" where it may not."""
    may_ask = start.git_push == "ask" and level_of(start.containment) == "project"
    return start.created.remote if may_ask else ""


class Asking(Protocol):
    """What opens the card, or lets go of what never comes to one (``worker.stream``)."""

    def ask_push(self, request: e.PermissionRequested) -> list[Step]: ...

    def give_up_push(self, request_id: str) -> None: ...


class Pushes:
    """Of one child. ``take`` does steps as if the child's protocol had wanted them."""

    def __init__(self, source: pushing.Source, asking: Asking, take: Take) -> None:
        self._source = source
        self._asking = asking
        self._take = take
        self._steps: asyncio.Queue[PushAsked | PushDecided] = asyncio.Queue()
        self._prepared: dict[str, Push] = {}
        self._under_way: Push | None = None

    def hear(self, step: PushAsked | PushDecided) -> None:
        self._steps.put_nowait(step)

    async def run(self) -> None:
        while True:
            match await self._steps.get():
                case PushAsked() as asked:
                    await self._prepare(asked)
                case PushDecided() as decided:
                    await self._decided(decided)

    def cut_off(self) -> list[e.AnyEvent]:
        """What is to be said when all ends."""
        pushing.forget(self._source)
        return [e.Noticed(CUT_OFF.format(self._under_way.to))] if self._under_way else []

    async def _prepare(self, asked: PushAsked) -> None:
        try:
            push = await pushing.prepare(asked.call, self._source)
        except BridgeError as error:
            self._asking.give_up_push(asked.request_id)
            await self._tell(asked.request_id, asked.call.call_id, f"{mcp.NOT_PUSHED}{error}.", is_error=True)
            return
        self._prepared = {asked.request_id: push}
        shown = as_input(push)
        request = e.PermissionRequested(
            request_id=asked.request_id,
            tool=PUSH_TOOL,
            tool_input=shown,
            digest=digest_of(shown),
            tool_use_id=asked.call.tool_use_id,
        )
        if steps := self._asking.ask_push(request):
            await self._take(steps)
        else:
            await self._tell(asked.request_id, asked.call.call_id, f"{mcp.NOT_PUSHED}{TOO_LATE}.", is_error=True)

    async def _decided(self, decided: PushDecided) -> None:
        push = self._prepared.pop(decided.request_id, None)
        if push is None or decided.verdict != "allowed":
            why = decided.reason or "The person denied this."
            pushing.forget(self._source)
            await self._tell(decided.request_id, decided.call_id, f"{mcp.NOT_PUSHED}{why}", is_error=True)
            return
        self._under_way, is_error = push, False
        try:
            words = f"{await pushing.push(push, self._source)}."
        except RemoteError as error:
            words, is_error = f"{mcp.PERHAPS_PUSHED}{error}. Look at the remote.", True
        except BridgeError as error:
            words, is_error = f"{mcp.NOT_PUSHED}{error}.", True
        self._under_way = None
        pushing.forget(self._source)
        await self._take([e.Noticed(words)])
        await self._tell(decided.request_id, decided.call_id, words, is_error=is_error)

    async def _tell(self, request_id: str, call_id: mcp.CallId, words: str, *, is_error: bool) -> None:
        await self._take([Line(lines_out.mcp_answer(request_id, mcp.told(call_id, words, is_error=is_error)))])
