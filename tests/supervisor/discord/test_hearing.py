"""Who hears what of Discord (``supervisor.discord.hearing``): in the order of arrival, each within its own call."""

import logging
from typing import Any

import msgspec
import pytest

from supervisor.discord.alone import Nonces
from supervisor.discord.guilds import Guilds
from supervisor.discord.hearing import Ear, Hearing
from supervisor.discord.twins import Twins


def hearing(hears: dict[str, tuple[Ear, ...]]) -> Hearing:
    guilds = Guilds()
    return Hearing(guilds, Twins(Nonces(), guilds, lambda _: True, lambda *_: None), hears)


def test_an_event_was_heard_by_all_when_the_call_that_brought_it_returns() -> None:
    heard: list[tuple[str, int]] = []
    ears: tuple[Ear, ...] = (
        lambda data: heard.append(("one", data["id"])),
        lambda data: heard.append(("two", data["id"])),
    )
    it = hearing({"THREAD_UPDATE": ears})
    for number in range(3):
        it.pass_on("THREAD_UPDATE", {"id": number})
        assert heard[-2:] == [("one", number), ("two", number)]
    assert len(heard) == 6


@pytest.mark.parametrize("fault", [msgspec.ValidationError("no number"), RuntimeError("a mistake of ours")])
def test_a_mistake_of_one_keeps_it_from_no_other_and_is_logged(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    def broken(_: Any) -> None:
        raise fault

    with caplog.at_level(logging.WARNING):
        hearing({"TYPING_START": (broken, heard.append)}).pass_on("TYPING_START", {"id": 1})
    assert heard == [{"id": 1}] and "TYPING_START" in caplog.text


@pytest.mark.parametrize("event", ["GUILD_CREATE", "GUILD_DELETE"])
def test_a_server_in_an_outage_is_no_news_of_it(event: str) -> None:
    heard: list[Any] = []
    it = hearing({event: (heard.append,)})
    it.pass_on(event, {"id": 1, "unavailable": True})
    assert heard == []
    it.pass_on(event, {"id": 1})
    assert heard == [{"id": 1}]
