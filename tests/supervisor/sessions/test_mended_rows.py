"""One session that cannot be read in the store is one bad session: its log tells it anew, and what people were promised
stays.
"""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import PermissionRequest, RequestName
from bridge.session.questions import Draft
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.operator import checkup, cli, session_list
from supervisor.operator.context import Asked
from supervisor.operator.targets import complete_target
from supervisor.sessions.database import DamagedStoreError
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.mended_rows import mend_rows
from supervisor.sessions.recall import recall
from supervisor.sessions.remembered import remember, remember_clicks

from .test_journal import ADA, CHANNEL, GENERATION, QUESTION, Desk

BASH = e.PermissionRequested("r", "Bash", "{}", "d" * 64)
ASKS = e.PermissionRequested("q", "AskUserQuestion", QUESTION, "d" * 64)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


DEATHS = ("none", "before the log is read", "before the journal is read", "after it")


def reborn(desk: Desk, death: str = "none") -> SessionManager:
    """The next supervisor, as ``supervisor.main`` has it come up; one before it died at that place."""
    if death != "none":
        desk.store.close()
        desk.store = opened_store(desk.layout.database)
        mended = mend_rows(desk.layout, desk.store)
        if death != DEATHS[1]:
            desk.manager = session_manager(desk.store)
            recall(desk.layout, desk.manager, mended)
        if death == DEATHS[3]:
            remember_clicks(desk.manager, mended)
    desk.store.close()
    desk.store = opened_store(desk.layout.database)
    mended = mend_rows(desk.layout, desk.store)
    desk.manager = session_manager(desk.store)
    recall(desk.layout, desk.manager, mended)
    remember_clicks(desk.manager, mended)
    remember(desk.manager)
    return desk.manager


def in_turn(desk: Desk) -> str:
    """A session that asks two things: seq 5 is a command, 6 a question. An earlier worker died."""
    session_id = desk.session()
    desk.logs(
        session_id,
        e.ChildExited(1, wanted=False),
        e.PromptAccepted(7, "u", "one", 42, "Ada"),
        e.TurnStarted((7,)),
        BASH,
        ASKS,
    )
    return session_id


def spoil(desk: Desk, session_id: str, column: str, data: bytes) -> None:
    desk.store._execute(f"UPDATE sessions SET {column} = ? WHERE session_id = ?", (data, session_id))


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("acked", ["", f"{GENERATION} 6", f"{GENERATION} 3"])
@pytest.mark.parametrize(("column", "data"), [("snapshot", b"{}"), ("view", b"\xff"), ("snapshot", b"")])
def test_what_people_were_promised_stays(desk: Desk, column: str, data: bytes, acked: str, death: str) -> None:
    session_id = in_turn(desk)
    manager, before = desk.manager, desk.manager.row(session_id).session
    if acked:
        desk.layout.session(session_id).acked.write_text(acked)
    assert manager.decide(before.requests[5], "allowed", ADA)
    assert manager.draft(RequestName(session_id, GENERATION, 6), Draft(picks={0: (1,)}), 42)
    manager.prompt(session_id, 8, "two", ADA, 0)
    manager.store.desire(session_id, "notice", Post("still to be shown"))
    posts = {row.key: row.desired for row in desk.store.posts_like(session_id, "")}
    wishes = [item.command for item in desk.store.inbox(session_id)]
    assert [type(one) for one in wishes] == [c.Prompt, c.Decide, c.Prompt]
    spoil(desk, session_id, column, data)

    manager = reborn(desk, death)
    session = manager.row(session_id).session
    assert (session.applied, list(session.requests), session.turn and session.turn.seq) == (6, [5, 6], 4)
    assert [item.command for item in desk.store.inbox(session_id)] == wishes
    assert not isinstance(manager.request_of(RequestName(session_id, GENERATION, 5)), PermissionRequest), "decided"
    assert manager.row(session_id).view.cards[6].draft.picks == {0: (1,)}
    assert {row.key: row.desired for row in desk.store.posts_like(session_id, "")} == posts
    assert manager.get_session(session_id) is manager.session_of_thread(before.thread_id)


