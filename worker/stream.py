"""stream-json without I/O: lines of the CLI's in, events and deltas out; commands in, lines out.

``receive`` and the command methods return *steps*, in the order in which they must be taken: an event is
appended to the log, a delta is offered to the uplink, a line is written to the child. So "append, then act"
is visible in what they return, and everything here can be tested with values.

A turn begins when Claude takes a prompt (``command_lifecycle started``) or, for turns that start by
themselves, with ``system/init``; it ends with ``result``. Results do not pair one to one with prompts, so a
prompt's own end comes from its lifecycle, by uuid (PROTOCOL.md sections 4, 5 and 8).
"""

import hashlib
import re
from collections.abc import Callable
from itertools import count

import msgspec

from bridge import commands as c
from bridge import events as e
from bridge.permission import ADVICE_TO_ASK_IN_TEXT, digest_of
from worker import frames as f
from worker.recovery import DELETED

OUTPUT_KEPT_BYTES = 16 * 1024
TEXT_KEPT_CHARS = 256 * 1024
"""Of one block of text: about 130 posts, and as much as a model writes at once (64,000 tokens)."""


class DeltaRead(msgspec.Struct, frozen=True):
    """Live text of an open block."""

    block: str
    text: str


class Line(msgspec.Struct, frozen=True):
    """To be written to the child, newline included."""

    data: bytes


Step = e.AnyEvent | DeltaRead | Line


class OpenRequest(msgspec.Struct, frozen=True):
    """A request that Claude waits on. ``raw_input`` is what an allow repeats; None: nothing, it runs as asked."""

    seq: int
    request: e.PermissionRequested
    raw_input: msgspec.Raw | None


class Amending(msgspec.Struct):
    """Claude was asked to give a prompt back. ``new`` is to be sent instead; None: nothing, it was deleted."""

    commands: list[c.Amend]
    new: e.PromptAccepted | None
    was_cancelled: bool = False


