"""How the bridge does now, for ``threadbridge status``: what only the supervisor knows, and what store and locks tell.

*Troubles* are what users notice; the gravest comes first. What is worth knowing and hinders nobody is a note.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

import msgspec

from bridge.protocol import commands as c
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.text import duration, human_size
from supervisor import locks
from supervisor.discord.identify_budget import IDENTIFY_BURST, budget_of
from supervisor.operator import health_file, session_list
from supervisor.operator.health_file import OLD_S, Health
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.versions import older_starts
from supervisor.threads.refusals import TROUBLE, TROUBLE_KEY

AWAY_S = 60.0
"""Discord may be away as long: connections are lost now and then, and nobody notices. It is said, and no trouble."""
WAITS_S = 120.0
"""A prompt or a post that waits longer is noticed."""
NEARLY = 0.8
"""How much of a limit is near it."""
CLOCK_APART_S = 60.0
LITTLE_DISK, NEARLY_LITTLE = 200 * 1024 * 1024, 1024 * 1024 * 1024
"""In bytes: what is left of the state's disk when logs and the store are about to be refused."""
WITH_WORKER = frozenset({"starting", "idle", "busy", "awaiting"})


class Waiting(msgspec.Struct, frozen=True):
    """How many, and for how many seconds the oldest of them has been waiting; None: not known."""

    count: int = 0
    oldest_s: float | None = None


class Status(msgspec.Struct, frozen=True):
    """``--json`` prints it; fields are only added."""

    well: bool
    troubles: tuple[str, ...]
    notes: tuple[str, ...]
    supervisor_pid: int
    version: str
    uptime_s: float
    config: str
    state: str
    discord: str
    discord_back_s: float | None
    """For how many seconds Discord has been there; None while it is away."""
    behind: int
    identifies_left: int
    sessions: dict[str, int]
    """How many, by their states."""
    prompts: Waiting
    posts: Waiting
    requests: Waiting
    unattached: tuple[int, ...]
    """Pids of workers that are not connected to this supervisor."""
    disk_free: int
    """In bytes, where the state is."""
    heartbeat_s: float | None = None
    """How many seconds ago Discord answered the last heartbeat (one goes every 41 s); None while it is away."""
    behind_s: float | None = None
    """For how long something is still to be read back; None while nothing is."""
    older: tuple[int, ...] = ()
    """Pids of workers that another version of Threadbridge started."""
    most_sessions: int = 0
    """How many can run at once; 0: not known."""
    limited_s: tuple[float, ...] = ()
    """Of each session whose last turn a usage limit ended: for how many seconds that still holds."""
    away_s: float | None = None
    """For how many seconds Discord is away, or not read back; None while it is neither."""
    told_s: float | None = None
    """How old is what the supervisor says of itself; None while it says nothing."""
    is_unwritten: bool = False
    """It cannot write anything newer."""
    barred: tuple[str, ...] = ()
    """Of each session whose thread cannot be written in: why, in words."""
    unread: tuple[str, ...] = ()
    """The sessions of which something waits that this version cannot read."""


def look(layout: Layout, now: float, monotonic: Callable[[], float] = time.monotonic) -> Status:
    """``now`` in Unix seconds. Raises UserError for a state of a newer version."""
    told = health_file.read(layout) or Health()
    told_s = health_file.age_s(told, now, monotonic())
    now = told.at + told_s if told.pid else now
    seen = msgspec.structs.replace(
        _seen(layout, told, now),
        away_s=_ago(_away_since(told), now),
        told_s=told_s if told.pid else None,
        is_unwritten=health_file.is_unwritten(layout),
    )
    troubles = tuple(_troubles(seen, told))
    return msgspec.structs.replace(seen, well=not troubles, troubles=troubles, notes=tuple(_notes(seen, told)))


def _seen(layout: Layout, told: Health, now: float) -> Status:
    """All but what follows from it."""
    rows, stored = session_list.rows(layout), _of_store(layout, now)
    running = {one: locks.holder(layout.session(one).lock) for one in (row.session.session_id for row in rows)}
    return Status(
        *(True, (), ()),
        supervisor_pid=locks.holder(layout.supervisor_lock),
        version=told.version,
        uptime_s=max(0.0, now - told.started_at) if told.pid else 0.0,
        config=told.config,
        state=str(layout.state),
        discord=told.discord if told.pid else "",
        discord_back_s=_ago(told.discord_back_at, now),
        behind=told.behind,
        identifies_left=stored.identifies_left,
        sessions=dict(Counter(_state(row, running) for row in rows)),
        prompts=stored.prompts,
        posts=stored.posts,
        requests=_waiting(_asked_at(rows), now),
        unattached=_unattached(rows, running),
        disk_free=shutil.disk_usage(layout.state).free,
        heartbeat_s=_ago(told.answered_at, now),
        behind_s=_ago(told.behind_since, now),
        older=tuple(sorted(worker for one, worker in running.items() if worker and one in stored.older)),
        most_sessions=told.most_sessions,
        limited_s=tuple(sorted(_limited(rows, now))),
        barred=stored.barred,
        unread=stored.unread,
    )


