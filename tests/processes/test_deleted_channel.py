"""A channel is deleted with all its threads: what asked there ends, what asks elsewhere goes on, status says so."""

import pytest

from processes.test_restart import STEP_DEADLINE_S, asks, listed, restarting, while_it_is_down
from stages.playhouse import buttons
from stages.support import awaited, until

LOOKS = 40
"""Each takes a process."""


@pytest.mark.parametrize("is_away", [False, True], ids=["while we listen", "while the supervisor is away"])
@awaited
async def test_a_deleted_channel_ends_what_asks_in_its_threads_and_nothing_else(is_away: bool) -> None:
    async with restarting() as stage:
        (gone, card), (stays, other) = await asks(stage), await asks(stage)
        holder, channel_id = stage.eyes.holder(gone.know()), stage.discord.world.channel(card.channel_id).parent_id
        assert channel_id and holder
        await gone._you.says(card.channel_id, "and this waits behind the card")
        if is_away:
            async with while_it_is_down(stage):
                stage.discord.delete_channel(channel_id)
        else:
            stage.discord.delete_channel(channel_id)
        await until(lambda: not stage.eyes.holder(gone.know()), "the worker's end", deadline_s=STEP_DEADLINE_S)
        for _ in range(LOOKS):
            lines = await listed(stage)
            if lines[stays.know()]["attached"] and lines[gone.know()]["worker_pid"] is None:
                break
        assert (lines[gone.know()]["state"], lines[gone.know()]["worker_pid"]) == ("ended", None)
        assert stage.eyes.end_reason(gone.know()) == "its channel was deleted"
        assert (lines[stays.know()]["state"], lines[stays.know()]["attached"]) == ("awaiting", True)
        for _ in range(LOOKS):
            status = await stage._threadbridge.ask("status")
            if status.code and "0 prompts, 0 posts, 1 decisions" in status.out:
                break
        assert status.code == 1 and f"it shows us no channel {channel_id}" in status.out
        assert "0 prompts, 0 posts, 1 decisions" in status.out, "in the end what waits is what waits elsewhere"
        killed = await stage._threadbridge.ask("kill", gone.know())
        assert killed.code == 0 and "nothing of it is left" in killed.out
        await stays._you.clicks(other, buttons(other)["Allow"])
        assert not await stays.settles(STEP_DEADLINE_S), stays.picture()
        assert stays.findings() == []
