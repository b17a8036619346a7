"""Wishes from the host, against the loopback Discord: the same doors, once each, and said whose they are."""

import itertools
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bridge.journal.entries import AskedOnHost
from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from stages.gateway_stage import Stage, stage
from stages.support import awaited, beside
from supervisor.commands import postbox
from supervisor.commands.postbox import Postbox
from supervisor.discord.errors import Forbidden, Unavailable
from supervisor.discord.snowflakes import snowflake
from supervisor.letters import Letter, LetterAnswer, Letters
from supervisor.operator import audit
from supervisor.sessions.pruning import Pruning
from supervisor.sessions.store_health import StoreError

pytestmark = pytest.mark.slow
DEADLINE_S = 25.0
_chances = itertools.count(1)


def box(s: Stage) -> Postbox:
    pruning = Pruning(s.config.layout, s.manager, lambda: None)
    return Postbox(Letters(s.config.layout), s.manager, s.rest, s.settings.channels, s.ears.sight, pruning)


def letter(s: Stage, what: str, target: object, text: str = "", *, keeps: bool = False) -> Letter:
    now = s.manager.clock()
    return Letter(snowflake(now) | next(_chances), now + 30, "ada", what, str(target), text, keeps)


def post(s: Stage, wish: Letter) -> Letters:
    s.config.layout.letters.mkdir(exist_ok=True, mode=0o700)
    letters = Letters(s.config.layout)
    letters.post(wish)
    return letters


def reading(s: Stage) -> AbstractAsyncContextManager[None]:
    return beside(box(s).run())


async def answered(s: Stage, wish: Letter) -> LetterAnswer:
    post(s, wish)
    async with reading(s):
        return await answer_to(s, wish)


async def answer_to(s: Stage, wish: Letter) -> LetterAnswer:
    letters = Letters(s.config.layout)
    answer = await s.discord.until(lambda: letters.answer_to(wish.number), DEADLINE_S, "an answer")
    assert answer
    return answer


def asked(s: Stage) -> list[AskedOnHost]:
    """The journal's entries of this kind."""
    entries = [line.entry for line in audit.shown(s.config.layout, 0.0, "")]
    return [entry for entry in entries if isinstance(entry, AskedOnHost)]


