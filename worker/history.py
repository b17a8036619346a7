"""What the log says, applied record by record as it is appended: nothing is read again, and nothing beside it is kept.

What is open in the session (its turn, prompts, requests, background tasks) is ``ManagedSession``: the supervisor folds
the same records by the same machine, and two machines of the same facts would have to agree for ever. It is the one
part of ``bridge.session`` that a worker has. Beside it stands what only a worker asks: which commands were answered,
what each prompt said, which tools have no result, how the child before ended.

A worker that takes up the log of a dead one and a worker that has written all of it itself know the same.
"""

from collections.abc import Iterable
from typing import Self

import msgspec

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession, session_from
from bridge.session.open_work import PromptState

type RequestKey = tuple[str, int]
"""A log's generation, and the number of the request in it."""


class History(msgspec.Struct):
    """``prompts``: each as it was accepted last, also those that are over."""

    generation: str = ""
    applied: int = 0
    """The last record's number."""
    session: ManagedSession | None = None
    prompts: dict[int, e.PromptAccepted] = msgspec.field(default_factory=dict)
    deleted: set[int] = msgspec.field(default_factory=set)
    """Prompts that were deleted before they came."""
    tools: dict[str, str] = msgspec.field(default_factory=dict)
    """The tool calls that have no result yet, and whose they are: a subagent's id, or nothing."""
    answered: set[str] = msgspec.field(default_factory=set)
    """Commands, by their ids."""
    refused: set[RequestKey] = msgspec.field(default_factory=set)
    """Requests of lost logs on which decisions were refused."""
    interrupt: e.InterruptAccepted | None = None
    """The last one since a turn ended."""
    completed_turns: int = 0
    stopping: e.WorkerStopping | None = None
    """Why the worker ends, once it does; of this worker, since it has started a child."""
    exited: e.ChildExited | None = None
    """How the child before ended, when nothing was started since."""
    offered: e.ChildOffered | None = None

    @classmethod
    def of(cls, records: Iterable[e.Record]) -> Self:
        history = cls()
        for record in records:
            history.apply(record)
        return history

    def apply(self, record: e.Record) -> None:
        """Fold one record. They come in ascending seq."""
        event = record.event
        self.generation, self.applied = record.generation, record.seq
        if isinstance(event, e.SessionCreated):
            self.session = session_from(event, record.at)
        self._apply_work(event)
        self._apply_answer(event)
        self._apply_process(event)
        if self.session:
            self.session.apply(record)

    # --- what follows from it ------------------------------------------------------------------------

    def open_prompts(self) -> list[e.PromptAccepted]:
        """Those that Claude has not finished with, in the order in which they were accepted."""
        return [self.prompts[prompt_id] for prompt_id in (self.session.prompts if self.session else ())]

    def open_prompt(self, prompt_id: int) -> e.PromptAccepted | None:
        is_open = self.session is not None and prompt_id in self.session.prompts
        return self.prompts[prompt_id] if is_open else None

    def taken(self) -> frozenset[int]:
        """Of the open prompts those of which Claude said that it took them up."""
        prompts = self.session.prompts if self.session else {}
        return frozenset(i for i, prompt in prompts.items() if prompt.state is PromptState.TAKEN)

    def may_hibernate(self) -> bool:
        return self.session is not None and self.session.may_hibernate

    # --- the fold ------------------------------------------------------------------------------------

    def _apply_work(self, event: e.AnyEvent) -> None:
        match event:
            case e.PromptAccepted():
                self.prompts[event.prompt_id] = event
            case e.ToolStarted():
                self.tools[event.tool_use_id] = event.agent_id
            case e.ToolFinished():
                self.tools.pop(event.tool_use_id, None)
            case e.TurnEnded():
                self.completed_turns += event.outcome == "completed"
                self.tools = {tool: agent for tool, agent in self.tools.items() if agent}
                self.interrupt = None
            case e.LogGap():
                self.tools.clear()
            case _:
                pass

    def _apply_answer(self, event: e.AnyEvent) -> None:
        match event:
            case e.InterruptAccepted():
                self.answered.add(event.command_id)
                self.interrupt = event
            case e.PromptAmended(deleted=True, done=True) if event.prompt_id not in self.prompts:
                self.answered.add(event.command_id)
                self.deleted.add(event.prompt_id)
            case e.ConfigureAccepted() | e.WorkerStopping() | e.StopDeclined() | e.PromptAmended() | e.PromptRequeued():
                self.answered.add(event.command_id)
            case e.DecisionRefused() if event.generation:
                self.refused.add((event.generation, event.seq))
            case _:
                pass

    def _apply_process(self, event: e.AnyEvent) -> None:
        match event:
            case e.WorkerStarted():
                self.exited = self.stopping = None
            case e.WorkerStopping():
                self.stopping = event
            case e.ChildExited():
                self.exited = event
            case e.ChildOffered():
                self.offered = event
            case _:
                pass
