"""A session's states, and which event leads from which to which.

    DORMANT ──WorkerStarted──▶ STARTING ──ChildStarted──▶ IDLE ──TurnStarted──▶ BUSY
       ▲                          │                         ▲◀────TurnEnded──────┘│
       └───────ChildExited────────┴─────────────────────────┴────────ChildExited──┘

Every change stands in ``TRANSITIONS``; any other event leaves the state as it is. A WorkerStarted leads to STARTING
from anywhere, for the worker before it may have been killed without a word; so does a LogGap, for nobody knows what the
lost records told.
"""

from enum import StrEnum

from bridge.protocol import events as e


class SessionState(StrEnum):
    DORMANT = "dormant"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"


_FROM_ANYWHERE: dict[type[e.Event], SessionState] = {
    e.WorkerStarted: SessionState.STARTING,
    e.LogGap: SessionState.STARTING,
    e.ChildExited: SessionState.DORMANT,
}
TRANSITIONS: dict[SessionState, dict[type[e.Event], SessionState]] = {
    SessionState.DORMANT: {**_FROM_ANYWHERE},
    SessionState.STARTING: {
        **_FROM_ANYWHERE,
        e.ChildStarted: SessionState.IDLE,
        e.TurnStarted: SessionState.BUSY,
    },
    SessionState.IDLE: {**_FROM_ANYWHERE, e.TurnStarted: SessionState.BUSY},
    SessionState.BUSY: {**_FROM_ANYWHERE, e.TurnEnded: SessionState.IDLE},
}
