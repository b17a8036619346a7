"""What of an inbox may go to its worker: who may still talk, and whether there is a thread to answer in."""

from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.session.rights import Policy
from stages.jumping_clock import jumping
from stages.support import awaited, until
from supervisor.assembly import session_manager
from supervisor.discord.errors import Forbidden, Refused, Unavailable
from supervisor.sessions.members import FRESH_S, Asked

from ..threads.test_inbound import ADA, BOB, GUILD, ROLE, THREAD, Desk, desk, edit, said
from ..threads.test_outbox import CHANNEL, Bridge
from .test_held import Desk as Held


def delivered(d: Desk) -> list[str]:
    return [i.command.text for i in d.manager.inbox(d.session.session_id) if isinstance(i.command, c.Prompt)]


def marks(d: Desk) -> list[str]:
    return [row.desired.content for row in d.store.posts_like(d.session.session_id, "mark:")]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@awaited
async def test_a_prompt_of_somebody_who_lost_the_role_while_it_waited_is_not_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA}), frozenset({ROLE})), clock) as d:
        d.inbound.live(said(1001, "bob's", BOB, guild_id=str(GUILD), member={"roles": [str(ROLE)]}))
        d.inbound.live(said(1002, "ada's", guild_id=str(GUILD)))
        assert delivered(d) == ["one", "bob's", "ada's"]
        clock.now += FRESH_S + 1
        assert delivered(d) == ["one"], "his roles are not known any more, and hers waits behind his"
        await d.manager.delivery.members.look(GUILD, BOB)
        assert delivered(d) == ["one", "ada's"]
        assert d.prompts() == ["one", "ada's"]
        assert "no longer has the right **talk**" in marks(d)[0]


@awaited
async def test_roles_that_cannot_be_fetched_now_drop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA}), frozenset({ROLE})), clock) as d:
        d.inbound.live(said(1001, "bob's", BOB, guild_id=str(GUILD), member={"roles": [str(ROLE)]}))
        clock.now += FRESH_S + 1
        assert delivered(d) == ["one"]
        known = d.rest.member

        async def fails(_guild_id: int, _user_id: int) -> object:
            raise Unavailable("503")

        monkeypatch.setattr(d.rest, "member", fails)
        await d.manager.delivery.members.look(GUILD, BOB)
        assert d.prompts() == ["one", "bob's"]
        monkeypatch.setattr(d.rest, "member", known)
        d.rest.roles[BOB] = [str(ROLE)]
        await d.manager.delivery.members.look(GUILD, BOB)
        assert delivered(d) == ["one", "bob's"]


@awaited
async def test_who_was_taken_off_the_list_before_a_restart_is_not_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "two", guild_id=str(GUILD)))
        d.manager = session_manager(d.store, asked=Asked(Policy(frozenset({999})), d.rest))
        assert delivered(d) == []
        assert d.prompts() == []


@awaited
async def test_an_edit_whose_roles_are_not_told_is_looked_at_with_roles_that_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        member: dict[str, object] = {"roles": [str(ROLE)]}
        for number in (1001, 1002):
            d.inbound.live(said(number, f"text {number}", BOB, guild_id=str(GUILD), member=member))
        edits = [edit(number, f"edited {number}", author=BOB) for number in (1001, 1002)]
        d.rest.roles[BOB] = [str(ROLE)]
        d.rest.holds[THREAD] = [edits[0], said(1002, "text 1002", BOB)]
        d.inbound.edited(edits[0])
        await until(lambda: d.prompts()[1] == "edited 1001", "the edit")
        del d.rest.roles[BOB]
        d.rest.holds[THREAD] = edits
        d.inbound.edited(edits[1])
        await until(lambda: d.inbound._amendments.is_sure, "it was looked at")
        assert d.prompts()[2] == "text 1002"


# --- a thread that cannot be made --------------------------------------------------------------------


@jumping
@pytest.mark.parametrize("error", [Forbidden("Missing Permissions", 50013), Refused("too many threads", 400, 160006)])
async def test_a_prompt_whose_thread_cannot_be_made_is_kept_and_nobody_works_for_it(
    tmp_path: Path, error: Exception
) -> None:
    bridge = Bridge(tmp_path)
    bridge.discord.fail("thread", *[error] * 4)
    async with bridge.running():
        session_id = bridge.begin().session_id
        assert bridge.manager.is_wanted(session_id), "the worker starts beside the thread"
        await until(lambda: bridge.discord.count("thread"), "the thread")
        await until(lambda: not bridge.manager.is_wanted(session_id), "no worker is wanted")
        assert not bridge.manager.has_work(session_id)
        assert bridge.manager.inbox(session_id) == []
        assert not bridge.restarted().manager.is_wanted(session_id), "nor after a restart"
    after = Bridge(tmp_path, bridge.discord)
    async with after.running():
        await until(lambda: bridge.discord.shown(CHANNEL), "words in the channel", deadline_s=60)
        await until(lambda: after.manager.is_wanted(session_id), "the thread is there", deadline_s=100)
        assert len(after.manager.inbox(session_id)) == 1


def test_a_worker_that_was_started_for_a_thread_that_cannot_be_made_is_stopped_once(tmp_path: Path) -> None:
    desk = Held(tmp_path)
    for event in (
        e.WorkerStarted(1, contained=False, containment="none"),
        e.ChildStarted(2, "claude-id", resumed=False),
    ):
        desk.manager.reports.record(desk.id, [e.Record("g", desk.session.applied + 1, desk.now, event)])
    desk.manager.row(desk.id).attached = 1
    desk.manager.delivery.stop_placeless()
    desk.manager.delivery.place_refused(desk.id)
    for _ in range(3):
        desk.manager.delivery.stop_placeless()
    assert [type(item.command) for item in desk.manager.inbox(desk.id)] == [c.Stop]
    desk.manager.delivery.place_made(desk.id)
    assert [type(item.command) for item in desk.manager.inbox(desk.id)] == [c.Prompt, c.Stop]
    desk.store.close()
