"""The REST side: one path that every request takes, from token and limits to the answer's JSON.

What the routes do is in `discord_routes_*`; they take a `Call` and return JSON, without awaiting anything, so
that each request is one step.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import BodyPartReader, web

from twins.discord.clock import Clock
from twins.discord.errors import ApiError, RateLimitError, invalid_json, not_found, unauthorized
from twins.discord.faults import Fault, Faults, Moment
from twins.discord.limits import Limits, rejection_headers
from twins.discord.model import Json, Upload

_log = logging.getLogger(__name__)

PREFIX = "/api/v10"
MOST_BODY_BYTES = 128 * 1024 * 1024
_WITHOUT_TOKEN = (
    "/interactions/",
    "/webhooks/{webhook_id}/{webhook_token}",
    "/attachments/",
)


@dataclass(slots=True, frozen=True)
class Call:
    """A request that has passed token and limits. `uploads` by the number in `files[n]`."""

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: object = None
    uploads: dict[int, Upload] = field(default_factory=dict)

    @property
    def payload(self) -> Json:
        """The body, which must be an object (else ApiError 50109)."""
        if isinstance(self.body, dict):
            return self.body
        if self.body is None:
            return {}
        raise invalid_json()

    def id(self, name: str) -> int:
        """A snowflake of the path; what is none cannot be found."""
        value = self.parameters[name]
        return int(value) if value.isdecimal() else -1


@dataclass(slots=True, frozen=True)
class Download:
    """An answer that is a file."""

    upload: Upload


type Handler = Callable[[Call], object]
type Route = tuple[str, str, Handler]


@dataclass(slots=True, frozen=True)
class Request:
    """A request as it was seen. `at` is when it came (seconds, monotonic), `route` its template.

    `fault` says what was done to it; a status of 0 that no answer was sent.
    """

    method: str
    route: str
    channel_id: int | None
    status: int
    at: float
    body: object = None
    scope: str | None = None
    fault: Fault | None = None

    @property
    def invalid(self) -> bool:
        """Whether it counts towards Discord's 10,000 invalid requests in 10 minutes."""
        return self.status in (401, 403) or (self.status == 429 and self.scope != "shared")


