"""Marks where the bot may react, and where it may not."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.render.marks import WAITS
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.support import awaited, beside, until
from supervisor.assembly import session_manager
from supervisor.discord.errors import Forbidden, MessageGone, Unavailable
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store import Store
from supervisor.threads.own_posts import still_matters
from supervisor.threads.reactions import MayReact, Reactions

CHANNEL, THREAD = 222, 10**18
ADA = Person(111, "Ada", 7)


class Desk:
    """One session in a turn, and a Discord that takes reactions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: list[RemoteError] = []
        self.calls: list[tuple[str, int, int]] = []
        self.store: Store | None = None
        self.start()
        action = CreateSession(THREAD, 7, Channel(CHANNEL, str(folder)), ADA, "one", "one")
        self.session = self.manager.create_session(action)
        self.take(
            e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), accepted(THREAD), e.TurnStarted((THREAD,))
        )

    def start(self) -> None:
        """A supervisor begins where another one ended."""
        self.close()
        self.store = Store(self.folder / "db")
        self.manager = session_manager(self.store)
        self.may = MayReact(self.manager)
        self.reactions = Reactions(self.manager, self, self.may)

    def close(self) -> None:
        if self.store:
            self.store.close()

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        self._call("set", channel_id, message_id)
        assert emoji == WAITS

    async def take_back(self, channel_id: int, message_id: int, emoji: str) -> None:
        self._call("took back", channel_id, message_id)
        assert emoji == WAITS

    async def delete(self, channel_id: int, message_id: int) -> None:
        self._call("deleted", channel_id, message_id)

    def _call(self, what: str, channel_id: int, message_id: int) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.calls.append((what, channel_id, message_id))

    def take(self, *events: e.AnyEvent) -> None:
        session = self.manager.get_session(self.session.session_id)
        assert session
        records = [e.Record("a" * 16, session.applied + n, 5.0, event) for n, event in enumerate(events, 1)]
        self.manager.reports.record(session.session_id, records)

    def waits(self, *prompt_ids: int) -> None:
        for prompt_id in prompt_ids:
            self.take(accepted(prompt_id), e.PromptQueued(prompt_id))

    def posted(self, prompt_id: int, message_id: int) -> None:
        """The outbox made the post below the prompt."""
        row = self.row(f"mark:{prompt_id}")
        with self.manager.transaction():
            self.manager.store.note_shown(row.id, message_id, row.desired)

    def row(self, key: str) -> PostRow:
        found = self.manager.store.post(self.session.session_id, key)
        assert found
        return found

    def is_there(self, key: str) -> bool:
        return self.manager.store.post(self.session.session_id, key) is not None

    def has_buttons(self, prompt_id: int) -> bool:
        """Whether the outbox shows any below it."""
        if not self.is_there(f"mark:{prompt_id}"):
            return False
        row = self.row(f"mark:{prompt_id}")
        return bool(row.desired.buttons) and not self.may.is_left_to_us(row)

    def running(self) -> AbstractAsyncContextManager[None]:
        return beside(self.reactions.run())

    async def settled(self) -> None:
        await until(lambda: not self.left(), "nothing is left to be done", lambda: str(self.left()))

    def left(self) -> list[PostRow]:
        rows = self.manager.store.unsettled_posts(self.session.session_id)
        return [row for row in rows if self.may.is_left_to_us(row)]


def accepted(prompt_id: int, *, is_message: bool = True) -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, f"u{prompt_id}", "text", ADA.user_id, "Ada", is_message=is_message)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("supervisor.threads.reactions.LOOK_AGAIN_S", 0.001)
    made = Desk(tmp_path)
    yield made
    made.close()


@awaited
async def test_each_prompt_that_waits_has_one_reaction_and_only_the_newest_has_buttons(desk: Desk) -> None:
    async with desk.running():
        desk.waits(5, 6, 7)
        await desk.settled()
    assert desk.calls == [("set", THREAD, 5), ("set", THREAD, 6), ("set", THREAD, 7)]
    assert [desk.has_buttons(i) for i in (5, 6, 7)] == [False, False, True]


