"""The matrix: who fails (rows) where on the path (columns), what came of it, and how that is shown. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

ATTACH_GOAL_S = 2.0


class Row(StrEnum):
    """Who dies or fails."""

    SUPERVISOR = "supervisor"
    WORKER = "worker"
    CHILD = "child"
    REST = "REST"
    GATEWAY = "gateway"
    DISK = "disk"
    REFUSALS = "refusals"
    MODERATORS = "moderators"


class Column(StrEnum):
    """Where on the path of a prompt, in its order."""

    STORED = "stored"
    SPAWN = "spawn"
    HELLO = "hello"
    DELIVERED = "delivered"
    DELTA = "mid-delta"
    LOGGED = "logged"
    SENT = "sent"
    COMMITTED = "committed"
    POSTED = "posted"
    SHOWN = "request shown"
    CLICKED = "clicked"
    DECIDED = "decided"
    TOLD = "told"
    ENDED = "ended"
    ANYWHERE = "anywhere"


MEANING = {
    Column.STORED: "the message is in the store, nothing was acknowledged",
    Column.SPAWN: "the start is committed, the worker is being made",
    Column.HELLO: "the worker has said hello",
    Column.DELIVERED: "the prompt is in the worker's log",
    Column.DELTA: "text is streaming into the thread",
    Column.LOGGED: "an event is in the log, and was not sent",
    Column.SENT: "it was sent, and not acknowledged",
    Column.COMMITTED: "it is committed, and Discord has not got the post",
    Column.POSTED: "Discord has the post, and the answer is on its way",
    Column.SHOWN: "the card is shown",
    Column.CLICKED: "the click is on its way, or just received",
    Column.DECIDED: "the decision is stored, the click not answered",
    Column.TOLD: "the decision is in the worker's log",
    Column.ENDED: "the turn's end is in the log",
    Column.ANYWHERE: "a random instant",
}
ROWS = tuple(Row)
KINDS = ("lost", "duplicated", "misrouted", "orphan", "gone")
"""Of findings; *gone*: characters of Claude's that were shown, and are no more."""


class Finding(msgspec.Struct, frozen=True):
    """Something that must not be."""

    kind: str
    """One of KINDS."""
    text: str
    count: int = 1


class Outcome(msgspec.Struct, frozen=True):
    """One run of one cell. `settled_s`: from the fault until everything was shown as it should be (seconds)."""

    row: Row
    column: Column
    struck: bool
    how: str
    settled_s: float
    findings: tuple[Finding, ...] = ()


def count(outcomes: Iterable[Outcome], kind: str) -> int:
    return sum(f.count for outcome in outcomes for f in outcome.findings if f.kind == kind)


def cell(outcomes: Sequence[Outcome]) -> str:
    """Runs, lost/duplicated/misrouted/orphans/characters gone, recovery as median and worst."""
    struck = [outcome for outcome in outcomes if outcome.struck]
    if not struck:
        return "–"
    wrong = "/".join(str(count(outcomes, kind)) for kind in KINDS)
    times = [outcome.settled_s for outcome in struck]
    return f"{len(struck)} · {wrong} · {statistics.median(times):.1f} / {max(times):.1f} s"


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown: a line for each column of the path, a column for each row of the matrix (it is read on screens)."""
    rows = [row for row in ROWS if any(outcome.row is row for outcome in outcomes)]
    lines = [f"| fault at | {' | '.join(rows)} |", f"|---|{'---|' * len(rows)}"]
    for column in Column:
        cells = [cell([o for o in outcomes if o.row is row and o.column is column]) for row in rows]
        if any(text != "–" for text in cells):
            lines.append(f"| {column} | {' | '.join(cells)} |")
    cells = [cell([o for o in outcomes if o.row is row]) for row in rows]
    return "\n".join([*lines, f"| **all** | {' | '.join(cells)} |"])


def totals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return {"faults": sum(outcome.struck for outcome in outcomes), **{kind: count(outcomes, kind) for kind in KINDS}}
