"""Trouble for the bot, at exact points: what a network, Discord's edge, or Discord itself does to it now and then.

    discord.faults.add(LOSE, method="POST", route="/channels/{channel_id}/messages", nth=3)
    discord.faults.hook = lambda moment: os.kill(pid, SIGKILL) if moment.point == "done" and ... else None

A request passes two points: *came* (nothing has happened yet) and *done* (it has happened, no answer has gone out).
At each the `hook` is called first, within the step in which the request is handled, so whoever dies in it dies
precisely between Discord's deed and the answer; what it returns is done to this very request. Rules come after it.
A frame of the gateway passes *frame*, right before it is written.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from twins.discord.model import Json

type Point = Literal["came", "done", "frame"]
type Kind = Literal[
    "drop", "lose", "truncate", "delay", "delay answer", "limit", "error", "error after", "refuse", "page"
]


class Fault(msgspec.Struct, frozen=True):
    """What is done to one request.

    drop: the connection breaks before anything happens. lose: it happens, and the connection breaks instead of the
    answer. truncate: it happens, and half of the answer comes. delay, delay answer: for `seconds`, before or after it
    happens. limit: a 429 of `scope` (user, shared, global) for `seconds`; without `has_headers` only Via comes with it,
    as for limits that Discord keeps to itself. error, error after: `status`, instead of it happening, or though it did.
    """

    kind: Kind
    seconds: float = 0.0
    status: int = 0
    code: int = 0
    scope: str = "user"
    has_headers: bool = True

    @property
    def point(self) -> Point:
        return "done" if self.kind in ("lose", "truncate", "delay answer", "error after") else "came"

    def __str__(self) -> str:
        parts = [self.kind, str(self.status or ""), str(self.code or ""), f"{self.seconds:g} s" if self.seconds else ""]
        parts += [self.scope, "" if self.has_headers else "without headers"] if self.kind == "limit" else []
        return " ".join(part for part in parts if part)


DROP, LOSE, TRUNCATE = Fault("drop"), Fault("lose"), Fault("truncate")


class Moment(msgspec.Struct, frozen=True):
    """Where something stands on its way. For a frame `body` is the whole frame and `route` the event's name."""

    point: Point
    method: str
    route: str
    channel_id: int | None
    body: object = None
    parameters: Mapping[str, str] = {}

    def shows(self, part: str) -> bool:
        """Whether the text stands in what is written: a message's content or its embeds."""
        return part in str(self.body)


class Rule(msgspec.Struct, eq=False):
    """A fault for the requests from the `nth` to the `nth + times - 1` that fit; "" and None fit everything."""

    fault: Fault
    method: str = ""
    route: str = ""
    channel_id: int | None = None
    nth: int = 1
    times: int = 1
    seen: int = 0

    @property
    def is_spent(self) -> bool:
        return self.seen >= self.nth + self.times - 1

    def strikes(self, moment: Moment) -> bool:
        """Counts the request if it fits; whether it is one of those that are struck."""
        fits = (
            self.fault.point == moment.point
            and self.method in ("", moment.method)
            and self.route in ("", moment.route)
            and self.channel_id in (None, moment.channel_id)
        )
        if not fits or self.is_spent:
            return False
        self.seen += 1
        return self.seen >= self.nth


def _nothing(_moment: Moment) -> Fault | None:
    return None


class Faults:
    """All the trouble of one loopback Discord. `struck` counts what was done to requests."""

    def __init__(self) -> None:
        self.hook: Callable[[Moment], Fault | None] = _nothing
        self.rules: list[Rule] = []
        self.refuses_rest = False
        """Every REST connection breaks at once."""
        self.refuses_gateway = False
        """So does every new socket of the gateway."""
        self.struck: dict[str, int] = {}
        self._flows = asyncio.Event()
        self._flows.set()

    def add(
        self,
        fault: Fault,
        *,
        method: str = "",
        route: str = "",
        channel_id: int | None = None,
        nth: int = 1,
        times: int = 1,
    ) -> Rule:
        """A rule for requests to come; it is forgotten when it is spent."""
        rule = Rule(fault, method, route, channel_id, nth, times)
        self.rules.append(rule)
        return rule

    def end(self) -> None:
        """No more trouble."""
        self.rules.clear()
        self.refuses_rest = self.refuses_gateway = False
        self.flow()

    def at(self, moment: Moment) -> Fault | None:
        """What is to be done to the request that stands here. A hook's fault of the other point waits for it."""
        fault = self.hook(moment) or self._by_rule(moment)
        if moment.point == "came" and self.refuses_rest:
            fault = DROP
        if fault:
            self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
        return fault

    def _by_rule(self, moment: Moment) -> Fault | None:
        struck = next((rule for rule in list(self.rules) if rule.strikes(moment)), None)
        self.rules = [rule for rule in self.rules if not rule.is_spent]
        return struck.fault if struck else None

    # --- the gateway

    def stall(self) -> None:
        """No frame goes out any more; the sockets stay open."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def passed(self, frame: Json) -> None:
        """Wait until a frame may go out; then the hook sees it."""
        await self._flows.wait()
        data = frame.get("d")
        channel = data.get("channel_id") if isinstance(data, dict) else None
        self.hook(
            Moment(
                "frame", "", str(frame.get("t") or ""), int(str(channel)) if str(channel).isdecimal() else None, frame
            )
        )
