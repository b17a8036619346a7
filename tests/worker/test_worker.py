"""A worker from the first prompt to its end, with a scripted log, socket and child; the clock jumps."""

import asyncio
from pathlib import Path

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.errors import RemoteError, UserError
from stages.jumping_clock import jumping
from stages.scripted_worker import ScriptedLog, WorkerStage
from worker.brake import A_SECOND, AT_ONCE
from worker.child_end import SHUT_DOWN
from worker.ladder import TOLD_TO_END
from worker.recovery import LOST
from worker.walls.wish import RefusedError


def ends(stage: WorkerStage) -> list[str]:
    return [what for what, _ in stage.child.ends]


# --- a prompt ----------------------------------------------------------------------------------------


@jumping
async def test_a_prompt_is_logged_then_sent_and_the_records_are_acknowledged(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        uuid = await stage.turn(5)
        stage.child.finishes(uuid)
        await stage.until(lambda: stage.log.events(e.PromptDone))
        accepted = stage.child.journal.index(e.PromptAccepted)
        assert stage.child.journal[accepted : accepted + 2] == [e.PromptAccepted, "user"]
        kinds = [type(event) for event in stage.log.events()]
        assert kinds[-5:] == [e.PromptAccepted, e.TurnStarted, e.PromptTaken, e.TurnEnded, e.PromptDone]
        await stage.until(lambda: stage.acked.seq == stage.log.last)
        told = [record.seq for message in stage.socket.of(wire.Records) for record in message.records]
        assert told == list(range(1, stage.log.last + 1))


@jumping
async def test_a_command_that_is_repeated_has_one_effect(tmp_path: Path) -> None:
    commands: list[c.AnyCommand] = [
        c.Prompt(5, "hello", 42, "ada"),
        c.Configure("c1", "model", "opus"),
        c.Interrupt("c2"),
    ]
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.ready()
        for command in commands * 3:
            stage.socket.order(command)
        await stage.until(lambda: stage.log.events(e.InterruptAccepted))
        (asked,) = [told for told in stage.child.written if told.get("request", {}).get("subtype") == "set_model"]
        stage.child.answer(asked["request_id"], {})
        await stage.until(lambda: stage.log.events(e.ConfigureAccepted))
        for command in commands:
            stage.socket.order(command)
        await stage.prompt(6, "another")
        assert stage.child.prompts() == ["hello", "another"]
        for kind in (e.ConfigureAccepted, e.InterruptAccepted):
            assert len(stage.log.events(kind)) == 1


@jumping
async def test_a_prompt_that_was_deleted_before_it_came_is_not_sent_by_this_worker_or_the_next(tmp_path: Path) -> None:
    log = ScriptedLog(WorkerStage(tmp_path).start.created)
    for _ in range(2):
        async with WorkerStage(tmp_path, log).playing() as stage:
            await stage.ready()
            stage.socket.order(c.Amend("c1", 5, None))
            stage.socket.order(c.Prompt(5, "never", 42, "ada"))
            await stage.prompt(7 + log.last)
            assert "never" not in stage.child.prompts()
    assert len(log.events(e.PromptAmended)) == 1


# --- the uplink --------------------------------------------------------------------------------------


@jumping
async def test_without_a_supervisor_the_turn_goes_on_and_whoever_comes_back_hears_the_rest(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        uuid = await stage.turn(5)
        await stage.until(lambda: stage.socket.applied == stage.log.last)
        stage.socket.go()
        known = stage.socket.applied
        stage.child.finishes(uuid)
        await stage.until(lambda: stage.log.events(e.PromptDone))
        hellos = len(stage.socket.of(wire.Hello))
        await stage.until(lambda: len(stage.socket.of(wire.Hello)) > hellos + 2)
        assert stage.socket.applied == known and not stage.run.done()
        before = len(stage.socket.of(wire.Records))
        stage.socket.is_there = True
        await stage.until(lambda: stage.socket.applied == stage.log.last)
        assert stage.socket.of(wire.Records)[before].records[0].seq == known + 1
        assert stage.child.prompts() == ["hello"]


@jumping
async def test_a_gap_in_the_middle_of_a_turn_closes_it_so_that_its_end_closes_nothing_more(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        stage.socket.go()
        await stage.until(lambda: len(stage.socket.of(wire.Hello)) > 1)
        stage.socket.applied, stage.socket.is_there = 100, True
        await stage.until(lambda: stage.log.events(e.LogGap))
        stage.child.exit(1)
        exited = await stage.over()
        assert stage.log.events()[-2:] == [e.LogGap(100), exited]
        assert stage.acked.seq == stage.log.last == 102


# --- the log -----------------------------------------------------------------------------------------


@jumping
async def test_a_log_that_takes_no_more_ends_the_child_at_once_and_the_worker_with_it(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        uuid = await stage.prompt(5)
        stage.log.is_full = True
        stage.child.takes_up(uuid)
        assert (await stage.failed()).is_full
        assert ends(stage) == ["SIGKILL"]
        assert not stage.socket.is_open


@jumping
async def test_a_prompt_that_the_log_did_not_take_is_not_sent(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.ready()
        stage.log.is_full = True
        stage.socket.order(c.Prompt(5, "hello", 42, "ada"))
        await stage.failed()
        assert stage.child.prompts() == []


# --- the child's death -------------------------------------------------------------------------------


@jumping
async def test_a_child_that_dies_leaves_nothing_open_and_what_it_never_took_waits_for_the_next(tmp_path: Path) -> None:
    log = ScriptedLog(WorkerStage(tmp_path).start.created)
    async with WorkerStage(tmp_path, log).playing() as stage:
        await stage.turn(5)
        waiting = await stage.prompt(6, "me too")
        stage.child.stderr_tail = "out of luck"
        stage.child.exit(3)
        exited = await stage.over()
        assert (exited.code, exited.wanted, exited.is_final) == (3, False, False)
        assert exited.reason == "Claude ended by itself with exit code 3: out of luck"
        (turn,) = log.events(e.TurnEnded)
        assert (turn.outcome, turn.prompt_ids) == ("lost", (5,))
        assert [cancelled.prompt_id for cancelled in log.events(e.PromptCancelled)] == [5]
        assert stage.acked.seq == log.last, "the supervisor took the last record before the worker ended"
        assert ends(stage) == ["the rest", "closed"] and stage.cleared == [False]
    async with WorkerStage(tmp_path, log).playing() as stage:
        await stage.until(stage.child.prompts)
        assert stage.child.prompts() == ["me too"]
        assert stage.child.uuids() != [waiting], "Claude drops a uuid that it knows"


@jumping
async def test_what_was_edited_or_deleted_while_no_worker_ran_is_sent_as_it_is_now(tmp_path: Path) -> None:
    accepted = [e.PromptAccepted(n, f"u{n}", f"text {n}", 42, "ada", is_message=True) for n in (5, 6, 7)]
    log = ScriptedLog(WorkerStage(tmp_path).start.created, *accepted)
    stage = WorkerStage(tmp_path, log)
    stage.socket.order(c.Amend("c1", 6, None))
    stage.socket.order(c.Amend("c2", 5, "new text"))
    stage.socket.order(c.Prompt(8, "the last", 42, "ada"))
    async with stage.playing():
        await stage.until(lambda: len(stage.child.prompts()) == 3)
        assert stage.child.prompts() == ["new text", "text 7", "the last"]
        assert [told.done for told in log.events(e.PromptAmended)] == [True, True]


@jumping
async def test_an_edit_that_was_heard_and_not_obeyed_when_the_child_died_is_not_lost(tmp_path: Path) -> None:
    accepted = e.PromptAccepted(5, "u5", "old text", 42, "ada", is_message=True)
    log = ScriptedLog(WorkerStage(tmp_path).start.created, accepted)
    stage = WorkerStage(tmp_path, log)
    stage.child.answers.clear()
    stage.socket.order(c.Amend("c1", 5, "new text"))
    async with stage.playing():
        await stage.until(lambda: stage.acked.seq)
        stage.child.exit(1)
        await stage.over()
        assert log.events(e.PromptAmended) == [e.PromptAmended("c1", 5, deleted=False, done=True)]
    async with WorkerStage(tmp_path, log).playing() as stage:
        await stage.until(stage.child.prompts)
        assert stage.child.prompts() == ["new text"]


@jumping
async def test_a_worker_that_died_is_closed_by_the_next_one_before_its_child_starts(tmp_path: Path) -> None:
    created = WorkerStage(tmp_path).start.created
    turn = (e.PromptAccepted(5, "u5", "x", 42, "ada"), e.TurnStarted((5,)), e.PromptTaken(5))
    log = ScriptedLog(created, *turn)
    async with WorkerStage(tmp_path, log, wake=False).playing() as stage:
        exited = await stage.over()
        assert exited.wanted and stage.child.written == []
        assert log.events()[4:] == [e.TurnEnded("lost", (5,), LOST), e.PromptCancelled(5, LOST), exited]


@jumping
async def test_a_start_that_is_refused_is_told_once_however_often_it_is_tried(tmp_path: Path) -> None:
    log = ScriptedLog(WorkerStage(tmp_path).start.created)
    for _ in range(3):
        stage = WorkerStage(tmp_path, log)
        stage.refusal = RefusedError("this machine lets nobody be shut in")
        async with stage.playing():
            exited = await stage.over()
            assert exited.may_pass and exited.reason == "this machine lets nobody be shut in"
    assert len(log.events(e.ChildExited)) == 1


@jumping
async def test_a_start_that_only_a_person_can_mend_is_final(tmp_path: Path) -> None:
    for refusal, is_final in ((UserError("no such directory"), True), (RemoteError("no answer"), False)):
        stage = WorkerStage(tmp_path)
        stage.refusal = refusal
        async with stage.playing():
            assert (await stage.over()).is_final is is_final


# --- the end, with its deadlines ---------------------------------------------------------------------


@jumping
async def test_a_stop_interrupts_the_turn_and_then_asks_the_child_to_end(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        await stage.prompt(6)
        stage.socket.order(c.Stop("c1", "enough"))
        await stage.until(lambda: ends(stage) == ["interrupt"])
        stage.child.says(type="result", subtype="success", terminal_reason="aborted_tools", num_turns=1)
        exited = await stage.over()
        assert (exited.wanted, exited.reason) == (True, "")
        assert ends(stage) == ["interrupt", "end_session", "the rest", "closed"]
        assert [turn.outcome for turn in stage.log.events(e.TurnEnded)] == ["interrupted"]
        assert {cancelled.prompt_id for cancelled in stage.log.events(e.PromptCancelled)} == {5, 6}
        assert stage.cleared == [True]


@jumping
async def test_each_rung_of_the_ladder_has_its_deadline(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        del stage.child.exits_on["end_session"]
        stage.socket.order(c.Stop("c1", "enough"))
        await stage.over()
        (_, began), (_, asked), (_, killed) = stage.child.ends[:3]
        assert ends(stage)[:3] == ["interrupt", "end_session", "SIGTERM"]
        assert (round(asked - began), round(killed - asked)) == (10, 5)
        assert [turn.outcome for turn in stage.log.events(e.TurnEnded)] == ["interrupted"]


@jumping
async def test_a_child_that_never_answers_is_ended_after_a_minute_with_the_reason(tmp_path: Path) -> None:
    stage = WorkerStage(tmp_path)
    stage.child.answers.clear()
    async with stage.playing():
        exited = await stage.over()
        assert exited.reason == "Claude did not answer within 60 seconds of its start, so its process was ended"
        what, when = stage.child.ends[0]
        assert what == "SIGTERM" and 60 <= when <= 61


@jumping
async def test_an_interrupt_that_does_not_end_the_turn_ends_the_child_and_what_was_queued_waits(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        stage.child.answers["interrupt"] = {"cancelled": []}
        await stage.turn(5)
        await stage.prompt(6)
        stage.socket.order(c.Interrupt("c1", keep_queued=True))
        exited = await stage.over()
        assert "did not stop within 10 seconds" in exited.reason
        assert [turn.outcome for turn in stage.log.events(e.TurnEnded)] == ["interrupted"]
        assert [cancelled.prompt_id for cancelled in stage.log.events(e.PromptCancelled)] == [5]


@jumping
async def test_a_child_that_takes_no_input_is_ended_and_the_reason_told(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.ready()
        stage.child.is_deaf = RemoteError("Claude took no input for 30 seconds")
        stage.socket.order(c.Prompt(5, "hello", 42, "ada"))
        assert (await stage.over()).reason == "Claude took no input for 30 seconds"
        assert ends(stage)[0] == "SIGTERM"


@jumping
async def test_a_child_that_went_into_a_looser_mode_is_killed_at_once_and_not_tried_again(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        stage.child.says(type="system", subtype="status", permissionMode="bypassPermissions")
        exited = await stage.over()
        assert ends(stage)[0] == "SIGKILL" and exited.is_final
        assert "asks less than in default" in exited.reason


@jumping
async def test_to_hibernate_is_declined_while_there_is_something_to_do(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        uuid = await stage.turn(5)
        stage.socket.order(c.Stop("c1", HIBERNATION, if_idle=True))
        await stage.until(lambda: stage.log.events(e.StopDeclined))
        stage.child.finishes(uuid)
        await stage.until(lambda: stage.log.events(e.PromptDone))
        stage.socket.order(c.Stop("c2", HIBERNATION, if_idle=True))
        assert (await stage.over()).wanted
        assert ends(stage)[0] == "end_session" and stage.cleared == [False]


@jumping
async def test_a_child_need_not_be_ready_to_be_stopped(tmp_path: Path) -> None:
    stage = WorkerStage(tmp_path)
    stage.child.answers.clear()
    async with stage.playing():
        stage.socket.order(c.Stop("c1", "enough"))
        assert (await stage.over()).wanted
        assert stage.log.events(e.WorkerStopping) == [e.WorkerStopping(TOLD_TO_END)]
        assert stage.child.ends[0][1] < 1


@jumping
async def test_a_shutdown_loses_the_turn_and_drops_nothing(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        await stage.prompt(6)
        stage.signal()
        assert (await stage.over()).wanted
        assert ends(stage)[0] == "SIGTERM"
        assert stage.log.events(e.WorkerStopping) == [e.WorkerStopping(SHUT_DOWN)]
        assert stage.log.events(e.TurnEnded) == [e.TurnEnded("lost", (5,), SHUT_DOWN)]
        assert [cancelled.prompt_id for cancelled in stage.log.events(e.PromptCancelled)] == [5]


@jumping
async def test_a_child_that_the_shutdown_reached_first_was_shut_down_too(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        stage.child.exit(143)
        await stage.until(lambda: "the rest" in ends(stage))
        stage.signal()
        assert (await stage.over()).wanted
        assert stage.log.events(e.TurnEnded) == [e.TurnEnded("lost", (5,), SHUT_DOWN)]


@jumping
async def test_a_kill_leaves_a_mark_first_and_so_the_turn_is_interrupted(tmp_path: Path) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        stage.paths.folder.mkdir(parents=True)
        stage.paths.stop_mark.touch()
        stage.signal()
        await stage.over()
        assert ends(stage)[:2] == ["interrupt", "end_session"]
        assert [turn.outcome for turn in stage.log.events(e.TurnEnded)] == ["interrupted"]


@jumping
async def test_without_a_supervisor_a_worker_does_not_wait_long_for_its_farewell(tmp_path: Path) -> None:
    stage = WorkerStage(tmp_path)
    stage.socket.is_there = False
    async with stage.playing():
        await stage.ready()
        stage.child.exit(0)
        await stage.over()
        assert stage.acked.seq == 0 and not stage.socket.is_open


@jumping
async def test_what_the_state_of_a_backup_calls_void_is_not_sent(tmp_path: Path) -> None:
    log = ScriptedLog(WorkerStage(tmp_path).start.created)
    for number in (1, 2):
        log.append(e.PromptAccepted(number, f"u{number}", f"prompt {number}", 1, "Ada"))
    stage = WorkerStage(tmp_path, log, wake=False)
    stage.start = msgspec.structs.replace(stage.start, void_prompts=(1,))
    async with stage.playing():
        await stage.until(stage.child.prompts)
        assert [event.prompt_id for event in log.events(e.PromptCancelled)] == [1]
        assert stage.child.prompts() == ["prompt 2"]


# --- a torrent ---------------------------------------------------------------------------------------


@jumping
async def test_who_ends_a_child_that_pours_out_records_waits_neither_for_its_answer_nor_for_all_it_said(
    tmp_path: Path,
) -> None:
    async with WorkerStage(tmp_path).playing() as stage:
        await stage.turn(5)
        said = AT_ONCE + 400
        for number in range(said):
            content = [{"type": "text", "text": str(number)}]
            stage.child.says(type="assistant", uuid=str(number), message={"id": str(number), "content": content})
        await stage.until(lambda: stage.log.last > AT_ONCE + 10)
        stage.paths.folder.mkdir(parents=True)
        stage.paths.stop_mark.touch()
        told_at = asyncio.get_running_loop().time()
        stage.signal()
        await stage.over()
        assert ends(stage)[0] == "SIGTERM"
        assert len(stage.log.events(e.TextWritten)) == said
        assert asyncio.get_running_loop().time() - told_at < (said - AT_ONCE) / A_SECOND / 2
