"""The scripted model: a Messages API on loopback for the real claude CLI.

    async with ScriptedModel(
        turn(text("Using a tool."), tool("Bash", {"command": "touch made.txt"})),
        turn(text("All done.", chunks=20, gap_s=0.02)),
    ) as model:
        ...  # run claude with ANTHROPIC_BASE_URL=model.base_url

A request of the conversation takes the first turn that fits it; when none does, the answer is `ECHO: ` and the end of
the newest text. Requests that claude makes on its own account (titles, token counts, summaries) never take a turn.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

import msgspec
from aiohttp import web

from twins.messages_api.turns import Errs, Fails, Hangs, Resets, Turn, events, text, turn, whole

if TYPE_CHECKING:
    from types import TracebackType

type Json = dict[str, Any]
type Kind = Literal["main", "sub", "title", "compact", "background", "count_tokens", "other"]

MAX_BODY_BYTES = 1 << 30
ECHO_CHARACTERS = 300
CALL_DEADLINE_S = 20.0


class Call(msgspec.Struct, frozen=True):
    """A request that came. `newest_text` is the newest thing the user (or a tool) said."""

    kind: Kind
    path: str
    newest_text: str
    headers: dict[str, str]
    body: Json


class ScriptedModel:
    """Serves from `start` to `stop`, or as an async context manager."""

    def __init__(self, *turns: Turn) -> None:
        self.calls: list[Call] = []
        self.base_url = ""
        self._turns: list[tuple[Turn, int | None]] = []
        self._news = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.add(*turns)

    def add(self, *turns: Turn) -> None:
        """More turns, after those that are there."""
        self._turns += [(one, one.repeat) for one in turns]

    @property
    def turns_left(self) -> int:
        """Turns that nobody has taken yet, or not often enough."""
        return sum(left is not None for _, left in self._turns)

    def calls_of(self, kind: Kind = "main") -> list[Call]:
        return [call for call in self.calls if call.kind == kind]

    async def start(self) -> None:
        """Sets `base_url`."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/v1/messages", self._on_messages)
        app.router.add_post("/v1/messages/count_tokens", self._on_count_tokens)
        app.router.add_route("*", "/{path:.*}", self._on_other)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def called(self, times: int = 1, kind: Kind = "main", deadline_s: float = CALL_DEADLINE_S) -> Call:
        """Waits for that many requests of a kind; returns the last of them.

        Raises:
            TimeoutError: after `deadline_s` seconds.
        """
        async with asyncio.timeout(deadline_s), self._news:
            await self._news.wait_for(lambda: len(self.calls_of(kind)) >= times)
        return self.calls_of(kind)[times - 1]

    # --- requests -------------------------------------------------------------------------------------------------

    async def _on_messages(self, request: web.Request) -> web.StreamResponse:
        body: Json = await request.json()
        call = Call(kind_of(body), request.path_qs, newest_text(body), dict(request.headers), body)
        await self._note(call)
        answer = _own_answer(call) if call.kind not in ("main", "sub") else self._take(call)
        await self._pause(answer.delay_s)
        match answer.trouble:
            case Fails() as trouble:
                return _failure(trouble)
            case Resets(0):
                return _drop(request)
        model = str(body.get("model"))
        if not body.get("stream"):
            return web.json_response(whole(answer, model))
        return await self._stream(request, answer, model)

    async def _on_count_tokens(self, request: web.Request) -> web.Response:
        body: Json = await request.json()
        await self._note(Call("count_tokens", request.path_qs, newest_text(body), {}, body))
        return web.json_response({"input_tokens": max(1, len(json.dumps(body)) // 4)})

    async def _on_other(self, request: web.Request) -> web.Response:
        await self._note(Call("other", request.path_qs, "", {}, {}))
        return _failure(Fails(404, "not_found_error", "the scripted model does not serve this", {}))

    async def _note(self, call: Call) -> None:
        async with self._news:
            self.calls.append(call)
            self._news.notify_all()

    def _take(self, call: Call) -> Turn:
        for position, (one, left) in enumerate(self._turns):
            if one.fits(call.kind, call.newest_text):
                if left == 1:
                    del self._turns[position]
                elif left is not None:
                    self._turns[position] = (one, left - 1)
                return one
        return turn(text(f"ECHO: {call.newest_text[-ECHO_CHARACTERS:]}"))

    # --- answers --------------------------------------------------------------------------------------------------

    async def _stream(self, request: web.Request, answer: Turn, model: str) -> web.StreamResponse:
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache", "request-id": _request_id()}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        try:
            for sent, (gap_s, event) in enumerate(events(answer, model)):
                if await self._trouble(request, response, answer, sent):
                    return response
                await self._pause(gap_s)
                await _send(response, event)
            await response.write_eof()
        except ConnectionResetError:
            pass  # the client left, as it does when its turn is interrupted
        return response

    async def _trouble(self, request: web.Request, response: web.StreamResponse, answer: Turn, sent: int) -> bool:
        """Whether the stream goes no further."""
        match answer.trouble:
            case Resets(after) if after == sent:
                _drop(request)
                return True
            case Errs(error_type, after) if after == sent:
                await _send(response, _error(error_type, "scripted"))
                return True
            case Hangs(after) if after == sent:
                await self._stopping.wait()
                return True
        return False

    async def _pause(self, seconds: float) -> None:
        """As long as nobody stops us."""
        if seconds:
            try:
                await asyncio.wait_for(self._stopping.wait(), seconds)
            except TimeoutError:
                return


# --- what a request is about ----------------------------------------------------------------------------------


def kind_of(body: Json) -> Kind:
    """Who asks: the session, a subagent, or claude for its own housekeeping (observed with claude 2.1.330)."""
    system, newest = _flat(body.get("system")), newest_text(body)
    if re.search(r"Your task is to create a (detailed|concise) summary", newest):
        return "compact"
    if not body.get("tools"):
        return _kind_without_tools(body, system)
    return "sub" if "agent for Claude Code" in system else "main"


def _kind_without_tools(body: Json, system: str) -> Kind:
    wanted_format = json.dumps([body.get("output_config"), body.get("output_format")])
    if "title" in wanted_format or re.search(r"\btitle\b", system, re.IGNORECASE):
        return "title"
    small = body.get("max_tokens", 0) <= 1024 or "haiku" in str(body.get("model"))
    return "background" if small else "main"


def newest_text(body: Json) -> str:
    """The newest text of the user or of a tool; claude's own reminders do not count, nor who wrote it."""
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            said = re.sub(r"(?s)<system-reminder>.*?</system-reminder>", "", _flat(message["content"])).strip()
            if said:
                return re.sub(r"(?s)<(message-[0-9a-f]{12}) [^\n]*>\n(.*?)\n</\1>", r"\2", said)
    return ""


def _flat(content: object) -> str:
    """The text in a string or in a list of blocks; tool results are marked."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(_FLAT.get(block.get("type"), _nothing)(block) for block in blocks)


def _nothing(block: Json) -> str:
    return f"[{block.get('type')}]"


_FLAT: dict[str, Callable[[Json], str]] = {
    "text": lambda block: str(block.get("text", "")),
    "tool_result": lambda block: f"[tool_result] {_flat(block.get('content'))}",
}


def _own_answer(call: Call) -> Turn:
    said = {
        "title": json.dumps({"title": "Scripted session"}),
        "compact": "<analysis>-</analysis><summary>They talked; nothing is left to do.</summary>",
    }
    return turn(text(said.get(call.kind, "ok")))


# --- bytes ----------------------------------------------------------------------------------------------------


async def _send(response: web.StreamResponse, event: Json) -> None:
    await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _failure(trouble: Fails) -> web.Response:
    number = _request_id()
    body = {**_error(trouble.error_type, trouble.message), "request_id": number}
    return web.json_response(body, status=trouble.status, headers={"request-id": number, **trouble.headers})


def _error(error_type: str, message: str) -> Json:
    return {"type": "error", "error": {"type": error_type, "message": message}}


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _request_id() -> str:
    return f"req_scripted{uuid4().hex[:12]}"
