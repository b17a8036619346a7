"""The scripted claude itself: lines in, turns one after the other, lines out."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from twins.claude import frames, permissions, tools
from twins.claude.control import Control
from twins.claude.disk import CONFIG, Past, Transcript
from twins.claude.sdk import SdkServers, answered
from twins.claude.stdin import BadLine, Lines, decoded, text_of
from twins.claude.subagent import Subagent
from twins.claude.surroundings import Ask, Prompt
from twins.claude.tasks import Task
from twins.claude.turn import Turn

if TYPE_CHECKING:
    from twins.claude.frames import Json
    from twins.claude.permissions import Verdict
    from twins.claude.script import Subagent as SubagentStep
    from twins.claude.script import Use

LONGEST_SLEEP_S = 60.0


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
        self._control = Control(self)
        self._seen: set[str] = set()
        self.asks: dict[str, Ask] = {}
        self.turn: Task | None = None
        self.subagents: dict[Subagent, Task] = {}
        self._reports: list[Subagent] = []
        self.state = "idle"
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
        reader = Lines()
        while not self._is_over():
            self._advance()
            if not self._is_over():
                self._hear(reader)
        return int(self._failed)

    def _is_over(self) -> bool:
        busy = self.turn is not None or bool(self.queue or self.subagents or self._reports)
        return self._ending or (self._eof and not busy)

    def _tasks(self) -> list[Task]:
        return ([self.turn] if self.turn is not None else []) + list(self.subagents.values())

    def _advance(self) -> None:
        for task in self._tasks():
            task.advance()
        self._next_turn()

    def _hear(self, reader: Lines) -> None:
        seconds = min([LONGEST_SLEEP_S, *(task.longest_sleep() for task in self._tasks())])
        for line in reader.read(seconds):
            self._receive(line)
            self._advance()
        if reader.interrupted:
            self.end()
            self._failed = False
        if reader.ended and not self._eof:
            self._eof = True
            for ask in self.asks.values():
                ask.answer = {"subtype": "closed"}

    # --- lines in ------------------------------------------------------------------------------------------

    def _receive(self, text: str) -> None:
        if not text.strip():
            return
        line = decoded(text)
        if not isinstance(line, dict):
            return
        match line.get("type"):
            case "user":
                self._receive_prompt(line)
            case "control_request":
                self._control.answer(line)
            case "control_response":
                self._receive_answer(line.get("response"))

    def _receive_prompt(self, line: Json) -> None:
        message = line.get("message") or {}
        if message.get("role") != "user":
            raise BadLine(f"Error: Expected message role 'user', got '{message.get('role', 'undefined')}'")
        uuid = line.get("uuid")
        if uuid is not None and self._is_repeated(uuid):
            return
        text = answered(text_of(message.get("content")), message.get("content"))
        is_command = text.startswith(("/clear", "/model", "/context", "/cost", "/compact")) and not line.get(
            "client_composed"
        )
        prompt = Prompt(uuid, text, line.get("priority", "next"), is_command)
        if self.turn is None:
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
        ask = self.asks.get(str(response.get("request_id")))
        if ask is not None and ask.answer is None:
            ask.answer = response

    def end(self) -> None:
        """At once, whatever runs."""
        self.queue.clear()
        if self.turn is not None:
            self.turn.interrupt()
        tools.kill_running()
        self._ending = True

    # --- turns ---------------------------------------------------------------------------------------------

    def _next_turn(self) -> None:
        while self.turn is None and not self._ending and (self.queue or self._reports):
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
        self.turn = Task(turn.play())
        self.turn.advance()

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
        self.turn = None
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
        self.asks[ask.request_id] = ask
        self._set_state("requires_action")
        request = {**self.permissions.question(use), "tool_use_id": tool_id}
        if agent_id is not None:
            request["agent_id"] = agent_id
        self.write({"type": "control_request", "request_id": ask.request_id, "request": request})
        return ask

    def withdraw(self, ask: Ask) -> None:
        """Tells that nobody needs to answer any more; nothing if somebody has."""
        if self.asks.pop(ask.request_id, None) is not None and ask.answer is None:
            self.write({"type": "control_cancel_request", "request_id": ask.request_id})

    def take_answer(self, ask: Ask) -> Verdict:
        """The verdict of an answered ask; permissions that came with it count from now on."""
        assert ask.answer is not None
        self.asks.pop(ask.request_id, None)
        if not self.asks:
            self._set_state("running" if self.turn is not None else "idle")
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
        self.subagents[subagent] = Task(subagent.play())
        self._tell_subagents()
        subagent.tell_started()
        return subagent.agent_id

    def forget(self, subagent: Subagent) -> None:
        del self.subagents[subagent]
        self._tell_subagents()

    def notify(self, subagent: Subagent) -> None:
        """A turn will tell the model that this subagent is done."""
        self._reports.append(subagent)

    def _tell_subagents(self) -> None:
        self.emit(frames.system("background_tasks_changed", tasks=[one.listed() for one in self.subagents]))

    # --- lines out -----------------------------------------------------------------------------------------

    def emit_init(self, uuids: list[str]) -> None:
        self.emit(frames.init(self.cwd, self.model, self.permissions.mode, CONFIG, uuids))

    def tell_lifecycle(self, prompt: Prompt, state: str) -> None:
        if prompt.uuid is not None:
            self.emit(frames.lifecycle(prompt.uuid, state))

    def _set_state(self, state: str) -> None:
        if state != self.state:
            self.state = state
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
