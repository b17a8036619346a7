"""What a message of a worker means, and what of the inbox goes to it now."""

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.starts_table import StartRow
from supervisor.workers.endpoint import (
    DEAF_S,
    HELLOS_WITHOUT_PROGRESS,
    RESEND_INTERVAL_S,
    Endpoint,
    Foreign,
    Forged,
    Greeting,
    Live,
    Nothing,
    Report,
    due,
    meaning,
)
from supervisor.workers.sockets import Heard

ID = "01234567-89ab-cdef-0123-456789abcdef"
RECORD = e.Record("g", 1, 0.0, e.Noticed("hello"))
HELLO = wire.Hello(ID, wire.PROTOCOL, "g", 1, 5, 7)


def endpoint(*, welcomed: bool = False) -> Endpoint:
    return Endpoint(StartRow(ID, "00000001", "key", 0.0), welcomed=welcomed)


def said(message: wire.Up, user_id: str = ID, parts: int = 1) -> Heard:
    return Heard(user_id, wire.encode(message), parts)


@pytest.mark.parametrize(
    "heard",
    [
        said(HELLO, user_id=""),
        said(HELLO, user_id="another"),
        said(HELLO, parts=2),
        said(wire.Hello("another", wire.PROTOCOL, "g", 1, 5, 7)),
        said(wire.Records("another", (RECORD,))),
        Heard(ID, b"\xff no message"),
        Heard(ID, b'{"type":"Welcome","session_id":"x"}'),
    ],
)
@pytest.mark.parametrize("deaf", [False, True])
def test_what_does_not_speak_for_its_own_session_is_forged(heard: Heard, deaf: bool) -> None:
    mine = endpoint(welcomed=True)
    if deaf:
        mine.turn_deaf("the disk is full", 10.0)
    assert isinstance(meaning(mine, heard, 10.0), Forged)


def test_a_hello_is_a_greeting_in_the_newest_protocol_that_both_speak() -> None:
    assert meaning(endpoint(), said(HELLO), 0.0) == Greeting(HELLO, wire.PROTOCOL)


@pytest.mark.parametrize(
    ("oldest", "newest", "stranger"), [(0, 0, "older"), (wire.PROTOCOL + 1, wire.PROTOCOL + 3, "newer")]
)
def test_a_hello_in_protocols_that_we_do_not_speak_is_foreign(oldest: int, newest: int, stranger: str) -> None:
    hello = wire.Hello(ID, oldest, "g", 1, 5, 7, newest=newest)
    found = meaning(endpoint(), said(hello), 0.0)
    assert isinstance(found, Foreign)
    assert (found.stranger, found.oldest, found.newest) == (stranger, oldest, newest)


def test_before_a_hello_nothing_counts_and_after_it_records_and_live_text_do() -> None:
    records, delta = wire.Records(ID, (RECORD,)), wire.Delta(ID, "b", 0, "x")
    assert [meaning(endpoint(), said(m), 0.0) for m in (records, delta)] == [Nothing(), Nothing()]
    mine = endpoint()
    mine.welcome(applied=0, last=5)
    assert [meaning(mine, said(m), 0.0) for m in (records, delta)] == [Report((RECORD,)), Live(delta)]


def test_a_worker_whose_word_could_not_be_kept_is_heard_again_after_a_moment_from_its_hello_on() -> None:
    mine = endpoint(welcomed=True)
    mine.turn_deaf("the disk is full", 10.0)
    assert meaning(mine, said(HELLO), 10.0 + DEAF_S - 0.01) == Nothing()
    assert meaning(mine, said(wire.Records(ID, (RECORD,))), 10.0 + DEAF_S) == Nothing()
    assert isinstance(meaning(mine, said(HELLO), 10.0 + DEAF_S), Greeting)


def test_hellos_without_progress_are_counted_and_progress_begins_anew() -> None:
    mine = endpoint()
    mine.welcome(applied=3, last=9)
    for _ in range(HELLOS_WITHOUT_PROGRESS):
        assert not mine.is_stuck
        mine.welcome(applied=3, last=9)
    assert mine.is_stuck
    mine.welcome(applied=4, last=9)
    assert not mine.is_stuck
    for _ in range(HELLOS_WITHOUT_PROGRESS):
        mine.welcome(applied=9, last=9)
    assert not mine.is_stuck, "all of it has arrived"


# --- what goes out ------------------------------------------------------------------------------------


def prompt(number: int, *, waits: bool = False) -> InboxRow:
    files = (e.Attachment(1, "a.png", 10, stored="" if waits else "files/a.png"),)
    return InboxRow(number, c.Prompt(number, "go", 1, "Ada", attachments=files), 0.0)


STOP = InboxRow(9, c.Stop("x"), 0.0)


def going(mine: Endpoint, inbox: list[InboxRow], now: float) -> list[int]:
    return [item.id for item in due(mine, inbox, now)]


def test_before_a_hello_nothing_goes_out() -> None:
    assert going(endpoint(), [prompt(1)], 0.0) == []


def test_all_goes_in_order_and_again_only_after_a_while_or_after_a_hello() -> None:
    mine, inbox = endpoint(welcomed=True), [prompt(1), prompt(2), STOP]
    assert going(mine, inbox, 100.0) == [1, 2, 9]
    mine.sent.update({1: 100.0, 2: 100.0})
    assert going(mine, inbox, 100.0 + RESEND_INTERVAL_S - 0.1) == [9]
    assert going(mine, inbox, 100.0 + RESEND_INTERVAL_S) == [1, 2, 9]
    mine.welcome(applied=0, last=5)
    assert going(mine, inbox, 100.1) == [1, 2, 9]


def test_a_prompt_that_waits_for_its_files_holds_back_the_prompts_behind_it_and_nothing_else() -> None:
    mine = endpoint(welcomed=True)
    assert going(mine, [prompt(1), prompt(2, waits=True), STOP, prompt(3)], 0.0) == [1, 9]
