"""One turn of the scripted claude: from taking a prompt to its result."""

from __future__ import annotations

import functools
import os
import sys
import time
from typing import TYPE_CHECKING

from twins.claude import disk as claude_disk
from twins.claude import frames, permissions, tools
from twins.claude.endings import Ending, aborted, completed, die, failed, hang, preempted
from twins.claude.flood import poured
from twins.claude.message import Message
from twins.claude.permissions import Denied, Verdict
from twins.claude.script import (
    Die,
    Fail,
    Flood,
    Hang,
    Raw,
    Retry,
    Stderr,
    Step,
    Subagent,
    Text,
    Tools,
    Use,
    Withdraw,
    parse,
)
from twins.claude.tasks import Interrupted, Wait

if TYPE_CHECKING:
    from twins.claude.frames import Json
    from twins.claude.surroundings import Ask, Prompt, Surroundings
    from twins.claude.tasks import Steps

# When a tool is asked about: some while the block is open, Bash before the message's end, files after it.
_ASKED_EARLY = ("Read", *permissions.TALKING_TOOLS)
_ASKED_LATE = permissions.EDITING_TOOLS
_PATH_TOOLS = ("Read", "Write", "Edit")
_BY_USER = "[Request interrupted by user]"
_BY_USER_FOR_TOOL = "[Request interrupted by user for tool use]"


class Failed(Exception):  # noqa: N818
    """The API failed for good."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Preempted(Exception):  # noqa: N818
    """A message with priority "now" came while a tool ran."""


class Call:
    """One tool call of the turn: decided at once, or asked about."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.tool_id = frames.new_id("toolu_")
        self.verdict: Verdict | None = None
        self.ask: Ask | None = None
        self.runs = False

    def is_settled(self) -> bool:
        return self.verdict is not None or (self.ask is not None and self.ask.answer is not None)


