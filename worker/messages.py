"""Claude's messages, as they stream and as they come whole: texts, thoughts, tool calls and their results. No I/O.

What streams is replaced by what comes whole; a subagent's messages do not stream (docs/claude-protocol.md, "Turns").
"""

from bridge.protocol import events as e
from worker import frames as f
from worker.steps import DeltaRead, Step
from worker.texts import Texts
from worker.tools import Tools, capped
from worker.turn import Turn


class Messages:
    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._texts = Texts()
        self.tools = Tools()

    @property
    def is_streaming(self) -> bool:
        """Something streamed that has not come whole."""
        return self._texts.is_streaming

    def begin_turn(self) -> None:
        self._texts.begin_turn()

    def end_turn(self) -> list[Step]:
        self._texts.end_turn()
        return [*self.broken_off(), *self.tools.turn_ended()]

    def broken_off(self) -> list[e.TextWritten]:
        return self._texts.broken_off()

    def streamed(self, frame: f.Frame) -> list[Step]:
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
                return self._end_message(frame)
            case _:
                pass
        return []

    def of_claude(self, frame: f.Frame) -> list[Step]:
        message = f.part(frame.message, f.Message)
        if error := f.text_of(frame.error):
            self._turn.api_error = error
            return []
        agent = frame.agent_id or frame.parent_tool_use_id or ""
        usage = f.part(message.usage, f.Usage)
        if not agent and usage.all_input > 0:
            self._turn.model, self._turn.context_tokens = message.model, usage.all_input + max(0, usage.output_tokens)
        steps: list[Step] = []
        for block in message.blocks():
            if block.type == "text" and block.text.strip():
                steps += self._texts.written(self._name_block(frame, agent), block.text, agent)
                self._turn.said_text |= not agent
            elif block.type == "thinking" and block.thinking.strip() and not agent:
                steps.append(e.ThinkingWritten(capped(block.thinking)[0]))
            elif block.type == "tool_use":
                steps.append(self.tools.begin(block, agent))
        return steps

    def of_user(self, frame: f.Frame) -> list[Step]:
        """Of what is written in the user's name only the tools' results count."""
        steps: list[Step] = []
        for block in f.part(frame.message, f.Message).blocks():
            if block.type == "tool_result":
                steps += self.tools.end(block, f.allowed_by(frame, block.tool_use_id), frame.tool_use_result)
        return steps

    def _end_message(self, frame: f.Frame) -> list[Step]:
        abandoned = f.part(frame.abandoned_blocks, f.Abandoned)
        void = self._texts.end_message(abandoned.api_message_id, abandoned.from_block_index)
        return [e.TextWithdrawn(void)] if void else []

    def _name_block(self, frame: f.Frame, agent: str) -> str:
        """The open block's name, so that its deltas are replaced; a line's own uuid where none streamed."""
        return frame.uuid if agent or not self._texts.open_block else self._texts.open_block
