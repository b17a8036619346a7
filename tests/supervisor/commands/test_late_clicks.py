"""A click that comes when Discord has told its person that it failed is left alone."""

import logging
from pathlib import Path

import pytest

from stages.gateway_stage import DEADLINE_S, buttons, stage
from stages.support import awaited
from supervisor.commands.interactions import VOID_AFTER_S

pytestmark = pytest.mark.slow


@awaited
async def test_a_late_click_decides_nothing_and_the_next_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        card = await s.asks(session, "ls")
        allow = buttons(card)["Allow"]
        with monkeypatch.context() as hung:
            hung.setattr(s.rest, "age_s", lambda _: VOID_AFTER_S + 1)
            s.discord.forge_click(card.channel_id, allow, s.ada.user, card.id)
            await s.discord.until(lambda: "left alone" in caplog.text, DEADLINE_S, "the late click")
            assert not s.decisions(session)
        await s.ada.clicks(card, allow)
        assert [one.verdict for one in s.decisions(session)] == ["allowed"]
