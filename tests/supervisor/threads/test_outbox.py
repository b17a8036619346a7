import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.discord_numbers import NONCE_CHARS
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.render.posts import Embed, Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from stages.fake_discord import FakeDiscord, FakeMessage, unix_time
from stages.jumping_clock import jumping
from stages.opened_stores import opened_store
from stages.support import until
from supervisor.assembly import session_manager
from supervisor.discord.errors import BadToken, Forbidden, MessageGone, Unavailable
from supervisor.discord.pace import Priority
from supervisor.sessions.posts_table import PostRow
from supervisor.threads.carrier import NONCE_S
from supervisor.threads.outbox import Outbox
from supervisor.threads.tries import backoff_s, nonce_of
from supervisor.threads.typing_shown import TYPING_EVERY_S, TypingShown
from supervisor.threads.writes import FIRST_GAP_S, GAP_S, plan

CHANNEL, THREAD = 222, 10**18
ADA = Person(111, "Ada", 9)


class Bridge:
    """A real store and manager with one session, and the outbox that serves it; ``restart`` is a crash."""

    def __init__(self, path: Path, discord: FakeDiscord | None = None) -> None:
        self.path = path
        self.discord = discord or FakeDiscord(CHANNEL)
        self.store = opened_store(path / "store.db")
        self.manager = session_manager(self.store, unix_time)
        self.outbox = Outbox(
            *(self.manager, self.discord, unix_time),
            jitter=lambda: 0.0,
            lacks=lambda server, channel: None if self.is_before_ready else (server, channel) in self.not_shown,
        )
        self.not_shown: set[tuple[int, int]] = set()
        self.is_before_ready = False
        self.seq = 0

    def begin(self, thread_id: int = THREAD) -> ManagedSession:
        channel = Channel(CHANNEL, "/srv")
        return self.manager.create_session(CreateSession(thread_id, 9, channel, ADA, "hello", "a name"))

    @property
    def session(self) -> ManagedSession:
        return self.manager.get_all_sessions()[0]

    def happens(self, event: e.AnyEvent, session: ManagedSession | None = None) -> None:
        session = session or self.session
        seq = session.applied + 1
        assert self.manager.reports.record(session.session_id, [e.Record("g", seq, unix_time(), event)]) == seq

    def show(self, key: str, post: Post) -> None:
        self.manager.show(self.session.session_id, key, post)

    def row(self, key: str) -> PostRow:
        row = self.store.post(self.session.session_id, key)
        assert row
        return row

    def is_settled(self) -> bool:
        return not self.store.unsettled_sessions()

    async def settled(self) -> None:
        await until(self.is_settled, "every thread shows its posts", self.describe, 300)

    def describe(self) -> str:
        return "\n".join(str(call) for call in self.discord.calls[-20:])

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bridge"]:
        task = asyncio.create_task(self.outbox.run())
        await asyncio.sleep(0)
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def restarted(self) -> "Bridge":
        self.store.close()
        return Bridge(self.path, self.discord)


@asynccontextmanager
async def conversation(path: Path) -> AsyncIterator[Bridge]:
    """A session whose thread was made."""
    bridge = Bridge(path)
    async with bridge.running():
        bridge.begin()
        await bridge.settled()
        yield bridge


def row(number: int, post: Post, message_id: int | None = None, shown: Post | None = None) -> PostRow:
    return PostRow(number, "s", f"key{number}", post, shown, message_id, 0, None)


def planned(rows: list[PostRow], *, is_streaming: bool = True) -> list[tuple[str, int]]:
    return [(w.action, w.row.id) for w in plan(rows, is_streaming=is_streaming, since={})]


# --- what may be done next ---------------------------------------------------------------------------


def test_nothing_in_the_thread_goes_before_the_thread_itself() -> None:
    rows = [row(1, Post(thread_name="a name", urgent=True)), row(2, Post("a")), row(3, Post("b", urgent=True))]
    assert planned(rows) == [("thread", 1)]


def test_a_post_in_the_channel_waits_for_no_order() -> None:
    rows = [row(1, Post(thread_name="a name", urgent=True)), row(2, Post("a", where="channel"))]
    assert planned(rows) == [("thread", 1), ("create", 2)]


