"""What a thread shows: a pure function of the session's records plus the open text block's deltas.

The flow of a turn (Claude's text, a line for each tool, notes, the quiet last line) is kept in *segments*
(``bridge.render.flow``), each cut into as many posts as it needs; a card stands between two segments, so the thread
reads in the order in which things happened. Beside it stand what runs in the background (``task_flow``), what became of
prompts (``prompted_flow``), what keeps Claude from going on (``mended_flow``) and the turn itself (``turn_flow``).
Here stands which event does what.
"""

from collections.abc import Mapping

import msgspec

from bridge.protocol import directories
from bridge.protocol import events as e
from bridge.protocol.modes import DEFAULT, is_looser
from bridge.render import ends, limits, loosened, lost, marks, notices, restarts
from bridge.render.failures import retry_in_words
from bridge.render.flow import Now
from bridge.render.items import NoteItem, ToolState
from bridge.render.live import forget_void
from bridge.render.posts import Post
from bridge.render.segments import posts_of
from bridge.render.terminal import shown_text
from bridge.render.turn_flow import NOTE_CHARS, TurnFlow
from bridge.session.display import Display
from bridge.session.managed import QUICK_DEATHS_BEFORE_BROKEN, ManagedSession
from bridge.session.permission import Settled
from bridge.text import escape, one_line

_DEFAULT = Display()


