"""stream-json without I/O: lines of the CLI's in, events and deltas out; commands in, lines out.

``receive`` and the command methods return *steps*, in the order in which they must be taken: an event is
appended to the log, a delta is offered to the uplink, a line is written to the child. So "append, then act"
is visible in what they return, and everything here can be tested with values.

A turn begins when Claude takes a prompt (``command_lifecycle started``) or, for turns that start by
themselves, with ``system/init``; it ends with ``result``. Results do not pair one to one with prompts, so a
prompt's own end comes from its lifecycle, by uuid (docs/claude-protocol.md, "Prompts", "Turns" and "Results").

A line may be lost, come twice, or come when nothing belongs to it. So nothing rests on one line alone: a turn that
starts by itself begins with the first sign of work after its ``init``; a result says which prompts it answers, and with
the idle that follows whatever was taken is over; the list of live background tasks ends those that are not in it.
"""

import hashlib
import re
from collections.abc import Callable
from itertools import count

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.modes import ModeLimit, known_as
from bridge.protocol.requests import PLAN_TOOL
from bridge.protocol.start import is_claude_id, may_be_argument
from bridge.text import clip, one_line
from worker import frames as f
from worker import mcp
from worker.asks import Asks, OpenRequest
from worker.prompts import ContentOf, Prompts, only_text
from worker.steps import DeltaRead, EndChild, FileOffered, ImagesReturned, Line, PushAsked, Step
from worker.tasks import Task, Tasks
from worker.texts import Texts

