"""A usage limit is the login's: each mark of it is said once in a window, whichever Claude hears it, over restarts."""

from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager

ADA = Person(111, "Ada", 9)
RESETS_AT = 1_800_000_000.0


class Desk:
    """Two sessions, and what their Claudes hear of the limit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()
        for n in (1, 2):
            self.manager.create_session(CreateSession(10**18 + n, 9, Channel(222, "/srv"), ADA, "hello", "hello"))
        self.sessions = [session.session_id for session in self.manager.get_all_sessions()]

    def start(self) -> None:
        self.store = opened_store(self.folder / "db")
        self.manager = session_manager(self.store)

    def restart(self) -> None:
        self.store.close()
        self.start()

    def hears(
        self, who: int, percent: int, resets_at: float = RESETS_AT, at: float = 1.0, limit: str = "5-hour"
    ) -> None:
        session_id = self.sessions[who]
        seq = self.manager.row(session_id).session.applied + 1
        record = e.Record(f"{who}" * 16, seq, at, e.UsageNoted(limit, percent, resets_at))
        self.manager.reports.record(session_id, [record])

    def said(self) -> list[str]:
        rows = [row for one in self.sessions for row in self.store.posts_like(one, "usage:")]
        assert all(row.desired.silent and row.desired.content.startswith("-# ") for row in rows)
        return [row.desired.content.partition(" of the ")[0].removeprefix("-# ") for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_one_claude_heard_is_not_said_again_for_another_nor_after_a_restart(desk: Desk) -> None:
    desk.hears(0, 82)
    desk.hears(1, 83)
    desk.restart()
    desk.hears(1, 90)
    desk.hears(0, 85, RESETS_AT + 1)
    assert desk.said() == ["82 %"]


def test_the_second_mark_is_said_where_it_is_heard_first(desk: Desk) -> None:
    desk.hears(0, 82)
    desk.hears(1, 96)
    desk.hears(0, 97)
    desk.hears(0, 84)
    assert desk.said() == ["82 %", "96 %"]
    (row,) = desk.store.posts_like(desk.sessions[1], "usage:")
    assert row.desired.content == f"-# 96 % of the 5-hour usage limit are used until <t:{int(RESETS_AT)}:f>."


def test_the_next_window_and_another_limit_are_told_by_themselves(desk: Desk) -> None:
    desk.hears(0, 96)
    desk.hears(1, 81, limit="weekly")
    desk.hears(1, 81, RESETS_AT + 5 * 3600)
    assert sorted(desk.said()) == ["81 %", "81 %", "96 %"]


def test_what_is_heard_late_of_a_window_that_is_over_is_not_said(desk: Desk) -> None:
    desk.hears(0, 82, RESETS_AT + 5 * 3600)
    desk.hears(1, 82, RESETS_AT)
    assert desk.said() == ["82 %"]


def test_where_nobody_tells_when_the_window_ends_it_is_said_once_in_a_while(desk: Desk) -> None:
    desk.hears(0, 82, 0.0, at=100.0)
    desk.hears(1, 82, 0.0, at=200.0)
    desk.hears(1, 82, 0.0, at=100.0 + 5 * 3600)
    assert desk.said() == ["82 %", "82 %"]
