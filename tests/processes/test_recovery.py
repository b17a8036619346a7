"""What a worker does when Claude, the log or the worker itself fails, and what the thread says about it."""

import itertools
import json
import os
import resource
import shutil
import signal

import pytest

from bridge.protocol import events as e
from bridge.protocol.start import EXIT_DISK_FULL
from bridge.render.marks import WAITS
from bridge.render.posts import Post
from bridge.session.managed import QUICK_DEATHS_BEFORE_BROKEN, ManagedSession
from bridge.session.permission import PermissionRequest
from stages.backstage import ADA, Backstage, backstage
from stages.forked import ForkedMachine
from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited, scripted_claude, until
from supervisor.sessions.session_logs import read_log
from supervisor.workers import trees
from supervisor.workers.seats import BACKOFF_S
from twins.discord.model import Channel, Message


def logged(stage: Backstage, session: ManagedSession) -> list[e.Record]:
    path = stage.layout.session(session.session_id).log
    return read_log(path) if path.exists() else []


def events[T](stage: Backstage, session: ManagedSession, kind: type[T]) -> list[T]:
    return [r.event for r in logged(stage, session) if isinstance(r.event, kind)]


# --- a lost turn -------------------------------------------------------------------------------------


@awaited
async def test_a_turn_that_dies_with_claude_is_said_once_and_continue_tells_claude_what_happened() -> None:
    async with playhouse() as house:
        thread = await house.starts("say before\nstderr out of memory\ndie -9")
        card = await house.card(thread)
        assert list(buttons(card)) == ["Continue", "Discard"]
        assert "This turn was lost" in card.content and "out of memory" in card.content and "SIGKILL" in card.content
        refused = await house.press(card, "Continue", house.mallory)
        assert refused.answer and refused.answer.ephemeral and buttons(card)
        custom_id = buttons(card)["Continue"]
        await house.press(card, "Continue")
        await house.settled(card, "You lets Claude go on")
        await house.shows(thread, "You said: “[Threadbridge] Your process ended in the middle of your last turn")
        await house.done(thread)
        late = house.discord.forge_click(thread.id, custom_id, house.you.user, card.id)
        await house.until(lambda: late.answer, "an answer")
        assert "settled already" in str(late.answer)
        assert house.text(thread).count("⚠") == 1, "the lost card and no exit notice beside it"


@awaited
async def test_a_turn_that_dies_with_its_worker_shows_the_tool_of_unknown_outcome_and_can_be_discarded() -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 30")
        await house.shows(thread, "sleep 30")
        (listed,) = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        os.kill(listed["worker_pid"], signal.SIGKILL)
        card = await house.card(thread)
        assert "sleep 30` – outcome unknown" in card.content and "was ended by SIGKILL" in card.content
        await house.press(card, "Discard")
        await house.settled(card, "You discarded it")
        await house.you.says(thread.id, "say still here")
        await house.shows(thread, "still here")


@awaited
async def test_writing_on_overtakes_a_lost_turn() -> None:
    async with backstage() as stage:
        session = stage.session("say one\ndie 3")
        await until(lambda: events(stage, session, e.ChildExited), "the child's end")
        stage.prompt(session, "say two")
        await until(lambda: stage.live(session).turn_count == 2, "the second turn")
        cards = [row.desired for row in stage.store.posts_like(session.session_id, "lost:")]
        assert len(cards) == 1 and not cards[0].buttons and "went on with another message" in cards[0].content


# --- what Claude writes ------------------------------------------------------------------------------


@awaited
async def test_lines_that_nobody_expects_end_nothing() -> None:
    async with backstage() as stage:
        session = stage.session("malformed\nunknown frame\nhuge line 20 MB\nsay still here")
        first = await stage.settles(session)
        pid = stage.worker_pid(session)
        assert [end.outcome for end in events(stage, session, e.TurnEnded)] == ["completed"]
        assert max(len(text.text) for text in events(stage, session, e.TextWritten)) < 300_000
        stage.prompt(session, "say and again")
        await stage.settles(session, first.turn_count + 1)
        assert stage.worker_pid(session) == pid
        assert any("and again" in post for post in stage.posts(session))


@awaited
async def test_a_claude_that_does_not_stop_when_told_is_ended_and_that_is_said() -> None:
    async with backstage() as stage:
        session = stage.session("say before\nhang hard")
        await until(lambda: any("before" in post for post in stage.posts(session)), "the text")
        stage.manager.interrupt(session.session_id, "c1", ADA.user_id)
        said = "within 10 seconds of being told to stop"
        await until(lambda: any(said in post for post in stage.posts(session)), "the notice", deadline_s=30)
        (turn,) = events(stage, session, e.TurnEnded)
        assert turn.outcome == "interrupted"
        assert trees.marked([session.session_id])[session.session_id] == []
        stage.prompt(session, "say awake")
        await stage.settles(session, 2)


