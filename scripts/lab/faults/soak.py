"""The soak of the reattach path: sessions that stream all the time, a supervisor that is killed again and again."""

import asyncio
import itertools
import statistics
import time
from random import Random

import msgspec

from lab.faults.session import SessionUnderFaults
from lab.faults.stage import Recovery, Stage, staged
from lab.faults.table import ATTACH_GOAL_S, Finding
from playground.host import place as host_place
from playground.host.supervisor import EXECUTED, Starts

UP_S = 30.0
SETTLE_S = 90.0
PATIENCE_S, LOOK_S = (3.0, 12.0), 0.1
MOST_OPEN = 3
LONGEST_LIFE_S = 2.0


class Soaked(msgspec.Struct):
    """What came of it."""

    kills: int
    sessions: int
    prompts: int
    took_s: float
    recoveries: list[Recovery]
    findings: list[Finding]
    failures: list[str]
    seed: int

    @property
    def is_clean(self) -> bool:
        late = any(recovery.attached_s > ATTACH_GOAL_S for recovery in self.recoveries)
        return not self.findings and not self.failures and not late

    def in_words(self) -> str:
        attached = [recovery.attached_s for recovery in self.recoveries] or [0.0]
        ready = [recovery.ready_s for recovery in self.recoveries] or [0.0]
        kinds = ("lost", "duplicated", "misrouted", "orphan")
        counts = {kind: sum(finding.kind == kind for finding in self.findings) for kind in kinds}
        lines = [
            f"`./scripts/faults --soak {self.kills} --sessions {self.sessions} --seed {self.seed}`:"
            f" {self.kills} × kill -9 of the supervisor under {self.sessions} sessions that stream and ask,"
            f" {self.prompts} prompts, in {self.took_s / 60:.1f} minutes.",
            "",
            ", ".join(f"{number} {kind}" for kind, number in counts.items()) + ".",
            f"READY after {statistics.median(ready):.2f} s (worst {max(ready):.2f} s) of its start;"
            f" all attached {statistics.median(attached):.2f} s later (worst {max(attached):.2f} s;"
            f" wanted {ATTACH_GOAL_S:g} s; {len(self.recoveries)} restarts lived long enough to be measured).",
        ]
        return "\n".join([*lines, *(f"✗ {finding.kind}: {finding.text}" for finding in self.findings), *self.failures])


async def soak(kills: int, sessions: int, seed: int, starts: Starts = EXECUTED) -> Soaked:
    """So many kills, each at a random instant of the supervisor's life. `starts`: how that is started."""
    random = Random(seed)
    began = time.monotonic()
    with host_place.temporary() as place:
        async with staged(place, sessions, starts=starts) as stage:
            under = [
                SessionUnderFaults(stage, number, stage.channels[number], Random(random.random()))
                for number in range(sessions)
            ]
            keeper = asyncio.ensure_future(stage.keep_alive(lambda: random.uniform(0.0, 0.2)))
            players = [asyncio.ensure_future(_keep_busy(session)) for session in under]
            clickers: list[asyncio.Future[None]] = []
            try:
                await asyncio.sleep(3.0)
                clickers = [asyncio.ensure_future(session.play()) for session in under]
                await _kill_again_and_again(stage, kills, random, keeper)
                for player in players:
                    player.cancel()
                findings = await _verdict(stage, under)
            finally:
                for task in (keeper, *players, *clickers):
                    task.cancel()
            findings += [Finding("orphan", line) for line in await stage.end_sessions()]
            _show_found(findings, under)
    prompts = sum(len(session.prompts) for session in under)
    took_s = time.monotonic() - began
    return Soaked(kills, sessions, prompts, took_s, stage.recoveries, findings, stage.failures, seed)


def _show_found(findings: list[Finding], under: list[SessionUnderFaults]) -> None:
    for session in under:
        if any(session.name in finding.text for finding in findings):
            print(session.picture(), flush=True)


async def _keep_busy(session: SessionUnderFaults) -> None:
    """A prompt, and the next one when it is done; now and then one in its middle, but no heap of them."""
    await session.begins()
    while True:
        before, patience_s = time.monotonic(), session.random.uniform(*PATIENCE_S)
        while len(session.unfinished()) >= MOST_OPEN or (  # noqa: ASYNC110 - outside our loop
            session.missing() and time.monotonic() - before < patience_s
        ):
            await asyncio.sleep(LOOK_S)
        if session.thread:
            await session.goes_on()


async def _kill_again_and_again(stage: Stage, kills: int, random: Random, keeper: asyncio.Future[None]) -> None:
    for number in itertools.count(1):
        async with asyncio.timeout(UP_S):
            while not stage.is_up.is_set():
                if keeper.done():
                    keeper.result()
                await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0.0, LONGEST_LIFE_S) if number % 4 else 2 * LONGEST_LIFE_S)
        stage.kill()
        if number % 20 == 0:
            worst = max((recovery.attached_s for recovery in stage.recoveries), default=0.0)
            print(f"{number} kills; all attached within {worst:.2f} s at worst", flush=True)
        if number == kills:
            return


async def _verdict(stage: Stage, under: list[SessionUnderFaults]) -> list[Finding]:
    async with asyncio.timeout(UP_S):
        await stage.is_up.wait()
    await asyncio.gather(*(session.settles(SETTLE_S) for session in under))
    findings = [finding for session in under for finding in session.findings()]
    for session in under:
        findings += await session.findings_of_old_buttons()
    return findings