def test_only_the_first_new_post_may_be_created() -> None:
    assert planned([row(2, Post("a")), row(3, Post("b"))]) == [("create", 2)]


def test_what_stands_before_an_urgent_post_is_as_urgent() -> None:
    writes = plan([row(2, Post("a")), row(3, Post("b", urgent=True))], is_streaming=True, since={})
    assert [(w.row.id, w.priority) for w in writes] == [(2, Priority.URGENT)]


def test_an_urgent_edit_goes_before_text_and_a_turns_end_before_text() -> None:
    rows = [row(2, Post("a"), 1), row(3, Post("b", urgent=True), 2)]
    assert planned(rows) == [("edit", 3), ("edit", 2)]
    assert [w.priority for w in plan(rows, is_streaming=False, since={})] == [Priority.URGENT, Priority.END]


def test_of_several_posts_the_one_that_waits_longest_goes() -> None:
    rows = [row(2, Post("a"), 1), row(3, Post("b"), 2)]
    writes = plan(rows, is_streaming=True, since={2: 5.0, 3: 1.0})
    assert [w.row.id for w in writes] == [3, 2]


def test_a_page_that_is_full_is_completed_before_the_next_one_begins() -> None:
    assert planned([row(2, Post("a"), 1), row(3, Post("b"))]) == [("edit", 2), ("create", 3)]


def test_backoff_doubles_respects_retry_after_and_is_capped() -> None:
    assert [backoff_s(n, 0.0, 0.0) for n in (1, 2, 3, 4, 50)] == [1, 2, 4, 8, 30]
    assert backoff_s(1, 7.0, 0.0) == 7
    assert 7 < backoff_s(1, 7.0, 1.0) < 10
    assert backoff_s(1, 582.0, 1.0) == 30


def test_a_nonce_names_session_post_and_attempt_in_25_characters() -> None:
    a, b = row(1, Post("a")), row(2, Post("a"))
    assert len({nonce_of(a, 0), nonce_of(a, 1), nonce_of(b, 0)}) == 3
    assert nonce_of(a, 0) == nonce_of(a, 0)
    assert len(nonce_of(a, 10**9)) <= NONCE_CHARS


# --- showing -----------------------------------------------------------------------------------------


