"""Targets, verdicts and the table of `./scripts/bench turn`. Pure.

The peers' figures are those of the issue that asked for this bench: two other bridges on the same transcript and the
same Discord with limits.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from lab.bench.measure import BESIDE, Take
from lab.bench.turn import SCENARIOS

MOST_CALLS = 12
FIRST_TEXT_S = 1.0
LAST_WRITE_S = 0.3
LONGEST_STILL_S = 2.0
"""Longer, and a person takes the live view for frozen. Discord lets five writes through in five seconds."""
SLOWER_BY, SLOWER_BY_S = 0.2, 0.3
"""How much worse than one thread the worst of four at once may be: a part of it, or seconds, whichever is more."""
ALONE, AT_ONCE = SCENARIOS[0].name, SCENARIOS[2].name

type Takes = Mapping[str, Sequence[Take]]
"""By scenario."""


class Line(msgspec.Struct, frozen=True):
    """One line of the table. `most` is the target, None where there is none; values above it miss it."""

    label: str
    value: Callable[[Take], float]
    most: float | None = None
    unit: str = ""
    one_peer: str = "–"
    another_peer: str = "–"
    is_speed: bool = False
    """Four at once are compared with one in it."""

    @property
    def wanted(self) -> str:
        return "" if self.most is None else f"≤ {self.shown(self.most)}" if self.most else self.shown(0)

    def shown(self, value: float) -> str:
        return f"{value:.2f} s" if self.unit == "s" else f"{value:g}"


def _calls(kind: str) -> Callable[[Take], float]:
    return lambda take: take.calls.get(kind, 0)


def _other_calls(take: Take) -> float:
    known = ("thread", "create", "edit", "typing", *BESIDE)
    return sum(number for kind, number in take.calls.items() if kind not in known)


LINES = (
    Line("first → last delta", lambda take: take.played_s, None, "s"),
    Line("REST calls", lambda take: take.all_calls, MOST_CALLS, "", "14", "46"),
    Line("  create", _calls("create")),
    Line("  edit", _calls("edit")),
    Line("  thread", _calls("thread")),
    Line("  typing", _calls("typing")),
    Line("  other", _other_calls),
    *(Line(f"{kind} calls, beside", _calls(kind)) for kind in BESIDE),
    Line("refused calls (429, …)", lambda take: take.refused, 0),
    Line(
        "first delta → first text", lambda take: take.first_text_s, FIRST_TEXT_S, "s", "1.6 s", "2.3 s", is_speed=True
    ),
    Line("result → last write", lambda take: take.last_write_s, LAST_WRITE_S, "s", "0.06 s", "8.9 s", is_speed=True),
    Line("characters of the answer", lambda take: take.characters),
    Line("characters lost", lambda take: take.characters - take.shown, 0, "", "2250 of 3000", "0"),
    Line("characters taken back", lambda take: take.taken_back, 0),
    Line("deleted", lambda take: take.deleted, 0, "", "–", "7"),
    Line("states seen", lambda take: take.states, None, "", "13 (fence)"),
    Line("  unbalanced", lambda take: take.unbalanced, 0, "", "10 (fence)"),
    Line("longest standstill", lambda take: take.longest_still_s, LONGEST_STILL_S, "s", is_speed=True),
    Line("  after 1,800 characters", lambda take: take.still_after_s[1800], LONGEST_STILL_S, "s", "frozen (fence)"),
    Line("  after 2,000 characters", lambda take: take.still_after_s[2000], LONGEST_STILL_S, "s", "frozen (fence)"),
)
_HEADS = ("", "wanted", *(scenario.name for scenario in SCENARIOS), "one peer", "another peer")


def missed(takes: Takes) -> list[str]:
    """Every target that the worst take of a scenario misses, in words."""
    found = [
        f"{scenario}: {line.label.strip()}: {line.shown(worst)}, wanted {line.wanted}"
        for scenario, its in takes.items()
        for line in LINES
        if line.most is not None and (worst := _worst(line, its)) > line.most
    ]
    return found + _slower(takes)


def _slower(takes: Takes) -> list[str]:
    """What four at once do more slowly than one."""
    if ALONE not in takes or AT_ONCE not in takes:
        return []
    found = []
    for line in (line for line in LINES if line.is_speed):
        alone, at_once = _worst(line, takes[ALONE]), _worst(line, takes[AT_ONCE])
        if at_once > max(alone * (1 + SLOWER_BY), alone + SLOWER_BY_S):
            found.append(f"{AT_ONCE}: {line.label.strip()}: {line.shown(at_once)}, one alone {line.shown(alone)}")
    return found


def table(takes: Takes) -> str:
    """Markdown that is readable as it stands: median, and the worst behind it where it differs."""
    rows = [_HEADS, *(_row(line, takes) for line in LINES)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    drawn = [_drawn(row, widths) for row in rows]
    ruler = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([drawn[0], ruler, *drawn[1:]])


def _row(line: Line, takes: Takes) -> tuple[str, ...]:
    measured = [_cell(line, takes.get(scenario.name, ())) for scenario in SCENARIOS]
    return (line.label, line.wanted, *measured, line.one_peer, line.another_peer)


def _drawn(row: Sequence[str], widths: Sequence[int]) -> str:
    label, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join([label, *rest])} |"


def _cell(line: Line, takes: Sequence[Take]) -> str:
    if not takes:
        return ""
    values = [line.value(take) for take in takes]
    middle, worst = line.shown(median(values)), line.shown(max(values))
    mark = " ✗" if line.most is not None and max(values) > line.most else ""
    return (middle if middle == worst else f"{middle} ({worst})") + mark


def _worst(line: Line, takes: Sequence[Take]) -> float:
    return max(line.value(take) for take in takes)
