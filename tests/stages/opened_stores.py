"""Stores that tests open, closed at the end of each test (``tests/supervisor/conftest.py``); closing twice is fine."""

from pathlib import Path

from supervisor.sessions.store import Store

_opened: list[Store] = []


def opened_store(path: Path) -> Store:
    """On this file, made if it is not there."""
    _opened.append(Store(path))
    return _opened[-1]


def close_all() -> None:
    while _opened:
        _opened.pop().close()
