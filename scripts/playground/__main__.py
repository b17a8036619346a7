"""The playground: the real supervisor on a Discord on loopback (scripts/run and `threadbridge try` start it).

./scripts/run                       a web page (its address is printed), and at a terminal: talk; until SIGTERM
./scripts/run --once                one whole conversation, told step by step; 0 if every step was seen
./scripts/run --claude scripted     not the claude of this machine, also when it is logged in
./scripts/run --uncontained         the claude of this machine also where it cannot be shut in
./scripts/run --state DIR           keep everything there
./scripts/run --page-port N         the page on this port, not on a free one
"""

import argparse
import asyncio
import io
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from bridge.protocol.errors import UserError
from playground import once
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.bridge_host import Host, hosted
from playground.host.place import Place
from playground.page.server import Page
from playground.talk import Talk, terminal_lines
from worker import shutting_in

FAILED, INTERRUPTED = 1, 130


def arguments(argv: list[str], command: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(command, description="Threadbridge in its playground.")
    parser.add_argument("--once", action="store_true", help="play one whole conversation; 0 if every step was seen")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where everything is kept")
    parser.add_argument("--claude", choices=("auto", "real", "scripted"), default="auto")
    parser.add_argument("--uncontained", action="store_true", help="let this machine's claude run without bubblewrap")
    parser.add_argument("--page-port", type=int, default=0, metavar="N", help="the port of the web page")
    parser.add_argument("--playground", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str], command: str = "scripts/run") -> int:
    """The exit code. ``command``: how a person called it."""
    options = arguments(argv, command)
    _print_anywhere()
    try:
        return play_once(options) if options.once else serve(options)
    except UserError as error:
        print(f"playground: {error}", file=sys.stderr)
        return FAILED


def _print_anywhere() -> None:
    """A terminal that has no ✓ shows something else, and that is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def play_once(options: argparse.Namespace) -> int:
    """In a folder of its own, which stays when something was not seen."""
    place_of = host_place.held(options.state) if options.state else host_place.temporary()
    with suppress(once.Missed), place_of as place:
        if run(once.run(place, options.claude, may_be_free=options.uncontained)):
            return 0
        print(f"Everything is still in {place.root}.")
        raise once.Missed
    return FAILED


def serve(options: argparse.Namespace) -> int:
    with host_place.held(options.state or host_place.default_root()) as place:
        run(_serve(place, options))
    return 0


async def _serve(place: Place, options: argparse.Namespace) -> None:
    """Until the person leaves or a signal comes. Raises UserError when the supervisor does not come up."""
    refusal = await asyncio.to_thread(shutting_in.refusal_in_words, place.state)
    claude = await host_claude.choose(options.claude, place.home, refusal=refusal, may_be_free=options.uncontained)
    async with hosted(place, claude) as host, Page(host, options.page_port) as page:
        print(host.where(page.url), flush=True)
        try:
            await host.supervisor.until_ready()
            await _use(host)
        except UserError as error:
            raise UserError(f"{error}; {host.supervisor.log_tail()}") from None


async def _use(host: Host) -> None:
    """Talk, where there is a terminal; else wait. Discord and the page outlive the supervisor."""
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(_tell_of_endings(host))
        if sys.stdin.isatty():
            await Talk(host).run(terminal_lines())
            telling.cancel()


async def _tell_of_endings(host: Host) -> None:
    while True:
        await host.supervisor.ended()
        print(f"  ! {host.supervisor.ending}; start it again on the page, or with /start", flush=True)
        await host.supervisor.started_again()
        print(f"  · the supervisor runs again (pid {host.supervisor.pid})", flush=True)


def run[T](main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`; SIGTERM, SIGINT and SIGHUP let everything be put away first, once."""
    return asyncio.run(_until_told(main))


async def _until_told[T](main: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    told: list[signal.Signals] = []

    def tell(number: signal.Signals) -> None:
        told.append(number)
        if len(told) == 1:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, tell, number)
    try:
        return await task
    except asyncio.CancelledError:
        raise SystemExit(0 if told[:1] == [signal.SIGTERM] else INTERRUPTED) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
