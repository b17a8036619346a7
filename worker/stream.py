"""stream-json without I/O: lines of the CLI's in, events and deltas out; commands in, lines out.

``receive`` and the command methods return *steps*, in the order in which they must be taken: an event is
appended to the log, a delta is offered to the uplink, a line is written to the child. So "append, then act"
is visible in what they return, and everything here can be tested with values.

A line may be lost, come twice, or come when nothing belongs to it. So nothing rests on one line alone: when a turn is
begun and over is told by several (`turns`), and the list of live background tasks ends those that are not in it.
"""

from collections.abc import Callable

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import PLAN_TOOL
from bridge.protocol.start import is_claude_id
from worker import control_frames as cf
from worker import frames as f
from worker import mcp, results
from worker.asks import Asks, OpenRequest
from worker.chosen_settings import ChosenSettings
from worker.claude_requests import ClaudeRequests, refusal_of
from worker.messages import Messages
from worker.offers import read_offers
from worker.own_requests import OwnRequests
from worker.prompts import ContentOf, Prompts, only_text
from worker.seen_lines import SeenLines
from worker.steps import EndChild, Step
from worker.tasks import Tasks
from worker.titles import Titles
from worker.turn import Turn
from worker.turns import Turns
from worker.usage_limits import UsageLimits

MOST_OPEN = 1000
"""Tools, background tasks and questions at one time: whoever shows them goes over all of them again and again."""
_TOO_MUCH_OPEN = f"Claude had more than {MOST_OPEN:,} tools, tasks and questions open at one time; so it was stopped"


