"""What a turn and a subagent need of the session that they run in, and what the three tell each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from twins.claude.frames import Json, Tally
    from twins.claude.permissions import Permissions, Verdict
    from twins.claude.script import Subagent as SubagentStep
    from twins.claude.script import Use
    from twins.claude.sdk import SdkServers


class Prompt(NamedTuple):
    """One `user` line. Without a uuid nothing is said about its fate."""

    uuid: str | None
    text: str
    priority: str
    is_command: bool


class Ask:
    """An open `can_use_tool`."""

    def __init__(self, request_id: str, use: Use) -> None:
        self.request_id = request_id
        self.use = use
        self.answer: Json | None = None


class Surroundings(Protocol):
    """The session, as far as it is needed in it. A subagent is whatever was launched."""

    cwd: str
    model: str
    permissions: Permissions
    total: Tally
    results: int
    queue: list[Prompt]
    sdk: SdkServers

    def ask(self, use: Use, tool_id: str, agent_id: str | None = None) -> Ask: ...

    def withdraw(self, ask: Ask) -> None: ...

    def take_answer(self, ask: Ask) -> Verdict: ...

    def set_mode(self, mode: str) -> None: ...

    def launch(self, step: SubagentStep, tool_id: str, about: str) -> str: ...

    def forget(self, subagent: Any) -> None: ...

    def notify(self, subagent: Any) -> None: ...

    def fold(self, prompt: Prompt) -> None: ...

    def finish_turn(self, result: Json, prompts: list[Prompt], prompts_are: str) -> None: ...

    def emit_init(self, uuids: list[str]) -> None: ...

    def tell_lifecycle(self, prompt: Prompt, state: str) -> None: ...

    def emit(self, frame: Json) -> None: ...

    def write_line(self, line: str) -> None: ...
