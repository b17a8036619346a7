"""Which messages are one prompt: the rule, with ids that tell the time."""

from typing import Any

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol.events import Attachment, Part
from bridge.routing import bursts
from bridge.routing.seen import MessageSeen
from bridge.session.permission import Person

CHANNEL, WINDOW_S = 600, 1.5
ADA, BOB = Person(42, "Ada", 500), Person(43, "Bob", 500)


def at(seconds: float) -> int:
    """A message's id of that time."""
    return 10**18 + (int(seconds * 1000) << 22)


def said(seconds: float, text: str = "and", person: Person = ADA, **more: Any) -> MessageSeen:
    return msgspec.structs.replace(
        MessageSeen(at(seconds), CHANNEL, 0, 500, person, text, is_from_person=True, mentions_bot=False), **more
    )


def prompt(*seconds: float, heard_at: float = 100.0) -> c.Prompt:
    """An open one of messages at those times."""
    first = bursts.opened(c.Prompt(at(seconds[0]), "one", ADA.user_id, "Ada", is_message=True), CHANNEL, heard_at)
    for number, second in enumerate(seconds[1:], 2):
        first = bursts.joined(first, Part(at(second), CHANNEL, f"{number}"), (), heard_at)
    return first


@pytest.mark.parametrize(
    ("seconds", "is_part"), [(0.0, True), (1.2, True), (1.5, True), (1.6, False), (60.0, False), (-1.0, False)]
)
def test_what_follows_within_the_window_by_its_id_is_a_part(seconds: float, is_part: bool) -> None:
    assert bursts.belongs(prompt(5.0), at(5.0 + seconds), WINDOW_S) is is_part


def test_the_window_is_counted_from_the_last_message() -> None:
    assert bursts.belongs(prompt(5.0, 6.2, 7.4), at(8.8), WINDOW_S)
    assert not bursts.belongs(prompt(5.0, 6.2), at(8.8), WINDOW_S)


def test_whoever_types_has_a_little_longer_and_each_message_ends_that() -> None:
    typed = msgspec.structs.replace(prompt(5.0), is_typed=True)
    assert bursts.belongs(typed, at(9.0), WINDOW_S) and not bursts.belongs(typed, at(9.6), WINDOW_S)
    assert bursts.closes_at(typed, WINDOW_S) == 100.0 + 3 * WINDOW_S + bursts.LATE_S
    assert not bursts.joined(typed, Part(at(9.0), CHANNEL, "two"), (), 104.0).is_typed


def test_a_burst_has_an_end_however_fast_it_goes_on() -> None:
    many = prompt(*(5.0 + n / 10 for n in range(bursts.MOST_PARTS)))
    assert not bursts.belongs(many, at(7.0), WINDOW_S)
    long = prompt(*(5.0 + 1.45 * n for n in range(14)))
    assert not bursts.belongs(long, at(5.0 + 1.45 * 14), WINDOW_S)


def test_nothing_joins_what_was_closed() -> None:
    assert not bursts.belongs(bursts.closed(prompt(5.0, 6.0), CHANNEL), at(6.5), WINDOW_S)


def test_one_message_alone_is_closed_to_what_it_always_was() -> None:
    plain = c.Prompt(at(5.0), "one", ADA.user_id, "Ada", is_message=True)
    assert bursts.closed(bursts.opened(plain, CHANNEL, 100.0), CHANNEL) == plain


def test_one_message_alone_that_stands_elsewhere_keeps_its_place() -> None:
    (part,) = bursts.closed(prompt(5.0), 700).parts
    assert (part.message_id, part.channel_id) == (at(5.0), CHANNEL)


def test_what_comes_behind_a_later_one_has_its_place_between_them() -> None:
    both = prompt(5.0, 6.2)
    assert bursts.belongs(both, at(5.9), WINDOW_S) and not bursts.belongs(both, at(4.9), WINDOW_S)
    three = bursts.joined(both, Part(at(5.9), CHANNEL, "between"), (), 101.0)
    assert three.text == "one\n\nbetween\n\n2"


def test_parts_are_told_in_their_order_each_in_a_paragraph_and_files_keep_their_message() -> None:
    picture, other = Attachment(1, "a.png", 9), Attachment(2, "b.png", 9)
    first = bursts.opened(c.Prompt(at(5.0), "", 42, "Ada", attachments=(picture,)), CHANNEL, 100.0)
    both = bursts.joined(first, Part(at(6.0), CHANNEL, "what is this?"), (other,), 101.0)
    assert both.text == "what is this?" and both.heard_at == 101.0
    assert [(a.name, a.message_id) for a in both.attachments] == [("a.png", 0), ("b.png", at(6.0))]
    assert bursts.files_left(both, bursts.amended(both.parts, at(5.0), None))[0].name == "b.png"


def test_an_edit_changes_one_part_and_a_deletion_takes_it_away() -> None:
    parts = prompt(5.0, 6.0, 7.0).parts
    assert bursts.text_of(bursts.amended(parts, at(6.0), "mended")) == "one\n\nmended\n\n3"
    assert bursts.text_of(bursts.amended(parts, at(5.0), None)) == "2\n\n3"


@pytest.mark.parametrize("how", ["is_reply", "mentions_bot"])
def test_a_reply_and_a_mention_begin_a_prompt_of_their_own_which_others_may_join(how: str) -> None:
    own: dict[str, Any] = {how: True}
    assert bursts.begins(said(5.0, **own)) and not bursts.stands_alone(said(5.0, **own))


def test_a_command_in_words_stands_alone() -> None:
    assert bursts.begins(said(5.0, "/compact")) and bursts.stands_alone(said(5.0, "/compact"))
    assert not bursts.begins(said(5.0, "see /etc/hosts"))


def test_of_messages_alone_it_can_be_told_whether_one_may_have_been_a_part() -> None:
    assert bursts.follows(said(5.0), said(6.0), WINDOW_S)
    assert not bursts.follows(said(5.0), said(6.0, person=BOB), WINDOW_S)
    assert not bursts.follows(said(5.0), said(6.0, is_reply=True), WINDOW_S)
    assert not bursts.follows(said(5.0), said(30.0), WINDOW_S)
