"""What a turn shows from its start to its end: Claude's text and thoughts, a line for each tool, the last line."""

import msgspec

from bridge.protocol import events as e
from bridge.protocol.edits import EDIT_TOOLS
from bridge.render import diff, ends, limits, lost, tool_phrases, tools
from bridge.render.failures import failure_in_words
from bridge.render.flow import Now
from bridge.render.items import THINKING, TOOL_INPUT_KEPT_CHARS, NoteItem, TextItem, ToolItem, ToolState
from bridge.render.mended_flow import MendedFlow
from bridge.render.posts import File, Post
from bridge.render.segments import posts_of
from bridge.render.terminal import shown_text
from bridge.session.custom_ids import on_card
from bridge.session.display import Display
from bridge.text import code_block, escape, one_line

NOTE_CHARS = 900  # escaped, a note may be twice as long, and still fits a post
THINKING_CHARS = 300
LONG_ANSWER_CHARS = 1500


class TurnFlow(MendedFlow, msgspec.Struct):
    """Stored with the view, of which it is a part."""

    answer_chars: int = 0
    last_text: str = ""
    turn_started_at: float = 0.0
    changed: dict[str, tuple[int, int]] = {}
    """The turn's files, with the lines that came and went."""
    asked_at: float = 0.0
    waited_s: float = 0.0
    """Since when somebody is waited for, and how long that was so in this turn: it is not Claude's time."""

    def _on_turn_started(self, record: e.Record, event: e.TurnStarted, now: Now) -> dict[str, Post]:
        self.segments = [s for s in self.segments if s.can_change]
        self._forget_decided()
        self.is_card_last = False
        self.turn_seq, self.next_index, self.is_open = record.seq, 0, False
        self.answer_chars, self.last_text, self.unknown = 0, "", []
        self.turn_started_at = record.at
        self.changed, self.waited_s, self.asked_at = {}, 0.0, record.at
        overtaken = self.settle_limit(limits.OVERTAKEN)
        if event.prompt_ids or not event.origin:
            return overtaken
        summary = f": {self.wake_summary}" if self.wake_summary else ""
        why = f"↻ A background task ended{summary}"
        return overtaken | self._add(NoteItem("origin", escape(one_line(why, NOTE_CHARS))), now)

    def _on_text(self, event: e.TextWritten, now: Now) -> dict[str, Post]:
        """A subagent's text is for its parent, not for the thread."""
        if event.agent_id:
            return {}
        if event.broken_off:
            return self._break_off(Now(now.session, {event.block: event.text}, now.display))
        self.answer_chars += len(event.text)
        self.last_text = event.text
        return self._add(TextItem(event.block, event.text), now)

    def _on_thinking(self, seq: int, event: e.ThinkingWritten, now: Now) -> dict[str, Post]:
        if now.display.thinking == "off" or now.display.verbosity == "quiet":
            return {}
        return self._add(
            NoteItem(f"{THINKING}{seq}", f"Thinking: ||{tool_phrases.plain(event.text, THINKING_CHARS)}||"), now
        )

    def _on_withdrawn(self, event: e.TextWithdrawn, now: Now) -> dict[str, Post]:
        """Whole texts of these blocks may stand already; what only streamed is gone from ``live``."""
        if not self.is_open or not self.segments:
            return {}
        segment = self.segments[-1]
        segment.is_withdrawn = True
        void = [i for i in segment.items if isinstance(i, TextItem) and i.block in event.blocks]
        segment.items = [i for i in segment.items if i not in void]
        self.answer_chars -= sum(len(item.text) for item in void)
        return self._posts(segment, now)

    def _on_tool_started(self, event: e.ToolStarted, now: Now) -> dict[str, Post]:
        """Of a long input only the beginning is kept, so its diff is made here."""
        verbosity = self._open_segment(now).verbosity
        kept = event.tool_input[:TOOL_INPUT_KEPT_CHARS]
        item = ToolItem(event.tool_use_id, event.tool, kept, bool(event.agent_id), agent_id=event.agent_id)
        given = tools.read_input(event.tool_input) if event.tool in EDIT_TOOLS else {}
        item.changes = diff.changes_of(event.tool, given)
        if verbosity in ("normal", "full"):
            short, is_all = diff.short_diff(event.tool, given)
            item.diff = code_block(short, "diff") if short else ""
            item.whole_diff = (diff.diff_for(event.tool, given) or "") if verbosity == "full" and not is_all else ""
        return self._add(item, now)

    def _on_tool_finished(self, record: e.Record, event: e.ToolFinished, now: Now) -> dict[str, Post]:
        for segment, item in self._calls(event.tool_use_id):
            failures = self._end_tool(item, event, now)
            return self._of_call(segment, item, now) | failures | self._whole_diff(record, item, now)
        return {}

    def _end_tool(self, item: ToolItem, event: e.ToolFinished, now: Now) -> dict[str, Post]:
        ended = ToolState.ERROR if event.is_error else ToolState.OK
        item.state = ToolState.UNKNOWN if event.unknown else ended
        item.output = event.output[:NOTE_CHARS]
        if item.state is ToolState.OK and (path := item.changes[0]):
            before = self.changed.get(path, (0, 0))
            self.changed[path] = before[0] + item.changes[1], before[1] + item.changes[2]
        item.unasked = event.rule or (tools.HOOK if event.allowed_by.startswith("hook:") else item.unasked)
        if event.unknown:
            self.unknown.append(lost.LostTool(item.tool, item.tool_input[: lost.INPUT_KEPT_CHARS]))
        if item.state is not ToolState.ERROR or not item.agent:
            return {}
        for task_id, task in self.live_tasks.items():
            if item.agent_id in (task_id, task.tool_use_id):
                task.failed[item.tool] = task.failed.get(item.tool, 0) + 1
                return self._show_task(task_id, task, now)
        return {}

    def _whole_diff(self, record: e.Record, item: ToolItem, now: Now) -> dict[str, Post]:
        """The file beside a short diff; a permission card has its own."""
        whole, item.whole_diff = item.whole_diff, ""
        if not whole or item.is_on_card or item.state is not ToolState.OK:
            return {}
        self._break_flow(now)
        return {f"diff:{record.generation}:{record.seq}": _diff_post(item, whole, now.session.directory)}

    def _on_turn_ended(self, record: e.Record, event: e.TurnEnded, now: Now) -> dict[str, Post]:
        posts = self._break_off(now)
        session = now.session
        now = Now(session, {}, now.display)
        self._open_segment(now).release()
        if event.outcome == "failed":
            posts |= self._add(NoteItem("failure", f"⚠ {failure_in_words(event)}", quiet=False), now)
        elif event.result:
            posts |= self._add(TextItem("result", shown_text(event.result)), now)
        seconds = self._seconds(record, event)
        last_line = ends.footer(event, seconds, session.turn_cost_usd, self.changed.values())
        pings = self._pings(event, seconds, now.display)
        segment = self._open_segment(now)
        segment.footer = "" if pings else last_line
        segment.diff = on_card("diff", session.session_id, self.generation, self.turn_seq) if self.changed else ""
        posts |= posts_of(segment, [], session.directory)
        if event.outcome == "completed" and self.answer_chars >= LONG_ANSWER_CHARS:
            posts[f"summary:{self.generation}:{self.turn_seq}"] = ends.summary(self.last_text, session)
        if pings:
            posts[f"ping:{self.generation}:{self.turn_seq}"] = ends.ping(event, last_line, session, segment.diff)
        posts |= self._held_up(record, event, session)
        self.is_open = False
        return posts

    def _seconds(self, record: e.Record, event: e.TurnEnded) -> float:
        """That Claude took; what a person took for an answer is not in it."""
        waited = self.waited_s + (max(0.0, record.at - self.asked_at) if self.cards else 0.0)
        return max(0.0, (event.duration or record.at - self.turn_started_at) - waited)

    def _pings(self, event: e.TurnEnded, seconds: float, display: Display) -> bool:
        """A lost turn has its card; one that nobody asked for, and one that was interrupted, is awaited by nobody."""
        is_awaited = event.outcome in ("completed", "failed") and bool(event.prompt_ids)
        is_long = display.ping_after_s is not None and seconds >= display.ping_after_s
        return is_awaited and is_long and not self.after_card


def _diff_post(item: ToolItem, whole: str, directory: str) -> Post:
    what = tools.tool_line(item.tool, tools.read_input(item.tool_input), directory)
    return Post(f"-# The whole change: {what}", files=(File("change.diff", whole),), silent=True)
