"""What an answer of REST's means: a value, or one of the errors of ``supervisor.discord.errors``.

A request's route is a template without ids and tokens, so that an error can name it.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from bridge.discord_numbers import ErrorCode
from bridge.protocol.errors import UNREADABLE, RemoteError
from bridge.render.posts import File
from supervisor.discord.errors import (
    Archived,
    ChannelGone,
    Forbidden,
    MessageGone,
    Refused,
    Unavailable,
)
from supervisor.discord.pace import PATIENCE_S, Priority, seconds_told

_ERRORS: dict[int, type[RemoteError]] = {
    ErrorCode.UNKNOWN_CHANNEL: ChannelGone,
    ErrorCode.UNKNOWN_MESSAGE: MessageGone,
    ErrorCode.NOT_OURS: MessageGone,
    ErrorCode.THREAD_ARCHIVED: Archived,
}
_MISSING_PERMISSION = (ErrorCode.MISSING_ACCESS, ErrorCode.MISSING_PERMISSIONS)
MOST_DEPTH, MOST_DETAILS = 20, 20
"""Of what a refusal says of the fields of a form."""
Json = dict[str, Any]


class Call(msgspec.Struct, frozen=True):
    """One request. ``route``: method and template. ``accept``: an error code that means it is as we want it."""

    route: str
    priority: Priority
    body: object = None
    files: tuple[File, ...] = ()
    query: dict[str, str] | None = None
    patience_s: float = PATIENCE_S
    accept: int = 0
    limited_as: str = ""
    """Where a limit is hidden behind the route's: it is counted under this name, and holds up nothing else there."""

    @property
    def is_authorized(self) -> bool:
        """Whether the bot's token goes with it; an interaction's routes carry their own."""
        return "{token}" not in self.route


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    retry_after: str


class _Problem(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""
    errors: Json | None = None
    retry_after: float | None = None


class NotFound(Refused):
    """404 of something that is neither a message nor a channel."""


def decoded[T](reply: Reply, kind: type[T]) -> T:
    """Snowflakes come as strings and become integers. An answer that is none of this kind counts as lost."""
    try:
        return msgspec.json.decode(reply.body, type=kind, strict=False)
    except UNREADABLE as error:
        raise Unavailable(f"an answer of Discord's cannot be read: {error}") from None


def checked(call: Call, reply: Reply) -> Reply:
    """The reply, or what it means."""
    if 200 <= reply.status < 300:
        if reply.body.strip()[:1] not in (b"", b"{", b"["):
            raise Unavailable(f"{call.route}: something else than Discord answers ({reply.status}, and no JSON)")
        return reply
    problem = _problem(reply)
    if call.accept and problem.code == call.accept:
        return reply
    what = f"{_in_words(problem)} ({reply.status} {problem.code}; {call.route})"
    if reply.status == 429 or reply.status >= 500:
        raise Unavailable(what, _seconds(problem.retry_after or reply.retry_after))
    if kind := _ERRORS.get(problem.code):
        raise kind(what)
    if problem.code in _MISSING_PERMISSION:
        raise Forbidden(what, problem.code)
    raise (NotFound if reply.status == 404 else Refused)(what, reply.status, problem.code)


def _problem(reply: Reply) -> _Problem:
    try:
        return msgspec.json.decode(reply.body, type=_Problem)
    except UNREADABLE:
        return _Problem(message="without words")


def _in_words(problem: _Problem) -> str:
    """Discord's message, and of a refused form each field with what is wrong with it."""
    details = "; ".join(islice(_details(problem.errors or {}, "", MOST_DEPTH), MOST_DETAILS))
    return f"{problem.message} ({details})" if details else problem.message


def _details(node: Json, path: str, depth: int) -> Iterator[str]:
    errors = node.get("_errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            yield f"{path}: {error.get('message', '')}"
    for name, below in node.items():
        if isinstance(below, dict) and depth:
            yield from _details(below, f"{path}.{name}".lstrip("."), depth - 1)


def _seconds(retry_after: str | float) -> float:
    seconds = seconds_told(retry_after)
    return 1.0 if seconds is None else seconds