OUTPUT_KEPT_BYTES = 16 * 1024
LINES_REMEMBERED = 2000
_TELLS_MORE = ("prompt_too_long", "blocking_limit", "image_error")
"""Terminal reasons that say more than the API's ``invalid_request`` beside them."""
MOST_OPEN = 1000
"""Tools, background tasks and questions at one time: whoever shows them goes over all of them again and again."""
_TOO_MUCH_OPEN = f"Claude had more than {MOST_OPEN:,} tools, tasks and questions open at one time; so it was stopped"
OFFER_CHARS, OFFERS_KEPT = 100, 200


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
        self._places = places
        self._remote = remote
        self._limit = ModeLimit.begun_in(permission_mode)
        self._mode = ""
        self._ready = False
        self._numbers = count(1)
        self._awaited: dict[str, tuple[str, Callable[[f.ControlResponse], list[Step]]]] = {}
        self._turn: list[int] | None = None
        self._turn_said_text = False
        self._texts = Texts()
        self._last_wake = ""
        self._awaits_work = False
        self._origin = ""
        self._tasks = Tasks()
        self._seen: dict[bytes, None] = {}
        self._api_error = ""
        self._resets_at = 0.0
        self._tools: dict[str, str] = {}
        self._returning: dict[str, str] = {}
        self._configuring: set[str] = set()
        self._asks = Asks(self._request)
        self._prompts = Prompts(self._request, content_of)

    @property
    def is_ready(self) -> bool:
        """The child answered its initialize request."""
        return self._ready

    @property
    def in_turn(self) -> bool:
        return self._turn is not None

    @property
    def open_prompts(self) -> list[int]:
        return self._prompts.ids

    @property
    def unanswered(self) -> dict[str, str]:
        """Our requests that Claude owes an answer: request id → subtype."""
        return {request_id: subtype for request_id, (subtype, _) in self._awaited.items()}

    @property
    def unsettled_amends(self) -> list[c.Amend]:
        return self._prompts.unsettled_amends

    @property
    def under_way(self) -> set[str]:
        """Commands that wait for Claude's answer, by their ids."""
        return self._configuring | self._prompts.under_way

    @property
    def given(self) -> set[str]:
        """The prompts that the child ever got, by their uuids."""
        return self._prompts.given

    # --- commands in, lines out ----------------------------------------------------------------------

    def initialize(self) -> list[Step]:
        return [self._request("initialize", self._on_initialized, hooks=None, sdkMcpServers=[mcp.SERVER])]

    def prompt(self, prompt: e.PromptAccepted) -> list[Step]:
        return self._prompts.send(prompt)

    def interrupt(self, *, keep_queued: bool) -> list[Step]:
        return [self._request("interrupt", self._on_interrupted, cancel_queued=not keep_queued)]

    def amend(self, command: c.Amend, uuid: str, new: e.PromptAccepted | None) -> list[Step]:
        """``uuid``: under which Claude got the prompt."""
        return self._prompts.amend(command, uuid, new)

    def requeue(self, command: c.Requeue, uuid: str) -> list[Step]:
        return self._prompts.requeue(command, uuid)

    def end_session(self) -> list[Step]:
        return [self._request("end_session", _nothing)]

    def configure(self, command: c.Configure) -> list[Step]:
        """The ConfigureAccepted follows Claude's answer."""

        def answered(response: f.ControlResponse) -> list[Step]:
            self._configuring.discard(command.command_id)
            return [e.ConfigureAccepted(command.command_id, command.setting, command.value, response.error)]

        self._configuring.add(command.command_id)
        match command.setting:
            case "permission_mode":
                return [self._request_mode(command, answered)]
            case "model":
                return [self._request("set_model", answered, model=command.value or None)]
            case "effort":
                settings = {"effortLevel": command.value or None}
                return [self._request("apply_flag_settings", answered, settings=settings)]
            case _:
                self._configuring.discard(command.command_id)
                error = f"there is no setting named {command.setting}"
                return [e.ConfigureAccepted(command.command_id, command.setting, command.value, error)]

    def _request_mode(self, command: c.Configure, answered: Callable[[f.ControlResponse], list[Step]]) -> Step:
        def settled(response: f.ControlResponse) -> list[Step]:
            self._limit.answered(command.command_id, done=not response.error)
            return answered(response)

        self._limit.ask(command.command_id, command.value)
        return self._request("set_permission_mode", settled, mode=known_as(command.value))

    def named(self, request_id: str, seq: int) -> None:
        """The log gave this request its name. MUST follow the append of its PermissionRequested."""
        self._asks.named(request_id, seq)

    def decide(self, decision: c.Decide) -> list[Step]:
        is_plan = any(one.seq == decision.seq and one.request.tool == PLAN_TOOL for one in self._asks.open())
        steps = self._asks.decide(decision)
        for step in steps:
            if is_plan and isinstance(step, e.PermissionResolved) and step.verdict == "allowed":
                self._limit.approve_plan(step.mode)
        return steps

    def ask_push(self, request: e.PermissionRequested) -> list[Step]:
        """A push is prepared: its card. Nothing when Claude waits for it no more."""
        return self._asks.ask_push(request)

    def give_up_push(self, request_id: str) -> None:
        """It comes to no card."""
        self._asks.give_up_push(request_id)

    def open_requests(self) -> list[OpenRequest]:
        return self._asks.open()

    def _request(self, subtype: str, answered: Callable[[f.ControlResponse], list[Step]], /, **fields: object) -> Line:
        request_id = f"tb{next(self._numbers)}"
        self._awaited[request_id] = (subtype, answered)
        return Line(f.control_request(request_id, subtype, **fields))

    # --- lines in, events out ------------------------------------------------------------------------

    def receive(self, line: bytes) -> list[Step]:
        """What a line means. A line that nobody knows means nothing and breaks nothing."""
        if (frame := f.read_frame(line)) is None or self._is_repeated(frame, line):
            return []
        steps = self._follow_claude_id(frame)
        if self._awaits_work and _shows_work(frame):
            steps += self._begin_turn(None, self._origin)
        if handler := _HANDLERS.get(frame.type):
            steps += handler(self, frame)
        if len(self._tools) + self._asks.count + self._tasks.count > MOST_OPEN:
            steps.append(EndChild(_TOO_MUCH_OPEN))
        return steps

    def _is_repeated(self, frame: f.Frame, line: bytes) -> bool:
        """Each line has a uuid of its own, so the same bytes again are no second fact."""
        if not frame.uuid:
            return False
        name = hashlib.sha256(line).digest()
        if name in self._seen:
            return True
        self._seen[name] = None
        if len(self._seen) > LINES_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False

    def dropped(self, head: bytes, size: int) -> list[Step]:
        """A line that was too long to be read. If it may have been a request, Claude must not wait for ever."""
        told = e.Noticed(f"A line of {size // 1_000_000} MB from Claude was too long to be read, and is left out.")
        if _HARMLESS.match(head):
            return [told]
        if (found := _REQUEST_ID.search(head)) and b'"control_request"' in head:
            return [told, Line(f.refusal(found[1].decode(), "the request was too long to be shown"))]
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
        uuid, state = frame.command_uuid, frame.state
        if (prompt_id := self._prompts.id_of(uuid)) is None:
            return []
        match state:
            case "queued" if not self._prompts.is_taken(uuid):
                return [e.PromptQueued(prompt_id)] if self.in_turn else []
            case "started" if not self._prompts.is_taken(uuid):
                self._prompts.took(uuid)
                return [*self._begin_turn(prompt_id), e.PromptTaken(prompt_id)]
            case "completed" if self._prompts.is_over(uuid, cancelled=False):
                return [e.PromptDone(prompt_id)]
            case "cancelled" if self._prompts.is_over(uuid, cancelled=True):
                return [e.PromptCancelled(prompt_id)]
            case "discarded" | "refused" if self._prompts.is_over(uuid, cancelled=False):
                return [e.PromptCancelled(prompt_id, state)]
            case _:
                return []

    def _on_interrupted(self, response: f.ControlResponse) -> list[Step]:
        """Its answer names the prompts that were dropped, as their lifecycles do."""
        dropped = f.part(response.response, f.AllCancelled).cancelled
        lost = {uuid: prompt_id for uuid in dropped if (prompt_id := self._prompts.id_of(uuid)) is not None}
        return [e.PromptCancelled(lost[uuid]) for uuid in lost if self._prompts.is_over(uuid, cancelled=True)]

    def _begin_turn(self, prompt_id: int | None, origin: str = "") -> list[Step]:
        self._awaits_work = False
        if self._turn is not None:
            if prompt_id is not None:
                self._turn.append(prompt_id)
            return []
        self._turn = [] if prompt_id is None else [prompt_id]
        self._turn_said_text = False
        self._texts.begin_turn()
        self._api_error, self._resets_at = "", 0.0
        return [e.TurnStarted(tuple(self._turn), origin)]

    def _on_stream_event(self, frame: f.Frame) -> list[Step]:
        event = f.part(frame.event, f.StreamEvent)
        if frame.parent_tool_use_id:
            return []
        match event.type:
            case "message_start":
                self._texts.begin_message(event.message.id)
            case "content_block_start":
                self._texts.begin_block(event.index)
            case "content_block_delta" if event.delta.type == "text_delta" and self._texts.open_block:
                kept = self._texts.add(event.delta.text)
                return [DeltaRead(self._texts.open_block, kept)] if kept else []
            case "content_block_stop":
                self._texts.end_block()
            case "message_stop":
                return self._on_message_stop(frame)
            case _:
                pass
        return []

    def _on_message_stop(self, frame: f.Frame) -> list[Step]:
        abandoned = f.part(frame.abandoned_blocks, f.Abandoned)
        void = self._texts.end_message(abandoned.api_message_id, abandoned.from_block_index)
        return [e.TextWithdrawn(void)] if void else []

    def _on_assistant(self, frame: f.Frame) -> list[Step]:
        message = f.part(frame.message, f.Message)
        if error := f.text_of(frame.error):
            self._api_error = error
            return []
        agent = frame.agent_id or frame.parent_tool_use_id or ""
        steps: list[Step] = []
        for block in message.blocks():
            if block.type == "text" and block.text.strip():
                name = self._name_block(frame, agent)
                steps += self._texts.written(name, block.text, agent)
                self._turn_said_text |= not agent
            elif block.type == "thinking" and block.thinking.strip() and not agent:
                steps.append(e.ThinkingWritten(_capped(block.thinking)[0]))
            elif block.type == "tool_use":
                kept, size, _ = _capped(bytes(block.input).decode(errors="replace"))
                steps.append(e.ToolStarted(block.id, block.name, kept, size, agent))
                self._tools[block.id] = agent
                if block.name.startswith("mcp__"):
                    self._returning[block.id] = block.name
        return steps

    def _name_block(self, frame: f.Frame, agent: str) -> str:
        """The open block's name, so that its deltas are replaced; a line's own uuid where none streamed."""
        return frame.uuid if agent or not self._texts.open_block else self._texts.open_block

    def _on_user(self, frame: f.Frame) -> list[Step]:
        steps: list[Step] = []
        for block in f.part(frame.message, f.Message).blocks():
            if block.type == "tool_result":
                agent = self._tools.pop(block.tool_use_id, "")
                tool = self._returning.pop(block.tool_use_id, "")
                kept, size, digest = _capped(f.text_of(block.content))
                by = f.allowed_by(frame, block.tool_use_id)
                steps.append(e.ToolFinished(block.tool_use_id, bool(block.is_error), kept, size, digest, allowed_by=by))
                if tool and not agent and (images := f.images_of(block.content)):
                    steps.append(ImagesReturned(tool, tuple(images)))
        return steps

    def _on_system(self, frame: f.Frame) -> list[Step]:
        match frame.subtype:
            case "init":
                return [*self._on_mode(frame.permissionMode or ""), *self._on_init()]
            case "status":
                return self._on_mode(frame.permissionMode or "")
            case "api_retry":
                return [
                    e.ApiRetried(
                        frame.attempt,
                        frame.max_retries,
                        frame.retry_delay_ms / 1000,
                        f.text_of(frame.error),
                        frame.error_status,
                    )
                ]
            case "task_started":
                task = Task(frame.task_id, frame.tool_use_id or "")
                told = (frame.task_type, frame.description, task.tool_use_id, frame.is_backgrounded)
                return [e.TaskStarted(frame.task_id, *told)] if self._tasks.begin(task) else []
            case "background_tasks_changed":
                gone = self._tasks.only_live({one.task_id for one in frame.tasks})
                return [step for task in gone for step in self._on_task_ended(task, "", "ended")]
            case "task_progress":
                so_far = f.part(frame.usage, f.TaskUsage)
                tool = frame.last_tool_name or ""
                progress = (frame.description, tool, so_far.tool_uses, so_far.total_tokens)
                return [e.TaskProgressed(frame.task_id, *progress)]
            case "task_notification":
                self._last_wake = "task-notification"
                ended = self._tasks.end(Task(frame.task_id, frame.tool_use_id or ""))
                return self._on_task_ended(ended, frame.summary, frame.status or "") if ended else []
            case "compact_boundary":
                return [e.Compacted(f.part(frame.compact_metadata, f.CompactMetadata).trigger)]
            case "informational":
                return [e.Noticed(f.text_of(frame.content))]
            case "session_state_changed" if frame.state == "idle":
                return self._on_idle()
            case _:
                return []

    def _on_mode(self, told: str) -> list[Step]:
        """A looser mode than was set or chosen: Claude would act without asking, so it acts no more."""
        mode = known_as(told)
        if not told or (mode == self._mode and self._limit.admits(mode)):
            return []
        if not self._limit.admits(mode):
            return [EndChild(_too_loose(mode, self._limit.chosen))]
        self._mode = mode
        return [e.ModeChanged(mode, admitted=True)]

    def _on_init(self) -> list[Step]:
        """It comes at the start of every turn; what no prompt began, the last ended task did."""
        if not self.in_turn:
            self._awaits_work, self._origin, self._last_wake = True, self._last_wake, ""
        return []

    def _on_idle(self) -> list[Step]:
        """Idle comes after the result; a turn that is still open then ended without one."""
        self._awaits_work = False
        if self._turn is None:
            return self._prompts.all_over()
        reason = "Claude went idle without saying how the turn ended"
        ended = e.TurnEnded("failed", tuple(self._turn), reason, error="no_result")
        return [*self._end_turn(ended), *self._prompts.all_over()]

    def _on_result(self, frame: f.Frame) -> list[Step]:
        if not frame.subtype:
            return []  # a result that does not say of what ends nothing; going idle does
        if self._turn is None and not frame.num_turns:
            return self._on_result_without_turn(frame)
        uuids = frame.user_message_uuids or []
        taken = [step for uuid in uuids for step in self._prompts.named_by_result(uuid)]
        prompts = [prompt_id for uuid in uuids if (prompt_id := self._prompts.id_of(uuid)) is not None]
        usage = f.part(frame.usage, f.Usage)
        outcome = _outcome(frame)
        ended = e.TurnEnded(
            outcome=outcome,
            prompt_ids=tuple(dict.fromkeys([*(self._turn or []), *prompts])),
            reason=_reason(frame) if outcome == "failed" else "",
            error=self._error_code(frame) if outcome == "failed" else "",
            duration=frame.duration_ms / 1000,
            total_cost_usd=frame.total_cost_usd,
            input_tokens=usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=_spent(frame),
            resets_at=self._resets_at if outcome == "failed" else 0.0,
            result=""
            if self._turn_said_text or self._texts.is_streaming or outcome != "completed"
            else frame.result or "",
        )
        begun: list[Step] = (
            [] if self.in_turn else [e.TurnStarted(ended.prompt_ids, f.part(frame.origin, f.Origin).kind)]
        )
        return [*begun, *taken, *self._end_turn(ended)]

    def _on_result_without_turn(self, frame: f.Frame) -> list[Step]:
        """A start that failed (a bad --resume) is told as a result of no turn (docs/claude-protocol.md, "Command
        line").
        """
        if frame.is_error and self._resuming and not self._ready:
            return [e.ResumeFailed(self._claude_id, _reason(frame))]
        return [e.Noticed(_reason(frame))] if frame.is_error else []

    def _error_code(self, frame: f.Frame) -> str:
        if frame.api_error:
            return frame.api_error
        if frame.terminal_reason in _TELLS_MORE:
            return frame.terminal_reason
        if frame.subtype != "success":
            return frame.subtype.removeprefix("error_")
        return self._api_error or frame.terminal_reason or "unknown"

    def broken_off(self) -> list[e.TextWritten]:
        """The texts that streamed and never came whole: what there is of them, shown or not."""
        return self._texts.broken_off()

    def _end_turn(self, ended: e.TurnEnded) -> list[Step]:
        """Tools and requests of the main agent end with its turn; a subagent's outlive it (docs/claude-protocol.md,
        "Background work").

        A tool call that has no result by then (the budget was used up, say) will have none.
        """
        self._turn = None
        self._awaits_work = False
        self._texts.end_turn()
        self._returning = {tool: name for tool, name in self._returning.items() if self._tools.get(tool)}
        unfinished = [tool for tool, agent in self._tools.items() if not agent]
        for tool in unfinished:
            del self._tools[tool]
        tools: list[Step] = [e.ToolFinished(tool, True, "", unknown=True) for tool in unfinished]
        return [*self.broken_off(), *tools, *self._asks.turn_ended(), ended]

    def _on_task_ended(self, task: Task, summary: str, status: str) -> list[Step]:
        agents = {task.task_id, task.tool_use_id} - {""}
        return [*self._asks.agent_ended(agents), e.TaskEnded(task.task_id, status, summary)]

    # --- permission requests -------------------------------------------------------------------------

    def _on_control_request(self, frame: f.Frame) -> list[Step]:
        ask = f.part(frame.request, f.Ask)
        request_id = frame.request_id or ""
        if not request_id:
            return []  # nobody could be answered
        if ask.subtype == "mcp_message":
            return [self._on_mcp(request_id, f.part(frame.request, f.McpMessage))]
        if ask.subtype == "elicitation":
            asked = f.part(frame.request, f.Elicitation)
            return [_declined(asked), Line(f.refusal(request_id, "nobody can be asked this here"))]
        if ask.subtype != "can_use_tool":
            return [Line(f.refusal(request_id, f"this host does not answer {ask.subtype}"))]
        if self._remote and ask.tool_name == mcp.PUSH_ALLOWED:
            return [Line(f.answer(request_id, {"behavior": "allow", "updatedInput": ask.input}))]
        return self._asks.asked(request_id, ask)

    def _on_mcp(self, request_id: str, told: f.McpMessage) -> Step:
        """A message to the server that we are; each wants an answer."""
        if told.server_name != mcp.SERVER:
            return Line(f.refusal(request_id, f"this host has no server {told.server_name!r}"))
        answer = mcp.respond(told.message, self._places, self._remote)
        if isinstance(answer, mcp.SendFile):
            return FileOffered(request_id, answer)
        if isinstance(answer, mcp.PushBranch):
            if self._asks.claim_push(request_id, answer.call_id):
                return PushAsked(request_id, answer)
            answer = mcp.told(answer.call_id, f"{mcp.NOT_PUSHED}one push at a time.", is_error=True)
        return Line(f.mcp_answer(request_id, answer))

    def _on_cancel_request(self, frame: f.Frame) -> list[Step]:
        return self._asks.taken_back(frame.request_id or "")

    def _on_control_response(self, frame: f.Frame) -> list[Step]:
        response = f.part(frame.response, f.ControlResponse)
        awaited = self._awaited.pop(response.request_id, None)
        return awaited[1](response) if awaited else []

    def _on_initialized(self, response: f.ControlResponse) -> list[Step]:
        self._ready = True
        told = f.part(response.response, f.Initialized)
        key = told.account.apiKeySource or "none"
        logged_in = (told.account.tokenSource or "none") != "none" or key != "none"
        started = e.ChildStarted(self._child_pid, self._claude_id, self._resuming, told.claude_code_version, logged_in)
        return [started, *self._on_mode(told.current_permission_mode), offered(told)]

    def _on_rate_limit(self, frame: f.Frame) -> list[Step]:
        """It says when the limit is free again; the words of the result have the host's own clock."""
        told = f.part(frame.rate_limit_info, f.RateLimit)
        self._resets_at = told.resetsAt if told.status == "rejected" and told.resetsAt > 0 else 0.0
        return []

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