# --- edits and deletions -----------------------------------------------------------------------------


def too_late(house: Playhouse, thread: Channel) -> list[Message]:
    """What is said of edits that Claude does not get."""
    return [m for m in house.posts(thread) if "before it was edited: too late" in m.content]


@awaited
async def test_a_waiting_prompt_is_delivered_as_edited_and_a_deleted_one_is_not() -> None:
    async with playhouse() as house:
        thread = await house.starts("stream 1500 chars over 4 s")
        await house.until(lambda: house.posts(thread), "streaming text")
        two = await house.you.says(thread.id, "say two as written")
        three = await house.you.says(thread.id, "say three as written")
        await house.until(lambda: WAITS in two.reactions and WAITS in three.reactions, "both marks")
        await house.you.edits(two, "say two as edited")
        await house.you.deletes(three)
        await house.shows(thread, "two as edited")
        await house.until(
            lambda: not [m for m in house.posts(thread) if m.reply_to == three.id], "no mark of what is gone"
        )
        await house.done(thread, 2)
        assert "as written" not in house.text(thread)
        begun = next(m for m in house.discord.messages(house.host.channel.id) if m.author is house.you.user)
        for message in (two, begun):
            await house.you.edits(message, "say too late")
        late = await house.until(lambda: told if len(told := too_late(house, thread)) == 2 else [], "both are told")
        assert {message.reply_to for message in late} == {two.id, None}, "what stands in the channel has no answer here"
        await house.you.says(thread.id, "say the last word")
        await house.shows(thread, "the last word")
        assert "say too late" not in house.text(thread) and len(too_late(house, thread)) == 2


@awaited
async def test_an_edit_that_the_dead_worker_did_not_hear_of_is_heard_by_the_next_one() -> None:
    async with backstage() as stage:
        session = stage.session("sleep 20")
        await until(lambda: stage.live(session).is_processing, "a running turn")
        two, three = stage.prompt(session, "say two as written"), stage.prompt(session, "say three as written")
        await until(lambda: stage.live(session).message_count == 3, "both in the log")
        os.kill(stage.worker_pid(session), signal.SIGKILL)
        assert stage.manager.waiting.amend(session.session_id, two, "say two as edited")
        assert stage.manager.waiting.amend(session.session_id, three, None)
        await until(lambda: any("two as edited" in post for post in stage.posts(session)), "the edited text")
        await until(lambda: not stage.live(session).prompts, "nothing waits")
        shown = "\n".join(stage.posts(session))
        assert "as written" not in shown and "Deleted: not sent" in shown
        assert not stage.manager.inbox(session.session_id)


# --- a log that is not what it was -------------------------------------------------------------------


async def asked_again_after_damage(stage: Backstage, keep_lines: int) -> tuple[PermissionRequest, PermissionRequest]:
    """(the open request of the log before, that of the log after it was cut to so many lines)."""
    session = stage.session("run touch old.txt")
    old = await stage.asks(session)
    stage.manager.decide(old, "allowed", ADA)  # may or may not get there before the worker dies
    await stage.settles(session)
    stage.prompt(session, "run touch older.txt")
    old = await stage.asks(session)
    pid = stage.worker_pid(session)
    os.kill(pid, signal.SIGSTOP)
    log = stage.layout.session(session.session_id).log
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:keep_lines]))
    os.kill(pid, signal.SIGKILL)
    await until(lambda: stage.worker_pid(session) not in (0, pid) or not stage.live(session).requests, "the next one")
    await until(lambda: not stage.live(session).requests, "the old request is withdrawn")
    stage.prompt(session, "run touch new.txt")
    return old, await stage.asks(session)


@awaited
async def test_a_truncated_log_goes_on_above_what_was_shown_and_old_buttons_decide_nothing() -> None:
    async with backstage() as stage:
        old, new = await asked_again_after_damage(stage, keep_lines=4)
        assert new.name.generation == old.name.generation and new.name.seq > old.name.seq
        session = stage.known()[0]
        seqs = [record.seq for record in logged(stage, session)]
        gap = next(r for r in logged(stage, session) if isinstance(r.event, e.LogGap))
        assert seqs[:5] == [1, 2, 3, 4, gap.seq] and gap.seq > old.name.seq
        assert not stage.manager.decide(old, "allowed", ADA)
        assert any("The end of this session's log is gone" in post for post in stage.posts(session))
        stage.manager.decide(new, "allowed", ADA)
        await until((stage.project / "new.txt").exists, "the new file")
        assert not (stage.project / "older.txt").exists()


