"""What a thread shows: a pure function of the session's records plus the open text block's deltas.

The flow of a turn (Claude's text, a line for each tool, notes, the quiet last line) is kept as *segments*. A
segment is cut into as many posts as it needs; a card stands between two segments, so the thread reads in the
order in which things happened. A tool line costs the same room while it runs and when it is done, and text is
split prefix-stable, so what stands in an earlier post never moves; only a post's own lines change.

A segment leaves the view when nothing in it can change any more; its posts stay as they are.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from bridge import events as e
from bridge.permission import PermissionRequest, Settled
from bridge.render import cards, lost, notices, tools
from bridge.render.failures import failure_in_words, retry_in_words
from bridge.render.markdown import split
from bridge.render.posts import CONTENT_CHARS, Post
from bridge.render.text import duration, escape, one_line, tokens, usd, utf16_len
from bridge.session import ManagedSession

FOOTER_CHARS = 110
SEGMENT_CHARS = CONTENT_CHARS - FOOTER_CHARS
LEAST_ROOM_FOR_TEXT = 400
NOTE_CHARS = 900  # escaped, a note may be twice as long, and still fits a post
TOOL_INPUT_KEPT_CHARS = 4000
LONG_ANSWER_CHARS = 1500
SUMMARY_CHARS = 300
_QUIET = "-# "


class ToolState(StrEnum):
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"


class TextItem(msgspec.Struct, tag="text"):
    block: str
    text: str


class ToolItem(msgspec.Struct, tag="tool"):
    tool_use_id: str
    tool: str
    tool_input: str
    agent: bool = False
    state: ToolState = ToolState.RUNNING
    output: str = ""


class NoteItem(msgspec.Struct, tag="note"):
    """A line of ours. One of the same key replaces the one right before."""

    key: str
    text: str
    quiet: bool = True


Item = TextItem | ToolItem | NoteItem


class Segment(msgspec.Struct):
    """What comes while text streams is *held* until the text is whole: above it, it would move what stands there."""

    key: str
    items: list[Item] = []
    held: list[Item] = []
    footer: str = ""
    posts: int = 0
    """How many posts it has been cut into; never fewer are shown."""

    @property
    def can_change(self) -> bool:
        return any(isinstance(i, ToolItem) and i.state is ToolState.RUNNING for i in (*self.items, *self.held))

    def release(self) -> None:
        """No text streams any more."""
        self.items += self.held
        self.held = []


class ThreadView(msgspec.Struct):
    """The changeable end of a thread. ``apply`` follows ``ManagedSession.apply`` of the same record."""

    segments: list[Segment] = []
    generation: str = ""
    """The log's that the segments and cards are of; seqs, and so keys, begin anew with another one."""
    is_open: bool = False
    """Whether the last segment still takes items."""
    turn_seq: int = 0
    next_index: int = 0
    cards: dict[int, PermissionRequest] = {}
    marks: list[int] = []
    edited: list[int] = []
    answer_chars: int = 0
    last_text: str = ""
    wake_summary: str = ""
    asked: dict[int, str] = {}
    """What the prompts say that are not done."""
    unknown: list[lost.LostTool] = []
    """The turn's tool calls whose outcome nobody knows."""
    lost_turn: lost.LostTurn | None = None
    """The lost turn whose card still has buttons."""
    tells_death: bool = False
    """The death of the process is told by the lost turn's card, and so by nothing else."""

    def apply(self, record: e.Record, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        """The posts that change, by key, in the thread's order. ``live``: text of blocks that are open."""
        if self.generation != record.generation or isinstance(record.event, e.LogGap):
            return self._begin_generation(record, session) | self._apply(record, session, live)
        return self._apply(record, session, live)

    def _apply(self, record: e.Record, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        event = record.event
        match event:
            case e.TurnStarted():
                return self._on_turn_started(record.seq, event, session, live)
            case e.TextWritten():
                return self._on_text(event, session, live)
            case e.ToolStarted():
                kept = event.tool_input[:TOOL_INPUT_KEPT_CHARS]
                item = ToolItem(event.tool_use_id, event.tool, kept, bool(event.agent_id))
                return self._add(item, session, live)
            case e.ToolFinished():
                return self._on_tool_finished(event, session, live)
            case e.ApiRetried() | e.Compacted() | e.Noticed():
                return self._add(_note(record.seq, event), session, live)
            case e.TextWithdrawn():
                return self._on_withdrawn(event, session, live)
            case e.TaskEnded():
                self.wake_summary = event.summary
                return {}
            case e.TurnEnded():
                posts = self._on_turn_ended(event, session)
                return posts | (self._lose(record, event, session) if event.outcome == "lost" else {})
            case _:
                return self._apply_cards(record, session, live)

    def _begin_generation(self, record: e.Record, session: ManagedSession) -> dict[str, Post]:
        """The log was lost, or a part of it: nothing of it goes on, and its requests can only be withdrawn."""
        generation, was_known = record.generation, bool(self.generation)
        posts: dict[str, Post] = {}
        for request in self.cards.values():
            how = Settled("withdrawn", "", "the session's log was lost")
            card = cards.settled_card(request, how, session.prompter_of(request), session.directory)
            posts[f"card:{request.name.generation}:{request.name.seq}"] = card
        for segment in [s for s in self.segments if s.can_change]:
            segment.release()
            for item in segment.items:
                if isinstance(item, ToolItem) and item.state is ToolState.RUNNING:
                    item.state = ToolState.UNKNOWN
            posts |= _posts_of(segment, [], session.directory)
        posts |= self.settle_lost_turn(lost.LOG_LOST, session)
        self.cards, self.segments, self.is_open = {}, [], False
        posts |= {f"mark:{prompt_id}": notices.fate_unknown(prompt_id) for prompt_id in self.asked}
        self.asked, self.unknown, self.marks, self.edited = {}, [], [], []
        if was_known:
            is_whole = self.generation != generation
            posts[f"gap:{generation}:{record.seq}"] = notices.log_lost(whole=is_whole)
        if self.generation != generation:
            self.generation, self.turn_seq, self.next_index = generation, 0, 0
        return posts

    def _apply_cards(self, record: e.Record, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        event = record.event
        match event:
            case e.PermissionRequested() if record.seq in session.requests:
                self.is_open = self.is_open and bool(live)
                request = self.cards[record.seq] = session.requests[record.seq]
                card = cards.open_card(request, session.prompter_of(request), session.directory)
                return {f"card:{record.generation}:{record.seq}": card}
            case e.PermissionResolved(seq=seq) | e.PermissionWithdrawn(seq=seq) if seq in self.cards:
                request = self.cards.pop(seq)
                how, mention = session.settled[seq], session.prompter_of(request)
                card = cards.settled_card(request, how, mention, session.directory)
                return {f"card:{record.generation}:{seq}": card}
            case e.PromptAccepted():
                return self._on_prompt(event, session)
            case e.PromptQueued() | e.PromptTaken() | e.PromptCancelled() | e.PromptDone() | e.PromptAmended():
                return self._on_mark(event)
            case e.WorkerStarted():
                self.tells_death = False
                return {}
            case e.ResumeFailed():
                return {
                    f"resume:{record.generation}:{record.seq}": cards.resume_failed_card(
                        session.session_id, event.reason
                    )
                }
            case e.ChildExited(wanted=False) if self.tells_death and self.lost_turn:
                self.lost_turn.deaths = session.quick_deaths if session.is_broken else 0
                return {self.lost_turn.key: self._lost_card(self.lost_turn, session)}
            case e.ChildExited(wanted=False) if event.reason and not session.last_failure_is_resume:
                return {f"exit:{record.generation}:{record.seq}": _exit_post(event, session)}
            case _:
                return {}

    def live_posts(self, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        """The posts of the open segment with the text that is streaming."""
        if not session.turn or not any(live.values()):
            return {}
        return self._posts(self._open_segment(), session, live)

    def _posts(self, segment: Segment, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        """A segment's posts; what streams stands at the end of the open one, and our notes after it."""
        streaming = self._streaming(segment, live)
        if not streaming:
            segment.release()
        notes = [item for item in segment.held if isinstance(item, NoteItem)]
        return _posts_of(segment, [*streaming, *notes], session.directory)

    def _streaming(self, segment: Segment, live: Mapping[str, str]) -> list[Item]:
        if not self.is_open or segment is not self.segments[-1]:
            return []
        known = {item.block for item in segment.items if isinstance(item, TextItem)}
        return [TextItem(block, text) for block, text in live.items() if block not in known and text.strip()]

    # --- the turn ------------------------------------------------------------------------------------

    def _on_turn_started(
        self, seq: int, event: e.TurnStarted, session: ManagedSession, live: Mapping[str, str]
    ) -> dict[str, Post]:
        self.segments = [s for s in self.segments if s.can_change]
        self.turn_seq, self.next_index, self.is_open = seq, 0, False
        self.answer_chars, self.last_text, self.unknown = 0, "", []
        if event.prompt_ids or not event.origin:
            return {}
        summary = f": {self.wake_summary}" if self.wake_summary else ""
        why = f"↻ A background task ended{summary}"
        return self._add(NoteItem("origin", escape(one_line(why, NOTE_CHARS))), session, live)

    def _on_text(self, event: e.TextWritten, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        """A subagent's text is for its parent, not for the thread."""
        if event.agent_id:
            return {}
        self.answer_chars += len(event.text)
        self.last_text = event.text
        return self._add(TextItem(event.block, event.text), session, live)

    def _on_withdrawn(
        self, event: e.TextWithdrawn, session: ManagedSession, live: Mapping[str, str]
    ) -> dict[str, Post]:
        """Whole texts of these blocks may stand already; what only streamed is gone from ``live``."""
        if not self.is_open or not self.segments:
            return {}
        segment = self.segments[-1]
        void = [i for i in segment.items if isinstance(i, TextItem) and i.block in event.blocks]
        segment.items = [i for i in segment.items if i not in void]
        self.answer_chars -= sum(len(item.text) for item in void)
        return self._posts(segment, session, live)

    def _on_tool_finished(
        self, event: e.ToolFinished, session: ManagedSession, live: Mapping[str, str]
    ) -> dict[str, Post]:
        for segment in self.segments:
            for item in (*segment.items, *segment.held):
                if isinstance(item, ToolItem) and item.tool_use_id == event.tool_use_id:
                    ended = ToolState.ERROR if event.is_error else ToolState.OK
                    item.state = ToolState.UNKNOWN if event.unknown else ended
                    item.output = event.output[:NOTE_CHARS]
                    if event.unknown:
                        self.unknown.append(lost.LostTool(item.tool, item.tool_input[: lost.INPUT_KEPT_CHARS]))
                    return self._posts(segment, session, live)
        return {}

    def _on_turn_ended(self, event: e.TurnEnded, session: ManagedSession) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        self._open_segment().release()
        if event.outcome == "failed":
            posts |= self._add(NoteItem("failure", f"⚠ {failure_in_words(event)}", quiet=False), session, {})
        elif event.result:
            posts |= self._add(TextItem("result", event.result), session, {})
        segment = self._open_segment()
        segment.footer = footer(event, session.turn_cost_usd)
        posts |= _posts_of(segment, [], session.directory)
        if event.outcome == "completed" and self.answer_chars >= LONG_ANSWER_CHARS:
            posts[f"summary:{self.generation}:{self.turn_seq}"] = _summary(self.last_text, session)
        self.is_open = False
        return posts

    def _add(self, item: Item, session: ManagedSession, live: Mapping[str, str]) -> dict[str, Post]:
        segment = self._open_segment()
        is_held = not isinstance(item, TextItem) and bool(self._streaming(segment, live))
        items = segment.held if is_held else segment.items
        last = items[-1] if items else None
        if isinstance(item, NoteItem) and isinstance(last, NoteItem) and last.key == item.key:
            items[-1] = item
        else:
            items.append(item)
        return self._posts(segment, session, live)

    def _open_segment(self) -> Segment:
        if not self.is_open or not self.segments:
            self.segments = [s for s in self.segments if s.can_change]
            self.segments.append(Segment(f"turn:{self.generation}:{self.turn_seq}.{self.next_index}", []))
            self.next_index += 1
            self.is_open = True
        return self.segments[-1]

    # --- a turn that was lost ------------------------------------------------------------------------

    def _lose(self, record: e.Record, event: e.TurnEnded, session: ManagedSession) -> dict[str, Post]:
        """Its card. One at a time has buttons: the last one."""
        posts = self.settle_lost_turn(lost.LOST_AGAIN, session)
        asked = [self.asked[i] for i in event.prompt_ids if i in self.asked]
        turn = self.lost_turn = lost.LostTurn(record.generation, record.seq, event.reason, asked, self.unknown)
        self.unknown, self.tells_death = [], True
        return posts | {turn.key: self._lost_card(turn, session)}

    def settle_lost_turn(self, verdict: str, session: ManagedSession) -> dict[str, Post]:
        """The card of the lost turn without its buttons; nothing when none is open."""
        if (turn := self.lost_turn) is None:
            return {}
        self.lost_turn, self.tells_death = None, False
        mention = session.last_prompter_id or session.owner_id
        return {turn.key: lost.settled_card(turn, verdict, mention, session.directory)}

    def _lost_card(self, turn: lost.LostTurn, session: ManagedSession) -> Post:
        mention = session.last_prompter_id or session.owner_id
        return lost.card(session.session_id, turn, mention, session.directory)

    def _on_prompt(self, event: e.PromptAccepted, session: ManagedSession) -> dict[str, Post]:
        """What is sent again or edited is known; anything else overtakes a lost turn."""
        is_known = event.prompt_id in self.asked
        self.asked[event.prompt_id] = event.text[: lost.ASKED_KEPT_CHARS]
        return {} if is_known else self.settle_lost_turn(lost.OVERTAKEN, session)

    # --- marks on prompts that were sent during a turn -----------------------------------------------

    def _on_mark(self, event: e.AnyEvent) -> dict[str, Post]:
        match event:
            case e.PromptQueued(prompt_id=prompt_id):
                if prompt_id not in self.marks:
                    self.marks.append(prompt_id)
                what = "The new text is sent" if prompt_id in self.edited else "Sent"
                text = f"⧗ {what} to Claude, who takes it up at the next step or after this turn."
            case e.PromptTaken(prompt_id=prompt_id) if prompt_id in self.marks:
                text = "✓ Claude took this up."
            case e.PromptAmended(prompt_id=prompt_id):
                return self._on_amended(event)
            case e.PromptCancelled(prompt_id=prompt_id) if self._forget_prompt(prompt_id):
                text = "✗ Claude stopped before this was done."
            case e.PromptDone(prompt_id=prompt_id) | e.PromptCancelled(prompt_id=prompt_id):
                self._forget_prompt(prompt_id)
                return {}
            case _:
                return {}
        return {f"mark:{prompt_id}": Post(_QUIET + text, reply_to=prompt_id, silent=True)}

    def _on_amended(self, event: e.PromptAmended) -> dict[str, Post]:
        """What became of an edit or a deletion; without a mark only that it did not work."""
        prompt_id, key = event.prompt_id, f"mark:{event.prompt_id}"
        if event.done and event.deleted:
            self._forget_prompt(prompt_id)
            return {key: notices.deleted(prompt_id)}
        if event.done:
            self.edited.append(prompt_id)
            return {key: notices.edited(prompt_id)} if prompt_id in self.marks else {}
        return {key: notices.too_late(prompt_id, deleted=event.deleted)}

    def _forget_prompt(self, prompt_id: int) -> bool:
        """Whether it has a mark."""
        self.asked.pop(prompt_id, None)
        self.edited = [i for i in self.edited if i != prompt_id]
        had_mark = prompt_id in self.marks
        self.marks = [i for i in self.marks if i != prompt_id]
        return had_mark


def _note(seq: int, event: e.ApiRetried | e.Compacted | e.Noticed) -> NoteItem:
    match event:
        case e.ApiRetried():
            return NoteItem("retry", f"⟳ {retry_in_words(event)}")
        case e.Compacted():
            return NoteItem(f"compact{seq}", "⇲ Claude summed up the conversation so far")
        case e.Noticed():
            return NoteItem(f"notice{seq}", escape(one_line(event.text, NOTE_CHARS)))


# --- posts of a segment ------------------------------------------------------------------------------


class _Page(msgspec.Struct):
    """One post in the making. ``used`` counts what its lines may grow to, not what they are now."""

    text: str = ""
    used: int = 0

    def add(self, text: str, cost: int, gap: str) -> None:
        if not text.strip():
            return
        gap = gap if self.text else ""
        self.text += gap + text
        self.used += cost + len(gap)

    def has_room_for(self, cost: int) -> bool:
        return self.used + cost + 2 <= SEGMENT_CHARS


def _posts_of(segment: Segment, streaming: list[Item], directory: str) -> dict[str, Post]:
    pages = _pages([*segment.items, *streaming], directory)
    if segment.footer:
        pages[-1].add(f"{_QUIET}{segment.footer}", 0, "\n")
    texts = [page.text for page in pages if page.text]
    withdrawn = f"{_QUIET}(withdrawn: the connection to Claude broke here, and it began again)"
    texts += [withdrawn] * (segment.posts - len(texts))
    segment.posts = len(texts)
    return {f"{segment.key}.{n}": Post(text, silent=n > 0) for n, text in enumerate(texts)}


def _pages(items: Iterable[Item], directory: str) -> list[_Page]:
    pages = [_Page()]
    after_line = False
    for item in items:
        if isinstance(item, TextItem):
            _add_text(pages, item.text)
        else:
            line, cost = _line(item, directory)
            if not pages[-1].has_room_for(cost):
                pages.append(_Page())
            pages[-1].add(line, cost, "\n" if after_line else "\n\n")
        after_line = not isinstance(item, TextItem)
    return pages


def _add_text(pages: list[_Page], text: str) -> None:
    if not pages[-1].has_room_for(LEAST_ROOM_FOR_TEXT):
        pages.append(_Page())
    room = SEGMENT_CHARS - pages[-1].used - 2
    first, *rest = split(text, SEGMENT_CHARS, first_limit=room) or [""]
    pages[-1].add(first, utf16_len(first), "\n\n")
    for piece in rest:
        pages.append(_Page(piece, utf16_len(piece)))


def _line(item: ToolItem | NoteItem, directory: str) -> tuple[str, int]:
    """(the line, the room that it may grow to)."""
    if isinstance(item, NoteItem):
        text = (_QUIET if item.quiet else "") + item.text
        return text, max(utf16_len(text), tools.TOOL_LINE_CHARS)
    arrow = _QUIET + ("↳ " if item.agent else "")
    given = tools.read_input(item.tool_input)
    match item.state:
        case ToolState.RUNNING:
            line = tools.running_tool_line(item.tool, given, directory)
        case ToolState.UNKNOWN:
            line = tools.unknown_tool_line(item.tool, given, directory)
        case _:
            is_error = item.state is ToolState.ERROR
            line = tools.finished_tool_line(item.tool, given, is_error, item.output, directory)
    return arrow + line, tools.TOOL_LINE_CHARS + len(arrow)


def footer(ended: e.TurnEnded, cost_usd: float) -> str:
    """The turn's quiet last line: outcome, duration, its own cost in USD, tokens."""
    mark = {"completed": "✓ done", "failed": "✗ failed", "interrupted": "■ interrupted", "lost": "? lost"}
    parts = [mark[ended.outcome]]
    if ended.duration:
        parts.append(duration(ended.duration))
    if ended.total_cost_usd is not None:
        parts.append(usd(cost_usd))
    if ended.input_tokens or ended.output_tokens:
        parts.append(f"{tokens(ended.input_tokens)} in, {tokens(ended.output_tokens)} out")
    return " · ".join(parts)


def _summary(text: str, session: ManagedSession) -> Post:
    paragraph = next(
        (p for p in text.split("\n\n") if p.strip() and not p.lstrip().startswith(("#", "```", "|"))), text
    )
    return Post(
        f"{escape(one_line(paragraph, SUMMARY_CHARS))}\n{_QUIET}The whole answer: {session.url()}",
        silent=True,
        where="channel",
    )


def _exit_post(event: e.ChildExited, session: ManagedSession) -> Post:
    what = escape(one_line(event.reason, NOTE_CHARS))
    if session.is_broken:
        rest = (
            f"That was {session.quick_deaths} times in a row, so it is not started again by itself."
            " Mend it, then write here to try again."
        )
    else:
        rest = "Nothing is run again by itself. Write here to go on where the conversation stands."
    return Post(f"⚠ {what}\n{_QUIET}{rest}")
