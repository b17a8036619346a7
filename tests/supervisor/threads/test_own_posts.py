"""Posts of ours that a moderator deletes."""

from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.posts import Button, Post
from bridge.session.managed import ManagedSession
from bridge.session.permission import RequestName
from stages.gateway_stage import DEADLINE_S, Stage, stage
from stages.support import awaited
from supervisor.sessions.posts_table import PostRow
from supervisor.threads.own_posts import LONGEST_PAUSE_S, pause_s
from twins.discord.model import Message

pytestmark = pytest.mark.slow


async def shown(s: Stage, session: ManagedSession, key: str, post: Post) -> Message:
    """As the outbox would have posted it."""
    s.manager.show(session.session_id, key, post)
    found = await s.rest.create(session.thread_id, post, f"{key}"[:25])
    with s.store.transaction():
        s.store.note_shown(row(s, session, key).id, found.message_id, post)
    return next(m for m in s.discord.messages(session.thread_id) if m.id == found.message_id)


def row(s: Stage, session: ManagedSession, key: str) -> PostRow:
    found = s.store.post(session.session_id, key)
    assert found
    return found


CARD = Post("may I?", buttons=(Button("Allow", "tb:allow"),))


@awaited
async def test_a_card_that_is_open_is_posted_anew_and_one_that_is_decided_stays_deleted(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        card = await shown(s, session, "card:g:1", CARD)
        show = Button("Show", RequestName(session.session_id, "0123456789abcdef", 2).custom_id("show"))
        decided = await shown(s, session, "card:g:2", Post("✓ Bash `ls` · allowed by ada", buttons=(show,)))
        for message in (decided, card):
            s.discord.world.delete(message)
        await s.discord.until(lambda: row(s, session, "card:g:1").message_id is None, DEADLINE_S, "it is new again")
        assert row(s, session, "card:g:1").shown is None
        assert row(s, session, "card:g:2").message_id == decided.id


@awaited
async def test_the_answer_that_is_being_written_is_posted_anew_and_an_old_one_is_not(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        assert session.turn
        live_key = f"turn:{session.generation}:{session.turn.seq}.0.0"
        live = await shown(s, session, live_key, Post("I am"))
        old = await shown(s, session, f"turn:{session.generation}:0.0.0", Post("I was"))
        for message in (old, live):
            s.discord.world.delete(message)
        await s.discord.until(lambda: row(s, session, live_key).message_id is None, DEADLINE_S, "it is new again")
        assert row(s, session, f"turn:{session.generation}:0.0.0").message_id == old.id
        s.happens(session, e.TurnEnded("completed"))


@awaited
async def test_what_was_deleted_while_nobody_listened_is_found_out(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.back():
            session = await s.session()
            card = await shown(s, session, "card:g:1", CARD)
            other = await shown(s, session, "card:g:3", CARD)
        s.discord.world.delete(card)
        async with s.back():
            await s.discord.until(lambda: row(s, session, "card:g:1").message_id is None, DEADLINE_S, "it is new")
            assert row(s, session, "card:g:3").message_id == other.id


def test_who_deletes_each_of_our_posts_makes_us_slow() -> None:
    assert [pause_s(times) for times in range(5)] == [0.0, 0.0, 5.0, 10.0, 20.0]
    assert pause_s(10**6) == LONGEST_PAUSE_S
