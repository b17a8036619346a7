"""Who gets into the page: only this machine, only who has the printed address, only requests of the page itself.

Against other pages in the same browser: the Host header must be a loopback name (DNS rebinding), the cookie is
SameSite=Strict, and what changes something is a POST with JSON, which no foreign form or script can send.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
TOKEN_PARAMETER = "token"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Gate:
    """The token in the address, and the cookie that it is exchanged for."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self._secret = secrets.token_urlsafe(24)
        self._cookie = f"playground_{secrets.token_hex(4)}"  # ports share cookies, so each playground has its own

    def guard(self, request: web.Request) -> None:
        """Raise HTTPForbidden or HTTPUnsupportedMediaType, with the reason in words, if it may not pass."""
        if _hostname(request.host) not in LOOPBACK_NAMES:
            raise web.HTTPForbidden(text="This page is served on loopback names only.")
        if not (self.has_token(request) or self._has_cookie(request)):
            raise web.HTTPForbidden(text="Open the whole address that the playground printed, with its token.")
        if request.method not in ("GET", "HEAD"):
            _require_own_json(request)

    def has_token(self, request: web.Request) -> bool:
        """The address of the page itself, with the token. No other path takes it."""
        given = request.query.get(TOKEN_PARAMETER, "")
        return request.path == "/" and request.method == "GET" and _equal(given, self.token)

    def give_cookie(self, response: web.Response) -> None:
        response.set_cookie(self._cookie, self._secret, httponly=True, samesite="Strict", path="/")

    def _has_cookie(self, request: web.Request) -> bool:
        return _equal(request.cookies.get(self._cookie, ""), self._secret)


def middleware(gate: Gate) -> Middleware:
    """Every request passes the gate."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        gate.guard(request)
        return await handler(request)

    return guarded


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """An `on_response_prepare` signal: each answer, refusals too, has HEADERS unless it set its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _require_own_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Only JSON is taken.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="Another page may not do this.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise web.HTTPForbidden(text="Another page may not do this.")


def _hostname(host: str) -> str:
    """Without the port, which differs behind a forwarded one."""
    name, _, _port = host.partition("]")
    return f"{name}]" if host.startswith("[") else host.partition(":")[0].lower()


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
