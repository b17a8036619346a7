"""Bring up what an earlier commit left behind: its workers that run, and its state directory after a power cut.

./scripts/test-upgrade 8b58b94
./scripts/test-upgrade 8b58b94 --keep tests/data/state-0.1
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bridge.protocol.errors import UserError
from lab.upgrade import cast, kept
from lab.upgrade.earlier import OURS, Version, unpack
from lab.upgrade.stage import Stage, staged
from playground.host import place as host_place


async def live(earlier: Version) -> None:
    """The workers live, and their supervisor is followed by ours. Raises AssertionError."""
    with host_place.temporary() as place:
        host_place.renew(place)
        async with staged(place) as stage:
            try:
                players = await cast.begin(stage, earlier)
                living = (players.done, players.asks, players.wonders, players.works)
                workers = {player.session: stage.worker(player.session) for player in living}
                async with stage.running(OURS):
                    await cast.go_on(stage, players, OURS, workers)
            finally:
                await stage.end_sessions(OURS)


async def after_a_power_cut(folder: Path) -> None:
    """What was kept in ``folder`` comes up under ours. Raises AssertionError."""
    with host_place.temporary() as place:
        guild, players = kept.bring(folder, place)
        async with staged(place, guild) as stage:
            try:
                async with stage.running(OURS):
                    await cast.recover(stage, players, OURS)
            finally:
                await stage.end_sessions(OURS)


async def keep(earlier: Version, folder: Path) -> None:
    with host_place.temporary() as place:
        host_place.renew(place)
        async with staged(place) as stage:
            players = await _begin_and_cut(stage, earlier)
            kept.keep(stage, players, folder)


async def _begin_and_cut(stage: Stage, earlier: Version) -> cast.Cast:
    try:
        return await cast.begin(stage, earlier)
    finally:
        stage.kill_all()


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="test-upgrade", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("commit", help="of this repository; its history has to be here")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="only make the state directory, and keep it there")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="threadbridge-earlier-") as folder:
            asyncio.run(_run(unpack(options.commit, Path(folder)), options.keep))
    except UserError as error:
        print(f"test-upgrade: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(earlier: Version, into: Path | None) -> None:
    if into:
        await keep(earlier, into)
        print(f"test-upgrade: what {earlier.name} left behind lies in {into}")
        return
    await live(earlier)
    print(f"test-upgrade: sessions whose workers {earlier.name} had started went on")
    with tempfile.TemporaryDirectory(prefix="threadbridge-kept-") as folder:
        await keep(earlier, Path(folder))
        await after_a_power_cut(Path(folder))
    print(f"test-upgrade: the state directory of {earlier.name} came up after a power cut")


if __name__ == "__main__":
    sys.exit(main())
