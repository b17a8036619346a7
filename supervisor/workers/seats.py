"""A session's seat: all that is known of its worker process, and what is done about it next.

At most one worker sits in it, by the kernel's lock. What was seen is kept as it was seen; where the seat stands
(``state``) and what comes next (``next_step``) are derived from that, and nothing here touches a machine.

    EMPTY ──Spawn──▶ SPAWNED ──it took the lock: Adopt──▶ HELD ──End──▶ ENDING
      │                 │                                  ▲ │            │
      └─────────────────┼─ somebody has the lock: Adopt ───┘ │            │
                        ▼  Part, EndStray              Part  ▼      Part  ▼
    EMPTY ◀─────────────────── BackOff, Hinder, GiveUp ────────────── ENDED

| where   | and                                                   | next                                       |
|---------|-------------------------------------------------------|--------------------------------------------|
| HELD    | it has ended                                          | Part: note that, and its exit code         |
|         | it speaks only protocols that we do not speak any more | End, by the ladder                        |
|         | it did not get through to us for ``UNHEARD_DEADLINE_S`` | End, so that another can go on           |
|         | it said nothing for ``LISTEN_AGAIN_S``                | Listen: open what its lock names by now    |
|         | else                                                  | Wait: its end is heard                     |
| ENDING  | it has ended / it has not                             | Part / Wait                                |
| SPAWNED | somebody has the lock                                 | Adopt: ours, or one that was quicker       |
|         | it has ended                                          | Part                                       |
|         | it takes no lock for ``LOCK_DEADLINE_S``              | EndStray                                   |
|         | else                                                  | Wait: it still imports                     |
| ENDED   | well, and its child could be shut in                  | BackOff as its children's quick deaths say |
|         | well, and its child could not be shut in              | BackOff, longer each time                  |
|         | its log found no place                                | Hinder: it did nothing, nothing is dropped |
|         | another worker was first                              | BackOff for a moment: that one is found    |
|         | with an error, again and again                        | GiveUp, and say so                         |
|         | with an error                                         | BackOff, longer each time                  |
| EMPTY   | somebody has the lock                                 | Adopt: an earlier supervisor's             |
|         | an operator left a mark                               | Obey, before every start                   |
|         | a pause runs, or nobody wants a worker                | Wait                                       |
|         | its Claude Code is too old, or not known yet          | Hold                                       |
|         | else                                                  | Spawn                                      |

The lock is asked only while nobody is known to sit: its path may be renamed or removed below a worker that is well.
"""

import signal
from enum import StrEnum
from typing import Literal

import msgspec

from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOCKED, EXIT_LOG, worker_exit_in_words
from supervisor.workers.host import Watch

LOCK_DEADLINE_S = 15.0
UNHEARD_DEADLINE_S = 30.0
"""A worker repeats its hello several times a second, and finds a new supervisor within one."""
LISTEN_AGAIN_S = 3.0
"""Its lock may have named the start before it when it was looked at first, in the moment in which it was taken."""
LOOK_AGAIN_S = 0.5
BACKOFF_S = (0.0, 0.5, 2.0, 5.0)
REFUSAL_PAUSES_S = (2.0, 5.0, 15.0, 30.0, 60.0)
"""While a child cannot be shut in: each look takes a worker's start."""
LONGEST_HINDRANCE_S = 30.0
FAILURES_BEFORE_GIVING_UP = 3


class SeatState(StrEnum):
    EMPTY = "empty"
    SPAWNED = "spawned"
    HELD = "held"
    ENDING = "ending"
    ENDED = "ended"


class Spawned(msgspec.Struct):
    """A worker of ours: it has not taken its lock yet, or has. Times here are seconds of the loop's clock."""

    pid: int
    start: str
    since: float
    code: int | None = None
    """Its exit code, as in Popen, which the kernel tells once; None while it runs."""


class Held(msgspec.Struct):
    """The worker that has the lock, and how its end is heard. ``start`` is empty when nobody knows by which."""

    pid: int
    start: str
    since: float
    watch: Watch
    is_ending: bool = False
    listened_at: float = 0.0
    """When it was last looked whether its lock names another start; 0: never."""


class Seat(msgspec.Struct):
    """One session's. Counts are of what came in a row."""

    session_id: str
    spawned: Spawned | None = None
    held: Held | None = None
    code: int | None = None
    """How the worker that sat here ended, until that is judged; 0 also where nobody knows."""
    died: str = ""
    """How it ended, in words for the next one; empty once that was told, or when it ended well."""
    failures: int = 0
    refusals: int = 0
    hindrances: int = 0
    hindrance: str = ""
    not_before: float = 0.0
    """Nothing is started here before that; 0: no pause runs."""

    @property
    def state(self) -> SeatState:
        if self.held:
            return SeatState.ENDING if self.held.is_ending else SeatState.HELD
        if self.spawned:
            return SeatState.SPAWNED
        return SeatState.EMPTY if self.code is None else SeatState.ENDED

    def hinder(self, why: str, now: float) -> None:
        """Something outside the session is in the way: it is tried again, more and more seldom."""
        self.not_before = now + min(0.5 * 2.0 ** min(self.hindrances, 10), LONGEST_HINDRANCE_S)
        self.hindrances, self.hindrance = self.hindrances + 1, why


