"""A channel where the bot has to be mentioned: what follows closely on a mention is heard, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_inbound_bursts import ADA, BOB, BOT, Desk

MENTIONS = [{"id": str(BOT), "username": "bot"}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, mention_only=True)
    yield made
    made.close()


def mention(desk: Desk, text: str, author: int = ADA) -> int:
    return desk.says(f"<@{BOT}> {text}", author, mentions=MENTIONS)


def test_words_that_follow_a_mention_closely_need_none(desk: Desk) -> None:
    mention(desk, "look at this")
    desk.at(1.2).says("the login page")
    desk.at(2.4).says("is slow")
    assert desk.at(9.0).all_delivered() == [["look at this\n\nthe login page\n\nis slow"]]


def test_other_peoples_words_and_later_ones_are_none_of_the_bots_business(desk: Desk) -> None:
    desk.says("before it")
    mention(desk, "one")
    desk.at(0.5).says("not his", BOB)
    desk.at(5.0).says("later")
    assert desk.at(20.0).all_delivered() == [["one"]]


def test_a_second_mention_begins_its_own_and_a_reply_joins_nothing(desk: Desk) -> None:
    mention(desk, "one")
    desk.at(0.5).says("to you", type=19, message_reference={"message_id": "5"})
    desk.at(1.0)
    mention(desk, "two")
    desk.at(1.5).says("and more")
    assert desk.at(20.0).all_delivered() == [["one"], ["two\n\nand more"]]


def test_what_is_read_back_after_a_restart_leads_to_the_same(desk: Desk) -> None:
    mention(desk, "first half")
    later = desk.at(1.0).says("second half")
    early = desk.at(1.3).says("end")
    desk.start(hears=False)
    for message_id, text in ((later, "second half"), (early, "end")):
        desk.at(3.0).tells(message_id, text)
    desk.manager.changes.listening(True)
    assert desk.at(20.0).all_delivered() == [["first half\n\nsecond half\n\nend"]]


def test_one_that_is_read_only_after_a_restart_is_a_part_as_well(desk: Desk) -> None:
    mention(desk, "first half")
    desk.at(1.0)
    missed = (int((1_800_000_000.0 - 1_420_070_400 + 1.0) * 1000) << 22) + 99
    desk.start(hears=False)
    desk.at(3.0).tells(missed, "second half")
    desk.manager.changes.listening(True)
    assert desk.at(20.0).all_delivered() == [["first half\n\nsecond half"]]


def test_a_later_word_can_be_edited_and_taken_back(desk: Desk) -> None:
    mention(desk, "one")
    second, third = desk.at(0.5).says("two"), desk.at(1.0).says("three")
    desk.edits(second, "2")
    desk.deletes(third)
    assert desk.at(20.0).all_delivered() == [["one\n\n2"]]


def test_where_messages_are_no_bursts_each_needs_its_mention(desk: Desk) -> None:
    desk.window_s = 0.0
    mention(desk, "one")
    desk.at(0.5).says("two")
    assert desk.at(20.0).all_delivered() == [["one"]]
