"""The token endpoint of Claude's login, scripted: it rotates refresh tokens and refuses one that is spent.

The CLI knows the endpoint by a fixed https address (2.1.330), so it is reached as through a proxy of a company: this
one, on loopback, which answers in the endpoint's place with a certificate of its own ($HTTPS_PROXY,
$NODE_EXTRA_CA_CERTS). It connects to nobody, and refuses every other host.
"""

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from twins.messages_api.server import Call, ScriptedModel
from twins.messages_api.turns import Turn, fails, turn

HOST = "platform.claude.com"
LASTS_S = 3600
_CERTIFICATE = (
    *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
    *("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"),
)


class TokenEndpoint:
    """``refresh`` is the one refresh token that is good; ``spent`` those that came, in their order."""

    def __init__(self, folder: Path) -> None:
        self.refresh = "refresh-0"
        self.spent: list[str] = []
        self.refused: list[str] = []
        self.other_hosts: list[str] = []
        self.is_revoked = False
        self._is_expired = False
        self.port = 0
        self.certificate = folder / "endpoint.pem"
        key = folder / "endpoint.key"
        if not (openssl := shutil.which("openssl")):
            pytest.fail("openssl is missing, which makes the certificate of the scripted token endpoint")
        made = [openssl, *_CERTIFICATE, "-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(made, check=True, capture_output=True, timeout=20)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a CLI here."""
        proxy = f"http://127.0.0.1:{self.port}"
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NODE_EXTRA_CA_CERTS": str(self.certificate)}

    def access(self) -> str:
        """The newest access token."""
        return f"sk-ant-oat01-{len(self.spent)}"

    def expire(self) -> None:
        """The newest access token is good no more."""
        self._is_expired = True

    def log_in_again(self) -> None:
        """A person did, in a browser: there are new tokens."""
        self.is_revoked = self._is_expired = False

    def admits(self, authorization: str | None) -> bool:
        return authorization == f"Bearer {self.access()}" and not self._is_expired

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).decode().split()
            if method != "CONNECT" or target != f"{HOST}:443":
                self.other_hosts.append(target)
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await writer.drain()
                await writer.start_tls(self._context)
                await self._answer(reader, writer)
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length")
        )
        status, told = self._token(head.split()[1], json.loads(await reader.readexactly(length)))
        body = json.dumps(told).encode()
        what = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{what}request-id: req_scripted\r\nConnection: close\r\n\r\n".encode() + body)

    def _token(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, object]]:
        if path != "/v1/oauth/token" or asked.get("grant_type") != "refresh_token":
            return 404, {"error": "not_found"}
        if asked["refresh_token"] != self.refresh or self.is_revoked:
            self.refused.append(asked["refresh_token"])
            return 400, {"error": "invalid_grant", "error_description": "Refresh token not found or invalid"}
        self.spent.append(self.refresh)
        self.refresh = f"refresh-{len(self.spent)}"
        self._is_expired = False
        return 200, {
            "token_type": "Bearer",
            "access_token": self.access(),
            "refresh_token": self.refresh,
            "expires_in": LASTS_S,
            "scope": asked.get("scope", "user:inference"),
        }


class GuardedModel(ScriptedModel):
    """Answers who has the newest access token, and refuses everybody else as the API does."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        super().__init__()
        self._endpoint = endpoint
        self.refused = 0

    def _take(self, call: Call) -> Turn:
        given = {name.lower(): value for name, value in call.headers.items()}.get("authorization")
        if self._endpoint.admits(given):
            return super()._take(call)
        self.refused += 1
        return turn(fails(401, "authentication_error", "OAuth token has expired"))


@contextlib.asynccontextmanager
async def token_endpoint(folder: Path) -> AsyncIterator[TokenEndpoint]:
    endpoint = TokenEndpoint(folder)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.port = server.sockets[0].getsockname()[1]
    async with server:
        yield endpoint
