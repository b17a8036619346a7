"""One start of one worker: what was said on its connection, what a message of it means, and what it is to get now.

    anything without the session's own name            Forged: the connection is ended
    anything, while we are deaf to it                  Nothing: it repeats itself
    a hello in protocols that we do not speak          Foreign: an older one is ended, a newer one works on
    any other hello                                    Greeting: it is told how far we are, and gets the inbox
    records and live text after a hello                Report, Live
    the same before one                                Nothing: it is repeated after the hello

What could not be committed is not acknowledged: the welcome ends, and the worker's next hello is heard after a moment.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from bridge.protocol import wire
from bridge.protocol.commands import Prompt
from bridge.protocol.errors import RemoteError
from bridge.protocol.events import Record
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.waiting import is_settled
from supervisor.workers.sockets import Heard

RESEND_INTERVAL_S = 5.0
DEAF_S = 1.0
"""How long a worker is not listened to when what it said could not be worked on; it repeats itself."""
HELLOS_WITHOUT_PROGRESS = 12
"""So many hellos in a row (5 s apart, when nothing is acknowledged) that a worker's records do not get through."""

Stranger = Literal["", "older", "newer"]
"""Whether a worker speaks only protocols that are older, or newer, than ours."""


class Endpoint(msgspec.Struct):
    """What was heard and sent in this connection. Times in seconds of the loop's clock."""

    start: StartRow
    sent: dict[int, float] = msgspec.field(default_factory=dict)
    """When each row of the inbox was sent last."""
    welcomed: bool = False
    heard: bool = False
    """Whether its worker ever said hello to us: the keys fit."""
    stranger: Stranger = ""
    hellos: int = 0
    """In a row, without progress between them."""
    applied: int = -1
    deaf_until: float = 0.0
    complaint: str = ""

    @property
    def is_stuck(self) -> bool:
        return self.hellos >= HELLOS_WITHOUT_PROGRESS

    def welcome(self, applied: int, last: int) -> None:
        """We have folded up to ``applied`` of a log that reaches to ``last``; all of the inbox may be sent again."""
        is_progress = applied > self.applied or applied >= last
        self.hellos = 0 if is_progress else self.hellos + 1
        self.applied = applied
        self.sent.clear()
        self.welcomed = True

    def turn_deaf(self, why: str, now: float) -> None:
        """Nothing was acknowledged; the worker says hello again, and goes on where we are."""
        self.complaint = why
        self.welcomed = False
        self.deaf_until = now + DEAF_S


class Forged(msgspec.Struct, frozen=True):
    why: str


class Foreign(msgspec.Struct, frozen=True):
    stranger: Literal["older", "newer"]
    newest: int
    oldest: int


class Greeting(msgspec.Struct, frozen=True):
    """``protocol``: the one that both sides go on with."""

    hello: wire.Hello
    protocol: int


class Report(msgspec.Struct, frozen=True):
    records: tuple[Record, ...]


class Live(msgspec.Struct, frozen=True):
    delta: wire.Delta


class Nothing(msgspec.Struct, frozen=True):
    """It is repeated."""


Meaning = Forged | Foreign | Greeting | Report | Live | Nothing


def meaning(endpoint: Endpoint, heard: Heard, now: float) -> Meaning:
    """As the table says."""
    try:
        message = _own_message(endpoint.start.session_id, heard)
    except RemoteError as error:
        return Forged(str(error))
    if now < endpoint.deaf_until:
        return Nothing()
    match message:
        case wire.Hello():
            return _of_hello(message)
        case wire.Records(records=records) if endpoint.welcomed:
            return Report(records)
        case wire.Delta() if endpoint.welcomed:
            return Live(message)
        case _:
            return Nothing()


def _own_message(session_id: str, heard: Heard) -> wire.Up:
    if heard.parts != 1 or heard.user_id != session_id:
        raise RemoteError("a message without the session's identity")
    message = wire.decode_up(heard.data)
    if message.session_id != session_id:
        raise RemoteError(f"a message that claims to be of session {message.session_id}")
    return message


def _of_hello(hello: wire.Hello) -> Meaning:
    protocol = wire.common_protocol(hello, wire.OLDEST_PROTOCOL, wire.PROTOCOL)
    if protocol is not None:
        return Greeting(hello, protocol)
    stranger: Literal["older", "newer"] = "newer" if hello.protocol > wire.PROTOCOL else "older"
    return Foreign(stranger, max(hello.protocol, hello.newest), hello.protocol)


def due(endpoint: Endpoint, inbox: Sequence[InboxRow], now: float) -> Iterator[InboxRow]:
    """What of the inbox goes now: all that may, in order, and was not sent a moment ago."""
    if endpoint.welcomed:
        for item in deliverable(inbox):
            if now - endpoint.sent.get(item.id, -RESEND_INTERVAL_S) >= RESEND_INTERVAL_S:
                yield item


def deliverable(inbox: Sequence[InboxRow]) -> Iterator[InboxRow]:
    """In order; but a prompt whose files are still being fetched holds up itself and the prompts after it only.

    Decisions and the like do not wait for a download.
    """
    is_held = False
    for item in inbox:
        if isinstance(item.command, Prompt):
            is_held = is_held or not is_settled(item.command)
            if is_held:
                continue
        yield item