class Stream:
    """The protocol state of one child. ``child_pid`` is its pid as the host sees it."""

    def __init__(self, child_pid: int, *, claude_id: str, resuming: bool) -> None:
        self._child_pid = child_pid
        self._claude_id = claude_id
        self._resuming = resuming
        self._ready = False
        self._numbers = count(1)
        self._awaited: dict[str, tuple[str, Callable[[f.ControlResponse], list[Step]]]] = {}
        self._prompts: dict[str, int] = {}
        self._amending: dict[str, Amending] = {}
        self._turn: list[int] | None = None
        self._turn_said_text = False
        self._open_block = ""
        self._open_chars = 0
        self._blocks: dict[str, list[str]] = {}
        self._message_id = ""
        self._last_wake = ""
        self._api_error = ""
        self._asked: dict[str, tuple[e.PermissionRequested, msgspec.Raw | None]] = {}
        self._requests: dict[int, OpenRequest] = {}
        self._plans_read: dict[str, str] = {}
        self._tools: dict[str, str] = {}

    @property
    def is_ready(self) -> bool:
        """The child answered its initialize request."""
        return self._ready

    @property
    def in_turn(self) -> bool:
        return self._turn is not None

    @property
    def open_prompts(self) -> list[int]:
        return list(self._prompts.values())

    @property
    def unanswered(self) -> dict[str, str]:
        """Our requests that Claude owes an answer: request id → subtype."""
        return {request_id: subtype for request_id, (subtype, _) in self._awaited.items()}

    @property
    def unsettled_amends(self) -> list[c.Amend]:
        return [command for amending in self._amending.values() for command in amending.commands]

    # --- commands in, lines out ----------------------------------------------------------------------

    def initialize(self) -> list[Step]:
        return [self._request("initialize", self._on_initialized, hooks=None)]

    def prompt(self, prompt_id: int, uuid: str, text: str) -> list[Step]:
        self._prompts[uuid] = prompt_id
        return [Line(f.user_message(uuid, text))]

    def interrupt(self, *, keep_queued: bool) -> list[Step]:
        return [self._request("interrupt", _nothing, cancel_queued=not keep_queued)]

    def amend(self, command: c.Amend, uuid: str, new: e.PromptAccepted | None) -> list[Step]:
        """Ask Claude to give back the prompt that it got under ``uuid``; the PromptAmended follows its answer.

        While we wait, a lifecycle line that says *cancelled* is ours, and not the end of the prompt.
        """
        if uuid not in self._prompts:
            return [_amended(command, done=False)]
        if amending := self._amending.get(uuid):
            amending.commands.append(command)
            amending.new = new
            return []
        self._amending[uuid] = Amending([command], new)
        return [self._request("cancel_async_message", lambda r: self._on_given_back(uuid, r), message_uuid=uuid)]

    def _on_given_back(self, uuid: str, response: f.ControlResponse) -> list[Step]:
        amending = self._amending.pop(uuid)
        done = f.part(response.response, f.Cancelled).cancelled
        told: list[Step] = [_amended(command, done=done) for command in amending.commands]
        if not (done or amending.was_cancelled):
            return told
        prompt_id = self._prompts.pop(uuid, amending.commands[0].prompt_id)
        if done and amending.new:
            return [amending.new, *told, *self.prompt(prompt_id, amending.new.uuid, amending.new.text)]
        return [*told, e.PromptCancelled(prompt_id, DELETED if done else "")]

    def end_session(self) -> list[Step]:
        return [self._request("end_session", _nothing)]

    def configure(self, command: c.Configure) -> list[Step]:
        """The ConfigureAccepted follows Claude's answer."""

        def answered(response: f.ControlResponse) -> list[Step]:
            return [e.ConfigureAccepted(command.command_id, command.setting, command.value, response.error)]

        match command.setting:
            case "permission_mode":
                return [self._request("set_permission_mode", answered, mode=command.value)]
            case "model":
                return [self._request("set_model", answered, model=command.value or None)]
            case _:
                error = f"there is no setting named {command.setting}"
                return [e.ConfigureAccepted(command.command_id, command.setting, command.value, error)]

    def named(self, request_id: str, seq: int) -> None:
        """The log gave this request its name. MUST follow the append of its PermissionRequested."""
        request, raw_input = self._asked[request_id]
        self._requests[seq] = OpenRequest(seq, request, raw_input)

    def decide(self, decision: c.Decide) -> list[Step]:
        """DecisionRefused for a request that is not open, or when the digest is not the shown one's."""
        if not (asked := self._requests.get(decision.seq)):
            return [e.DecisionRefused(decision.seq, "this request is not open (any more)", decision.decided_by)]
        if decision.digest != asked.request.digest:
            why = "the decision was made on another input than the one that Claude asks for"
            return [e.DecisionRefused(decision.seq, why, decision.decided_by)]
        del self._requests[decision.seq]
        del self._asked[asked.request.request_id]
        resolved = e.PermissionResolved(
            decision.seq,
            decision.verdict,
            decision.always and decision.verdict == "allowed" and bool(asked.request.rules),
            decision.decided_by,
            decision.decider,
            decision.reason,
        )
        return [resolved, Line(f.answer(asked.request.request_id, _response(asked, decision)))]

    def open_requests(self) -> list[OpenRequest]:
        return list(self._requests.values())

    def _request(self, subtype: str, answered: Callable[[f.ControlResponse], list[Step]], **fields: object) -> Line:
        request_id = f"tb{next(self._numbers)}"
        self._awaited[request_id] = (subtype, answered)
        return Line(f.control_request(request_id, subtype, **fields))

    # --- lines in, events out ------------------------------------------------------------------------

    def receive(self, line: bytes) -> list[Step]:
        """What a line means. A line that nobody knows means nothing and breaks nothing."""
        if (frame := f.read_frame(line)) is None:
            return []
        steps = self._follow_claude_id(frame)
        if handler := _HANDLERS.get(frame.type):
            steps += handler(self, frame)
        return steps

    def dropped(self, head: bytes, size: int) -> list[Step]:
        """A line that was too long to be read. If it may have been a request, Claude must not wait for ever."""
        told = e.Noticed(f"A line of {size // 1_000_000} MB from Claude was too long to be read, and is left out.")
        if _HARMLESS.match(head):
            return [told]
        if (found := _REQUEST_ID.search(head)) and b'"control_request"' in head:
            return [told, Line(f.refusal(found[1].decode(), "the request was too long to be shown"))]
        return [told, *(self.interrupt(keep_queued=True) if self.in_turn else [])]

    def _follow_claude_id(self, frame: f.Frame) -> list[Step]:
        """``/clear`` changes Claude's id in the live process, so every line is looked at (section 9).

        The ``new_conversation_id`` of a conversation_reset is another thing: nothing can be resumed by it.
        """
        told = frame.session_id
        if not told or told == self._claude_id or (frame.type == "result" and not frame.num_turns):
            return []
        self._claude_id = told
        return [e.ClaudeIdentified(told)]

    def _on_lifecycle(self, frame: f.Frame) -> list[Step]:
        if (prompt_id := self._prompts.get(frame.command_uuid)) is None:
            return []
        match frame.state:
            case "queued":
                return [e.PromptQueued(prompt_id)] if self.in_turn else []
            case "started":
                return [*self._begin_turn(prompt_id), e.PromptTaken(prompt_id)]
            case "completed":
                del self._prompts[frame.command_uuid]
                return [e.PromptDone(prompt_id)]
            case "cancelled" if amending := self._amending.get(frame.command_uuid):
                amending.was_cancelled = True
                return []
            case "cancelled" | "discarded" | "refused":
                del self._prompts[frame.command_uuid]
                return [e.PromptCancelled(prompt_id, "" if frame.state == "cancelled" else frame.state)]
            case _:
                return []

    def _begin_turn(self, prompt_id: int | None, origin: str = "") -> list[Step]:
        if self._turn is not None:
            if prompt_id is not None:
                self._turn.append(prompt_id)
            return []
        self._turn = [] if prompt_id is None else [prompt_id]
        self._turn_said_text = False
        self._api_error = ""
        return [e.TurnStarted(tuple(self._turn), origin)]

    def _on_stream_event(self, frame: f.Frame) -> list[Step]:
        event = f.part(frame.event, f.StreamEvent)
        if frame.parent_tool_use_id:
            return []
        match event.type:
            case "message_start":
                self._message_id = event.message.id
                self._blocks[self._message_id] = []
            case "content_block_start":
                self._open_block, self._open_chars = f"{self._message_id}:{event.index}", 0
                self._blocks.setdefault(self._message_id, []).append(self._open_block)
            case "content_block_delta" if event.delta.type == "text_delta" and self._open_block:
                return self._on_text_delta(event.delta.text)
            case "content_block_stop":
                self._open_block = ""
            case "message_stop":
                return self._on_message_stop(frame)
            case _:
                pass
        return []

    def _on_text_delta(self, text: str) -> list[Step]:
        """As far as the text will be kept."""
        kept = text[: max(0, TEXT_KEPT_CHARS - self._open_chars)]
        self._open_chars += len(text)
        return [DeltaRead(self._open_block, kept)] if kept else []

    def _on_message_stop(self, frame: f.Frame) -> list[Step]:
        self._open_block = ""
        abandoned = f.part(frame.abandoned_blocks, f.Abandoned)
        blocks = self._blocks.pop(abandoned.api_message_id or self._message_id, [])
        void = [b for b in blocks if int(b.rpartition(":")[2]) >= abandoned.from_block_index]
        return [e.TextWithdrawn(tuple(void))] if abandoned.api_message_id and void else []

    def _on_assistant(self, frame: f.Frame) -> list[Step]:
        message = f.part(frame.message, f.Message)
        if error := f.text_of(frame.error):
            self._api_error = error
            return []
        agent = frame.agent_id or frame.parent_tool_use_id or ""
        steps: list[Step] = []
        for block in message.blocks():
            if block.type == "text" and block.text.strip():
                steps.append(e.TextWritten(self._name_block(frame, agent), _kept_text(block.text), agent))
                self._turn_said_text |= not agent
            elif block.type == "tool_use":
                kept, size, _ = _capped(bytes(block.input).decode(errors="replace"))
                steps.append(e.ToolStarted(block.id, block.name, kept, size, agent))
                self._tools[block.id] = agent
        return steps

    def _name_block(self, frame: f.Frame, agent: str) -> str:
        """The open block's name, so that its deltas are replaced; a line's own uuid where none streamed."""
        return frame.uuid if agent or not self._open_block else self._open_block

    def _on_user(self, frame: f.Frame) -> list[Step]:
        steps: list[Step] = []
        for block in f.part(frame.message, f.Message).blocks():
            if block.type == "tool_result":
                self._tools.pop(block.tool_use_id, None)
                kept, size, digest = _capped(f.text_of(block.content))
                steps.append(e.ToolFinished(block.tool_use_id, bool(block.is_error), kept, size, digest))
        return steps

    def _on_system(self, frame: f.Frame) -> list[Step]:
        match frame.subtype:
            case "init":
                return self._on_init()
            case "status":
                return [e.ModeChanged(frame.permissionMode)] if frame.permissionMode else []
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
                return [
                    e.TaskStarted(
                        frame.task_id,
                        frame.task_type,
                        frame.description,
                        frame.tool_use_id or "",
                        frame.is_backgrounded,
                    )
                ]
            case "task_notification":
                self._last_wake = "task-notification"
                return [e.TaskEnded(frame.task_id, frame.status or "", frame.summary)]
            case "compact_boundary":
                return [e.Compacted(f.part(frame.compact_metadata, f.CompactMetadata).trigger)]
            case "informational":
                return [e.Noticed(f.text_of(frame.content))]
            case "session_state_changed" if frame.state == "idle":
                return self._on_idle()
            case _:
                return []

    def _on_init(self) -> list[Step]:
        """It comes at the start of every turn; what no prompt began, the last ended task did."""
        if begun := self._begin_turn(None, self._last_wake):
            self._last_wake = ""
        return begun

    def _on_idle(self) -> list[Step]:
        """Idle comes after the result; a turn that is still open then ended without one."""
        if self._turn is None:
            return []
        reason = "Claude went idle without saying how the turn ended"
        return self._end_turn(e.TurnEnded("failed", tuple(self._turn), reason, error="no_result"))

    def _on_result(self, frame: f.Frame) -> list[Step]:
        if not frame.subtype:
            return []  # a result that does not say of what ends nothing; going idle does
        if self._turn is None and not frame.num_turns:
            return self._on_result_without_turn(frame)
        prompts = [self._prompts[u] for u in frame.user_message_uuids or [] if u in self._prompts]
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
            result="" if self._turn_said_text or outcome != "completed" else frame.result or "",
        )
        begun: list[Step] = (
            [] if self.in_turn else [e.TurnStarted(ended.prompt_ids, f.part(frame.origin, f.Origin).kind)]
        )
        return begun + self._end_turn(ended)

    def _on_result_without_turn(self, frame: f.Frame) -> list[Step]:
        """A start that failed (a bad --resume) is told as a result of no turn (section 1)."""
        if frame.is_error and self._resuming and not self._ready:
            return [e.ResumeFailed(self._claude_id, _reason(frame))]
        return [e.Noticed(_reason(frame))] if frame.is_error else []

    def _error_code(self, frame: f.Frame) -> str:
        if frame.api_error:
            return frame.api_error
        if frame.subtype != "success":
            return frame.subtype.removeprefix("error_")
        return self._api_error or frame.terminal_reason or "unknown"

    def _end_turn(self, ended: e.TurnEnded) -> list[Step]:
        """Tools and requests of the main agent end with its turn; a subagent's outlive it (section 8).

        A tool call that has no result by then (the budget was used up, say) will have none.
        """
        self._turn = None
        self._blocks.clear()
        unfinished = [tool for tool, agent in self._tools.items() if not agent]
        for tool in unfinished:
            del self._tools[tool]
        tools: list[Step] = [e.ToolFinished(tool, True, "", unknown=True) for tool in unfinished]
        self._plans_read = {plan: agent for plan, agent in self._plans_read.items() if agent}
        stale = [r for r in self._requests.values() if not r.request.agent_id]
        withdrawn: list[Step] = [self._withdraw(r, "the turn ended") for r in stale]
        return [*tools, *withdrawn, ended]

    # --- permission requests -------------------------------------------------------------------------

    def _on_control_request(self, frame: f.Frame) -> list[Step]:
        ask = f.part(frame.request, f.Ask)
        request_id = frame.request_id or ""
        if not request_id:
            return []  # nobody could be answered
        if ask.subtype != "can_use_tool":
            return [Line(f.refusal(request_id, f"this host does not answer {ask.subtype}"))]
        if ask.tool_name == "AskUserQuestion":
            return [Line(f.answer(request_id, {"behavior": "deny", "message": ADVICE_TO_ASK_IN_TEXT}))]
        if ask.tool_name == "ExitPlanMode":
            return self._on_plan(request_id, ask)
        if not bytes(ask.input):
            return [self._ask(request_id, ask, "{}", None)]
        return [self._ask(request_id, ask, bytes(ask.input).decode(), ask.input)]

    def _ask(self, request_id: str, ask: f.Ask, shown: str, raw_input: msgspec.Raw | None) -> e.PermissionRequested:
        request = e.PermissionRequested(
            request_id=request_id,
            tool=ask.tool_name,
            tool_input=shown,
            digest=digest_of(shown),
            tool_use_id=ask.tool_use_id,
            description=ask.description,
            rules=_suggested_rules(ask.permission_suggestions),
            agent_id=ask.agent_id or "",
            server=ask.mcp_server.name if ask.mcp_server else "",
            reason=ask.decision_reason or "",
            blocked_path=ask.blocked_path or "",
        )
        # A copy: a Raw is a view of the whole line that it was read from.
        self._asked[request_id] = (request, raw_input.copy() if raw_input is not None else None)
        return request

    def _on_plan(self, request_id: str, ask: f.Ask) -> list[Step]:
        """The plan may stand in its file only, and the input be empty; ``get_plan`` reads it (section 6)."""
        if f.part(ask.input, _PlanInput).plan:
            return [self._ask(request_id, ask, bytes(ask.input).decode(), None)]

        def answered(response: f.ControlResponse) -> list[Step]:
            if self._plans_read.pop(request_id, None) is None:
                return []  # taken back, or its turn ended, while we read
            plan = f.part(response.response, f.Plan).content or "(Claude wrote no plan.)"
            return [self._ask(request_id, ask, msgspec.json.encode({"plan": plan}).decode(), None)]

        self._plans_read[request_id] = ask.agent_id or ""
        return [self._request("get_plan", answered)]

    def _on_cancel_request(self, frame: f.Frame) -> list[Step]:
        self._plans_read.pop(frame.request_id or "", None)
        gone = [r for r in self._requests.values() if r.request.request_id == frame.request_id]
        return [self._withdraw(r, "Claude took it back") for r in gone]

    def _withdraw(self, asked: OpenRequest, why: str) -> e.PermissionWithdrawn:
        del self._requests[asked.seq]
        self._asked.pop(asked.request.request_id, None)
        return e.PermissionWithdrawn(asked.seq, why)

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
        mode = told.current_permission_mode
        return [started, *([e.ModeChanged(mode)] if mode else [])]