@jumping
async def test_the_thread_is_made_from_its_message_and_then_the_posts_in_their_order(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    async with bridge.running():
        bridge.begin()
        for text in ("one", "two", "three"):
            bridge.show(text, Post(text))
        await bridge.settled()
    assert [call.what for call in bridge.discord.calls] == ["thread", "create", "create", "create"]
    assert bridge.discord.shown(THREAD) == ["one", "two", "three"]
    assert bridge.row("thread").message_id == THREAD


@jumping
async def test_what_was_desired_before_the_start_is_shown_after_it(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    bridge.begin()
    bridge.show("a", Post("text"))
    async with bridge.running():
        await bridge.settled()
    assert bridge.discord.shown(THREAD) == ["text"]


@jumping
async def test_a_task_ends_when_its_session_is_settled(tmp_path: Path) -> None:
    async with conversation(tmp_path):
        await until(lambda: len(asyncio.all_tasks()) == 2, "only the test and the outbox itself are left", deadline_s=5)


@jumping
async def test_the_attempt_is_committed_before_the_create(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("text"))
        await until(lambda: bridge.row("a").attempted_at, "the attempt", deadline_s=5)
        assert not bridge.discord.count("create")
        await bridge.settled()


@jumping
async def test_an_edit_that_changes_nothing_visible_costs_no_request(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("text", silent=True))
        await bridge.settled()
        bridge.show("a", Post("text", urgent=True))
        await bridge.settled()
        assert not bridge.discord.count("edit")


@jumping
async def test_a_change_during_an_edit_is_shown_by_another_edit(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("1"))
        await bridge.settled()
        bridge.show("a", Post("2"))
        await until(lambda: bridge.discord.count("edit"), "the edit", deadline_s=5)
        bridge.show("a", Post("3"))
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["3"]


# --- nothing twice -----------------------------------------------------------------------------------


@jumping
async def test_a_create_whose_reply_is_lost_is_repeated_under_its_nonce_and_posted_once(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create", 3)
        bridge.show("a", Post("text"))
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["text"]
        assert len({call.nonce for call in bridge.discord.calls if call.what == "create"}) == 1
        assert not bridge.discord.count("edit")


@jumping
async def test_old_text_that_a_nonce_answers_with_is_edited_to_the_newest(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create")
        bridge.show("a", Post("old"))
        await until(lambda: bridge.discord.made(THREAD), "the post", deadline_s=5)
        bridge.show("a", Post("new"))
        await bridge.settled()
        assert [m.contents for m in bridge.discord.made(THREAD)] == [["old", "new"]]


@jumping
async def test_a_card_under_an_old_nonce_is_edited_for_its_embed_cannot_be_compared(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create")
        bridge.show("a", Post("card", embed=Embed("open"), urgent=True))
        await until(lambda: bridge.discord.made(THREAD), "the card", deadline_s=5)
        bridge.show("a", Post("card", embed=Embed("settled"), urgent=True))
        await bridge.settled()
        assert [m.post.embed for m in bridge.discord.made(THREAD)] == [Embed("settled")]


@jumping
@pytest.mark.parametrize("dead_s", [1.0, NONCE_S - 5, NONCE_S + 5, 3600.0])
async def test_a_crash_between_discords_answer_and_our_commit_repeats_nothing(tmp_path: Path, dead_s: float) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("before", Post("before"))
        await bridge.settled()
        bridge.discord.lose("create")
        bridge.show("a", Post("text"))
        await until(lambda: len(bridge.discord.made(THREAD)) == 2, "the post", deadline_s=5)
    assert bridge.row("a").message_id is None
    after = bridge.restarted()
    await asyncio.sleep(dead_s)
    after.show("a", Post("more text"))
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(THREAD) == ["before", "more text"]
    assert bridge.discord.count("history") == (dead_s > NONCE_S)


@jumping
@pytest.mark.parametrize("dead_s", [1.0, 3600.0])
async def test_a_crash_between_the_attempt_and_the_create_loses_nothing(tmp_path: Path, dead_s: float) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("text"))
        await until(lambda: bridge.row("a").attempted_at, "the attempt", deadline_s=5)
    assert not bridge.discord.made(THREAD)
    after = bridge.restarted()
    await asyncio.sleep(dead_s)
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(THREAD) == ["text"]
    assert after.row("a").attempt == (dead_s > NONCE_S)
    assert bridge.discord.made(THREAD)[0].nonce == nonce_of(after.row("a"), after.row("a").attempt)


@jumping
async def test_an_outage_longer_than_the_nonce_is_kept_posts_once(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create")
        bridge.show("a", Post("text"))
        await until(lambda: bridge.discord.made(THREAD), "the post", deadline_s=5)
        bridge.discord.fail("create", *[Unavailable("503")] * 8)
        bridge.discord.fail("history", *[Unavailable("503")] * 3)
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["text"]


@jumping
async def test_a_clock_that_went_back_does_not_make_an_old_nonce_young(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        with bridge.store.transaction():
            bridge.store.desire(bridge.session.session_id, "a", Post("text"))
            bridge.store.attempt(bridge.row("a").id, 0, unix_time() + 1000)
        bridge.outbox.wake(bridge.session.session_id)
        await bridge.settled()
        assert bridge.discord.count("history") == 1


@jumping
async def test_in_the_channel_only_a_post_of_the_same_text_is_adopted(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create")
        bridge.show("a", Post("summary", where="channel"))
        await until(lambda: bridge.discord.made(CHANNEL), "the post", deadline_s=5)
    bridge.discord.messages.insert(0, FakeMessage(2 * THREAD, CHANNEL, Post("another session's"), "", 0.0))
    after = bridge.restarted()
    await asyncio.sleep(600)
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(CHANNEL) == ["another session's", "summary"]


@jumping
async def test_a_refusal_of_the_gateways_is_not_taken_for_a_lost_post(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("text"))
        await until(lambda: bridge.row("a").attempted_at, "the attempt", deadline_s=5)
    bridge.discord.somebody_posts(THREAD, Post("You are not on the list", reply_to=7))
    after = bridge.restarted()
    await asyncio.sleep(600)
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(THREAD) == ["You are not on the list", "text"]


@jumping
async def test_where_history_tells_nonces_they_decide(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.keeps_nonces_in_history = True
        bridge.discord.lose("create")
        bridge.show("a", Post("summary", where="channel"))
        await until(lambda: bridge.discord.made(CHANNEL), "the post", deadline_s=5)
    bridge.discord.messages.insert(0, FakeMessage(2 * THREAD, CHANNEL, Post("another"), "another nonce", 0.0))
    after = bridge.restarted()
    await asyncio.sleep(600)
    after.show("a", Post("another summary", where="channel"))
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(CHANNEL) == ["another", "another summary"]


@jumping
async def test_a_post_that_was_deleted_before_its_lost_answer_is_made_under_a_new_nonce(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.lose("create")
        bridge.show("a", Post("text"))
        await until(lambda: bridge.discord.made(THREAD), "the post", deadline_s=5)
        bridge.discord.delete(bridge.discord.made(THREAD)[0])
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["text"]


@jumping
async def test_a_thread_whose_reply_is_lost_is_made_once_more_without_harm(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    bridge.discord.lose("thread")
    async with bridge.running():
        bridge.begin()
        await bridge.settled()
    assert bridge.discord.count("thread") == 2


# --- trouble -----------------------------------------------------------------------------------------


@jumping
async def test_a_deleted_post_is_posted_again_when_it_changes(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("1"))
        await bridge.settled()
        bridge.discord.delete(bridge.discord.made(THREAD)[0])
        bridge.show("a", Post("2"))
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["2"]
        assert len({message.nonce for message in bridge.discord.made(THREAD)}) == 2


@jumping
async def test_an_archived_thread_is_unarchived_for_an_edit(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("1"))
        await bridge.settled()
        bridge.discord.archived.add(THREAD)
        bridge.show("a", Post("2"))
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["2"]
        assert bridge.discord.count("unarchive") == 1


@jumping
async def test_a_thread_that_cannot_be_unarchived_is_said_and_tried_again_after_a_while(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("1"))
        await bridge.settled()
        bridge.discord.archived.add(THREAD)
        bridge.discord.fail("unarchive", Forbidden("Missing Permissions"))
        bridge.show("a", Post("2"))
        await bridge.settled()
        assert bridge.discord.count("unarchive") == 2
        await until(lambda: "I can write" in bridge.discord.shown(CHANNEL)[0], "that it is over", bridge.describe)
        assert bridge.discord.shown(THREAD) == ["2"]


@pytest.mark.parametrize("is_shown", [True, False, None])
@jumping
async def test_a_deleted_thread_ends_its_session_and_gives_its_posts_up(
    tmp_path: Path, *, is_shown: bool | None
) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.manager.waiting.drop_all(bridge.session.session_id)
        bridge.not_shown, bridge.is_before_ready = {(9, CHANNEL)} if is_shown is False else set(), is_shown is None
        bridge.discord.channels.discard(THREAD)
        for text in "abc":
            bridge.show(text, Post(text))
        await bridge.settled()
        assert bridge.discord.count("create") == 1
        reasons = {True: "its thread was deleted", False: "its channel was deleted", None: ""}
        assert bridge.manager.row(bridge.session.session_id).end_reason == reasons[is_shown]
        assert bridge.discord.shown(CHANNEL) == [], "nobody waited for Claude in it"


@jumping
async def test_what_may_not_be_written_now_is_written_when_it_may_and_in_order(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        errors = [Forbidden("Missing Permissions")] * 3
        bridge.discord.fail("create", errors[0])
        for text in "abc":
            bridge.show(text, Post(text))
        await until(lambda: bridge.discord.shown(CHANNEL), "words in the channel")
        assert "*Send Messages in Threads*" in bridge.discord.shown(CHANNEL)[0]
        bridge.discord.fail("create", *errors[1:])
        await until(lambda: bridge.discord.shown(THREAD) == list("abc"), "all three", bridge.describe, 900)
        tries = [call for call in bridge.discord.calls if (call.what, call.content) == ("create", "a")]
        pauses = [round(after.at - before.at) for before, after in itertools.pairwise(tries)]
        assert pauses == [2, 4, 8]
        await until(lambda: "I can write" in bridge.discord.shown(CHANNEL)[0], "that it is over", bridge.describe)
        assert len(bridge.discord.shown(CHANNEL)) == 1


@jumping
async def test_of_a_deleted_thread_in_which_somebody_waited_it_is_said_in_the_channel(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        session_id = bridge.session.session_id
        bridge.manager.prompt(session_id, 77, "and then", Person(111, "Ada"))
        bridge.discord.channels.discard(THREAD)
        bridge.show("a", Post("a"))
        await bridge.settled()
        (said,) = bridge.discord.shown(CHANNEL)
        assert "thread was deleted" in said and said.endswith("2 messages were not taken up.")
        assert bridge.store.sessions_with_wishes() == set()


@jumping
async def test_a_thread_whose_first_message_is_gone_ends_its_session_and_says_so_in_the_channel(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    bridge.discord.fail("thread", MessageGone("Unknown Message"))
    async with bridge.running():
        bridge.begin()
        bridge.show("a", Post("a"))
        await bridge.settled()
    assert "Unknown Message" in bridge.discord.shown(CHANNEL)[0]
    assert bridge.discord.count("thread") == 1
    assert not bridge.manager.active_sessions()


@jumping
async def test_after_a_failure_discord_is_left_alone_for_as_long_as_it_says(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", Unavailable("rate limited", 12.0), Unavailable("503"))
        bridge.show("a", Post("a"))
        await bridge.settled()
        first, second, third = (call.at for call in bridge.discord.calls if call.what == "create")
        assert second - first >= 12
        assert third - second >= 2


@jumping
async def test_a_refused_token_loses_nothing(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", *[BadToken("refused a moment ago", 900.0)] * 5)
        bridge.show("a", Post("a"))
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["a"]


@jumping
async def test_a_mistake_in_one_session_leaves_the_others_alone(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", ZeroDivisionError())
        bridge.show("a", Post("a"))
        await until(lambda: bridge.discord.count("create"), "the create", deadline_s=5)
        other = bridge.begin(THREAD + 7)
        await until(lambda: THREAD + 7 in bridge.discord.channels, "the other thread", deadline_s=5)
        assert bridge.manager.get_session(other.session_id)
        await bridge.settled()
        assert bridge.discord.shown(THREAD) == ["a"]


# --- streaming ---------------------------------------------------------------------------------------


def tool_started(name: str) -> e.ToolStarted:
    return e.ToolStarted(name, "Bash", '{"command": "ls"}')


async def stream(bridge: Bridge, session: ManagedSession, block: str, text: str, seconds: float, pieces: int) -> None:
    size = -(-len(text) // pieces)
    for at in range(0, len(text), size):
        await asyncio.sleep(seconds / pieces)
        delta = wire.Delta(session.session_id, block, at, text[at : at + size])
        bridge.manager.reports.live.hear(session.session_id, delta)


async def measured_turn(bridge: Bridge, session: ManagedSession) -> tuple[float, float]:
    """8 s, 3,000 characters in 200 deltas, 3 tools. (first delta, result) in seconds."""
    bridge.happens(e.TurnStarted((session.thread_id,)), session)
    began = asyncio.get_running_loop().time()
    words = "A sentence of some length that says nothing at all, again and again. " * 11
    for number in range(4):
        await stream(bridge, session, f"b{number}", words[:750], 1.7, 50)
        bridge.happens(e.TextWritten(f"b{number}", words[:750]), session)
        if number < 3:
            bridge.happens(tool_started(f"t{number}"), session)
            await asyncio.sleep(0.4)
            bridge.happens(e.ToolFinished(f"t{number}", is_error=False, output="ok"), session)
    bridge.happens(e.TurnEnded("completed", total_cost_usd=0.1), session)
    return began + 1.7 / 50, asyncio.get_running_loop().time()


@jumping
async def test_a_turn_of_8_s_takes_at_most_12_calls_and_ends_with_its_result(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    async with bridge.running():
        typing = asyncio.create_task(TypingShown(bridge.manager, bridge.discord).run())
        session = bridge.begin()
        first_delta, result = await measured_turn(bridge, session)
        await bridge.settled()
        typing.cancel()
    discord = bridge.discord
    in_thread = [call for call in discord.calls if call.channel_id == THREAD and call.what in ("create", "edit")]
    assert in_thread[0].at <= first_delta + 1
    assert in_thread[-1].at + 0.02 <= result + 0.3
    assert len(discord.calls) <= 12, bridge.describe()
    assert discord.too_many == 0
    assert "".join(discord.shown(THREAD)).count("A sentence") == 44
    assert "done" in discord.shown(THREAD)[-1]
    gaps = [b.at - a.at for a, b in itertools.pairwise(in_thread)]
    assert max(gaps) < 2.5
    assert min(gaps[:-1]) > FIRST_GAP_S - 0.1


@jumping
async def test_four_such_turns_at_once_are_no_slower_than_one(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    async with bridge.running():
        sessions = [bridge.begin(THREAD + n) for n in range(4)]
        turns = [asyncio.create_task(measured_turn(bridge, session)) for session in sessions]
        ends = [(await turn)[1] for turn in turns]
        await bridge.settled()
    for session, end in zip(sessions, ends, strict=True):
        last = max(call.at for call in bridge.discord.calls if call.channel_id == session.thread_id)
        assert last + 0.02 <= end + 0.3
    assert bridge.discord.too_many == 0


@pytest.mark.slow
@jumping
async def test_a_long_stream_never_hits_a_limit_and_never_stands_still(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.happens(e.TurnStarted((THREAD,)))
        text = "word " * 4000
        await stream(bridge, bridge.session, "b", text, 120.0, 2400)
        bridge.happens(e.TextWritten("b", text))
        bridge.happens(e.TurnEnded("completed"))
        await bridge.settled()
        writes = [call.at for call in bridge.discord.calls if call.what in ("create", "edit")]
        assert bridge.discord.too_many == 0
        assert max(b - a for a, b in itertools.pairwise(writes)) < GAP_S + 1
        assert "".join(bridge.discord.shown(THREAD)).count("word") == 4000


@jumping
async def test_a_card_does_not_wait_for_the_cadence_of_text(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.happens(e.TurnStarted((THREAD,)))
        await stream(bridge, bridge.session, "b", "word " * 400, 3.0, 60)
        asked = asyncio.get_running_loop().time()
        bridge.show("card", Post("may I?", urgent=True))
        await until(lambda: "may I?" in bridge.discord.shown(THREAD), "the card", deadline_s=5)
        assert asyncio.get_running_loop().time() - asked < 0.2


@jumping
async def test_what_is_sent_is_the_newest_text_of_that_moment(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.happens(e.TurnStarted((THREAD,)))
        await stream(bridge, bridge.session, "b", "0123456789" * 10, 2.0, 100)
        last = bridge.discord.calls[-1]
        written = (last.at - bridge.discord.calls[0].at) / 2.0 * 100
        assert len(last.content) >= written - 10


@jumping
async def test_looking_is_bounded_while_deltas_rain(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.happens(e.TurnStarted((THREAD,)))
        began = time.process_time()
        await stream(bridge, bridge.session, "b", "x" * 10000, 10.0, 10000)
        assert time.process_time() - began < 5
        assert bridge.discord.too_many == 0


@jumping
async def test_typing_shows_while_a_turn_runs_and_waits_for_nobody(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        typing = asyncio.create_task(TypingShown(bridge.manager, bridge.discord).run())
        typings: Callable[[], int] = lambda: bridge.discord.count("typing")  # noqa: E731
        await asyncio.sleep(20)
        assert typings() == 0
        bridge.happens(e.TurnStarted((THREAD,)))
        bridge.discord.fail("typing", Unavailable("503"))
        await asyncio.sleep(TYPING_EVERY_S + 2)
        assert typings() == 2
        bridge.happens(e.PermissionRequested("r", "Bash", "{}", "0" * 64))
        await asyncio.sleep(20)
        assert typings() == 2
        typing.cancel()
