"""Garbage for every parser of nextcord's that we let run: the connection stays."""

import asyncio
import logging
from pathlib import Path

import pytest

from stages.gateway_stage import DEADLINE_S, stage
from stages.support import awaited
from supervisor.discord.client import Client
from twins.discord.events import Dispatch

pytestmark = pytest.mark.slow

GARBAGE: tuple[object, ...] = (
    None,
    5,
    "x",
    [],
    {},
    {"id": "no number"},
    {"id": None, "guild_id": "7"},
    {"id": {}, "guild_id": [], "channel_id": "x", "user": 5, "member": "?", "members": [None]},
    {"threads": [{"id": "no number"}], "guild_id": "7"},
)


@awaited
async def test_no_parser_lets_garbage_out_and_each_kind_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    client = Client("http://127.0.0.1:1/api/v10", lambda _event, _data: None, lambda: 0.0)
    try:
        parsers = client._connection.parsers
        assert len(parsers) > 50
        with caplog.at_level(logging.WARNING, logger="supervisor.discord.guarded"):
            for parse in parsers.values():
                for data in (*GARBAGE, *GARBAGE):
                    parse(data)
        await asyncio.sleep(0)
        said = [record.args[0] for record in caplog.records if record.args and isinstance(record.args, tuple)]
        assert "THREAD_CREATE" in said
        assert len(said) == len(set(said))
    finally:
        await client.close()


@awaited
async def test_a_thread_whose_id_is_no_number_ends_no_connection(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        for event in ("THREAD_CREATE", "THREAD_UPDATE", "CHANNEL_UPDATE", "THREAD_LIST_SYNC", "GUILD_ROLE_CREATE"):
            for data in GARBAGE:
                if isinstance(data, dict):
                    s.discord.world.emit(Dispatch(event, data))
        message = await s.ada.says(s.channel.id, "hello")
        await s.session_of(message)
        assert s.discord.gateway.identified == 1
        assert not s.discord.gateway.resumed
        await s.discord.until(lambda: s.standing.back_at, DEADLINE_S, "still here")