def _away_since(told: Health) -> float | None:
    """Of a supervisor that does not tell it, since its start."""
    if not told.pid or told.discord_back_at is not None:
        return None
    return told.away_since or told.started_at


def _asked_at(rows: Iterable[SessionRow]) -> list[float]:
    """Of each open request, when it was asked."""
    return [request.at for row in rows if row.ended_at is None for request in row.session.requests.values()]


def _unattached(rows: Iterable[SessionRow], running: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted(p for row in rows if (p := running[row.session.session_id]) and p != row.attached))


def _limited(rows: Iterable[SessionRow], now: float) -> Iterator[float]:
    limits = [
        row.view.limit_at for row in rows if row.ended_at is None and row.view.limit_key and not row.view.is_outage
    ]
    yield from (at - now for at in limits if at > now)


def _ago(at: float | None, now: float) -> float | None:
    return None if at is None else max(0.0, now - at)


def in_words(status: Status) -> str:
    """For a person: the reason first."""
    lines = [f"NOT WELL: {trouble}" for trouble in status.troubles] or [_not_yet(status) or "well"]
    lines += [f"note: {note}" for note in status.notes]
    if status.supervisor_pid:
        up = f", for {duration(status.uptime_s)}" if status.version else ""
        lines.append(f"supervisor  pid {status.supervisor_pid}, version {status.version or '?'}{up}")
        since = f", for {duration(status.discord_back_s)}" if status.discord_back_s is not None else ""
        heart = f"; heartbeat answered {duration(status.heartbeat_s)} ago" if status.heartbeat_s is not None else ""
        lag = f"; behind for {duration(status.behind_s)}" if status.behind_s is not None else ""
        left = f"; {status.identifies_left} connections can be made now"
        lines.append(f"Discord     {status.discord or '?'}{since}{heart}{lag}{left}")
    lines.append(f"state       {status.state} ({human_size(status.disk_free)} free on its disk)")
    if status.config:
        lines.append(f"config      {status.config}")
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.sessions.items()))
    lines.append(f"sessions    {counts or 'none'}")
    lines.append(f"waiting     {_counted(status)}")
    return "\n".join(lines)


def _not_yet(status: Status) -> str:
    """What nobody may have noticed so far; empty for nothing."""
    if status.told_s is None:
        return "not yet: the supervisor is just starting, or of a version that tells less"
    return "" if status.away_s is None else f"not yet: {status.discord}, for {duration(status.away_s)}"


def _counted(status: Status) -> str:
    kinds = (("prompts", status.prompts), ("posts", status.posts), ("decisions", status.requests))
    return ", ".join(
        f"{what.count} {kind}" + (f" (the oldest for {duration(what.oldest_s)})" if what.oldest_s is not None else "")
        for kind, what in kinds
    )


def _troubles(status: Status, told: Health) -> list[str]:
    if not status.supervisor_pid:
        return ["no supervisor runs: nobody answers in Discord; start it, and its log says what keeps it from that"]
    found = list(_of_disk(status, told))
    if (status.away_s or 0.0) > AWAY_S:
        found.append(f"Discord: {told.discord}")
    if told.pid and told.discord_back_at is not None and told.unusable:
        found.append(f"Discord: {told.discord}; `threadbridge check` says more")
    if status.barred:
        more = f" ({len(status.barred)} threads in all)" if len(status.barred) > 1 else ""
        found.append(f"the bridge says: {status.barred[0]}{more}")
    if status.unread:
        found.append(
            f"what waits in {len(status.unread)} sessions ({', '.join(one[:8] for one in status.unread[:4])}) cannot be"
            " read by this version: the one that wrote it can, and the log says more"
        )
    if (status.prompts.oldest_s or 0.0) > WAITS_S:
        waits = duration(status.prompts.oldest_s or 0.0)
        found.append(f"{status.prompts.count} prompts wait for Claude, the oldest for {waits}")
    if (status.posts.oldest_s or 0.0) > WAITS_S:
        found.append(
            f"{status.posts.count} posts are not in Discord yet; one was tried first {WAITS_S:.0f} s ago or more"
        )
    if status.disk_free < LITTLE_DISK:
        found.append(f"only {human_size(status.disk_free)} are free where the state is, {status.state}")
    return found


def _of_disk(status: Status, told: Health) -> Iterator[str]:
    """What keeps the supervisor from writing, or from saying anything; what stands below is of an earlier time then."""
    pid, age = status.supervisor_pid, duration(status.told_s or 0.0)
    if status.is_unwritten:
        old = f"; what it says of itself is {age} old" if status.told_s is not None else ""
        yield f"the supervisor (pid {pid}) can write nothing to the state's disk{old}"
    elif (status.told_s or 0.0) > OLD_S:
        yield f"the supervisor (pid {pid}) has said nothing for {age}: it hangs, or its disk does"
    if told.store:
        yield f"{told.store}; what people write waits"


