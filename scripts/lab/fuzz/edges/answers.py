"""What answers our REST: bytes of HTTP, whoever sends them; and how long we wait after them.

The first line of an input names the call that is made.
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from lab.fuzz.edge import Edge, hold
from supervisor.discord.errors import Unavailable
from supervisor.discord.pace import Pace, Priority
from supervisor.discord.rest import Rest

TIMEOUT_S = 0.3
LONGEST_WAIT_S = 7 * 86400.0
"""We never wait longer for anything that an answer said."""
_USER = {"id": "1", "username": "b"}
_MESSAGE = {"id": "5", "channel_id": "2", "author": _USER, "content": "hi", "type": 0, "nonce": "n"}
_FORM = {"code": 50035, "message": "Invalid", "errors": {"content": {"_errors": [{"code": "x", "message": "long"}]}}}
CALLS: dict[str, tuple[Callable[[Rest], Awaitable[object]], object]] = {
    "create": (lambda rest: rest.create(2, Post("hi"), "n1"), _MESSAGE),
    "edit": (lambda rest: rest.edit(2, 5, Post("hi")), _MESSAGE),
    "delete": (lambda rest: rest.delete(2, 5), None),
    "make_thread": (lambda rest: rest.make_thread(2, 5, "t"), {"id": "5"}),
    "own_messages": (lambda rest: rest.own_messages(2, 1), [_MESSAGE, _MESSAGE]),
    "messages_after": (lambda rest: rest.messages_after(2, 1), [_MESSAGE, {"id": "6"}]),
    "message": (lambda rest: rest.message(2, 5), _MESSAGE),
    "member": (lambda rest: rest.member(7, 1), {"user": _USER, "roles": ["5"], "nick": None}),
    "answer": (lambda rest: rest.answer_interaction(8, "t", 4, {}), None),
    "download": (lambda rest: rest.download(f"{rest._base}/file", lambda _: None, 1000), [1]),
}
_STATUSES = (200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 999, 100)
_NUMBERS = ("5", "0", "1", "-1", "1.5", "0.001", "inf", "nan", "-inf", "1e308", "99999999999", "x", "", "5, 6")
_CODES = (0, 10003, 10008, 50001, 50013, 50083, 160004, 50035)


class Answers(Edge):
    name = "answers"
    clean = "the errors of supervisor.discord.errors, and waits of at most a week"

    def made(self, random: Random) -> bytes:
        call = random.choice(tuple(CALLS))
        status = random.choice(_STATUSES)
        problem = (
            {"code": random.choice(_CODES), "message": "No", "retry_after": 0.1} if random.random() < 0.7 else _FORM
        )
        body = b"" if status == 204 else json.dumps(CALLS[call][1] if status < 300 else problem).encode()
        lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += ["Via: 1.1 x"] if random.random() < 0.7 else []
        for name in ("Limit", "Remaining", "Reset-After", "Reset", "Bucket", "Scope", "Global"):
            if random.random() < 0.5:
                lines.append(f"X-RateLimit-{name}: {random.choice(_NUMBERS)}")
        if random.random() < 0.3:
            lines.append(f"Retry-After: {random.choice(_NUMBERS)}")
        return "\r\n".join([call, *lines, "", ""]).encode() + body

    def feed(self, data: bytes, folder: Path) -> None:
        name, _, answer = data.partition(b"\r\n")
        call = CALLS.get(name.decode(errors="replace"), CALLS["create"])[0]
        asyncio.run(_answered(call, answer))


async def _answered(call: Callable[[Rest], Awaitable[object]], answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)
            writer.write(answer)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port, pace = server.sockets[0].getsockname()[1], Pace()
    try:
        async with Rest(f"http://127.0.0.1:{port}/api/v10", "t", pace, TIMEOUT_S) as rest:
            for _ in range(2):
                await _called(call, rest)
                for route in ("POST /channels/{channel_id}/messages", "GET /users/@me"):
                    wait_s = pace.wait_s(route, 2, Priority.TEXT)
                    hold(
                        math.isfinite(wait_s) and 0 <= wait_s <= LONGEST_WAIT_S,
                        f"the next request waits for {wait_s} s",
                    )
    finally:
        server.close()


async def _called(call: Callable[[Rest], Awaitable[object]], rest: Rest) -> None:
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            await call(rest)
    except Unavailable as error:
        wait_s = error.retry_after
        hold(math.isfinite(wait_s) and 0 <= wait_s <= LONGEST_WAIT_S, f"it is tried again after {wait_s} s")
        str(error).encode()
    except RemoteError as error:
        str(error).encode()
    except TimeoutError:
        pass  # it waits its turn, which the pace has told
