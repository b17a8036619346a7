"""Text that was shown stays, whichever process dies while Claude writes it."""

import os
import signal

import pytest

from bridge.session.managed import ManagedSession
from stages.backstage import Backstage, backstage, folder_of_a_stage
from stages.support import awaited, until

SLOW = "stream 4000 chars over 60 s"
BREAKS_OFF = "✂ The text breaks off here."


async def shown(stage: Backstage, session: ManagedSession) -> str:
    """What people can read of the answer, once some of it is there."""

    def text() -> str:
        stage.manager.reports.live.render(session.session_id)
        return "".join(stage.posts(session))

    return await until(lambda: found if len(found := text()) > 100 else "", "some text", text)


async def lost(stage: Backstage, session: ManagedSession) -> str:
    """All of the thread once its turn is lost."""
    await until(lambda: stage.store.posts_like(session.session_id, "lost:"), "the lost turn's card")
    return "\n".join(stage.posts(session))


@pytest.mark.parametrize("dies", ["claude", "worker"])
@awaited
async def test_what_was_shown_stays_when_claude_or_its_worker_dies_in_the_middle_of_it(dies: str) -> None:
    async with backstage() as stage:
        session = stage.session(SLOW)
        before = await shown(stage, session)
        os.kill(stage.live(session).child_pid if dies == "claude" else stage.worker_pid(session), signal.SIGKILL)
        whole = await lost(stage, session)
        assert before in whole and BREAKS_OFF in whole and "withdrawn" not in whole


@awaited
async def test_what_was_shown_stays_when_the_supervisor_is_away_while_the_worker_dies() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session(SLOW)
            before = await shown(stage, session)
        os.kill(stage.worker_pid(session), signal.SIGKILL)
        async with stage.running():
            whole = await lost(stage, session)
            assert before in whole and BREAKS_OFF in whole
            await stage.end_all()


@awaited
async def test_what_claude_wrote_after_the_last_that_was_shown_is_shown_when_the_worker_lives() -> None:
    async with backstage() as stage:
        session = stage.session("stream 3000 chars over 1 s\ndie -9")
        whole = await lost(stage, session)
        assert "".join(whole.split()).count("withdrawn") == 0
        assert len(whole) > 3000
