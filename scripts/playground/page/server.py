"""The playground's web page: its Discord as a person would see it, to write, click and choose in.

It is a site of its own on 127.0.0.1. `GET /` the page, `GET /events` what a person sees, live (server-sent
events), `POST /act` what they do, `GET /files/…` attachments. `page_gate` says who gets in.

    async with Page(host) as page:
        print(page.url)
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Self

import msgspec
from aiohttp import web

from bridge.protocol.errors import UserError
from playground.host.bridge_host import Host
from playground.page import acts as page_acts
from playground.page import gate as page_gate
from playground.page import view as page_view
from playground.page.gate import Gate
from twins.discord.person import Person

FOLDER = Path(__file__).with_name("assets")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Attachments that the page shows; every other one is only ever downloaded, as bytes."""
LEAST_GAP_S = 0.04
"""Changes that come closer together are told together."""
RECHECK_S = 1.0
"""Typing ends and presence changes without a word from the loopback Discord."""
MOST_BODY_BYTES = 10 * page_acts.MOST_FILE_BYTES * 4 // 3


class Page:
    """The site. It listens to its host's Discord from `start` to `stop`."""

    def __init__(self, host: Host, port: int = 0) -> None:
        self.gate = Gate()
        self.port = port
        self._host = host
        self._runner: web.AppRunner | None = None
        self._wake = asyncio.Event()
        self._is_leaving = False

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address to open: it has the token."""
        return f"{self.origin}/?{page_gate.TOKEN_PARAMETER}={self.gate.token}"

    async def start(self) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises UserError when the port is taken."""
        application = web.Application(middlewares=[page_gate.middleware(self.gate)], client_max_size=MOST_BODY_BYTES)
        application.on_response_prepare.append(page_gate.add_headers)
        application.router.add_get("/", self._index)
        application.router.add_get("/events", self._events)
        application.router.add_post("/act", self._act)
        application.router.add_get("/files/{id:\\d{1,20}}/{name}", self._file)
        application.router.add_get("/{name:[a-z_]+\\.(?:css|js|svg)}", self._static)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UserError(f"the page cannot have port {self.port}: {error.strerror}") from None
        self.port = site.port
        self._listen()
        return self

    async def stop(self) -> None:
        self._is_leaving = True
        self._tell()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    # --- routes

    async def _index(self, request: web.Request) -> web.Response:
        response = _static("index.html")
        if self.gate.has_token(request):
            self.gate.give_cookie(response)
        return response

    async def _static(self, request: web.Request) -> web.Response:
        return _static(request.match_info["name"])

    async def _act(self, request: web.Request) -> web.Response:
        status, answer = await page_acts.act(self._host, await request.read())
        return web.Response(status=status, body=msgspec.json.encode(answer), content_type="application/json")

    async def _file(self, request: web.Request) -> web.Response:
        found = self._host.discord.world.attachments.get(int(request.match_info["id"]))
        if found is None:
            raise web.HTTPNotFound(text="There is no such file.")
        kind = found.upload.content_type.partition(";")[0].strip().lower()
        is_shown = kind in SHOWN_TYPES
        headers = {
            "Content-Type": kind if is_shown else "application/octet-stream",
            "Content-Disposition": "inline" if is_shown else "attachment",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=found.upload.content, headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: each is a Change of what `?as=` sees; the first has everything."""
        view = page_view.View(self._host, self._person(request))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        known: page_view.Items | None = None
        with contextlib.suppress(ConnectionError):
            while not (self._is_leaving or request.transport is None or request.transport.is_closing()):
                wake, items = self._wake, view.items()
                if found := page_view.change(known, items):
                    await response.write(b"data: %s\n\n" % msgspec.json.encode(found))
                known = items
                await _until(wake, RECHECK_S)
                await asyncio.sleep(LEAST_GAP_S)
        return response

    def _person(self, request: web.Request) -> Person:
        return self._host.mallory if request.query.get("as") == "mallory" else self._host.you

    # --- changes

    def _listen(self) -> None:
        """Hear of each change, after those who heard of it before."""
        world = self._host.discord.world
        before = world.changed

        def changed() -> None:
            before()
            self._tell()

        world.changed = changed

    def _tell(self) -> None:
        self._wake.set()
        self._wake = asyncio.Event()


async def _until(wake: asyncio.Event, most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await wake.wait()


def _static(name: str) -> web.Response:
    """One of our own files; the route lets no other name in."""
    path = FOLDER / name
    if not path.is_file():
        raise web.HTTPNotFound(text="There is no such file.")
    return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8")
