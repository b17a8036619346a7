"""Where Prometheus asks: one small HTTP server, in a thread of its own, that nobody can fill.

Every program of the machine reaches a port of loopback, Claude in its walls too, and each connection costs a thread
and a descriptor of the supervisor's. So there are few at a time: whoever comes then takes the place of the one that has
been there longest, and who says nothing is cut off.
"""

import socket
from contextlib import suppress
from threading import Lock, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import CollectorRegistry

MOST_CONNECTIONS = 8
SILENCE_S = 5.0


class MetricsServer:
    """Answers as soon as it is made. Raises OSError for an address that cannot be had."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        kind = type("_Server", (_FewAtATime,), {"address_family": family})
        app = make_wsgi_app(registry)
        self._server: WSGIServer = make_server(host, port, app, kind, handler_class=_Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Waits until nobody is answered any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _FewAtATime(ThreadingWSGIServer):
    request_queue_size = 64

    def __init__(self, *given: Any, **more: Any) -> None:
        self._open: list[socket.socket] = []
        self._lock = Lock()
        super().__init__(*given, **more)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.append(request)
            oldest = self._open[0] if len(self._open) > MOST_CONNECTIONS else None
        if oldest:
            _cut(oldest)
            self._forget(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who was cut off, or went away, is no matter of the log's."""

    def _forget(self, request: socket.socket) -> None:
        with self._lock:
            self._open = [one for one in self._open if one is not request]


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nobody reads it."""


def _cut(connection: socket.socket) -> None:
    """Its thread, which waits for what it says, ends by that."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
