"""What ``threadbridge check --containment`` asks of a worker's code, and what it hears."""

from typing import Literal

import msgspec

from bridge.protocol.start import WorkerStart

Verdict = Literal["refused", "open", "REACHED"]


class Wanted(msgspec.Struct, frozen=True):
    """A start as a session of the channel would have it, and what else there is on this machine to reach for."""

    start: WorkerStart
    token_files: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Files of other sessions, and the directories of other channels."""
    pids: tuple[int, ...] = ()
    """The supervisor's and the workers'."""


class Tried(msgspec.Struct, frozen=True):
    """``what`` was tried on ``on``; ``why``: the key that opens it, or what the system said."""

    what: str
    on: str
    verdict: Verdict
    why: str = ""


def in_words(tried: Tried) -> str:
    why = f" ({tried.why})" if tried.why else ""
    return f"{tried.verdict:8} {tried.what}: {tried.on}{why}"