class _PlanInput(msgspec.Struct):
    plan: str = ""


_HANDLERS: dict[str, Callable[[Stream, f.Frame], list[Step]]] = {
    "command_lifecycle": Stream._on_lifecycle,
    "stream_event": Stream._on_stream_event,
    "assistant": Stream._on_assistant,
    "user": Stream._on_user,
    "system": Stream._on_system,
    "result": Stream._on_result,
    "control_request": Stream._on_control_request,
    "control_cancel_request": Stream._on_cancel_request,
    "control_response": Stream._on_control_response,
}


_HARMLESS = re.compile(rb'\{"type":\s*"(assistant|user|system|stream_event|result)"')
_REQUEST_ID = re.compile(rb'"request_id":\s*"([0-9A-Za-z_.:-]{1,100})"')


def _amended(command: c.Amend, *, done: bool) -> e.PromptAmended:
    return e.PromptAmended(command.command_id, command.prompt_id, command.text is None, done)


def _kept_text(text: str) -> str:
    if len(text) <= TEXT_KEPT_CHARS:
        return text
    return f"{text[:TEXT_KEPT_CHARS]}\n\n… (Claude wrote {len(text) - TEXT_KEPT_CHARS:,} more characters here)"


def _nothing(_response: f.ControlResponse) -> list[Step]:
    return []