class Facts(msgspec.Struct, frozen=True):
    """What is looked up for one look at a seat; only what its state asks for."""

    now: float
    has_ended: bool = False
    """HELD: its process is gone."""
    has_spoken: bool = False
    """HELD: it said hello on its endpoint."""
    is_stuck: bool = False
    """HELD: it says hello again and again, and what it has to tell never arrives."""
    is_older: bool = False
    """HELD: it speaks only protocols that are older than ours."""
    holder: int = 0
    """SPAWNED, EMPTY: the pid that has the lock; 0 for nobody."""
    is_stopped: bool = False
    """EMPTY: ``threadbridge kill`` left its mark."""
    is_wanted: bool = False
    """EMPTY: somebody waits for a worker, or a dead one left its log open."""
    refusal: str | None = ""
    """EMPTY: why Claude Code is not started, of which None means that it is not known yet."""
    may_pass: bool = False
    """ENDED: its child was not started, for a reason that lies outside the session."""
    quick_deaths: int = 0
    """ENDED: of its children, in a row."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing is to be done now."""


class Adopt(msgspec.Struct, frozen=True):
    """``pid`` has the lock: listen for its end, and open its endpoint if it is not open."""

    pid: int


class Obey(msgspec.Struct, frozen=True):
    """End the session for good, as the operator's mark says."""


class Hold(msgspec.Struct, frozen=True):
    """Nothing is started, because of the Claude Code that it would be; in words, empty while it is not known."""

    why: str


class Spawn(msgspec.Struct, frozen=True):
    """Start a worker."""


class EndStray(msgspec.Struct, frozen=True):
    """Kill our own, which never took its lock; then as Part."""


class Part(msgspec.Struct, frozen=True):
    """The worker is gone: close its endpoint, forget its key, and note how it ended."""


class End(msgspec.Struct, frozen=True):
    """End a worker that runs, by the ladder. ``older``: its version is the reason, and that was said."""

    reason: Literal["older", "unheard"]


class Listen(msgspec.Struct, frozen=True):
    """Open the endpoint of whichever start has the lock now, unless it is open."""


class BackOff(msgspec.Struct, frozen=True):
    """Start nothing for so many seconds (0: at once), and count."""

    pause_s: float
    failures: int
    refusals: int


class Hinder(msgspec.Struct, frozen=True):
    """The worker could do nothing, for a reason outside the session; in words."""

    why: str


class GiveUp(msgspec.Struct, frozen=True):
    """Workers end with errors again and again: drop what waits and say why, in words."""

    pause_s: float
    why: str


Step = Wait | Adopt | Obey | Hold | Spawn | EndStray | Part | End | Listen | BackOff | Hinder | GiveUp


def next_step(seat: Seat, facts: Facts) -> Step:
    """As the table says. Whoever takes the step looks again, until it is Wait."""
    match seat.state:
        case SeatState.HELD | SeatState.ENDING if facts.has_ended:
            return Part()
        case SeatState.HELD:
            return _of_held(seat, facts)
        case SeatState.ENDING:
            return Wait()
        case SeatState.ENDED:
            return _of_ended(seat, facts)
        case SeatState.SPAWNED | SeatState.EMPTY if facts.holder:
            return Adopt(facts.holder)
        case SeatState.SPAWNED:
            return _of_spawned(seat, facts)
        case SeatState.EMPTY:
            return _of_empty(seat, facts)


def _of_held(seat: Seat, facts: Facts) -> Step:
    assert seat.held
    if facts.is_older:
        return End("older")
    is_well = facts.has_spoken and not facts.is_stuck
    if not is_well and facts.now - seat.held.since >= UNHEARD_DEADLINE_S:
        return End("unheard")
    listens_since = max(seat.held.since, seat.held.listened_at)
    return Wait() if facts.has_spoken or facts.now - listens_since < LISTEN_AGAIN_S else Listen()


def _of_spawned(seat: Seat, facts: Facts) -> Step:
    assert seat.spawned
    if seat.spawned.code is not None:
        return Part()
    return Wait() if facts.now - seat.spawned.since < LOCK_DEADLINE_S else EndStray()


def _of_empty(seat: Seat, facts: Facts) -> Step:
    if facts.is_stopped:
        return Obey()
    if facts.now < seat.not_before or not facts.is_wanted:
        return Wait()
    return Spawn() if facts.refusal == "" else Hold(facts.refusal or "")


def _of_ended(seat: Seat, facts: Facts) -> Step:
    code = seat.code or 0
    if code == 0 and facts.may_pass:
        return BackOff(_nth(REFUSAL_PAUSES_S, seat.refusals), 0, seat.refusals + 1)
    if code == 0:
        return BackOff(_nth(BACKOFF_S, facts.quick_deaths), 0, 0)
    if code in (EXIT_DISK_FULL, EXIT_LOG):
        return Hinder(worker_exit_in_words(code))
    if code == EXIT_LOCKED:
        return BackOff(LOOK_AGAIN_S, seat.failures, seat.refusals)
    failures = seat.failures + 1
    if failures >= FAILURES_BEFORE_GIVING_UP:
        return GiveUp(_nth(BACKOFF_S, failures), f"{worker_end_in_words(code)}; the bridge's log says more")
    return BackOff(_nth(BACKOFF_S, failures), failures, seat.refusals)


def _nth(pauses_s: tuple[float, ...], number: int) -> float:
    return pauses_s[min(number, len(pauses_s) - 1)]


def changes_by_waiting(seat: Seat, *, is_well: bool) -> bool:
    """Whether time alone may make a step due. ``is_well``: whoever holds it speaks with us and gets on."""
    match seat.state:
        case SeatState.SPAWNED | SeatState.ENDED:
            return True
        case SeatState.HELD:
            return not is_well
        case SeatState.ENDING:
            return False
        case SeatState.EMPTY:
            return seat.not_before > 0


def worker_end_in_words(code: int) -> str:
    """How a worker that died was ended, for the turn that was lost with it. ``code`` as in Popen; 0: nobody knows."""
    if code == 0:
        return ""
    if words := worker_exit_in_words(code):
        return words
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {code}"
