"""``[metrics] listen``: what is counted and how much there is, for Prometheus, in the text that it reads.

The HTTP server (``metrics_server``) has a thread of its own. It only renders what stands in the registry, so whatever
needs the store or a loop is looked at in ours, every ``LOOK_S``. No name, id, path or text of anybody's is in it:
whoever reaches the port may read it, and every child on this machine reaches a port of loopback.
"""

import asyncio
import logging
from collections import Counter as Counts
from collections.abc import Callable
from importlib.metadata import version

import prometheus_client as p
from prometheus_client.registry import CollectorRegistry

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession
from supervisor.operator.metrics_server import MetricsServer
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

LOOK_S = 5.0
LAG_STEP_S = 0.25
STATES = ("idle", "busy", "awaiting", "starting", "hibernating", "dormant", "broken", "ended")
TURN_BUCKETS_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

log = logging.getLogger(__name__)


class Metrics:
    """Of one supervisor, since its start."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        p.ProcessCollector(registry=own)
        p.Info("threadbridge", "Which version runs.", registry=own).info({"version": version("threadbridge")})
        self._sessions = p.Gauge("threadbridge_sessions", "Sessions by state.", ["state"], registry=own)
        self._waiting = p.Gauge("threadbridge_waiting", "What waits: posts, decisions.", ["kind"], registry=own)
        self._is_back = p.Gauge("threadbridge_discord_up", "1: connected and read back.", registry=own)
        self._lag = p.Gauge(
            "threadbridge_event_loop_lag_seconds", "The most of the last seconds that a timer came late.", registry=own
        )
        self._turns = p.Counter("threadbridge_turns", "Turns that ended, by outcome.", ["outcome"], registry=own)
        self._turn_s = p.Histogram(
            "threadbridge_turn_seconds", "How long turns took.", buckets=TURN_BUCKETS_S, registry=own
        )
        self._cost = p.Counter("threadbridge_cost_usd", "What turns cost, as Claude tells it.", registry=own)
        self._posts = p.Counter("threadbridge_posts", "Messages that Discord took.", registry=own)
        self._requests = p.Counter(
            "threadbridge_discord_requests", "Answers of Discord's REST.", ["method", "status"], registry=own
        )
        self._limited = p.Counter("threadbridge_discord_rate_limited", "Answers with 429.", registry=own)
        self._request_s = p.Histogram(
            "threadbridge_discord_request_seconds", "How long Discord took to answer.", ["method"], registry=own
        )

    # --- what is heard -----------------------------------------------------------------------------------

    def recorded(self, event: e.AnyEvent, session: ManagedSession) -> None:
        """A worker told it, and it is folded."""
        if isinstance(event, e.TurnEnded):
            self._turns.labels(event.outcome).inc()
            self._turn_s.observe(max(0.0, event.duration))
            self._cost.inc(session.turn_cost_usd if event.total_cost_usd is not None else 0.0)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Discord's REST; ``route`` as in ``POST /channels/{channel_id}/messages``."""
        method, _, path = route.partition(" ")
        self._requests.labels(method, str(status)).inc()
        self._request_s.labels(method).observe(seconds)
        self._limited.inc(status == 429)
        self._posts.inc(method == "POST" and path.endswith("/messages") and status < 300)

    # --- what is looked at -------------------------------------------------------------------------------

    def look(self, manager: SessionManager, *, is_back: bool) -> None:
        """``is_back``: whether Discord is connected and read back."""
        sessions = manager.get_all_sessions()
        states = Counts(manager.shown_state(session.session_id) for session in sessions)
        for state in (*STATES, *(states.keys() - set(STATES))):
            self._sessions.labels(state).set(states[state])
        self._waiting.labels("decisions").set(sum(len(session.requests) for session in manager.active_sessions()))
        self._is_back.set(is_back)
        try:
            unsettled = manager.store.unsettled_sessions()
            self._waiting.labels("posts").set(sum(len(manager.store.unsettled_posts(one)) for one in unsettled))
        except StoreError:
            return

    async def run(self, listen: str, look: Callable[[], None]) -> None:
        """Until cancelled. A port that cannot be had is said, and hinders nothing else."""
        host, _, port = listen.rpartition(":")
        try:
            server = MetricsServer(host.strip("[]"), int(port), self.registry)
        except OSError as error:
            log.error("metrics.listen: nobody can be told at %s: %s", listen, error.strerror or error)  # noqa: TRY400
            return
        log.info("metrics: http://%s/metrics", listen)
        try:
            while True:
                look()
                self._lag.set(await _lag_s(LOOK_S))
        finally:
            await asyncio.to_thread(server.close)


async def _lag_s(for_s: float) -> float:
    """The most by which a timer of ours came late in that time, in seconds."""
    loop = asyncio.get_running_loop()
    end, most = loop.time() + for_s, 0.0
    while (now := loop.time()) < end:
        await asyncio.sleep(LAG_STEP_S)
        most = max(most, loop.time() - now - LAG_STEP_S)
    return most
