"""The scripted claude itself: lines in, turns one after the other, lines out."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import sys
from typing import TYPE_CHECKING

from twins.claude import frames, permissions, tools
from twins.claude.disk import CONFIG, Past, Transcript
from twins.claude.sdk import SdkServers, answered
from twins.claude.subagent import Subagent
from twins.claude.surroundings import Ask, Prompt
from twins.claude.tasks import Task
from twins.claude.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from twins.claude.frames import Json
    from twins.claude.permissions import Verdict
    from twins.claude.script import Subagent as SubagentStep
    from twins.claude.script import Use

LONGEST_SLEEP_S = 60.0
_QUERIES = (
    "get_context_usage",
    "get_session_cost",
    "get_usage",
    "get_settings",
    "get_status",
    "list_models",
    "mcp_status",
)


class BadLine(Exception):  # noqa: N818
    """A line on stdin that ends the process."""


class Session:
    def __init__(
        self,
        session_id: str,
        cwd: str,
        model: str,
        mode: str,
        transcript: Transcript,
        past: Past,
        effort: str = "medium",
    ) -> None:
        self.cwd = cwd
        self.model = model
        self.effort = effort
        self.permissions = permissions.Permissions(mode, cwd)
        self.total = past.total
        self.results = 0
        self.queue: list[Prompt] = []
        self.sdk = SdkServers(self.write)
        self._session_id = session_id
        self._transcript = transcript
        self._past = past
        self._seen: set[str] = set()
        self._asks: dict[str, Ask] = {}
        self._turn: Task | None = None
        self._subagents: dict[Subagent, Task] = {}
        self._reports: list[Subagent] = []
        self._state = "idle"
        self._tells_state: Json | None = _state_fields()
        self._eof = False
        self._ending = False
        self._failed = False

    # --- the loop ------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Until there is nothing more to do. Returns the exit code: 1 if the last result was an error."""
        signal.signal(signal.SIGTERM, _killed)
        signal.signal(signal.SIGHUP, _killed)
        signal.signal(signal.SIGINT, _noted)
        reader = _Lines()
        while not self._is_over():
            self._advance()
            if not self._is_over():
                self._hear(reader)
        return int(self._failed)

    def _is_over(self) -> bool:
        busy = self._turn is not None or bool(self.queue or self._subagents or self._reports)
        return self._ending or (self._eof and not busy)

    def _tasks(self) -> list[Task]:
        return ([self._turn] if self._turn is not None else []) + list(self._subagents.values())

    def _advance(self) -> None:
        for task in self._tasks():
            task.advance()
        self._next_turn()

    def _hear(self, reader: _Lines) -> None:
        seconds = min([LONGEST_SLEEP_S, *(task.longest_sleep() for task in self._tasks())])
        for line in reader.read(seconds):
            self._receive(line)
            self._advance()
        if reader.interrupted:
            self._end_session()
            self._failed = False
        if reader.ended and not self._eof:
            self._eof = True
            for ask in self._asks.values():
                ask.answer = {"subtype": "closed"}

    # --- lines in ------------------------------------------------------------------------------------------

    def _receive(self, text: str) -> None:
        if not text.strip():
            return
        line = _decoded(text)
        if not isinstance(line, dict):
            return
        match line.get("type"):
            case "user":
                self._receive_prompt(line)
            case "control_request":
                self._receive_request(line)
            case "control_response":
                self._receive_answer(line.get("response"))

    def _receive_prompt(self, line: Json) -> None:
        message = line.get("message") or {}
        if message.get("role") != "user":
            raise BadLine(f"Error: Expected message role 'user', got '{message.get('role', 'undefined')}'")
        uuid = line.get("uuid")
        if uuid is not None and self._is_repeated(uuid):
            return
        text = answered(_text_of(message.get("content")), message.get("content"))
        is_command = text.startswith(("/clear", "/model", "/context", "/cost", "/compact")) and not line.get(
            "client_composed"
        )
        prompt = Prompt(uuid, text, line.get("priority", "next"), is_command)
        if self._turn is None:
            self._set_state("running")
        self.queue.append(prompt)
        self._transcript.append({"type": "queue-operation", "operation": "enqueue", "content": text})
        self.tell_lifecycle(prompt, "queued")

    def _is_repeated(self, uuid: str) -> bool:
        if uuid in self._past.prompt_uuids:
            self.emit(frames.lifecycle(uuid, "completed"))
            return True
        repeated = uuid in self._seen
        self._seen.add(uuid)
        return repeated

    def _receive_answer(self, response: object) -> None:
        if not isinstance(response, dict) or response.get("subtype") not in ("success", "error"):
            return
        if self.sdk.take(response):
            return
        ask = self._asks.get(str(response.get("request_id")))
        if ask is not None and ask.answer is None:
            ask.answer = response

    def _receive_request(self, line: Json) -> None:
        request = line.get("request") or {}
        subtype = request.get("subtype", "undefined")
        handle = self._handlers().get(subtype)
        if handle is None:
            error = {
                "error": f"Unsupported control request subtype: {subtype}",
                "error_code": "unsupported_request",
            }
        else:
            error = handle(line["request_id"], request) or {}
        if error:
            answer = {"subtype": "error", "request_id": line.get("request_id"), **error}
            self.write({"type": "control_response", "response": answer})

    def _handlers(self) -> dict[str, Callable[[str, Json], Json | None]]:
        answers_nothing = dict.fromkeys((*_QUERIES, "stop_task", "set_max_thinking_tokens"), self._on_query)
        return {
            **answers_nothing,
            "initialize": self._on_initialize,
            "interrupt": self._on_interrupt,
            "end_session": self._on_end_session,
            "set_permission_mode": self._on_set_permission_mode,
            "set_model": self._on_set_model,
            "apply_flag_settings": self._on_apply_flag_settings,
            "cancel_async_message": self._on_cancel_async_message,
            "generate_session_title": self._on_generate_session_title,
        }

    def _succeed(self, request_id: str, response: Json | None) -> None:
        answer: Json = {"subtype": "success", "request_id": request_id}
        if response is not None:
            answer["response"] = response
        self.write({"type": "control_response", "response": answer})

    def _on_query(self, request_id: str, request: Json) -> None:
        del request
        self._succeed(request_id, {})

    def _on_generate_session_title(self, request_id: str, request: Json) -> Json | None:
        """As the description says it; else as where Claude's API cannot be reached."""
        if not (found := _TITLE.search(str(request.get("description", "")))):
            return {"error": "Failed to generate a title"}
        self._succeed(request_id, {"title": found[1]})
        return None

    def _on_initialize(self, request_id: str, request: Json) -> None:
        initialized = frames.initialized(self.permissions.mode, self._state, CONFIG)
        answer: Json = {"subtype": "success", "request_id": request_id, "response": initialized}
        answer.update(pending_permission_requests=[], pending_user_dialog_requests=[])
        self.write({"type": "control_response", "response": answer})
        self.sdk.begin(request.get("sdkMcpServers"))

    def _on_interrupt(self, request_id: str, request: Json) -> None:
        cancelled: list[str] = []
        if request.get("cancel_queued") is True:
            cancelled = [prompt.uuid for prompt in self.queue if prompt.uuid]
            for prompt in self.queue:
                self.tell_lifecycle(prompt, "cancelled")
            self.queue.clear()
        for ask in list(self._asks.values()):
            self.withdraw(ask)
        killed = list(self._subagents.items())
        for _, task in killed:
            task.interrupt()
        receipt: Json = {"still_queued": [prompt.uuid for prompt in self.queue if prompt.uuid]}
        self._succeed(request_id, {**receipt, "cancelled": cancelled} if request.get("cancel_queued") else receipt)
        if self._turn is not None:
            self._turn.interrupt()
        for subagent, _ in killed:
            subagent.tell_rejected()

    def _on_end_session(self, request_id: str, request: Json) -> None:
        del request
        self._succeed(request_id, None)
        self._end_session()

    def _end_session(self) -> None:
        self.queue.clear()
        if self._turn is not None:
            self._turn.interrupt()
        tools.kill_running()
        self._ending = True

    def _on_set_permission_mode(self, request_id: str, request: Json) -> Json | None:
        mode = {"manual": "default"}.get(request.get("mode", ""), request.get("mode"))
        if mode not in permissions.MODES:
            modes = ", ".join(permissions.MODES)
            return {
                "error": f"Cannot set permission mode: must be one of {modes}",
                "error_code": "invalid_mode",
            }
        if mode == "bypassPermissions":
            why = "because the session was not launched with --dangerously-skip-permissions"
            error = f"Cannot set permission mode to bypassPermissions {why}"
            return {"error": error, "error_code": "bypass_not_launched"}
        self._succeed(request_id, {"mode": mode})
        self.set_mode(mode)
        return None

    def _on_set_model(self, request_id: str, request: Json) -> None:
        self.model = request.get("model") or "claude-opus-5-5"
        self._succeed(request_id, {"model": self.model})

    def _on_apply_flag_settings(self, request_id: str, request: Json) -> None:
        """Of the settings the effort and directories do something. A level that it does not know is ignored."""
        settings = request.get("settings") or {}
        if "effortLevel" in settings and settings["effortLevel"] in (None, *frames.EFFORTS):
            self.effort = settings["effortLevel"] or "medium"
        if isinstance(told := (settings.get("permissions") or {}).get("additionalDirectories"), list):
            self.permissions.directories = [str(path) for path in told]
        self._succeed(request_id, None)

    def _on_cancel_async_message(self, request_id: str, request: Json) -> None:
        uuid = request.get("message_uuid")
        found = [prompt for prompt in self.queue if prompt.uuid == uuid]
        for prompt in found:
            self.queue.remove(prompt)
            self.tell_lifecycle(prompt, "cancelled")
        self._succeed(request_id, {"cancelled": bool(found), "message_uuid": uuid})

    # --- turns ---------------------------------------------------------------------------------------------

    def _next_turn(self) -> None:
        while self._turn is None and not self._ending and (self.queue or self._reports):
            prompts = self._next_prompts()
            self._take_all(prompts)
            if not prompts:
                self._report(self._reports.pop(0))
            elif prompts[0].is_command:
                self._run_command(prompts[0])
            else:
                self._start(Turn(self, prompts, "\n".join(prompt.text for prompt in prompts)))

    def _start(self, turn: Turn) -> None:
        self._set_state("running")
        self._turn = Task(turn.play())
        self._turn.advance()

    def _next_prompts(self) -> list[Prompt]:
        """Urgent ones first; those that waited together are one turn; a command stands alone."""
        urgent = [prompt for prompt in self.queue if prompt.priority == "now"]
        waiting = urgent or [p for p in self.queue if p.priority != "later"] or list(self.queue)
        for position, prompt in enumerate(waiting):
            if prompt.is_command:
                return waiting[: max(1, position)]
        return waiting

    def _report(self, subagent: Subagent) -> None:
        origin = {"kind": "task-notification", "producer": "session-task", "runId": subagent.run_id}
        self._start(Turn(self, [], f"say The background task “{subagent.about}” has finished.", origin))

    def _take_all(self, prompts: list[Prompt]) -> None:
        """Prompts that become one turn. The transcript has one line for them, under the last uuid alone [observed]."""
        for prompt in prompts:
            self._take(prompt)
        if prompts:
            text = "\n".join(prompt.text for prompt in prompts)
            line = {"type": "user", "uuid": prompts[-1].uuid, "message": {"role": "user", "content": text}}
            self._transcript.append(line)

    def fold(self, prompt: Prompt) -> None:
        """A prompt that the running turn takes in. Its uuid stands deeper in the transcript [observed]."""
        self._take(prompt)
        command = {"type": "queued_command", "prompt": prompt.text, "source_uuid": prompt.uuid}
        self._transcript.append({"type": "attachment", "uuid": frames.new_uuid(), "attachment": command})

    def _take(self, prompt: Prompt) -> None:
        self.queue.remove(prompt)
        self.tell_lifecycle(prompt, "started")

    def finish_turn(self, result: Json, prompts: list[Prompt], prompts_are: str) -> None:
        self._failed = result["is_error"]
        self.results += 1
        self._transcript.append(
            {
                "type": "scripted-total",
                "input_tokens": self.total.input_tokens,
                "output_tokens": self.total.output_tokens,
            }
        )
        self.emit(result)
        for prompt in prompts:
            self.tell_lifecycle(prompt, prompts_are)
        self._turn = None
        if not self.queue and not self._reports:
            self._set_state("idle")

    def _run_command(self, prompt: Prompt) -> None:
        """A slash command: no model call, `num_turns` 0."""
        name, _, argument = prompt.text.removeprefix("/").partition(" ")
        uuids = [prompt.uuid] if prompt.uuid else []
        said = ""
        if name == "clear":
            self._clear(prompt)
        elif name == "model" and argument:
            self.model = argument
            said = f"Set model to `{argument}` for this session only"
        else:
            cost = f"Cost so far: ${self.total.cost_usd:.4f}"
            said = f"Model `{self.model}`, effort {self.effort}, mode {self.permissions.mode}. {cost}"
        self.emit_init(uuids)
        if said:
            source = f"<local-command-stdout>{said}</local-command-stdout>"
            self.emit(frames.synthetic(said, local_command_source=source))
        nothing = frames.Tally()
        frame = frames.result(
            "success", is_error=False, turn=nothing, total=self.total, model=self.model, index=self.results
        )
        frame.update(result=said, num_turns=0, stop_reason=None, local_command=name, duration_ms=0)
        frame.update(queued_turn_count=0, user_message_uuids=uuids)
        self.finish_turn(frame, [prompt], "completed")

    def _clear(self, prompt: Prompt) -> None:
        """Another session id from now on, and the cost begins anew."""
        new_id = frames.new_uuid()
        reset = {"type": "conversation_reset", "new_conversation_id": new_id, "trigger": "clear"}
        self.emit({**reset, "user_message_uuid": prompt.uuid, "timestamp": frames.timestamp()})
        self._session_id = new_id
        self._transcript = Transcript(new_id, self.cwd)
        self.total = frames.Tally()
        self.emit(frames.system("background_tasks_changed", tasks=[]))

    # --- permission and subagents --------------------------------------------------------------------------

    def ask(self, use: Use, tool_id: str, agent_id: str | None = None) -> Ask:
        ask = Ask(frames.new_uuid(), use)
        if self._eof:
            ask.answer = {"subtype": "closed"}
            return ask
        self._asks[ask.request_id] = ask
        self._set_state("requires_action")
        request = {**self.permissions.question(use), "tool_use_id": tool_id}
        if agent_id is not None:
            request["agent_id"] = agent_id
        self.write({"type": "control_request", "request_id": ask.request_id, "request": request})
        return ask

    def withdraw(self, ask: Ask) -> None:
        """Tells that nobody needs to answer any more; nothing if somebody has."""
        if self._asks.pop(ask.request_id, None) is not None and ask.answer is None:
            self.write({"type": "control_cancel_request", "request_id": ask.request_id})

    def take_answer(self, ask: Ask) -> Verdict:
        """The verdict of an answered ask; permissions that came with it count from now on."""
        assert ask.answer is not None
        self._asks.pop(ask.request_id, None)
        if not self._asks:
            self._set_state("running" if self._turn is not None else "idle")
        if ask.answer["subtype"] == "closed":
            return permissions.Denied(permissions.STREAM_CLOSED)
        verdict = permissions.judge(ask.answer, ask.use)
        payload = ask.answer.get("response")
        if isinstance(verdict, permissions.Granted) and isinstance(payload, dict):
            before = self.permissions.mode
            self.permissions.apply(payload.get("updatedPermissions"))
            self._tell_mode(before)
        return verdict

    def set_mode(self, mode: str) -> None:
        before, self.permissions.mode = self.permissions.mode, mode
        self._tell_mode(before)

    def _tell_mode(self, before: str) -> None:
        if self.permissions.mode != before:
            self.emit(frames.system("status", status=None, permissionMode=self.permissions.mode))

    def launch(self, step: SubagentStep, tool_id: str, about: str) -> str:
        """Starts a background subagent; returns its id."""
        subagent = Subagent(self, step, tool_id, about)
        self._subagents[subagent] = Task(subagent.play())
        self._tell_subagents()
        subagent.tell_started()
        return subagent.agent_id

    def forget(self, subagent: Subagent) -> None:
        del self._subagents[subagent]
        self._tell_subagents()

    def notify(self, subagent: Subagent) -> None:
        """A turn will tell the model that this subagent is done."""
        self._reports.append(subagent)

    def _tell_subagents(self) -> None:
        self.emit(frames.system("background_tasks_changed", tasks=[one.listed() for one in self._subagents]))

    # --- lines out -----------------------------------------------------------------------------------------

    def emit_init(self, uuids: list[str]) -> None:
        self.emit(frames.init(self.cwd, self.model, self.permissions.mode, CONFIG, uuids))

    def tell_lifecycle(self, prompt: Prompt, state: str) -> None:
        if prompt.uuid is not None:
            self.emit(frames.lifecycle(prompt.uuid, state))

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            if self._tells_state is not None:
                self.emit(frames.system("session_state_changed", state=state, **self._tells_state))

    def emit(self, frame: Json) -> None:
        """Writes a line under this session's id. What the model said goes to the transcript too."""
        whole = {"uuid": frames.new_uuid(), "session_id": self._session_id, **frame}
        if frame["type"] == "assistant":
            self._transcript.append({"type": "assistant", "uuid": whole["uuid"], "message": frame["message"]})
        self.write(whole)

    def write(self, frame: Json) -> None:
        self.write_line(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    def write_line(self, line: str) -> None:
        sys.stdout.buffer.write(line.encode() + b"\n")
        sys.stdout.buffer.flush()


class _Lines:
    """Stdin, line by line (lines may be many megabytes long), and SIGINT, heard in the same place."""

    def __init__(self) -> None:
        self.ended = False
        self.interrupted = False
        self._rest = bytearray()
        self._signals, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told)

    def read(self, seconds: float) -> list[str]:
        """The lines that are there, waiting at most so long for something to come."""
        sources = [self._signals] if self.ended else [self._signals, 0]
        ready = select.select(sources, [], [], seconds)[0]
        self.interrupted = self._signals in ready
        return self._more_lines() if 0 in ready else []

    def _more_lines(self) -> list[str]:
        piece = os.read(0, 1 << 20)
        self.ended = not piece
        self._rest += piece
        if b"\n" not in piece:
            return []
        *lines, self._rest = self._rest.split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def _decoded(text: str) -> object:
    try:
        line = json.loads(text)
    except ValueError:
        known = next((kind for kind in ("user", "control_request") if f'"type":"{kind}"' in text), "unknown")
        raise BadLine(f"Error parsing streaming input line (type={known}, {len(text)} chars): SyntaxError") from None
    if line is None:
        raise BadLine("Error parsing streaming input line (type=unknown, 4 chars): TypeError")
    return line


_SPOKEN = re.compile(r"<(message-[0-9a-f]{12}) [^\n]*>\n(.*)\n</\1>", re.DOTALL)
"""A person's words, between the lines that say whose they are."""
_TITLE = re.compile(r"(?m)^title (.+)$")


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return _SPOKEN.sub(lambda found: found[2], content)
    blocks = content if isinstance(content, list) else []
    return "\n".join(_text_of(block.get("text", f"[{block.get('type')}]")) for block in blocks)


def _state_fields() -> Json | None:
    """The extra fields of `session_state_changed`; None if nobody wants those lines."""
    if os.environ.get("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS") == "1":
        return {}
    return {"sdk_host_only": True} if os.environ.get("CLAUDE_CODE_SDK_READS_SESSION_STATE") == "1" else None


def _noted(number: int, frame: object) -> None:
    """The wakeup descriptor tells of the signal; a turn must not be interrupted from within itself."""


def _killed(number: int, frame: object) -> None:
    del frame
    tools.kill_running()
    os._exit(128 + number)
