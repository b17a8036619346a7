"""A restored backup: what a later state answered is not asked again, and what nobody answered is."""

import shutil
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import commands as c
from stages.gateway_stage import stage
from stages.jumping_clock import jumping
from stages.support import awaited, until
from supervisor.discord.shapes import Message, read
from supervisor.threads.restored import Known, before_our_own

from .test_inbound import BOT, THREAD, desk, said
from .test_outbox import Bridge

pytestmark = pytest.mark.slow


def messages(*authors: int) -> list[Message]:
    return [read(said(1001 + n, "x", author), Message) for n, author in enumerate(authors)]


def test_what_stands_before_a_post_that_we_do_not_know_was_heard() -> None:
    there = messages(1, BOT, 2, BOT, 3)
    assert before_our_own(there, BOT, None) == set()
    assert before_our_own(there, BOT, Known()) == {1001, 1003}
    assert before_our_own(there, BOT, Known(frozenset({1002, 1004}))) == set()
    assert before_our_own(there, BOT, Known(frozenset({1004}))) == {1001}
    assert before_our_own(there, BOT, Known(attempted=1)) == {1001, 1003}, "two are unknown, and one was attempted"
    assert before_our_own(there, BOT, Known(attempted=2)) == set()
    assert before_our_own(there, BOT, Known(since=1004)) == set()


def test_answers_to_commands_prove_nothing() -> None:
    there = messages(1, BOT)
    there[1] = msgspec.structs.replace(there[1], interaction_metadata={"id": "5"})
    assert before_our_own(there, BOT, Known()) == set()


@awaited
async def test_a_thread_says_what_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [
            said(1001, "answered"),
            said(1002, "the answer", BOT),
            said(1003, "answered too"),
            said(1004, "the other answer", BOT),
            said(1005, "new"),
        ]
        d.sees_guild(thread_last=1005)
        await d.caught_up()
        assert d.prompts() == ["one", "new"]
        assert d.manager.cursor(THREAD) == 1005
        (told,) = d.store.posts_like(d.session.session_id, "answered:")
        assert "2 messages above were answered" in told.desired.content


@awaited
async def test_a_prompt_whose_thread_the_backup_does_not_know_is_not_asked_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.back():
            await s.heard(s.channel.id, await s.ada.says(s.channel.id, "before the backup"))
        backup = tmp_path / "backup.db"
        shutil.copy(s.config.layout.database, backup)
        async with s.back():
            session = await s.session("delete the old branch")
        shutil.copy(backup, s.config.layout.database)
        await s.ada.says(s.channel.id, "new")
        async with s.back():
            known = s.manager.session_of_thread(session.thread_id)
            assert known
            assert s.prompts(known) == []
            assert s.manager.has_thread(known.session_id)
            new = s.manager.get_all_sessions()[-1]
            assert s.prompts(new) == ["new"]
            await s.heard(known.thread_id, await s.ada.says(known.thread_id, "and now?"))
            assert s.prompts(known) == ["and now?"]
            (told,) = s.store.posts_like(known.session_id, "restored:")
            assert "a backup that does not know this thread" in told.desired.content


@jumping
async def test_a_thread_that_exists_at_the_first_try_was_begun_before(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    session = bridge.begin()
    bridge.discord.channels.add(session.thread_id)
    async with bridge.running():
        await bridge.settled()
    assert not [i for i in bridge.store.inbox(session.session_id) if isinstance(i.command, c.Prompt)]
    bridge.store.close()


@jumping
async def test_a_thread_whose_answer_was_lost_is_ours_and_its_prompt_goes(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    bridge.discord.lose("thread")
    session = bridge.begin()
    async with bridge.running():
        await bridge.settled()
        await until(lambda: bridge.discord.count("thread") == 2, "once more")
    assert [i for i in bridge.store.inbox(session.session_id) if isinstance(i.command, c.Prompt)]
    bridge.store.close()
