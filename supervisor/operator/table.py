"""Sessions as a table that fits the terminal: the title first; what there is no room for is left out, not wrapped.

TITLE  STATE  AGE  COST  SESSION     always
CHANNEL  PERSON  THREAD              in this order, as long as the title keeps LEAST_TITLE columns
"""

from collections.abc import Sequence

from bridge.render.markdown.widths import display_width, padded
from bridge.text import clip, duration, human_size, one_line, reveal, usd
from supervisor.operator.session_list import Listed

LEAST_TITLE, MOST_TITLE = 24, 60
GAP = "  "
_WIDE = (
    *("SESSION", "THREAD", "STATE", "WORKER", "CHILD", "AGE", "ACTIVE", "MSGS", "COST", "TOKENS", "MEM", "CPU"),
    *("ATTACHED", "CONTAINED", "DIRECTORY"),
)


def fitting(found: Sequence[Listed], now: float, width: int) -> str:
    """``now`` in Unix seconds, ``width`` in columns; 0: as wide as it gets."""
    must: list[tuple[str, ...]] = [("STATE", "AGE", "COST", "SESSION")]
    must += [(_state(x), _ago(x, now), usd(x.cost_usd), x.session[:8]) for x in found]
    more = [("CHANNEL", "PERSON", "THREAD"), *((str(x.channel), str(x.owner), str(x.thread)) for x in found)]
    titles = ["TITLE", *(reveal(one_line(x.title, MOST_TITLE)) or "-" for x in found)]
    widths = [max(len(line[i]) for line in must) for i in range(4)]
    left = (width or 10_000) - sum(widths) - len(GAP) * len(widths)
    for i in range(3):
        needs = max(len(line[i]) for line in more) + len(GAP)
        if left - needs < LEAST_TITLE:
            break
        must = [(*line, other[i]) for line, other in zip(must, more, strict=True)]
        widths.append(needs - len(GAP))
        left -= needs
    title_width = min(max(map(display_width, titles)), max(left, LEAST_TITLE))
    return "\n".join(
        GAP.join([_cut(title, title_width), *(cell.ljust(w) for cell, w in zip(line, widths, strict=True))]).rstrip()
        for title, line in zip(titles, must, strict=True)
    )


def wide(found: Sequence[Listed], now: float) -> str:
    """All there is, as wide as it gets."""
    lines = [_WIDE, *(_cells(line, now) for line in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_WIDE))]
    return "\n".join(GAP.join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cut(title: str, width: int) -> str:
    cut = title
    while display_width(cut) > width:
        cut = clip(title, len(cut) - 1)
    return padded(cut, width, "l")


def _state(line: Listed) -> str:
    """That a Claude runs without walls is said wherever sessions are."""
    return f"{line.state}, NOT CONTAINED" if line.child_pid and not line.contained else line.state


def _ago(line: Listed, now: float) -> str:
    return duration(max(0.0, now - line.last_activity))


def _cells(line: Listed, now: float) -> tuple[str, ...]:
    return (
        line.session[:13],
        str(line.thread),
        line.state,
        str(line.worker_pid or "-"),
        str(line.child_pid or "-"),
        duration(max(0.0, now - line.started)),
        _ago(line, now),
        str(line.messages),
        usd(line.cost_usd),
        f"{line.input_tokens}/{line.output_tokens}",
        human_size(line.rss_bytes),
        f"{line.cpu_percent}%",
        "yes" if line.attached else "no",
        _containment(line),
        reveal(line.directory),
    )


def _containment(line: Listed) -> str:
    if not line.contained:
        return "NO" if line.child_pid else "-"
    return f"yes (beside uncontained {', '.join(map(str, line.beside))})" if line.beside else "yes"
