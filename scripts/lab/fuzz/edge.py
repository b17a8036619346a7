"""What an edge is, and what counts as broken there."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random


class Broken(Exception):  # noqa: N818 - it is what the edge is
    """An invariant that garbage broke."""


class Edge(ABC):
    """``clean``: the errors that garbage may end in, in words. ``folder`` is emptied before each input."""

    name: str
    clean: str

    @abstractmethod
    def made(self, random: Random) -> bytes:
        """An input that is nearly what comes there."""

    @abstractmethod
    def feed(self, data: bytes, folder: Path) -> None:
        """Let it in. Any exception is a finding, ``Broken`` among them."""


def hold(condition: object, what: str) -> None:
    """Raises Broken."""
    if not condition:
        raise Broken(what)


@contextmanager
def nothing_logged_with_a_traceback() -> Iterator[None]:
    """An exception that was caught at the last moment, and logged, was no clean error either."""
    heard = _Tracebacks()
    root = logging.getLogger()
    level = root.level
    root.addHandler(heard)
    try:
        yield
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
    if heard.errors:
        raise heard.errors[0]


class _Tracebacks(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])