class Stream:
    """The protocol state of one child. ``child_pid`` is its pid as the host sees it.

    ``permission_mode``: in which it was started. ``places``: in words, whence Claude may send files.
    ``remote``: the URL to which it may ask us to push; "": it may not.
    """

    def __init__(
        self,
        child_pid: int,
        *,
        claude_id: str,
        resuming: bool,
        permission_mode: str = "",
        content_of: ContentOf = only_text,
        places: str = "the project directory",
        remote: str = "",
    ) -> None:
        self._child_pid = child_pid
        self._claude_id = claude_id
        self._resuming = resuming
        self._ready = False
        self._own = OwnRequests()
        self._turn = Turn()
        self._messages = Messages(self._turn)
        self._seen = SeenLines()
        self._settings = ChosenSettings(self._own.ask, permission_mode)
        self._asks = Asks(self._own.ask)
        self._tasks = Tasks(self._asks.agent_ended)
        self._prompts = Prompts(self._own.ask, content_of)
        self._turns = Turns(self._turn, self._prompts, self._messages, self._asks)
        self._titles = Titles(self._own.ask)
        self._usage = UsageLimits()
        self._claudes = ClaudeRequests(self._asks, places, remote)

    @property
    def is_ready(self) -> bool:
        """The child answered its initialize request."""
        return self._ready

    @property
    def in_turn(self) -> bool:
        return self._turn.runs

    @property
    def open_prompts(self) -> list[int]:
        return self._prompts.ids

    @property
    def unanswered(self) -> dict[str, str]:
        """Our requests that Claude owes an answer: request id → subtype."""
        return self._own.unanswered

    @property
    def unsettled_amends(self) -> list[c.Amend]:
        return self._prompts.unsettled_amends

    @property
    def under_way(self) -> set[str]:
        """Commands that wait for Claude's answer, by their ids."""
        return self._settings.under_way | self._prompts.under_way

    @property
    def given(self) -> set[str]:
        """The prompts that the child ever got, by their uuids."""
        return self._prompts.given

    # --- commands in, lines out ----------------------------------------------------------------------

    def initialize(self) -> list[Step]:
        return [self._own.ask("initialize", self._on_initialized, hooks=None, sdkMcpServers=[mcp.SERVER])]

    def want_title(self) -> None:
        """Ask for one of the prompt that Claude takes up next."""
        self._titles.wanted = True

    def prompt(self, prompt: e.PromptAccepted) -> list[Step]:
        return self._prompts.send(prompt)

    def interrupt(self, *, keep_queued: bool) -> list[Step]:
        return [self._own.ask("interrupt", self._prompts.on_interrupted, cancel_queued=not keep_queued)]

    def amend(self, command: c.Amend, uuid: str, new: e.PromptAccepted | None) -> list[Step]:
        """``uuid``: under which Claude got the prompt."""
        return self._prompts.amend(command, uuid, new)

    def requeue(self, command: c.Requeue, uuid: str) -> list[Step]:
        return self._prompts.requeue(command, uuid)

    def end_session(self) -> list[Step]:
        return [self._own.ask("end_session", _nothing)]

    def configure(self, command: c.Configure, untold: frozenset[str] = frozenset()) -> list[Step]:
        return self._settings.configure(command, untold)

    def named(self, request_id: str, seq: int) -> None:
        """The log gave this request its name. MUST follow the append of its PermissionRequested."""
        self._asks.named(request_id, seq)

    def decide(self, decision: c.Decide) -> list[Step]:
        is_plan = any(one.seq == decision.seq and one.request.tool == PLAN_TOOL for one in self._asks.open())
        steps = self._asks.decide(decision)
        for step in steps:
            if isinstance(step, e.PermissionResolved) and step.verdict == "allowed" and (is_plan or step.mode):
                self._settings.approve(step.mode)
        return steps

    def ask_push(self, request: e.PermissionRequested) -> list[Step]:
        """A push is prepared: its card. Nothing when Claude waits for it no more."""
        return self._asks.ask_push(request)

    def give_up_push(self, request_id: str) -> None:
        """It comes to no card."""
        self._asks.give_up_push(request_id)

    def open_requests(self) -> list[OpenRequest]:
        return self._asks.open()

    # --- lines in, events out ------------------------------------------------------------------------

    def receive(self, line: bytes) -> list[Step]:
        """What a line means. A line that nobody knows means nothing and breaks nothing."""
        if (frame := f.read_frame(line)) is None or self._seen.is_repeated(frame.uuid, line):
            return []
        steps = [*self._follow_claude_id(frame), *self._turns.work(frame)]
        if handler := _HANDLERS.get(frame.type):
            steps += handler(self, frame)
        if self._messages.tools.count + self._asks.count + self._tasks.count > MOST_OPEN:
            steps.append(EndChild(_TOO_MUCH_OPEN))
        return steps

    def dropped(self, head: bytes, size: int) -> list[Step]:
        """A line that was too long to be read. If it may have been a request, Claude must not wait for ever."""
        told = e.Noticed(f"A line of {size // 1_000_000} MB from Claude was too long to be read, and is left out.")
        if f.wants_no_answer(head):
            return [told]
        if refusal := refusal_of(head):
            return [told, refusal]
        return [told, *(self.interrupt(keep_queued=True) if self.in_turn else [])]

    def _follow_claude_id(self, frame: f.Frame) -> list[Step]:
        """``/clear`` changes Claude's id in the live process, so every line is looked at (docs/claude-protocol.md,
        "Conversations").

        The ``new_conversation_id`` of a conversation_reset is another thing: nothing can be resumed by it.
        """
        told = frame.session_id
        if not is_claude_id(told) or told == self._claude_id or (frame.type == "result" and not frame.num_turns):
            return []
        self._claude_id = told
        return [e.ClaudeIdentified(told)]

    def _on_lifecycle(self, frame: f.Frame) -> list[Step]:
        steps = self._prompts.on_lifecycle(frame.command_uuid, frame.state, in_turn=self.in_turn)
        taken = [step.prompt_id for step in steps if isinstance(step, e.PromptTaken)]
        titles = self._titles.asked_of(self._prompts.open(frame.command_uuid)) if taken else []
        return [*(begun for prompt_id in taken for begun in self._turns.begin(prompt_id)), *steps, *titles]

    def _on_stream_event(self, frame: f.Frame) -> list[Step]:
        return self._messages.streamed(frame)

    def _on_assistant(self, frame: f.Frame) -> list[Step]:
        return self._messages.of_claude(frame)

    def _on_user(self, frame: f.Frame) -> list[Step]:
        return self._messages.of_user(frame)

    def _on_system(self, frame: f.Frame) -> list[Step]:
        match frame.subtype:
            case "init":
                self._turn.announce()
                return self._settings.told_mode(frame.permissionMode or "")
            case "status":
                return self._settings.told_mode(frame.permissionMode or "")
            case "api_retry":
                return [_retried(frame)]
            case "task_started":
                return self._tasks.began(frame)
            case "background_tasks_changed":
                return self._tasks.listed(frame)
            case "task_progress":
                return self._tasks.progressed(frame)
            case "task_notification":
                self._turn.woken_by = "task-notification"
                return self._tasks.notified(frame)
            case "compact_boundary":
                return [e.Compacted(f.part(frame.compact_metadata, f.CompactMetadata).trigger)]
            case "informational":
                return [e.Noticed(f.text_of(frame.content))]
            case "session_state_changed" if frame.state == "idle":
                return self._turns.idle()
            case _:
                return []

    def _on_result(self, frame: f.Frame) -> list[Step]:
        if frame.subtype and not self._turn.runs and not frame.num_turns:
            return self._on_result_without_turn(frame)
        return self._turns.result(frame)

    def _on_result_without_turn(self, frame: f.Frame) -> list[Step]:
        """So a start fails that finds nothing to resume (docs/claude-protocol.md, "Command line")."""
        if frame.is_error and self._resuming and not self._ready:
            return [e.ResumeFailed(self._claude_id, results.reason(frame))]
        return [e.Noticed(results.reason(frame))] if frame.is_error else []

    def broken_off(self) -> list[e.TextWritten]:
        """The texts that streamed and never came whole: what there is of them, shown or not."""
        return self._messages.broken_off()

    # --- permission requests -------------------------------------------------------------------------

    def _on_control_request(self, frame: f.Frame) -> list[Step]:
        return self._claudes.asked(frame)

    def _on_cancel_request(self, frame: f.Frame) -> list[Step]:
        return self._asks.taken_back(frame.request_id or "")

    def _on_control_response(self, frame: f.Frame) -> list[Step]:
        return self._own.answered(f.part(frame.response, cf.ControlResponse))

    def _on_initialized(self, response: cf.ControlResponse) -> list[Step]:
        self._ready = True
        told = f.part(response.response, cf.Initialized)
        logged_in, version = told.account.is_logged_in, told.claude_code_version
        started = e.ChildStarted(self._child_pid, self._claude_id, self._resuming, version, logged_in)
        return [started, *self._settings.told_mode(told.current_permission_mode), read_offers(told)]

    def _on_rate_limit(self, frame: f.Frame) -> list[Step]:
        """It says when the limit is free again; the words of the result have the host's own clock."""
        told = f.part(frame.rate_limit_info, f.RateLimit)
        self._turn.resets_at = told.resetsAt if told.status == "rejected" and told.resetsAt > 0 else 0.0
        return [*self._usage.told(told)]

    def _on_reset(self, _frame: f.Frame) -> list[Step]:
        """``/clear``; the new id comes with the lines after it."""
        return [e.Noticed("Cleared: Claude remembers nothing of what stands above.")]


_HANDLERS: dict[str, Callable[[Stream, f.Frame], list[Step]]] = {
    "command_lifecycle": Stream._on_lifecycle,
    "stream_event": Stream._on_stream_event,
    "assistant": Stream._on_assistant,
    "user": Stream._on_user,
    "system": Stream._on_system,
    "result": Stream._on_result,
    "conversation_reset": Stream._on_reset,
    "rate_limit_event": Stream._on_rate_limit,
    "control_request": Stream._on_control_request,
    "control_cancel_request": Stream._on_cancel_request,
    "control_response": Stream._on_control_response,
}


def _retried(frame: f.Frame) -> e.ApiRetried:
    delay_s, error = frame.retry_delay_ms / 1000, f.text_of(frame.error)
    return e.ApiRetried(frame.attempt, frame.max_retries, delay_s, error, frame.error_status)


def _nothing(_response: cf.ControlResponse) -> list[Step]:
    return []
