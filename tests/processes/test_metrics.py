"""A supervisor whose configuration says where Prometheus may ask answers there, of turns that really ran."""

import asyncio
import signal
import socket
import urllib.request

from stages.playhouse import playhouse
from stages.support import awaited

DEADLINE_S = 40.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def metrics(port: int) -> str:
    """Empty while nobody answers."""

    def fetch() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    return await asyncio.to_thread(fetch)


async def shows(port: int, line: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while line not in await metrics(port):
            await asyncio.sleep(0.1)


@awaited
async def test_a_turn_is_counted_where_prometheus_may_ask() -> None:
    async with playhouse() as house:
        place, port = house.host.place, free_port()
        await house.host.supervisor.stop()
        place.config.write_text(f'{place.config.read_text()}\n[metrics]\nlisten = "127.0.0.1:{port}"\n')
        process = await house.host.threadbridge.start(place.log, place.notify_socket)
        try:
            await shows(port, "threadbridge_discord_up 1.0")
            thread = await house.starts("say counted")
            await house.done(thread)
            await shows(port, 'threadbridge_turns_total{outcome="completed"} 1.0')
            await shows(port, 'threadbridge_sessions{state="idle"} 1.0')
            assert "counted" not in await metrics(port)
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), DEADLINE_S)