_HARMLESS = re.compile(rb'\{"type":\s*"(assistant|user|system|stream_event|result)"')
_REQUEST_ID = re.compile(rb'"request_id":\s*"([0-9A-Za-z_.:-]{1,100})"')


def _declined(asked: f.Elicitation) -> e.Noticed:
    """What an MCP server asked the person for: that it was not answered, and what it was."""
    fields = ", ".join(asked.requested_schema.properties) if asked.requested_schema else ""
    wanted = f" (at {asked.url})" if asked.url else f" (wanted: {fields})" if fields else ""
    return e.Noticed(
        f"The MCP server {one_line(asked.mcp_server_name, 80) or 'without a name'} asked you something, which cannot be"
        f" answered here and was declined: “{one_line(asked.message, 400)}”{clip(wanted, 300)}"
    )


def offered(told: f.Initialized) -> e.ChildOffered:
    """What a person can choose, as far as Discord can show it and a log should hold it."""
    models = [
        e.Offer(m.value, f"{m.displayName} {m.description}".strip()[:OFFER_CHARS], "", _efforts(m))
        for m in told.models
        if may_be_argument(m.value)
    ]
    commands = [
        e.Offer(one.name, one.description[:OFFER_CHARS], one.argumentHint[:OFFER_CHARS])
        for one in told.commands
        if one.name and not one.name.split()[1:] and one.name.isprintable()
    ]
    return e.ChildOffered(tuple(models[:OFFERS_KEPT]), tuple(commands[:OFFERS_KEPT]))


