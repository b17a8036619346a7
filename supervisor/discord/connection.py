"""One connection to Discord's gateway after the other, as a machine: where it stands, and how long it may stand there.

    AWAY ──▶ LOGIN ──▶ CONNECTING ──READY──▶ SERVERS ──all are here──▶ LISTENING
      ▲                    │                    │                          │
      │                    └──── socket lost ───┴──────▶ RECONNECTING ◀────┘
      └── a fresh client, after a pause ◀── anything else ──┘  READY: SERVERS, RESUMED: LISTENING

A socket that is lost is resumed by nextcord at once and without end; so each state in which we wait for Discord has a
deadline, and who loses sockets again and again gets a fresh connection after a pause. After READY the heartbeat tells
whether anybody is there. ASIDE is left by a restart alone: another supervisor answers (``supervisor.discord.alone``).

Since when we are back is derived (``supervisor.discord.standing``): LISTENING, and all of what was written meanwhile
is read back. Pure: who acts on it is ``supervisor.discord.gateway``.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto

MOST_LOSSES, LOSSES_WINDOW_S = 5, 60.0
"""A socket lost more often than this is not resumed at once, but after the pause of a fresh connection."""


class State(Enum):
    AWAY = auto()
    LOGIN = auto()
    CONNECTING = auto()
    SERVERS = auto()
    RECONNECTING = auto()
    LISTENING = auto()
    ASIDE = auto()


class Step(Enum):
    """What happens to a connection. ``SERVERS_HERE``: all that READY announced have arrived, or are late."""

    ATTEMPT = auto()
    LOGGED_IN = auto()
    READY = auto()
    SERVERS_HERE = auto()
    RESUMED = auto()
    LOST = auto()
    ENDED = auto()
    STAND_ASIDE = auto()


_ALWAYS: Mapping[Step, State] = {Step.ENDED: State.AWAY, Step.STAND_ASIDE: State.ASIDE}
TRANSITIONS: Mapping[State, Mapping[Step, State]] = {
    State.AWAY: {Step.ATTEMPT: State.LOGIN, **_ALWAYS},
    State.LOGIN: {Step.LOGGED_IN: State.CONNECTING, **_ALWAYS},
    State.CONNECTING: {Step.READY: State.SERVERS, Step.LOST: State.RECONNECTING, **_ALWAYS},
    State.SERVERS: {Step.SERVERS_HERE: State.LISTENING, Step.LOST: State.RECONNECTING, **_ALWAYS},
    State.RECONNECTING: {
        Step.READY: State.SERVERS,
        Step.RESUMED: State.LISTENING,
        Step.LOST: State.RECONNECTING,
        **_ALWAYS,
    },
    State.LISTENING: {Step.LOST: State.RECONNECTING, **_ALWAYS},
    State.ASIDE: {},
}
"""What is not in a row leaves the state as it is: a late word of a connection that was lost meanwhile."""
WAITS_FOR_DISCORD = frozenset({State.LOGIN, State.CONNECTING, State.RECONNECTING})
"""Each step of these has the deadline; in the others nothing is due, or the heartbeat is watched."""


class Connection:
    """``clock`` gives Unix seconds, ``monotonic`` seconds. ``why`` is the last reason that was given, in words."""

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self.state = State.AWAY
        self.listens_since: float | None = None
        self.why = ""
        self._clock = clock
        self._monotonic = monotonic
        self._losses: deque[float] = deque(maxlen=MOST_LOSSES)

    def happens(self, step: Step) -> bool:
        """Whether the table knows it here."""
        row = TRANSITIONS[self.state]
        if step not in row:
            return False
        self.state = row[step]
        self.listens_since = self._clock() if self.state is State.LISTENING else None
        if step is Step.LOST:
            self._losses.append(self._monotonic())
        elif step is Step.ATTEMPT:
            self._losses.clear()
        return True

    @property
    def is_flapping(self) -> bool:
        """Discord accepts the socket and drops it, again and again."""
        losses = self._losses
        return len(losses) == MOST_LOSSES and self._monotonic() - losses[0] < LOSSES_WINDOW_S