@awaited
async def test_a_lost_log_begins_anew_and_a_decision_on_the_old_one_is_void() -> None:
    async with backstage() as stage:
        old, new = await asked_again_after_damage(stage, keep_lines=0)
        assert new.name.generation != old.name.generation
        session = stage.known()[0]
        assert not stage.manager.decide(old, "allowed", ADA)
        assert any("gone from the host's disk, and begins anew" in post for post in stage.posts(session))
        stage.manager.decide(new, "allowed", ADA)
        await until((stage.project / "new.txt").exists, "the new file")
        assert not (stage.project / "older.txt").exists()


@awaited
async def test_half_a_record_at_the_end_of_a_dead_workers_log_is_cut_off_and_said() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        await stage.settles(session)
        pid = stage.worker_pid(session)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: stage.worker_pid(session) != pid, "the worker's end")
        with stage.layout.session(session.session_id).log.open("ab") as log:
            log.write(b'{"generation":"0123')
        stage.prompt(session, "say two")
        await stage.settles(session, 2)
        assert any("19 unreadable bytes at the end of the log were cut off" in post for post in stage.posts(session))
        assert [text.text for text in events(stage, session, e.TextWritten)] == ["one", "two"]
        seqs = [record.seq for record in logged(stage, session)]
        assert seqs == list(range(1, len(seqs) + 1))


# --- a disk that takes no more -----------------------------------------------------------------------


@awaited
async def test_a_worker_whose_log_takes_no_more_ends_its_claude_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        await stage.settles(session)
        pid, paths = stage.worker_pid(session), stage.layout.session(session.session_id)
        size = paths.log.stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 40, size + 40))
        ended: list[int] = []
        end_child = ForkedMachine.end_child

        def seen(host: ForkedMachine, pid: int) -> int:
            ended.append(end_child(host, pid))
            return ended[-1]

        monkeypatch.setattr(ForkedMachine, "end_child", seen)
        stage.prompt(session, "say two")
        await until(lambda: ended, "the worker's end")
        assert ended == [EXIT_DISK_FULL]
        await stage.settles(session, 2)
        assert any("two" in post for post in stage.posts(session)), "the next worker has room again"
        assert [text.text for text in events(stage, session, e.TextWritten)] == ["one", "two"]


# --- a session that cannot work ----------------------------------------------------------------------


def claude_that_fails_in(folder: str) -> tuple[str, ...]:
    """The scripted claude, but in directories of this name it ends at once with some last words."""
    script = f'case $PWD in */{folder}) echo "cannot open the frobnicator" >&2; kill -9 $$;; esac; exec "$@"'
    return ("/bin/sh", "-c", script, "sh", *scripted_claude())


@awaited
async def test_quick_deaths_back_off_and_stop_after_a_few_with_stderrs_tail_and_hinder_no_other_session() -> None:
    async with backstage(command=claude_that_fails_in("sick")) as stage:
        sick_directory = stage.folder / "sick"
        sick_directory.mkdir()
        sick, well = stage.session("say one", sick_directory), stage.session("say two")
        await until(lambda: stage.live(sick).is_broken, "the session is broken", deadline_s=30)
        starts = [record.at for record in logged(stage, sick) if isinstance(record.event, e.WorkerStarted)]
        assert len(starts) == QUICK_DEATHS_BEFORE_BROKEN
        pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
        assert all(pause >= least for pause, least in zip(pauses, BACKOFF_S[1:], strict=False)), pauses
        last_words = {end.stderr_tail.strip() for end in events(stage, sick, e.ChildExited)}
        assert last_words == {"cannot open the frobnicator"}
        said = "\n".join(stage.posts(sick))
        assert "cannot open the frobnicator" in said and "SIGKILL" in said
        assert said.count("cannot open the frobnicator") == 1, "one post for one failure, however often it came"
        await stage.settles(well)
        assert any("two" in post for post in stage.posts(well))
        sick_directory.rename(stage.folder / "mended")
        sick_directory.symlink_to(stage.folder / "mended")
        stage.prompt(sick, "say three")
        await until(lambda: any("three" in post for post in stage.posts(sick)), "what it says once it is mended")
        assert not stage.live(sick).is_broken
        (started,) = events(stage, sick, e.ChildStarted)
        assert not started.resumed, "there was no conversation yet that could be resumed"


@awaited
async def test_a_conversation_that_claude_no_longer_has_is_not_resumed_and_starts_fresh_when_told_so() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        gone = (await stage.settles(session)).claude_id
        os.kill(stage.worker_pid(session), signal.SIGKILL)
        shutil.rmtree(stage.folder / "home/.claude/projects")
        stage.prompt(session, "say two")

        def offers() -> list[Post]:
            rows = stage.store.posts_like(session.session_id, "")
            return [row.desired for row in rows if "no longer has this conversation" in row.desired.content]

        (offer,) = await until(offers, "the failed resume is said", lambda: str(stage.posts(session)))
        assert offer.buttons and len(events(stage, session, e.ResumeFailed)) == 1
        stage.manager.start_fresh(session.session_id)
        await until(lambda: any("two" in post for post in stage.posts(session)), "the answer of a fresh start")
        assert stage.live(session).claude_id != gone