def _shows_work(frame: f.Frame) -> bool:
    """Whether the main agent is at something."""
    if frame.parent_tool_use_id or frame.agent_id:
        return False
    is_working = frame.type == "system" and frame.subtype == "status" and bool(frame.status)
    return is_working or frame.type in ("stream_event", "assistant")


def _efforts(model: f.OfferedModel) -> tuple[str, ...]:
    return tuple(effort for effort in model.supportedEffortLevels or () if may_be_argument(effort))


def _too_loose(mode: str, chosen: str) -> str:
    return (
        f"Claude went into the permission mode {one_line(mode, 40)}, in which it asks less than in {chosen}, and nobody"
        " chose that; so it was stopped"
    )


def _nothing(_response: f.ControlResponse) -> list[Step]:
    return []


def _capped(text: str) -> tuple[str, int, str]:
    """(what the log keeps, bytes of the whole, sha256 of the whole when something was cut)."""
    data = text.encode(errors="replace")
    if len(data) <= OUTPUT_KEPT_BYTES:
        return text, len(data), ""
    kept = data[:OUTPUT_KEPT_BYTES].decode(errors="ignore")
    return kept, len(data), hashlib.sha256(data).hexdigest()


def _outcome(frame: f.Frame) -> e.Outcome:
    if (frame.terminal_reason or "").startswith("aborted"):
        return "interrupted"
    return "failed" if frame.is_error or frame.subtype != "success" else "completed"


def _spent(frame: f.Frame) -> float | None:
    """In USD since the result before; None where the CLI does not tell it."""
    models = frame.model_usage_since_last_result
    return None if models is None else sum(model.costUSD for model in models.values())


def _reason(frame: f.Frame) -> str:
    return frame.result or "; ".join(frame.errors or []) or frame.subtype