def _notes(status: Status, told: Health) -> list[str]:
    found = []
    if told.trouble:
        found.append(f"the configuration is wrong, and the old one is in force: {told.trouble}")
    if told.later:
        found.append(f"{', '.join(told.later)}: takes effect at the next start")
    if told.gaps:
        found.append(f"what was written meanwhile cannot be read back yet in {told.gaps} places")
    if status.supervisor_pid and status.unattached:
        found.append(f"workers that are not connected: {', '.join(map(str, status.unattached))}")
    if status.older:
        found.append(
            f"workers that another version started: {', '.join(map(str, status.older))}; each goes on as it is, and the"
            " next start of its session is of this version"
        )
    if clock := clock_apart(told.apart_s):
        found.append(clock)
    if (workers := _workers(status)) >= NEARLY * status.most_sessions > 0:
        found.append(f"{workers} sessions run, and {status.most_sessions} can at once (open files: LimitNOFILE=)")
    if status.limited_s:
        count, free = len(status.limited_s), duration(status.limited_s[-1])
        found.append(f"Claude's usage limit ended a turn in {count} session{'' if count == 1 else 's'}; free in {free}")
    if LITTLE_DISK <= status.disk_free < NEARLY_LITTLE:
        found.append(f"{human_size(status.disk_free)} are free where the state is; `threadbridge prune` makes room")
    if status.identifies_left < IDENTIFY_BURST // 5:
        found.append(f"it connected to Discord very often lately: {status.identifies_left} connections are left now")
    return found


def clock_apart(apart_s: float) -> str:
    """What is said of a clock that is so many seconds ahead of Discord's; empty where that is of no matter."""
    way = "ahead of" if apart_s > 0 else "behind"
    is_far = abs(apart_s) > CLOCK_APART_S
    return f"this machine's clock is {duration(abs(apart_s))} {way} Discord's" if is_far else ""


def _workers(status: Status) -> int:
    return sum(count for state, count in status.sessions.items() if state in WITH_WORKER)


class _Stored(NamedTuple):
    """What the store tells; these, where it cannot tell."""

    prompts: Waiting = Waiting()
    posts: Waiting = Waiting()
    identifies_left: int = IDENTIFY_BURST
    older: frozenset[str] = frozenset()
    """Sessions that another version started."""
    barred: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def _of_store(layout: Layout, now: float) -> _Stored:
    if not layout.database.exists():
        return _Stored()
    try:
        with closing(Store(layout.database, read_only=True)) as store:
            return _told_by(store, now)
    except (StoreError, UserError):
        return _Stored()


def _told_by(store: Store, now: float) -> _Stored:
    placeless = store.sessions_without_place()
    given = [
        row.created_at
        for session_id in store.sessions_with_wishes()
        if session_id not in placeless
        for row in store.inbox(session_id)
        if isinstance(row.command, c.Prompt)
    ]
    unsettled = {session_id: store.unsettled_posts(session_id) for session_id in store.unsettled_sessions()}
    posts = [post for some in unsettled.values() for post in some]
    tried = [post.attempted_at for post in posts if post.attempted_at is not None and post.shown is None]
    oldest = max(0.0, now - min(tried)) if tried else None
    left = budget_of(store.fact(Fact.IDENTIFY_BUDGET)).now(now)
    older = frozenset(older_starts(store))
    barred, unread = _barred(store, unsettled), tuple(sorted(store.unread_sessions))
    return _Stored(_waiting(given, now), Waiting(len(posts), oldest), int(left), older, barred, unread)


def _barred(store: Store, unsettled: Mapping[str, Sequence[PostRow]]) -> tuple[str, ...]:
    """What the channels are told of it, also where that cannot be shown either."""
    try:
        said = [store.post(one, TROUBLE_KEY) for one, posts in unsettled.items() if any(map(_waits_in_thread, posts))]
    except StoreError:
        return ()
    words = [post.desired.content for post in said if post and post.desired.content.startswith(TROUBLE)]
    return tuple(one.removeprefix(TROUBLE).strip() for one in words)


def _waits_in_thread(post: PostRow) -> bool:
    """A message is not in the thread, or not as it should be; a reaction or a name may be missing for long."""
    wanted = post.desired
    return wanted.where == "thread" and not wanted.reaction and not (post.message_id and wanted.thread_name)


def _waiting(since: list[float], now: float) -> Waiting:
    return Waiting(len(since), max(0.0, now - min(since)) if since else None)


def _state(row: SessionRow, running: dict[str, int]) -> str:
    if row.ended_at is not None and not running[row.session.session_id]:
        return "ended"
    return row.session.shown_state()