# --- the machine, or the service, ends ----------------------------------------------------------------


@awaited
async def test_a_worker_that_a_shutdown_ends_closes_its_turn_as_lost_and_keeps_what_waits() -> None:
    async with backstage() as stage:
        session = stage.session("sleep 30")
        await until(lambda: stage.live(session).is_processing, "a running turn")
        stage.prompt(session, "say afterwards")
        await until(lambda: len(stage.live(session).prompts) == 2, "the second prompt")
        os.kill(stage.worker_pid(session), signal.SIGTERM)
        await until(lambda: events(stage, session, e.ChildExited), "its end")
        lost, *_ = events(stage, session, e.TurnEnded)
        assert (lost.outcome, lost.reason) == ("lost", "the machine or the service was shut down")
        cards = await until(lambda: stage.store.posts_like(session.session_id, "lost:"), "its card")
        card = cards[0].desired
        assert "the machine or the service was shut down" in card.content and card.mentions == (ADA.user_id,)
        await until(lambda: any("afterwards" in post for post in stage.posts(session)), "what waited")


@awaited
async def test_a_shutdown_that_ends_claude_before_its_worker_hears_of_it_is_one_too() -> None:
    async with backstage() as stage:
        session = stage.session("sleep 30")
        await until(lambda: stage.live(session).is_processing, "a running turn")
        worker = stage.worker_pid(session)
        os.kill(worker, signal.SIGSTOP)
        os.kill(stage.live(session).child_pid, signal.SIGTERM)
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGCONT)
        await until(lambda: events(stage, session, e.TurnEnded), "its end")
        (lost,) = events(stage, session, e.TurnEnded)
        assert (lost.outcome, lost.reason) == ("lost", "the machine or the service was shut down")


@awaited
async def test_a_shutdown_of_an_idle_session_says_nothing_and_it_goes_on() -> None:
    async with backstage() as stage:
        session = stage.session("say before")
        await stage.settles(session)
        before = stage.posts(session)
        os.kill(stage.worker_pid(session), signal.SIGTERM)
        await until(lambda: not stage.worker_pid(session), "its end")
        assert stage.posts(session) == before
        stage.prompt(session, "say after")
        await until(lambda: any("after" in post for post in stage.posts(session)), "the next answer")


# --- what a child cannot be started without -----------------------------------------------------------


@awaited
async def test_a_project_directory_that_is_gone_is_named_once_and_the_prompt_goes_on_when_it_is_back() -> None:
    async with backstage() as stage:
        directory = stage.folder / "moved"
        session = stage.session("say one", directory)
        await until(lambda: stage.live(session).is_broken, "the session is broken")
        (post,) = stage.posts(session)
        assert f"the project directory {directory} is not there" in post.replace("\\", "")
        assert "Nothing is run again" not in post and "bwrap" not in post
        directory.mkdir()
        stage.prompt(session, "say two")
        await until(lambda: any("two" in post for post in stage.posts(session)), "the answer")
        assert any("one" in post for post in stage.posts(session)), "what waited went along"


@awaited
async def test_a_program_that_is_not_installed_is_named_once() -> None:
    async with backstage(command=("no-such-claude",)) as stage:
        session = stage.session("say one")
        await until(lambda: stage.live(session).is_broken, "the session is broken")
        (post,) = stage.posts(session)
        assert "the program no-such-claude is in none of" in post and "install Claude Code" in post


@awaited
async def test_one_card_at_a_time_offers_a_fresh_start() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        await stage.settles(session)
        os.kill(stage.worker_pid(session), signal.SIGKILL)
        await until(lambda: not stage.worker_pid(session), "its end")
        shutil.rmtree(stage.folder / "home/.claude/projects")

        def offers(count: int) -> list[Post]:
            rows = stage.store.posts_like(session.session_id, "resume:")
            return [row.desired for row in rows] if len(rows) == count else []

        stage.prompt(session, "say two")
        await until(lambda: offers(1), "the first card")
        stage.prompt(session, "say three")
        first, second = await until(lambda: offers(2), "the second card")
        assert not first.buttons and second.buttons
        stage.manager.start_fresh(session.session_id)
        await until(lambda: any("three" in post for post in stage.posts(session)), "the answers")
        first, second = offers(2)
        assert "Started fresh" in second.content and "Started fresh" not in first.content
        assert not first.buttons and not second.buttons