def _capped(text: str) -> tuple[str, int, str]:
    """(what the log keeps, bytes of the whole, sha256 of the whole when something was cut)."""
    data = text.encode(errors="replace")
    if len(data) <= OUTPUT_KEPT_BYTES:
        return text, len(data), ""
    kept = data[:OUTPUT_KEPT_BYTES].decode(errors="ignore")
    return kept, len(data), hashlib.sha256(data).hexdigest()


def _suggested_rules(suggestions: list[f.Suggestion]) -> tuple[e.SuggestedRule, ...]:
    """Suggestions are alternatives, and some of them switch the mode: only the first addRules is offered."""
    for suggestion in suggestions:
        named = all(rule.toolName for rule in suggestion.rules)
        if suggestion.type == "addRules" and suggestion.behavior == "allow" and named:
            return tuple(e.SuggestedRule(r.toolName, r.ruleContent or "") for r in suggestion.rules)
    return ()


def _response(asked: OpenRequest, decision: c.Decide) -> dict[str, object]:
    """The payload of an answer (section 6). An allow repeats the input that was shown, so that it runs."""
    if decision.verdict != "allowed":
        return {"behavior": "deny", "message": decision.reason or "The person denied this."}
    response: dict[str, object] = {"behavior": "allow"}
    if asked.raw_input is not None:
        response["updatedInput"] = asked.raw_input
    if decision.always and asked.request.rules:
        rules = [
            {"toolName": rule.tool, **({"ruleContent": rule.content} if rule.content else {})}
            for rule in asked.request.rules
        ]
        update = {"type": "addRules", "rules": rules, "behavior": "allow", "destination": "session"}
        response["updatedPermissions"] = [update]
    return response


def _outcome(frame: f.Frame) -> e.Outcome:
    if (frame.terminal_reason or "").startswith("aborted"):
        return "interrupted"
    return "failed" if frame.is_error or frame.subtype != "success" else "completed"


def _reason(frame: f.Frame) -> str:
    return frame.result or "; ".join(frame.errors or []) or frame.subtype