@awaited
async def test_send_into_a_channel_begins_a_session_and_says_who_asked(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        for target in (s.channel.id, "#general", f"<#{s.channel.id}>"):
            answer = await answered(s, letter(s, "send", target, f"fix @everyone\nfor {target}"))
            session = s.manager.get_session(answer.session)
            assert session
            assert answer == LetterAnswer(True, "sent; a session is begun", session.session_id, session.url())
            starter = s.discord.messages(s.channel.id)[-1]
            assert starter.id == session.thread_id
            assert starter.text.startswith("**ada, on the host** started a session in **project**\n> fix @everyone")
            assert not starter.pinged.everyone
            assert (session.owner_id, session.directory) == (0, str(s.project))
            assert s.prompts(session) == [f"fix @everyone\nfor {target}"]
        assert [(one.who, one.what) for one in asked(s)] == [("ada", "send")] * 3
        assert "fix" not in s.config.layout.journal.read_text(), "no word of a prompt"


@awaited
async def test_send_into_a_session_is_shown_there_and_wakes_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.manager.destroy_session(session.session_id, "ended")
        answer = await answered(s, letter(s, "send", session.session_id[:8], "and the docs"))
        assert (answer.done, answer.url) == (True, session.url())
        assert s.manager.row(session.session_id).ended_at is None
        assert s.prompts(session)[-1] == "and the docs"
        (shown,) = s.store.posts_like(session.session_id, "host:")
        assert shown.desired.content == "**ada, on the host**\n> and the docs"
        assert not shown.desired.files


@awaited
async def test_a_long_text_is_whole_in_a_file(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        text = "line of a log\n" * 2000
        answer = await answered(s, letter(s, "send", s.channel.id, text))
        starter = s.discord.messages(s.channel.id)[-1]
        assert len(starter.text) < 2000
        assert [(one.upload.filename, one.upload.content) for one in starter.attachments] == [
            ("message.txt", text.encode())
        ]
        session = s.manager.get_session(answer.session)
        assert session
        assert s.prompts(session) == [text]


@awaited
async def test_stop_ends_the_turn_and_then_the_session(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        answer = await answered(s, letter(s, "stop", session.thread_id, keeps=True))
        assert (answer.done, "stopping what Claude does" in answer.words) == (True, True)
        assert [(one.by, one.keep_queued) for one in s.interrupts(session)] == [(0, True)]
        s.happens(session, e.TurnEnded("interrupted", (session.thread_id,)), e.PromptDone(session.thread_id))
        answer = await answered(s, letter(s, "stop", session.thread_id))
        assert "so its session is ended" in answer.words
        assert s.manager.row(session.session_id).end_reason == "ended by ada, on the host"
        answer = await answered(s, letter(s, "stop", session.thread_id))
        assert (answer.done, answer.words) == (False, "this session has ended already")
        shown = [row.desired.content for row in s.store.posts_like(session.session_id, "host:")]
        assert ["ada, on the host" in one for one in shown] == [True, True]


@awaited
async def test_what_is_dropped_with_a_session_is_said(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session("nobody took this up")
        answer = await answered(s, letter(s, "stop", session.thread_id))
        assert answer.words == "it was idle, so its session is ended; what waited (1) is dropped"
        (shown,) = s.store.posts_like(session.session_id, "host:")
        assert "What waited (1) is dropped." in shown.desired.content


@awaited
async def test_a_title_is_the_threads_and_the_lists(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.discord.archive(session.thread_id)
        answer = await answered(s, letter(s, "title", session.thread_id, " the release "))
        assert answer.done, answer.words
        assert [thread.name for thread in s.discord.threads(s.channel.id)] == ["the release"]
        assert s.manager.title(session.session_id) == "the release"
        assert s.store.unsettled_sessions() == []
        long = await answered(s, letter(s, "title", session.thread_id, "x" * 101))
        assert (long.done, "1 to 95 characters" in long.words) == (False, True)


@awaited
async def test_what_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        deleted = await s.session("deleted")
        s.discord.delete_channel(deleted.thread_id)
        await s.discord.until(
            lambda: s.manager.row(deleted.session_id).ended_at is not None, DEADLINE_S, "its end is known"
        )
        for target, words in (
            ("", "there is no session"),
            ("ffffffff", "there is no session and no configured channel 'ffffffff'"),
            (s.unrelated.id, "there is no session and no configured channel"),
            ("#nowhere", "no configured channel that the bot sees has the name #nowhere"),
            (deleted.session_id, "was deleted"),
        ):
            answer = await answered(s, letter(s, "send", target, "hi"))
            assert (answer.done, words in answer.words) == (False, True), answer
        answer = await answered(s, letter(s, "dance", session.session_id))
        assert "of a version that cannot do 'dance'" in answer.words
        s.project.rmdir()
        answer = await answered(s, letter(s, "send", s.channel.id, "hi"))
        assert "is not there (any more)" in answer.words
        assert len(s.manager.get_all_sessions()) == 2
        assert asked(s) == []


@awaited
async def test_after_a_death_before_the_answer_it_is_answered_and_not_done_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        for wish in (letter(s, "send", s.channel.id, "new"), letter(s, "send", session.session_id, "more")):
            letters = post(s, wish)
            taken = letters.take(wish.number, s.manager.clock())
            assert taken
            first = await box(s)._answer(taken)
            assert letters.answer_to(wish.number) is None, "we died here"
            async with reading(s):
                assert await answer_to(s, wish) == first
        assert s.prompts(session).count("more") == 1
        assert [s.prompts(one) for one in s.manager.get_all_sessions()].count(["new"]) == 1
        assert len(asked(s)) == 2
        await s.discord.until(lambda: not s.store.answered_letters(), DEADLINE_S, "nothing is left of them")


@awaited
async def test_after_a_death_behind_the_message_in_the_channel_that_message_is_used(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        wish = letter(s, "send", s.channel.id, "new")
        starter = await box(s)._starter(s.settings.channels[s.channel.id], wish)
        answer = await answered(s, wish)
        (session,) = s.manager.get_all_sessions()
        assert (session.thread_id, answer.session) == (starter, session.session_id)
        assert len(s.discord.messages(s.channel.id)) == 1


@awaited
async def test_two_who_say_the_same_at_once_get_a_session_each(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        wishes = [letter(s, "send", s.channel.id, "the same") for _ in range(3)]
        for wish in wishes:
            post(s, wish)
        async with reading(s):
            answers = [await answer_to(s, wish) for wish in wishes]
        assert len({answer.session for answer in answers}) == 3


@awaited
async def test_a_store_that_takes_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postbox, "AGAIN_S", 0.01)
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        failures, show = iter([True, True]), s.manager.show

        def show_later(*what: object) -> None:
            if next(failures, False):
                raise StoreError("locked")
            show(*what)  # type: ignore[arg-type]

        monkeypatch.setattr(s.manager, "show", show_later)
        assert (await answered(s, letter(s, "send", session.session_id, "more"))).done
        assert s.prompts(session).count("more") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(Forbidden("no Send Messages"), "Discord refuses it"), (Unavailable("503"), "Discord does not take it now")],
)
def test_what_discord_does_not_take_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RemoteError, words: str
) -> None:
    @awaited
    async def play() -> None:
        async with stage(tmp_path) as s, s.back():

            async def refuse(*_: object) -> None:
                raise error

            monkeypatch.setattr(s.rest, "create", refuse)
            answer = await answered(s, letter(s, "send", s.channel.id, "hi"))
            assert (answer.done, words in answer.words) == (False, True)
            assert not s.manager.has_any_sessions()

    monkeypatch.setattr(postbox, "PATIENCE_S", 0.0)
    play()