@awaited
@pytest.mark.parametrize("end", [e.PromptTaken(5), e.PromptCancelled(5)], ids=["taken up", "withdrawn"])
async def test_a_reaction_in_the_channel_is_taken_away_there(desk: Desk, end: e.AnyEvent) -> None:
    async with desk.running():
        in_channel = msgspec.structs.replace(accepted(5), parts=(e.Part(5, CHANNEL, "text"),))
        desk.take(in_channel, e.PromptQueued(5))
        await desk.settled()
        desk.take(end)
        await desk.settled()
    assert desk.calls == [("set", CHANNEL, 5), ("took back", CHANNEL, 5)]


@awaited
async def test_nothing_is_left_of_a_prompt_that_was_taken_up(desk: Desk) -> None:
    async with desk.running():
        desk.waits(5)
        await desk.settled()
        desk.posted(5, 99)
        desk.take(e.PromptTaken(5))
        await desk.settled()
    assert sorted(desk.calls) == [("deleted", THREAD, 99), ("set", THREAD, 5), ("took back", THREAD, 5)]
    assert not desk.is_there("mark:5") and not desk.is_there("wait:5")


@awaited
async def test_the_buttons_go_to_the_one_before_when_the_newest_is_taken_up_first(desk: Desk) -> None:
    async with desk.running():
        desk.waits(5, 6)
        await desk.settled()
        desk.take(e.PromptTaken(6))
        await desk.settled()
    assert desk.has_buttons(5) and not desk.is_there("mark:6")


@awaited
async def test_what_was_taken_up_before_anything_was_set_leaves_no_trace(desk: Desk) -> None:
    desk.waits(5)
    desk.take(e.PromptTaken(5))
    async with desk.running():
        await desk.settled()
    assert desk.calls == [] and not desk.is_there("mark:5")


@awaited
async def test_a_prompt_that_was_stopped_is_still_told(desk: Desk) -> None:
    async with desk.running():
        desk.waits(5)
        await desk.settled()
        desk.take(e.PromptCancelled(5))
        await desk.settled()
    assert ("took back", THREAD, 5) in desk.calls
    assert not desk.may.is_left_to_us(desk.row("mark:5")) and "stopped" in desk.row("mark:5").desired.content


@awaited
async def test_a_reaction_that_may_have_been_set_before_a_death_is_taken_back(desk: Desk) -> None:
    desk.waits(5)
    row = desk.row("wait:5")
    with desk.manager.transaction():
        desk.manager.store.attempt(row.id, 0, 1.0)
    desk.start()
    desk.take(e.PromptTaken(5))
    async with desk.running():
        await desk.settled()
    assert desk.calls == [("took back", THREAD, 5)]


@awaited
async def test_where_the_bot_may_not_react_marks_stay_the_messages_that_they_were(desk: Desk) -> None:
    desk.errors.append(Forbidden("Missing Permissions"))
    async with desk.running():
        desk.waits(5, 6)
        await until(lambda: not desk.errors, "a try")
        await desk.settled()
        assert [desk.has_buttons(i) for i in (5, 6)] == [True, True]
        desk.take(e.PromptTaken(5))
    row = desk.row("mark:5")
    assert not desk.may.is_left_to_us(row) and row.desired.content == "-# ✓ Claude took this up."


@awaited
async def test_a_message_that_is_gone_and_a_limit_of_discords_end_nothing(desk: Desk) -> None:
    desk.errors += [Unavailable("a limit", 0.0), MessageGone("gone")]
    async with desk.running():
        desk.waits(5, 6)
        await until(lambda: ("set", THREAD, 6) in desk.calls, "the other one's reaction")
        await desk.settled()
    assert desk.calls == [("set", THREAD, 6)]


@awaited
async def test_a_command_is_no_message_and_keeps_its_buttons(desk: Desk) -> None:
    async with desk.running():
        desk.take(accepted(5, is_message=False), e.PromptQueued(5))
        desk.waits(6)
        await desk.settled()
    assert desk.calls == [("set", THREAD, 6)] and desk.has_buttons(5) and desk.has_buttons(6)


def test_a_mark_that_we_delete_is_not_posted_anew(desk: Desk) -> None:
    desk.waits(5, 6)
    assert not still_matters(desk.row("mark:5"), desk.session)
    assert still_matters(desk.row("mark:6"), desk.session)