class Rest:
    """Serves the routes. All requests go through `answer`; `latency_s` delays each of them (seconds)."""

    def __init__(
        self, clock: Clock, limits: Limits, token: str, changed: Callable[[], None], faults: Faults | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.crashes: list[Exception] = []
        self.latency_s = 0.0
        self.faults = faults or Faults()
        self._clock = clock
        self._limits = limits
        self._authorization = f"Bot {token}"
        self._changed = changed

    def application(self, routes: list[Route]) -> web.Application:
        """An aiohttp application with these routes below /api/v10 (files: below /)."""
        application = web.Application(client_max_size=MOST_BODY_BYTES)
        for method, template, handler in routes:
            prefix = "" if template.startswith("/attachments") else PREFIX
            application.router.add_route(method, prefix + template, self._served(template, handler))
        application.router.add_route("*", PREFIX + "/{rest:.*}", self._served("?", _nothing_here))
        return application

    async def answer(self, request: web.Request, route: str, handler: Handler) -> web.StreamResponse:
        """The one way that every REST request takes: two points of trouble, and what Discord does between them."""
        at = self._clock.monotonic()
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        body = await _body_of(request)
        if fault := self.faults.at(_moment("came", request, route, body)):
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault.point == "came":
                return self._refused(request, route, fault, Call(request.match_info, request.query, body), at)
        call, response, scope = await self._done(request, route, handler)
        late = self.faults.at(_moment("done", request, route, body))
        fault = late if late and late.point == "done" else fault
        is_lost = fault is not None and fault.kind == "lose"
        status = fault.status if fault and fault.kind == "error after" else response.status
        self._record(request, route, call, 0 if is_lost else status, at, scope, fault)
        return await _spoilt(request, response, fault) if fault else response

    async def _done(self, request: web.Request, route: str, handler: Handler) -> tuple[Call, web.Response, str | None]:
        """What Discord makes of it: the call, the answer, and of a 429 its scope."""
        parameters = dict(request.match_info)
        call = Call(parameters, request.query)
        scope = None
        try:
            self._authenticate(request, route)
            headers = self._limits.admit(request.method, route, parameters)
            call = await _read(request, parameters)
            response = _response(handler(call))
        except RateLimitError as refused:
            scope = refused.scope
            headers = {
                **self._limits.headers(request.method, route, parameters),
                **rejection_headers(refused),
            }
            response = _response(refused.body(), refused.status)
        except ApiError as refused:
            known = refused.status != 401
            headers = self._limits.headers(request.method, route, parameters) if known else {}
            response = _response(refused.body(), refused.status)
        except (ConnectionError, web.RequestPayloadError):
            raise  # the client went away
        except Exception as crash:  # a mistake of ours: kept, so that it is not taken for Discord's
            _log.exception("%s %s", request.method, route)
            self.crashes.append(crash)
            headers, response = {}, _response({"message": repr(crash), "code": 0}, 500)
        response.headers.update({**headers, "Via": "1.1 loopback"})
        return call, response, scope

    def _refused(self, request: web.Request, route: str, fault: Fault, call: Call, at: float) -> web.Response:
        """Nothing happens, but for what the fault says."""
        if fault.kind == "limit":
            refused = RateLimitError(fault.seconds, scope=fault.scope)
            self._record(request, route, call, 429, at, fault.scope, fault)
            headers = rejection_headers(refused) if fault.has_headers else {}
            return _with_via(_response(refused.body() if fault.has_headers else {}, 429), headers)
        self._record(request, route, call, fault.status, at, None, fault)
        if fault.kind == "error":
            return _with_via(web.Response(status=fault.status, text="upstream error"))
        if fault.kind == "refuse":
            return _with_via(_response({"message": "refused by a fault", "code": fault.code}, fault.status))
        if fault.kind == "page":
            page = web.Response(status=fault.status, text="<html><body>One moment.</body></html>")
            page.content_type = "text/html"
            return page
        return _broken(request)

    def _served(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self.answer(request, route, handler)

        return serve

    def change_token(self, token: str) -> None:
        """The one of before is revoked."""
        self._authorization = f"Bot {token}"

    def _authenticate(self, request: web.Request, route: str) -> None:
        if route.startswith(_WITHOUT_TOKEN):
            return
        if request.headers.get("Authorization") != self._authorization:
            raise unauthorized()

    def _record(
        self,
        request: web.Request,
        route: str,
        call: Call,
        status: int,
        at: float,
        scope: str | None,
        fault: Fault | None,
    ) -> None:
        channel_id = _channel_of(request)
        self.requests.append(Request(request.method, route, channel_id, status, at, call.body, scope, fault))
        self._changed()


def _channel_of(request: web.Request) -> int | None:
    channel = request.match_info.get("channel_id", "")
    return int(channel) if channel.isdecimal() else None


def _moment(point: Literal["came", "done"], request: web.Request, route: str, body: object) -> Moment:
    return Moment(point, request.method, route, _channel_of(request), body, dict(request.match_info))


async def _body_of(request: web.Request) -> object:
    """The JSON of a request, for who watches; a form is read only once, by who handles it."""
    if request.content_type != "application/json":
        return None
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


def _with_via(response: web.Response, headers: Mapping[str, str] | None = None) -> web.Response:
    """Via says that it is Discord who answers, and not the edge in front of it."""
    response.headers.update({**(headers or {}), "Via": "1.1 loopback"})
    return response


def _broken(request: web.Request) -> web.Response:
    """The connection is gone, as after a reset; the response is for aiohttp, and goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _spoilt(request: web.Request, response: web.Response, fault: Fault) -> web.StreamResponse:
    """The answer to what has happened, as the client gets it."""
    match fault.kind:
        case "lose":
            return _broken(request)
        case "truncate":
            return await _half_of(request, response)
        case "error after":
            return _with_via(web.Response(status=fault.status, text="upstream error"))
        case "delay answer":
            await asyncio.sleep(fault.seconds)
    return response


async def _half_of(request: web.Request, response: web.Response) -> web.StreamResponse:
    whole = bytes(response.body) if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(whole)
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


def _nothing_here(_call: Call) -> object:
    raise not_found()


def _response(result: object, status: int = 200) -> web.Response:
    """JSON, a file, or 204 for None. The content type has no charset: nextcord compares it exactly."""
    if result is None:
        return web.Response(status=204)
    if isinstance(result, Download):
        return web.Response(body=result.upload.content, headers={"Content-Type": result.upload.content_type})
    return web.Response(status=status, body=json.dumps(result).encode(), content_type="application/json")


async def _read(request: web.Request, parameters: Mapping[str, str]) -> Call:
    if request.content_type == "multipart/form-data":
        return await _read_form(request, parameters)
    text = await request.read()
    return Call(parameters, request.query, _parsed(text) if text else None)


def _parsed(text: bytes | bytearray) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise invalid_json() from None


async def _read_form(request: web.Request, parameters: Mapping[str, str]) -> Call:
    """`payload_json` and `files[n]` (documentation, "Uploading Files")."""
    body: object = None
    uploads: dict[int, Upload] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content = bytes(await part.read(decode=True))
        name = part.name or ""
        if name == "payload_json":
            body = _parsed(content)
        elif name.startswith("files["):
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploads[int(name[6:-1])] = Upload(part.filename or "file", content, kind)
    return Call(parameters, request.query, body, uploads)
