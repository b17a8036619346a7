"""What the protocol wants done, in this order: an event is logged, a delta is offered, a line is written."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from bridge.protocol import events as e
from worker.control_frames import ControlResponse
from worker.mcp import CallId, PushBranch, SendFile


class DeltaRead(msgspec.Struct, frozen=True):
    """Live text of an open block."""

    block: str
    text: str


class Line(msgspec.Struct, frozen=True):
    """To be written to the child, newline included."""

    data: bytes


class FileOffered(msgspec.Struct, frozen=True):
    """Claude gives the person a file: copied, then logged, then answered under ``request_id``."""

    request_id: str
    call: SendFile


class ImagesReturned(msgspec.Struct, frozen=True):
    """A tool gave Claude these images: kept, then logged, so that the person sees them too."""

    tool: str
    images: tuple[bytes, ...]


class PushAsked(msgspec.Struct, frozen=True):
    """Claude wants a branch pushed: copied and looked at, then shown to a person, and answered under ``request_id``."""

    request_id: str
    call: PushBranch


class PushDecided(msgspec.Struct, frozen=True):
    """The card of a push was answered. ``reason``: for Claude, of one that is not allowed."""

    request_id: str
    call_id: CallId
    verdict: e.Verdict
    reason: str = ""


class EndChild(msgspec.Struct, frozen=True):
    """The child is not what it was started as: nothing of it may act any more. ``why`` in words, for the thread."""

    why: str


Step = e.AnyEvent | DeltaRead | Line | FileOffered | ImagesReturned | PushAsked | PushDecided | EndChild

type Take = Callable[[list[Step]], Awaitable[None]]
"""Does steps, in their order."""


class Control(Protocol):
    """Asks the CLI something: the line to write. ``answered`` is called with the answer, and says what it means."""

    def __call__(
        self, subtype: str, answered: Callable[[ControlResponse], list[Step]], /, **fields: object
    ) -> Line: ...
