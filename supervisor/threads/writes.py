"""What to write next for a session's posts, what of it together, and when. Pure.

**How often.** Text streams in many times a second, and Discord takes about five writes in five seconds. Rule: while
a turn runs, its text is written ``SETTLE_S`` after a first change, ``FIRST_GAP_S`` after that (somebody looks at it
right now), and from then on every ``GAP_S``, about once a second, however long Discord takes to answer. What is urgent
(cards), and everything once the turn is over, goes at once, and the pace keeps the last request of each bucket for it.

**What together.** While text streams, one write for the thread and one for its channel: of several posts that wait, the
one that waits longest. When the turn is over, all edits and the next create of each place, for none needs another's
answer. What points to an answer (the summary in the channel) waits until the answer stands there, or goes with the last
of it, when its beginning stands there and nothing of it was refused.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from supervisor.discord.pace import Priority
from supervisor.sessions.posts_table import PostRow

SETTLE_S = 0.3
FIRST_GAP_S = 0.7
GAP_S = 1.2
"""A leaking bucket gives a request back each second, a fixed window four in five seconds and one in reserve."""
MOST_TOGETHER = 5
SUMMARY = "summary:"
"""The beginning of the keys of posts that point to what stands in the thread."""


class Write(msgspec.Struct, frozen=True):
    """One thing that could be done next."""

    action: Literal["thread", "create", "edit"]
    row: PostRow
    priority: Priority


def gap_s(writes: int) -> float:
    """Seconds from the beginning of the last of so many writes of a turn's text to the next."""
    return FIRST_GAP_S if writes <= 1 else GAP_S


def text_due_at(noticed_at: float, written_at: float, answered_at: float, writes: int) -> float:
    """When the text of a running turn may be written (again): last it was begun and answered at those times."""
    return max(noticed_at + SETTLE_S, written_at + gap_s(writes), answered_at + SETTLE_S)


def plan(rows: Sequence[PostRow], *, is_streaming: bool, since: Mapping[int, float]) -> list[Write]:
    """What may be done next for a session's unsettled posts, best first."""
    thread = next((row for row in rows if row.desired.thread_name), None)
    in_thread = [] if thread else [row for row in rows if row.desired.where == "thread"]
    in_channel = [row for row in rows if row.desired.where == "channel"]
    ordinary = Priority.TEXT if is_streaming else Priority.END
    writes = [Write("thread", thread, Priority.URGENT)] if thread else []
    for place in (in_thread, in_channel):
        if new := [row for row in place if row.message_id is None]:
            is_urgent = any(row.desired.urgent for row in new)  # it waits for those before it
            writes.append(Write("create", new[0], Priority.URGENT if is_urgent else ordinary))
        stale = [row for row in place if row.message_id is not None]
        writes += [Write("edit", row, Priority.URGENT if row.desired.urgent else ordinary) for row in stale]
    return sorted(writes, key=lambda w: (w.priority, since.get(w.row.id, 0.0), w.row.id))


def too_early(rows: Sequence[PostRow], missing: Sequence[PostRow]) -> list[PostRow]:
    """Posts that point to others of which some are missing in the thread."""
    return [row for row in rows if row.key.startswith(SUMMARY) and any(other.id < row.id for other in missing)]


def together(ready: Sequence[Write], *, is_streaming: bool) -> list[Write]:
    """Those that go at once, of those that may go, the best first."""
    if not is_streaming:
        return list(ready[:MOST_TOGETHER])
    return list({write.row.desired.where: write for write in reversed(ready)}.values())


def goes_along(
    summary: PostRow, missing: Sequence[PostRow], going: Sequence[Write], is_in_trouble: Callable[[PostRow], bool]
) -> bool:
    """Whether the answer stands there, or what is missing of it goes now and was not refused before."""
    gone = {write.row.id for write in going}
    if any(write.action == "create" and write.row.desired.where == "channel" for write in going):
        return False  # creates keep their order
    before = [row for row in missing if row.id < summary.id]
    begins = any(row.message_id is None and row.key.endswith(".0") for row in before)
    return not begins and all(row.id in gone and not is_in_trouble(row) for row in before)
