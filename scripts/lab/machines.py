"""docs/machines.md: the state machines as diagrams, drawn from the code that runs.

A table is drawn as it stands (``TRANSITIONS``, ``ANSWERED_BY``). A machine that is a pure function is asked: each state
is put to it with all that it may be told, and what it does is what is drawn.

    scripts/machines            prints the page
    scripts/machines --write    writes it
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import product
from pathlib import Path
from typing import get_args

from bridge.discord_numbers import ErrorCode
from bridge.protocol import events as e
from bridge.protocol.answers import ANSWERED_BY, VOID_WITH_CHILD, VOID_WITH_LOG
from bridge.protocol.errors import RemoteError
from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOCKED
from bridge.render.posts import Embed, File, Post
from bridge.session.managed import ManagedSession, session_from
from bridge.session.open_work import PromptState
from bridge.session.states import TRANSITIONS, SessionState
from supervisor.discord.connection import TRANSITIONS as CONNECTION
from supervisor.discord.connection import State as ConnectionState
from supervisor.discord.errors import ChannelGone, Forbidden, Refused
from supervisor.threads import refusals
from supervisor.workers import seats
from supervisor.workers.seats import Facts, Held, Seat, SeatState, Spawned

PAGE = Path(__file__).resolve().parents[2] / "docs/machines.md"

type Edge = tuple[str, str, str]
"""(from, label, to)."""

_CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
_BEGIN_AND_END = "[*]"


def drawn(edges: Iterator[Edge] | list[Edge]) -> str:
    """As a state diagram; edges between the same two states are one."""
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    for start, label, end in edges:
        if label not in labels[start, end]:
            labels[start, end].append(label)
    lines = [f"    {start} --> {end}: {' · '.join(names)}" for (start, end), names in labels.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _edges_of[S: Enum, E](table: Mapping[S, Mapping[E, S]], named: Callable[[E], str]) -> Iterator[Edge]:
    """Of a table of transitions, those that lead elsewhere."""
    for state, row in table.items():
        for event, to in row.items():
            if to is not state:
                yield state.name, named(event), to.name


# --- a session -----------------------------------------------------------------------------------------


def session_edges() -> Iterator[Edge]:
    yield _BEGIN_AND_END, "SessionCreated", SessionState.DORMANT.name
    yield from _edges_of(TRANSITIONS, lambda event: event.__name__)


# --- a prompt and a permission request, by folding -----------------------------------------------------


def _session(*events: e.AnyEvent) -> ManagedSession:
    session = session_from(_CREATED, 0.0)
    for seq, event in enumerate(events, 1):
        session.apply(e.Record("0" * 16, seq, 0.0, event))
    return session


_ACCEPTED = e.PromptAccepted(5, "u5", "text", 4, "ada")
_TO_A_PROMPT: dict[PromptState, tuple[e.AnyEvent, ...]] = {
    PromptState.ACCEPTED: (_ACCEPTED,),
    PromptState.QUEUED: (_ACCEPTED, e.PromptQueued(5)),
    PromptState.TAKEN: (_ACCEPTED, e.PromptTaken(5)),
}
_OF_A_PROMPT: tuple[e.AnyEvent, ...] = (
    *(_ACCEPTED, e.PromptQueued(5), e.PromptTaken(5), e.PromptDone(5), e.PromptCancelled(5)),
    *(e.PromptAmended("c", 5, deleted=True, done=True), e.LogGap(9)),
)


def prompt_edges() -> Iterator[Edge]:
    yield _BEGIN_AND_END, "PromptAccepted", PromptState.ACCEPTED.name
    for state, event in product(_TO_A_PROMPT, _OF_A_PROMPT):
        found = _session(*_TO_A_PROMPT[state], event).prompts.get(5)
        label = type(event).__name__ + (" (deleted)" if isinstance(event, e.PromptAmended) else "")
        if found is None:
            yield state.name, label, _BEGIN_AND_END
        elif found.state is not state:
            yield state.name, label, found.state.name


def request_edges() -> Iterator[Edge]:
    asked = e.PermissionRequested("r", "Bash", "{}", "d")
    yield _BEGIN_AND_END, "PermissionRequested", "PENDING"
    decided: list[e.AnyEvent] = [e.PermissionResolved(1, verdict) for verdict in get_args(e.Verdict)]
    ends = [*decided, e.PermissionWithdrawn(1, "its turn ended")]
    for event in ends:
        yield "PENDING", type(event).__name__, _session(asked, event).settled[1].verdict.upper()
    for first, later in product(ends, ends):
        settled = _session(asked, first, later).settled[1]
        assert settled == _session(asked, first).settled[1], "the first decision counts"


# --- a worker's seat -----------------------------------------------------------------------------------


class _NoWatch:
    def has_ended(self) -> bool:
        return False

    def close(self) -> None:
        pass


_SEATS: tuple[Seat, ...] = (
    *(Seat("s"), Seat("s", not_before=1e9)),
    *(Seat("s", spawned=Spawned(7, "1", 0.0, code)) for code in (None, 1)),
    *(Seat("s", held=Held(7, "1", 0.0, _NoWatch(), is_ending=is_ending)) for is_ending in (False, True)),
    *(Seat("s", code=code, failures=failures) for code in (0, 1, EXIT_DISK_FULL, EXIT_LOCKED) for failures in (0, 2)),
)
_LEADS_TO = {
    seats.Spawn: SeatState.SPAWNED,
    seats.Adopt: SeatState.HELD,
    seats.End: SeatState.ENDING,
    seats.Part: SeatState.ENDED,
    seats.EndStray: SeatState.ENDED,
    seats.BackOff: SeatState.EMPTY,
    seats.Hinder: SeatState.EMPTY,
    seats.GiveUp: SeatState.EMPTY,
}
"""Where a step leads when it is taken (``supervisor/workers/processes.py``); the others leave the seat as it is."""


def _all_facts() -> Iterator[Facts]:
    for flags in product((False, True), repeat=7):
        has_ended, has_spoken, is_stuck, is_older, is_stopped, is_wanted, may_pass = flags
        for now, holder, refusal in product((1.0, 5.0, 1e6), (0, 7), ("", "too old")):
            yield Facts(
                now,
                has_ended=has_ended,
                has_spoken=has_spoken,
                is_stuck=is_stuck,
                is_older=is_older,
                holder=holder,
                is_stopped=is_stopped,
                is_wanted=is_wanted,
                refusal=refusal,
                may_pass=may_pass,
            )


def seat_edges() -> Iterator[Edge]:
    for seat, facts in product(_SEATS, _all_facts()):
        step = seats.next_step(seat, facts)
        if to := _LEADS_TO.get(type(step)):
            yield seat.state.name, type(step).__name__, to.name
        elif not isinstance(step, seats.Wait):
            yield seat.state.name, type(step).__name__, seat.state.name


# --- the connection to Discord -------------------------------------------------------------------------


def connection_edges() -> Iterator[Edge]:
    yield _BEGIN_AND_END, "start", ConnectionState.AWAY.name
    yield from _edges_of(CONNECTION, lambda step: step.name)


# --- wishes --------------------------------------------------------------------------------------------


# --- a post that Discord refuses -------------------------------------------------------------------------

_REFUSALS: dict[str, RemoteError] = {
    "malformed or too large": Refused("", status=400, code=ErrorCode.INVALID_FORM),
    "odd": Refused("", status=400, code=0),
    "no permission": Forbidden("", code=ErrorCode.MISSING_PERMISSIONS),
    "a locked thread": Refused("", status=403, code=ErrorCode.THREAD_LOCKED),
    "nothing to hang it on": ChannelGone(""),
}


def refusal_edges() -> Iterator[Edge]:
    post = Post("words", Embed("title", "body"), files=(File("a.txt", "text"),))
    yield _BEGIN_AND_END, "sent", "whole"
    for form, (name, error) in product(refusals.FORMS, _REFUSALS.items()):
        tried = len(refusals.ODD_PAUSES_S) if name == "odd" else 0
        for tries in sorted({0, tried}):
            match refusals.next_step("create", post, form, tries, error):
                case refusals.Plainer(form=plainer, comes_back=back):
                    yield form, f"{name}{', and the whole one again later' if back else ''}", plainer
                case refusals.Again(shuts=True):
                    yield form, f"{name}, the thread waits", form
                case refusals.Again():
                    yield form, f"{name}, again after a pause", form
                case refusals.GiveUp():
                    yield form, name, _BEGIN_AND_END


def wishes() -> str:
    rows = [
        f"| {command.__name__} | {', '.join(event.__name__ for event in events)} | {_void(command)} |"
        for command, events in ANSWERED_BY.items()
    ]
    return "\n".join(["| command | answered by | void with |", "|---|---|---|", *rows])


def _void(command: type) -> str:
    ends = (("its child", VOID_WITH_CHILD), ("the log", VOID_WITH_LOG))
    return ", ".join(name for name, kinds in ends if command in kinds)


# --- the page ------------------------------------------------------------------------------------------

_HEAD = """\
# State machines