def test_that_it_ended_stays_and_others_hear_nothing_of_it(desk: Desk) -> None:
    bad = in_turn(desk)
    channel = Channel(CHANNEL, str(desk.layout.state))
    good = desk.manager.create_session(CreateSession(2002, 500, channel, ADA, "two", "two")).session_id
    desk.manager.destroy_session(bad, "ended by Ada", 42)
    spoil(desk, bad, "view", b"[]")
    manager = reborn(desk)
    assert (manager.row(bad).end_reason, desk.store.restored(bad) != "") == ("ended by Ada", True)
    assert manager.row(good).ended_at is None and desk.store.restored(good) == ""
    assert mend_rows(desk.layout, desk.store) == frozenset(), "once"


def test_commands_know_the_others_too_while_it_was_not_told_anew(desk: Desk) -> None:
    bad = in_turn(desk)
    channel = Channel(CHANNEL, str(desk.layout.state))
    good = desk.manager.create_session(CreateSession(2002, 500, channel, ADA, "two", "two")).session_id
    desk.manager.destroy_session(good, "ended by Ada", 42)
    spoil(desk, bad, "snapshot", b"{}")
    listed = {row.session.session_id: row.end_reason for row in session_list.rows(desk.layout)}
    assert listed == {bad: "", good: "ended by Ada"}


def two_that_ended(desk: Desk) -> tuple[str, str]:
    """One whose row cannot be read, and one beside it; both have a log."""
    bad = in_turn(desk)
    channel = Channel(CHANNEL, str(desk.layout.state))
    good = desk.manager.create_session(CreateSession(2002, 500, channel, ADA, "two", "two")).session_id
    desk.layout.session(good).folder.mkdir(parents=True)
    for one in (bad, good):
        desk.manager.destroy_session(one, "ended by Ada", 42)
        desk.store._execute("DELETE FROM inbox")
        desk.store._execute("UPDATE posts SET shown = desired, message_id = id")
    spoil(desk, bad, "snapshot", b"{}")
    return bad, good


def test_prune_knows_the_others_and_says_which_it_cannot_tell(desk: Desk) -> None:
    bad, good = two_that_ended(desk)
    typed = ["--state", str(desk.layout.state), "prune", "--older-than", "0m", "--dry-run"]
    done = CliRunner().invoke(cli.cli, typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert [line[:8] for line in done.stdout.splitlines()] == [good[:8]]
    assert f"{bad[:8]} is kept: it cannot be read in the store" in done.stderr


def test_check_says_of_one_what_becomes_of_it_and_looks_at_the_others(desk: Desk) -> None:
    bad, _ = two_that_ended(desk)
    found = [one for one in checkup.findings(desk.layout) if one.kind in ("session_unreadable", "store_unreadable")]
    assert [(one.session, one.is_wrong) for one in found] == [(bad, True)]
    assert "tells it anew by its log" in found[0].todo
    desk.layout.session(bad).log.unlink()
    (one,) = [one for one in checkup.findings(desk.layout) if one.kind == "session_unreadable"]
    assert "the store has to be rebuilt" in one.todo


def test_a_shell_completes_the_ids_of_both(desk: Desk) -> None:
    both = two_that_ended(desk)
    context = click.Context(cli.cli, obj=Asked(None, str(desk.layout.state)))
    offered = [item.value for item in complete_target(context, click.Argument(["target"]), "")]
    assert sorted(offered) == sorted(both)


def test_two_of_them_are_told_anew_or_none(desk: Desk) -> None:
    bad = in_turn(desk)
    channel = Channel(CHANNEL, str(desk.layout.state))
    worse = desk.manager.create_session(CreateSession(2002, 500, channel, ADA, "two", "two")).session_id
    for one in (bad, worse):
        spoil(desk, one, "snapshot", b"{}")
    with pytest.raises(DamagedStoreError, match=worse):
        mend_rows(desk.layout, desk.store)
    assert set(desk.store.unreadable_sessions()) == {bad, worse}


def test_without_a_log_to_be_read_the_store_counts_as_damaged(desk: Desk) -> None:
    session_id = desk.session()
    spoil(desk, session_id, "snapshot", b"{}")
    with pytest.raises(DamagedStoreError, match="neither can its log; move it away"):
        mend_rows(desk.layout, desk.store)
