"""What Prometheus is told: counts and states, by nobody's name."""

import asyncio
import contextlib
import socket
import threading
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.support import awaited, until
from supervisor.assembly import session_manager
from supervisor.operator.metrics import Metrics
from supervisor.operator.metrics_server import MOST_CONNECTIONS
from supervisor.sessions.store import Store


def told(metrics: Metrics) -> dict[str, float]:
    lines = [line for line in generate_latest(metrics.registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_turns_posts_and_limits_are_counted(tmp_path: Path) -> None:
    metrics, store = Metrics(), Store(tmp_path / "db")
    manager = session_manager(store, heard=metrics.recorded)
    action = CreateSession(10**18, 9, Channel(222, "/srv"), Person(1, "Ada", 9), "a secret", "a name")
    session = manager.create_session(action)
    events = (
        e.WorkerStarted(1, contained=False, containment="none"),
        e.TurnEnded("completed", duration=42.0, total_cost_usd=0.5),
        e.TurnEnded("failed", duration=2.0, total_cost_usd=0.75),
    )
    for event in events:
        manager.reports.record(session.session_id, [e.Record("g", session.applied + 1, 1.0, event)])
    for status in (200, 429, 200, 503):
        metrics.answered("POST /channels/{channel_id}/messages", status, 0.1)
    metrics.answered("PATCH /channels/{channel_id}/messages/{message_id}", 200, 0.1)
    metrics.look(manager, is_back=True)
    found = told(metrics)
    assert found['threadbridge_turns_total{outcome="completed"}'] == 1
    assert found['threadbridge_turns_total{outcome="failed"}'] == 1
    assert found['threadbridge_turn_seconds_bucket{le="15.0"}'] == 1
    assert found["threadbridge_turn_seconds_sum"] == 44.0
    assert found["threadbridge_cost_usd_total"] == 0.75
    assert found["threadbridge_posts_total"] == 2
    assert found["threadbridge_discord_rate_limited_total"] == 1
    assert found['threadbridge_discord_requests_total{method="POST",status="503"}'] == 1
    assert found['threadbridge_sessions{state="starting"}'] == 1
    assert found['threadbridge_sessions{state="ended"}'] == 0
    assert found["threadbridge_discord_up"] == 1
    assert found['threadbridge_waiting{kind="posts"}'] >= 1
    text = generate_latest(metrics.registry).decode()
    assert not any(word in text for word in ("secret", "a name", "Ada", session.session_id, str(10**18), "/srv"))
    store.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def fetched(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
@awaited
async def test_they_are_there_while_it_runs_and_the_port_is_free_again_afterwards() -> None:
    metrics, port, looked = Metrics(), free_port(), asyncio.Event()
    running = asyncio.create_task(metrics.run(f"127.0.0.1:{port}", looked.set))
    await looked.wait()
    assert "threadbridge_event_loop_lag_seconds" in await asyncio.to_thread(fetched, port)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


@awaited
async def test_who_fills_the_port_with_connections_costs_few_threads_and_hides_nothing() -> None:
    port, looked, before = free_port(), asyncio.Event(), threading.active_count()
    running = asyncio.create_task(Metrics().run(f"127.0.0.1:{port}", looked.set))
    await looked.wait()
    with contextlib.ExitStack() as held:
        for _ in range(4 * MOST_CONNECTIONS):
            silent = held.enter_context(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 20))
            silent.sendall(b"GET /metrics HT")
        assert "threadbridge_event_loop_lag_seconds" in await asyncio.to_thread(fetched, port)
        # those that are left, to_thread's, and the server's own
        await until(lambda: threading.active_count() - before < 3 * MOST_CONNECTIONS, "few threads")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@awaited
async def test_a_port_that_is_taken_hinders_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        await Metrics().run(f"127.0.0.1:{taken.getsockname()[1]}", lambda: None)
