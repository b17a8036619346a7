"""A background subagent of the scripted claude: it asks, works and reports on its own."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from twins.claude import frames, permissions, tools
from twins.claude.permissions import Denied, Verdict
from twins.claude.script import Use
from twins.claude.tasks import Interrupted, Wait

if TYPE_CHECKING:
    from collections.abc import Generator

    from twins.claude.frames import Json
    from twins.claude.script import Subagent as Step
    from twins.claude.surroundings import Ask, Surroundings
    from twins.claude.tasks import Steps

TYPE = "general-purpose"


class Subagent:
    """One run of the `Agent` tool. It ends itself; the session then starts a turn to tell of it."""

    def __init__(self, session: Surroundings, step: Step, tool_id: str, about: str) -> None:
        self.agent_id = "a" + os.urandom(8).hex()
        self.run_id = frames.new_id("0run")[:18]
        self.about = about
        self.summary = "Sub finished."
        self._session = session
        self._step = step
        self._use = Use("Bash", {"command": step.command, "description": about})
        self._tool_id = tool_id
        self._call_id = frames.new_id("toolu_")
        self._ask: Ask | None = None
        self._began = time.monotonic()

    def listed(self) -> Json:
        """As it stands in `background_tasks_changed`."""
        return {**self._names(), "task_type": "local_agent", "subagent_type": TYPE, "description": self.about}

    def tell_started(self) -> None:
        self._tell_task(
            "task_started",
            description=self.about,
            subagent_type=TYPE,
            is_backgrounded=True,
            spawn_depth=1,
            task_type="local_agent",
            prompt=self._step.command,
        )

    def play(self) -> Steps:
        try:
            yield Wait(self._step.after_s)
            yield from self._work()
        except Interrupted:
            self._killed()
        else:
            self._end("completed", summary_is_report=True)
            self._session.notify(self)

    def _work(self) -> Steps:
        self._assistant({"type": "text", "text": "Using a tool."})
        self._assistant({"type": "tool_use", "id": self._call_id, "name": "Bash", "input": self._use.tool_input})
        self._tell_task("task_progress", description=f"Running {self.about}", subagent_type=TYPE, last_tool_name="Bash")
        verdict = yield from self._decided()
        if isinstance(verdict, Denied):
            self._tell_result(tools.Outcome.error(verdict.message))
            if verdict.interrupt:
                raise Interrupted
        else:
            self._tell_result((yield from tools.run("Bash", verdict.tool_input, self._session.cwd)))
        self._assistant({"type": "text", "text": self.summary})

    def _decided(self) -> Generator[Wait, None, Verdict]:
        verdict = self._session.permissions.without_asking(self._use)
        if verdict is not None:
            return verdict
        ask = self._ask = self._session.ask(self._use, self._call_id, self.agent_id)
        yield Wait(done=lambda: ask.answer is not None)
        return self._session.take_answer(ask)

    def _killed(self) -> None:
        """Silent about itself until `tell_killed`: the interrupt's receipt comes in between."""
        if self._ask is not None:
            self._session.withdraw(self._ask)
        self._end("killed")

    def tell_rejected(self) -> None:
        """The last lines of a killed subagent, if it had asked something."""
        if self._ask is None:
            return
        self._tell_result(tools.Outcome(permissions.REJECTED, "User rejected tool use", is_error=True))
        self._session.emit(frames.user_text("[Request interrupted by user for tool use]", **self._lineage()))

    def _end(self, status: str, **fields: bool) -> None:
        self._tell_task("task_updated", patch={"status": status, "end_time": int(time.time() * 1000)})
        killed = status == "killed"
        self._tell_task(
            "task_notification",
            status="stopped" if killed else status,
            output_file=f"/tmp/claude-{os.getuid()}/{self.agent_id}.output",
            summary=self.about if killed else self.summary,
            **fields,
        )
        self._session.forget(self)

    def _names(self) -> Json:
        return {"task_id": self.agent_id, "run_id": self.run_id}

    def _lineage(self) -> Json:
        parent = {"parent_tool_use_id": self._tool_id, "agent_id": self.agent_id}
        return {**parent, "subagent_type": TYPE, "task_description": self.about}

    def _tell_task(self, subtype: str, **fields: object) -> None:
        usage = {
            "total_tokens": 120,
            "tool_uses": 1,
            "duration_ms": int((time.monotonic() - self._began) * 1000),
        }
        if subtype in ("task_progress", "task_notification"):
            fields["usage"] = usage
        self._session.emit(frames.system(subtype, **self._names(), tool_use_id=self._tool_id, **fields))

    def _tell_result(self, outcome: tools.Outcome) -> None:
        self._session.emit(frames.user([tools.result_block(self._call_id, outcome)], **self._lineage()))

    def _assistant(self, block: Json) -> None:
        frame = frames.assistant(frames.new_id("msg_"), self._session.model, block)
        self._session.emit({**frame, **self._lineage()})
