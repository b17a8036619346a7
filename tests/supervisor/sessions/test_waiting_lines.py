"""A tool that waits for its card needs no line of its own, and Discord takes few posts: the cards come first."""

from pathlib import Path

from bridge.protocol import events as e
from bridge.render import together

from .test_repetitions import ASKED, Desk, records

UP_TO_THE_TURN = ASKED[:6]


def asking(count: int) -> list[e.AnyEvent]:
    events: list[e.AnyEvent] = [*UP_TO_THE_TURN]
    for n in range(count):
        events.append(e.ToolStarted(f"t{n}", "Bash", f'{{"command":"make {n}"}}'))
        events.append(e.PermissionRequested(f"r{n}", "Bash", f'{{"command":"make {n}"}}', f"d{n}", f"t{n}"))
    return events


def unsettled(desk: Desk, prefix: str) -> list[str]:
    return [row.key for row in desk.store.unsettled_posts(desk.session_id) if row.key.startswith(prefix)]


def test_a_hundred_requests_at_once_are_as_many_posts_as_they_have_room_in(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.take(records(*asking(100)))
    assert len(unsettled(desk, "card:")) == -(-100 // together.MOST)
    assert unsettled(desk, "turn:") == []
    desk.store.close()


def test_a_line_is_its_card_once_that_is_answered(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    events = asking(2)
    desk.take(records(*events))
    first = len(events) + 1
    desk.take(records(e.PermissionResolved(8, "allowed", decided_by=111, decider="Ada"), first=first))
    assert unsettled(desk, "turn:") == []
    cards = [row.desired.content for row in desk.store.posts_like(desk.session_id, "card:")]
    assert [card.split("\n")[0].endswith("Bash `make 0` · allowed by <@111>") for card in cards] == [True]
    desk.store.close()


def test_a_line_that_stands_already_stays_and_is_changed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    events = asking(1)
    desk.take(records(*events[:-1]))
    (row,) = [row for row in desk.store.unsettled_posts(desk.session_id) if row.key.startswith("turn:")]
    desk.store.note_shown(row.id, 999, row.desired)
    desk.take(records(*events[-1:], first=len(events)))
    (again,) = desk.store.posts_like(desk.session_id, "turn:")
    assert again.message_id == 999
    desk.store.close()


def test_a_line_whose_create_may_be_under_way_is_not_forgotten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    events = asking(1)
    desk.take(records(*events[:-1]))
    (row,) = [row for row in desk.store.unsettled_posts(desk.session_id) if row.key.startswith("turn:")]
    desk.store.attempt(row.id, 0, 1.0)
    desk.take(records(*events[-1:], first=len(events)))
    assert [row.key for row in desk.store.posts_like(desk.session_id, "turn:")] == [row.key]
    desk.store.close()
