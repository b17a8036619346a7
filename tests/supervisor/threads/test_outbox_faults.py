"""Each kind of trouble that REST can have, at each write of a post: it stands there once, in order, as desired last."""

import asyncio
from pathlib import Path

import pytest

from stages.support import awaited
from supervisor.threads import outbox
from twins.discord.faults import DROP, LOSE, TRUNCATE, Fault

from .test_outbox_loopback import STEP_DEADLINE_S, Scene, scene

pytestmark = pytest.mark.slow

TROUBLES = (
    DROP,
    LOSE,
    TRUNCATE,
    Fault("error", status=500),
    Fault("error", status=503),
    Fault("error after", status=502),
    Fault("delay answer", 0.1),
    Fault("limit", 0.1),
    Fault("limit", 0.1, scope="shared"),
    Fault("limit", 0.1, scope="global"),
    Fault("limit", 0.1, has_headers=False),
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "backoff_s", lambda *_: 0.02)


async def settled(s: Scene) -> None:
    """As the scene's own, but a limit without headers is waited for as long as the pace thinks right."""
    await s.discord.until(lambda: not s.store.unsettled_sessions(), 2 * STEP_DEADLINE_S, "all is shown")


@pytest.mark.parametrize("fault", TROUBLES, ids=str)
def test_posts_whose_creation_met_trouble_stand_there_once_and_in_order(tmp_path: Path, fault: Fault) -> None:
    @awaited
    async def play() -> None:
        async with scene(tmp_path) as s:
            s.discord.faults.add(fault, method="POST", channel_id=s.thread_id, times=2)
            s.show("a", "one")
            s.show("b", "two")
            await settled(s)
            assert s.texts() == ["one", "two"]
            assert sum(s.discord.faults.struck.values()) == 2

    play()


@pytest.mark.parametrize("fault", TROUBLES, ids=str)
def test_an_edit_that_met_trouble_settles_on_the_last_desired_text(tmp_path: Path, fault: Fault) -> None:
    @awaited
    async def play() -> None:
        async with scene(tmp_path) as s:
            await s.shown("a", "one")
            s.discord.faults.add(fault, method="PATCH", channel_id=s.thread_id)
            s.show("a", "two")
            await s.discord.until(lambda: s.discord.faults.struck, STEP_DEADLINE_S, "trouble")
            await asyncio.sleep(0)
            s.show("a", "three")
            await settled(s)
            assert s.texts() == ["three"]

    play()
