"""What is said to systemd, on a socket as it gives one (sd_notify(3))."""

import asyncio
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.jumping_clock import jumping
from supervisor.systemd import Notifier


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """systemd's end; its address has to be short."""
    with tempfile.TemporaryDirectory(prefix="tb-") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(Path(folder, "notify")))
        end.setblocking(False)
        yield end


def heard(manager: socket.socket) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while True:
        try:
            data = manager.recv(4096)
        except BlockingIOError:
            return found
        found.append(dict(line.split("=", 1) for line in data.decode().splitlines()))


def notifier(manager: socket.socket, **more: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": manager.getsockname(), **more})


def test_a_reload_says_when_it_began_so_that_it_is_no_earlier_one(manager: socket.socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    told = notifier(manager)
    told.say_reloading()
    told.say(READY="1")
    reloading, ready = heard(manager)
    assert reloading.keys() == {"RELOADING", "MONOTONIC_USEC"}
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert ready == {"READY": "1"}


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(b"\0threadbridge-test-" + str(id(end)).encode())
        end.setblocking(False)
        Notifier({"NOTIFY_SOCKET": "@" + end.getsockname()[1:].decode()}).say(READY="1")
        assert heard(end) == [{"READY": "1"}]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_where_nobody_listens_nothing_fails(environ: dict[str, str]) -> None:
    Notifier(environ).say(READY="1")


@jumping
async def test_the_watchdog_hears_twice_in_its_time_and_the_status_is_said_when_it_changed(
    manager: socket.socket,
) -> None:
    status = ["ready"]
    keeping = asyncio.create_task(notifier(manager, WATCHDOG_USEC="4000000").keep(lambda: status[0]))
    await asyncio.sleep(7.0)
    status[0] = "busy"
    await asyncio.sleep(2.0)
    keeping.cancel()
    words = heard(manager)
    assert [word.get("WATCHDOG") for word in words] == ["1"] * 5
    assert [word["STATUS"] for word in words if "STATUS" in word] == ["ready", "busy"]
