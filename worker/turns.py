"""A child's turns, one after the other: which of Claude's lines begin and end one, and what ends with it. No I/O.

A turn begins when Claude takes a prompt (``command_lifecycle started``) or, for turns that start by themselves, with
the first sign of work after ``system/init``; it ends with ``result``, or with the idle that follows. Results do not
pair one to one with prompts, so a prompt's own end comes from its lifecycle, by uuid (docs/claude-protocol.md,
"Prompts", "Turns" and "Results"); a result says which prompts it answers, and when Claude is idle, whatever it took is
over.
"""

from bridge.protocol import events as e
from worker import frames as f
from worker import results
from worker.asks import Asks
from worker.messages import Messages
from worker.prompts import Prompts
from worker.steps import Step
from worker.turn import Turn, shows_work


class Turns:
    def __init__(self, turn: Turn, prompts: Prompts, messages: Messages, asks: Asks) -> None:
        self._turn = turn
        self._prompts = prompts
        self._messages = messages
        self._asks = asks

    def work(self, frame: f.Frame) -> list[Step]:
        """A turn that was announced begins with the first line that shows work."""
        if self._turn.awaits_work and shows_work(frame):
            return self.begin(None, self._turn.origin)
        return []

    def begin(self, prompt_id: int | None, origin: str = "") -> list[Step]:
        if not (begun := self._turn.begin(prompt_id, origin)):
            return []
        self._messages.begin_turn()
        return [begun]

    def idle(self) -> list[Step]:
        """Idle comes after the result; a turn that is still open then ended without one."""
        if not self._turn.runs:
            self._turn.end()
            return self._prompts.all_over()
        reason = "Claude went idle without saying how the turn ended"
        ended = e.TurnEnded("failed", tuple(self._turn.prompt_ids), reason, error="no_result")
        return [*self._end(ended), *self._prompts.all_over()]

    def result(self, frame: f.Frame) -> list[Step]:
        if not frame.subtype:
            return []  # a result that does not say of what ends nothing; going idle does
        uuids = frame.user_message_uuids or []
        taken = [step for uuid in uuids for step in self._prompts.named_by_result(uuid)]
        prompts = [prompt_id for uuid in uuids if (prompt_id := self._prompts.id_of(uuid)) is not None]
        ended = results.turn_ended(
            frame,
            tuple(dict.fromkeys([*self._turn.prompt_ids, *prompts])),
            self._turn,
            said_text=self._turn.said_text or self._messages.is_streaming,
        )
        begun: list[Step] = (
            [] if self._turn.runs else [e.TurnStarted(ended.prompt_ids, f.part(frame.origin, f.Origin).kind)]
        )
        return [*begun, *taken, *self._end(ended)]

    def _end(self, ended: e.TurnEnded) -> list[Step]:
        """Tools and requests of the main agent end with its turn; a subagent's outlive it (docs/claude-protocol.md,
        "Background work").
        """
        self._turn.end()
        return [*self._messages.end_turn(), *self._asks.turn_ended(), ended]