class ThreadView(TurnFlow, msgspec.Struct):
    """The changeable end of a thread. ``apply`` follows ``ManagedSession.apply`` of the same record."""

    waits_for: str = ""
    """The post that tells why Claude is not started for the time being; there is one, until one was started."""
    loose_key: str = ""
    """The line that tells of the looser mode ``loose_mode``; empty while there is none."""
    loose_mode: str = ""
    exit_key: str = ""
    """The post of the deaths in a row: of one failure that comes again there is one."""

    def apply(
        self,
        record: e.Record,
        session: ManagedSession,
        live: Mapping[str, str],
        display: Display = _DEFAULT,
        *,
        by_rule: bool = False,
    ) -> dict[str, Post]:
        """The posts that change, by key, in the thread's order. ``live``: text of blocks that are open.

        ``by_rule``: what is asked now is allowed by rules, and nobody needs to look at it.
        """
        forget_void(self.unfinished, record.event)
        now = Now(session, self._with_unfinished(live), display, by_rule)
        self.agents.apply(record.event)
        return self._mode_line(record, session) | self._apply_all(record, now)

    def _apply_all(self, record: e.Record, now: Now) -> dict[str, Post]:
        if self.generation != record.generation or isinstance(record.event, e.LogGap):
            fresh = msgspec.structs.replace(now, live={})
            return self._begin_generation(record, now) | self._apply(record, fresh)
        return self._apply(record, now)

    def _mode_line(self, record: e.Record, session: ManagedSession) -> dict[str, Post]:
        """A line of its own as long as Claude asks less than by itself; in a new thread it is the first one."""
        post = loosened.while_it_holds(session.session_id, session.channel_id, self.loose_mode, session.admitted_mode)
        if post is None:
            return {}
        key = self.loose_key or f"{loosened.KEY}:{record.generation}:{record.seq}"
        is_over = not is_looser(session.admitted_mode, DEFAULT)
        self.loose_key, self.loose_mode = ("", "") if is_over else (key, session.admitted_mode)
        return {key: post}

    def live_posts(
        self, session: ManagedSession, live: Mapping[str, str], display: Display = _DEFAULT
    ) -> dict[str, Post]:
        """The posts of the open segment with the text that is streaming."""
        if not session.turn or not any(live.values()):
            return {}
        self.unfinished = self._with_unfinished(live)
        now = Now(session, self.unfinished, display)
        return self._posts(self._open_segment(now), now)

    def _apply(self, record: e.Record, now: Now) -> dict[str, Post]:
        event = record.event
        match event:
            case e.TurnStarted():
                return self._on_turn_started(record, event, now)
            case e.TextWritten():
                return self._on_text(event, now)
            case e.ThinkingWritten():
                return self._on_thinking(record.seq, event, now)
            case e.ToolStarted():
                return self._on_tool_started(event, now)
            case e.ToolFinished():
                return self._on_tool_finished(record, event, now)
            case e.ApiRetried() | e.Compacted() | e.Noticed():
                return self._add(_note(record.seq, event), now)
            case e.TextWithdrawn():
                return self._on_withdrawn(event, now)
            case e.FileSent():
                self._break_flow(now)
                return {f"file:{record.generation}:{record.seq}": notices.file_sent(event)}
            case e.TaskStarted() | e.TaskProgressed() | e.TaskEnded():
                return self._on_task(record, event, now)
            case e.TurnEnded():
                posts = self._on_turn_ended(record, event, now)
                return posts | (self._lose(record, event, now.session) if event.outcome == "lost" else {})
            case _:
                return self._apply_cards(record, now)

    def _begin_generation(self, record: e.Record, now: Now) -> dict[str, Post]:
        """The log was lost, or a part of it: nothing of it goes on, and its requests can only be withdrawn."""
        generation, was_known, session = record.generation, bool(self.generation), now.session
        posts = self._break_off(now) | self._lose_tasks()
        for request in self.cards.values():
            how = Settled("withdrawn", "", "the session's log was lost")
            posts |= self._settle(request, how, now)
        for segment in [s for s in self.segments if s.can_change]:
            segment.release()
            for tool in segment.tools():
                tool.state = ToolState.UNKNOWN if tool.state is ToolState.RUNNING else tool.state
                posts |= self._decided_line(segment, tool, now)
            posts |= posts_of(segment, [], session.directory)
        posts |= self.settle_lost_turn(lost.LOG_LOST, session) | self.settle_limit(limits.LOG_LOST)
        self.cards, self.shared, self.listings, self.expired = {}, [], [], {}
        self.segments, self.is_open = [], False
        posts |= {marks.key_of(prompt_id): marks.fate_unknown(prompt_id) for prompt_id in self.asked}
        posts |= {marks.reaction_key(prompt_id): marks.reaction(prompt_id, waits=False) for prompt_id in self.marks}
        self.asked, self.unknown, self.marks, self.edited = {}, [], [], []
        if was_known:
            is_whole = self.generation != generation
            posts[f"gap:{generation}:{record.seq}"] = notices.log_lost(whole=is_whole)
        if self.generation != generation:
            self.generation, self.turn_seq, self.next_index = generation, 0, 0
        return posts

    def _apply_cards(self, record: e.Record, now: Now) -> dict[str, Post]:
        event, session = record.event, now.session
        match event:
            case e.PermissionRequested() if record.seq in session.requests:
                return self._on_request(record.seq, event, now)
            case e.PermissionResolved(seq=seq) | e.PermissionWithdrawn(seq=seq) if seq in self.cards:
                request = self.cards.pop(seq)
                self.waited_s += 0.0 if self.cards else max(0.0, record.at - self.asked_at)
                return self._settle(request, session.settled[seq], now)
            case e.PromptAccepted():
                self.is_card_last = False
                return self._on_prompt(event, session)
            case e.PromptQueued() | e.PromptTaken() | e.PromptCancelled() | e.PromptDone():
                return self._on_mark(event, session)
            case e.PromptAmended():
                return self._on_amended(event, session)
            case e.PromptRequeued(done=False, prompt_id=prompt_id):
                return marks.said_too_late(prompt_id, "the button was pressed") if prompt_id in self.marks else {}
            case e.ConfigureAccepted(setting=directories.SETTING, error=""):
                return {}  # each start tells it; the rule was announced
            case e.ConfigureAccepted():
                return {f"set:{record.generation}:{record.seq}": notices.configured(event, session)}
            case _:
                return self._apply_process(record, now)

    def _apply_process(self, record: e.Record, now: Now) -> dict[str, Post]:
        event, session = record.event, now.session
        match event:
            case e.WorkerStarted():
                self.tells_death = False
                return self._break_off(now) | self._lose_tasks() | _told_of_containment(event)
            case e.ResumeFailed():
                posts = self._settle_resume("— Tried again; see below.")
                self.resume_key, self.resume_reason = f"{restarts.RESUME}{record.generation}:{record.seq}", event.reason
                return posts | {self.resume_key: restarts.resume_failed_card(session.session_id, event.reason)}
            case e.ProjectReplaced():
                posts = self._settle_moved("— Looked at again; see below.")
                self.moved_key, self.moved_reason = f"moved:{record.generation}:{record.seq}", event.reason
                return posts | {self.moved_key: restarts.project_replaced_card(session.session_id, event.reason)}
            case e.ChildStarted():
                self.waits_for = ""
                settled = self._settle_moved("— Claude goes on in the session's own directory.")
                return settled | self._settle_resume("— Claude goes on without that.")
            case e.ChildExited():
                return self._break_off(now) | self._lose_tasks() | self._on_exit(record, event, session)
            case _:
                return {}

    def _on_exit(self, record: e.Record, event: e.ChildExited, session: ManagedSession) -> dict[str, Post]:
        if not event.wanted and self.tells_death and self.lost_turn:
            self.tells_death = False  # the next end is another's, also of one that was refused before it began
            counts = session.is_broken and not session.last_failure_is_final
            self.lost_turn.deaths = session.quick_deaths if counts else 0
            return {self.lost_turn.key: self._lost_card(self.lost_turn, session)}
        if event.wanted or not event.reason or session.last_failure_is_resume:
            return {}
        if event.may_pass:
            self.waits_for = self.waits_for or f"waits:{record.generation}:{record.seq}"
            return {self.waits_for: ends.exit_post(event, session)}
        is_one_more = 1 < session.quick_deaths <= QUICK_DEATHS_BEFORE_BROKEN and not session.last_failure_is_final
        if not (self.exit_key and is_one_more):
            self.exit_key = f"exit:{record.generation}:{record.seq}"
        return {self.exit_key: ends.exit_post(event, session)}

    def _on_request(self, seq: int, event: e.PermissionRequested, now: Now) -> dict[str, Post]:
        request = now.session.requests[seq]
        self.asked_at = self.asked_at if self.cards else request.at
        return self._ask(request, self.agents.name(event.agent_id), now)


def _note(seq: int, event: e.ApiRetried | e.Compacted | e.Noticed) -> NoteItem:
    match event:
        case e.ApiRetried():
            return NoteItem("retry", f"⟳ {retry_in_words(event)}")
        case e.Compacted():
            return NoteItem(f"compact{seq}", "⇲ Claude summed up the conversation so far")
        case e.Noticed():
            return NoteItem(f"notice{seq}", escape(one_line(shown_text(event.text), NOTE_CHARS)))


def _told_of_containment(event: e.WorkerStarted) -> dict[str, Post]:
    """Once a session, before Claude's first words."""
    if not event.contained:
        return {"uncontained": notices.uncontained(event.containment)}
    return {"opened": notices.opened(event.opened)} if event.opened else {}