class Turn:
    """Plays the steps. `origin` is set when no person asked for this turn."""

    def __init__(self, session: Surroundings, prompts: list[Prompt], text: str, origin: Json | None = None) -> None:
        self._session = session
        self._prompts = prompts
        self._folded: list[Prompt] = []
        self._steps: list[Step] = parse(text)
        self._origin = origin
        self._uuids = [prompt.uuid for prompt in prompts if prompt.uuid]
        self._marks: Json = (
            {"user_message_uuid": self._uuids[-1], "user_message_uuids": list(self._uuids)} if self._uuids else {}
        )
        self._start_marks = dict(self._marks)
        self._began = time.monotonic()
        self._tally = frames.Tally()
        self._message: Message | None = None
        self._messages: list[str] = []
        self._calls: list[Call] = []
        self._denials: list[Json] = []
        self._last_text = ""
        self._user_lines = 0

    def play(self) -> Steps:
        self._session.emit_init(self._uuids)
        try:
            yield from self._requests()
            ending = completed(self._last_text)
        except Interrupted:
            ending = self._aborted()
        except Preempted:
            ending = preempted()
        except Failed as failure:
            ending = self._failed(failure.status)
        self._finish(ending)

    # --- requests ------------------------------------------------------------------------------------------

    def _requests(self) -> Steps:
        answered = False
        while self._steps or not answered:
            boundary, blocks, last = self._next_request()
            if last is None and not blocks and not boundary:
                blocks = [Text("Done.")]
            yield from self._request(boundary, blocks, last)
            answered = last is None and any(isinstance(block, Text) for block in blocks)

    def _next_request(self) -> tuple[list[Step], list[Step], Tools | Subagent | None]:
        """The steps of the next API request: what goes wrong before it, its blocks, the tools that end it."""
        boundary: list[Step] = []
        blocks: list[Step] = []
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Retry | Withdraw | Fail):
                if blocks:
                    break
                boundary.append(self._steps.pop(0))
            elif isinstance(step, Tools | Subagent):
                del self._steps[0]
                return boundary, blocks, step
            else:
                blocks.append(self._steps.pop(0))
        return boundary, blocks, None

    def _request(self, boundary: list[Step], blocks: list[Step], last: Tools | Subagent | None) -> Steps:
        self._session.emit(frames.requesting(self._uuids))
        for step in boundary:
            yield from self._trouble(step)
        if not blocks and last is None:
            return
        message = self._open_message()
        for block in blocks:
            yield from self._block(message, block)
        if isinstance(last, Tools):
            yield from self._use_tools(message, last)
        elif isinstance(last, Subagent):
            self._launch(message, last)
        else:
            message.delta("end_turn")
            self._close_message(message)

    def _open_message(self) -> Message:
        self._message = message = Message(self._session.emit, self._session.model, self._marks)
        self._messages.append(message.message_id)
        message.start(self._start_marks)
        self._start_marks = {}
        return message

    def _close_message(self, message: Message) -> None:
        message.stop()
        self._count(message)

    def _count(self, message: Message) -> None:
        self._tally.add(message.output_tokens)
        self._session.total.add(message.output_tokens)
        self._message = None

    def _trouble(self, step: Step) -> Steps:
        match step:
            case Retry(status, times, gap_s):
                for attempt in range(1, times + 1):
                    self._session.emit(frames.retrying(attempt, status, gap_s))
                    yield Wait(gap_s)
            case Withdraw(text):
                message = self._open_message()
                yield from message.text(Text(text, deltas=4, gap_s=0.01))
                message.withdraw()
                self._message = None
                yield from self._trouble(Retry(0, 1, 0.2))
            case Fail(status):
                raise Failed(status)

    def _block(self, message: Message, block: Step) -> Steps:
        match block:
            case Text(text):
                yield from message.text(block)
                self._last_text = text
            case Raw(lines):
                for line in lines:
                    self._session.write_line(line)
            case Stderr(text):
                sys.stderr.write(text + "\n")
                sys.stderr.flush()
            case Flood(kind, size_bytes):
                yield from poured(kind, size_bytes)
            case Die(code):
                die(code)
            case Hang(deaf):
                yield from hang(deaf=deaf)

    # --- tools ---------------------------------------------------------------------------------------------

    def _use_tools(self, message: Message, step: Tools) -> Steps:
        self._calls = calls = [Call(self._completed_input(use)) for use in step.uses]
        for call in calls:
            early = call.use.name in _ASKED_EARLY
            before_stop = functools.partial(self._ask, call) if early else _nothing
            message.tool_use(call.tool_id, call.use.name, call.use.tool_input, before_stop)
        message.delta("tool_use")
        self._ask_all(calls, late=False)
        self._close_message(message)
        self._ask_all(calls, late=True)
        yield from self._results(calls)
        self._fold()

    def _completed_input(self, use: Use) -> Use:
        """The input as a model writes it: absolute paths, and the plan in its file."""
        if use.name in _PATH_TOOLS:
            path = os.path.join(self._session.cwd, use.tool_input["file_path"])  # noqa: PTH118
            return use._replace(tool_input={**use.tool_input, "file_path": path})
        if use.name == "ExitPlanMode":
            path = claude_disk.write_plan(use.tool_input["plan"])
            return use._replace(tool_input={**use.tool_input, "planFilePath": path})
        return use

    def _ask_all(self, calls: list[Call], *, late: bool) -> None:
        for call in calls:
            if call.use.name not in _ASKED_EARLY and (call.use.name in _ASKED_LATE) == late:
                self._ask(call)

    def _ask(self, call: Call) -> None:
        call.verdict = self._session.permissions.without_asking(call.use)
        if call.verdict is None:
            call.ask = self._session.ask(call.use, call.tool_id)

    def _results(self, calls: list[Call]) -> Steps:
        """One result per call, in the order in which the calls are settled."""
        while self._calls:
            yield Wait(done=lambda: any(call.is_settled() for call in calls))
            call = next(call for call in calls if call.is_settled())
            yield from self._result(call)
            calls.remove(call)

    def _result(self, call: Call) -> Steps:
        verdict = call.verdict
        if verdict is None:
            assert call.ask is not None
            verdict = self._session.take_answer(call.ask)
        if isinstance(verdict, Denied):
            self._deny(call, verdict)
            return
        call.runs = True
        self._leave_plan_mode(call)
        if self._session.sdk.has(call.use.name):
            outcome = yield from self._session.sdk.call(call.use.name, verdict.tool_input, call.tool_id)
        else:
            outcome = yield from tools.run(call.use.name, verdict.tool_input, self._session.cwd)
        call.runs = False
        self._tell_result(call, outcome, {"permission_decision": verdict.why})

    def _deny(self, call: Call, verdict: Denied) -> None:
        self._note_denial(call)
        if verdict.interrupt:
            raise Interrupted
        if call.ask is None:
            self._session.emit(
                frames.system(
                    "permission_denied",
                    tool_name=call.use.name,
                    tool_use_id=call.tool_id,
                    message=verdict.message,
                    decision_reason_type="mode",
                )
            )
        why = {"decision": "reject", "source": "user_reject"}
        meta = {"non_execution_kind": "permission-rule", "permission_decision": why}
        self._tell_result(call, tools.Outcome.error(verdict.message), meta)

    def _note_denial(self, call: Call) -> None:
        use = call.use
        self._denials.append({"tool_name": use.name, "tool_use_id": call.tool_id, "tool_input": use.tool_input})

    def _leave_plan_mode(self, call: Call) -> None:
        if call.use.name == "ExitPlanMode" and self._session.permissions.mode == "plan":
            self._session.set_mode("default")

    def _tell_result(self, call: Call, outcome: tools.Outcome, meta: Json) -> None:
        self._user_lines += 1
        self._session.emit(
            frames.user(
                [tools.result_block(call.tool_id, outcome)],
                tool_use_result=outcome.detail,
                tool_result_meta=[{"id": call.tool_id, **meta}],
            )
        )

    def _launch(self, message: Message, step: Subagent) -> None:
        """A background subagent: its launch is at once its result, and the turn goes on."""
        about = f"run {step.command.split()[0]}"
        tool_input = {"description": about, "prompt": step.command, "subagent_type": "general-purpose"}
        call = Call(Use("Agent", tool_input))
        message.tool_use(call.tool_id, "Agent", tool_input, _nothing)
        agent_id = self._session.launch(step, call.tool_id, about)
        message.delta("tool_use")
        told = f"Async agent launched successfully.\nagentId: {agent_id} (internal ID)"
        detail: Json = {
            "isAsync": True,
            "status": "async_launched",
            "agentId": agent_id,
            "description": about,
        }
        detail.update(resolvedModel=self._session.model, prompt=step.command, canReadOutputFile=True)
        why = {"permission_decision": {"decision": "accept", "source": "config"}}
        self._tell_result(call, tools.Outcome(told, detail), why)
        self._close_message(message)
        self._fold()

    def _fold(self) -> None:
        """Takes the messages that came while tools ran into this turn.

        Raises:
            Preempted: if one of them is urgent.
        """
        if any(prompt.priority == "now" for prompt in self._session.queue):
            raise Preempted
        for prompt in [prompt for prompt in self._session.queue if prompt.priority != "later"]:
            self._session.fold(prompt)
            self._folded.append(prompt)
            self._uuids += [prompt.uuid] if prompt.uuid else []
            self._steps += parse(prompt.text)

    # --- endings -------------------------------------------------------------------------------------------

    def _aborted(self) -> Ending:
        if self._calls:
            return self._aborted_tools()
        message = self._message
        if message is not None:
            message.keep_partial()
        self._tell_interrupted(_BY_USER)
        if message is not None:
            message.break_off()
            self._count(message)
        return aborted("aborted_streaming", None)

    def _aborted_tools(self) -> Ending:
        if self._message is not None:
            self._close_message(self._message)
        for call in self._calls:
            if call.ask is not None:
                self._session.withdraw(call.ask)
        for call in self._calls:
            if call.ask is not None and not call.runs and all(d["tool_use_id"] != call.tool_id for d in self._denials):
                self._note_denial(call)
            text = permissions.REJECTED + (permissions.STOPPED_WHILE_RUNNING if call.runs else "")
            outcome = tools.Outcome(text, "User rejected tool use", is_error=True)
            self._tell_result(call, outcome, {"non_execution_kind": "user-rejected"})
        self._tell_interrupted(_BY_USER_FOR_TOOL)
        return aborted("aborted_tools", "tool_use")

    def _tell_interrupted(self, text: str) -> None:
        self._user_lines += 1
        self._session.emit(frames.user_text(text))

    def _failed(self, status: int) -> Ending:
        said, ending = failed(status, self._marks)
        self._session.emit(said)
        return ending

    def _finish(self, ending: Ending) -> None:
        for prompt in self._folded:
            self._session.tell_lifecycle(prompt, ending.prompts_are)
        session = self._session
        frame = frames.result(
            "",
            is_error=False,
            turn=self._tally,
            total=session.total,
            model=session.model,
            index=session.results,
        )
        frame.update(ending.fields, permission_denials=self._denials, begun_message_ids=self._messages)
        frame.update(num_turns=1 + self._user_lines, duration_ms=int((time.monotonic() - self._began) * 1000))
        frame["queued_turn_count"] = 0
        if self._prompts and self._uuids:
            frame.update(user_message_uuid=self._prompts[-1].uuid or self._uuids[-1], user_message_uuids=self._uuids)
        if self._origin is not None:
            frame["origin"] = self._origin
        session.finish_turn(frame, self._prompts, ending.prompts_are)


def _nothing() -> None:
    """Nothing is asked while the block is open."""