Drawn from the code by `./scripts/machines --write`; `tests/scripts/lab/test_machines.py` fails while this page is not
what the code does. Why each is as it is stands above its table."""


def page() -> str:
    sections = [
        ("A session", "`bridge/session/states.py`, `TRANSITIONS`.", drawn(session_edges())),
        ("A prompt", "`bridge/session/managed.py`, by folding events.", drawn(prompt_edges())),
        ("A permission request", "`bridge/session/managed.py`, by folding events.", drawn(request_edges())),
        (
            "A worker's seat",
            "`supervisor/workers/seats.py`, by asking `next_step` with all that it may be told; an edge is a step.",
            drawn(seat_edges()),
        ),
        (
            "The connection to Discord",
            "`supervisor/discord/connection.py`, `TRANSITIONS`.",
            drawn(connection_edges()),
        ),
        (
            "A post that Discord refuses",
            "`supervisor/threads/refusals.py`, by asking `next_step` for a new message with an embed and a file, in"
            " each of its forms, with each kind of refusal.",
            drawn(refusal_edges()),
        ),
        ("A wish", "`bridge/protocol/answers.py`: it is repeated until one of these events.", wishes()),
    ]
    return "\n\n".join([_HEAD, *(f"## {title}\n\n{source}\n\n{body}" for title, source, body in sections)]) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
