"""The flow of a turn, kept in segments, which are cut into posts.

Items only come at the end of a segment, so where a post ends depends on nothing that comes later: a line costs the
room that it may ever need, from the start, and so does a run of tool lines; text is split prefix-stable, and is the
last item while it grows. So what stands in an earlier post never moves; only a post's own lines change.

So laying out only ever goes on, too: what was laid out once is kept beside the segment (``_Laid``) and never done
again, or a turn of a thousand tools would cost a million lines. What a line *says* is asked anew each time.

How much is shown is settled when a segment begins: a changed configuration changes no post that is there.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render import runs, tools
from bridge.render.ends import diff_button
from bridge.render.items import Item, NoteItem, TextItem, ToolItem, ToolState
from bridge.render.live import closed
from bridge.render.markdown.split import split
from bridge.render.posts import Post
from bridge.render.runs import QUIET
from bridge.session.display import Verbosity
from bridge.text import utf16_len

FOOTER_CHARS = 110
SEGMENT_CHARS = CONTENT_CHARS - FOOTER_CHARS
LEAST_ROOM_FOR_TEXT = 400
_WITHDRAWN = f"{QUIET}(withdrawn: the connection to Claude broke here, and it began again)"
_EMPTY = f"{QUIET}(nothing stands here any more; the text above is all of it)"
_ON_CARD = f"{QUIET}↓"
BROKEN_OFF = NoteItem("broken off", "✂ The text breaks off here.")


class Segment(msgspec.Struct, dict=True):
    """What comes while text streams is *held* until the text is whole: above it, it would move what stands there."""

    key: str
    items: list[Item] = []
    held: list[Item] = []
    footer: str = ""
    diff: str = ""
    """The custom_id of the button beside the footer that shows what the turn changed; empty: nothing."""
    posts: int = 0
    """How many posts it has been cut into; never fewer are shown."""
    is_withdrawn: bool = False
    """Claude took a text of it back, and began again."""
    verbosity: Verbosity | Literal[""] = ""
    """Empty: it began before there was a choice."""

    @property
    def can_change(self) -> bool:
        return any(tool.state is ToolState.RUNNING for tool in self.tools())

    @property
    def is_on_cards(self) -> bool:
        """Whatever it says stands on cards of its own, below."""
        on_cards = [tool for tool in self.tools() if tool.card]
        return len(on_cards) == len(self.items) + len(self.held) and not self.footer

    def tools(self) -> list[ToolItem]:
        return [item for item in (*self.items, *self.held) if isinstance(item, ToolItem)]

    def release(self) -> None:
        """No text streams any more."""
        self.items += self.held
        self.held = []


def posts_of(segment: Segment, streaming: Sequence[Item], directory: str) -> dict[str, Post]:
    """The segment's posts by key, in their order; ``streaming`` stands at its end, for now."""
    pages = _laid_out(segment).copy()
    pages.lay_out(streaming)
    pages.end_run()
    if segment.footer:
        pages.last.add(f"{QUIET}{segment.footer}", 0, "\n")
    texts = [page.text(pages.look, directory) for page in pages.pages]
    while texts and not texts[-1]:
        texts.pop()
    texts += [""] * (segment.posts - len(texts))
    segment.posts = len(texts)
    empty = _WITHDRAWN if segment.is_withdrawn else _ON_CARD if segment.is_on_cards else _EMPTY
    posts = {f"{segment.key}.{n}": Post(text or empty, silent=n > 0, optional=not text) for n, text in enumerate(texts)}
    if posts and segment.footer and segment.diff:
        last = next(reversed(posts))
        posts[last] = msgspec.structs.replace(posts[last], buttons=(diff_button(segment.diff),))
    return posts


class _Laid(msgspec.Struct):
    """How far a segment was laid out: not stored, and made anew when its items are not what they were."""

    items: list[Item]
    pages: "_Pages"


def _laid_out(segment: Segment) -> "_Pages":
    laid: _Laid | None = vars(segment).get("laid")
    if laid is None or not _is_beginning(laid.items, segment.items):
        laid = vars(segment)["laid"] = _Laid([], _Pages(runs.LOOKS[segment.verbosity]))
    new = segment.items[len(laid.items) :]
    laid.pages.lay_out(new)
    laid.items += new
    return laid.pages


def _is_beginning(known: Sequence[Item], items: Sequence[Item]) -> bool:
    return len(known) <= len(items) and all(one is other for one, other in zip(known, items, strict=False))


class _Page(msgspec.Struct):
    """One post in the making. ``used`` counts what its lines may grow to, not what they are now."""

    blocks: list[tuple[str, str | runs.Part]] = []
    """Each with the gap above it."""
    used: int = 0
    ends_in_line: bool = False
    told: tuple[object, str] = (None, "")
    """The text, and what its lines said of their tools when it was made."""

    def add(self, block: str | runs.Part, cost: int, gap: str) -> None:
        if isinstance(block, str) and not block.strip():
            return
        gap = gap if self.blocks else ""
        self.blocks.append((gap, block))
        self.used += cost + len(gap)
        self.ends_in_line = False

    def add_line(self, line: str | runs.Part, cost: int) -> None:
        self.add(line, cost, "\n" if self.ends_in_line else "\n\n")
        self.ends_in_line = True

    def has_room_for(self, cost: int) -> bool:
        return self.used + cost + 2 <= SEGMENT_CHARS

    def text(self, look: runs.Look, directory: str) -> str:
        now = len(self.blocks), [block.state() for _, block in self.blocks if isinstance(block, runs.Part)]
        if self.told[0] != now:
            self.told = now, self._text(look, directory)
        return self.told[1]

    def _text(self, look: runs.Look, directory: str) -> str:
        blocks = ((gap, block if isinstance(block, str) else block.text(look, directory)) for gap, block in self.blocks)
        shown = [(gap, text) for gap, text in blocks if text]
        return "".join((gap if n else "") + text for n, (gap, text) in enumerate(shown))

    def copy(self) -> "_Page":
        return _Page([*self.blocks], self.used, self.ends_in_line, self.told)


class _Pages:
    """The last page takes more; a run of tool lines is *open* until something else comes."""

    def __init__(self, look: runs.Look) -> None:
        self.look = look
        self.pages = [_Page()]
        self._run: runs.Part | None = None
        self._may_go_on = True

    @property
    def last(self) -> _Page:
        return self.pages[-1]

    def copy(self) -> "_Pages":
        """To be gone on with for the moment, apart from this one."""
        pages = _Pages(self.look)
        pages.pages = [*self.pages[:-1], self.last.copy()]
        pages._run, pages._may_go_on = self._run, self._may_go_on
        return pages

    def lay_out(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, ToolItem) and item.agent and not self.look.with_agents:
                continue
            if not runs.in_run(item):
                self.end_run()
            match item:
                case TextItem():
                    self._add_text(item)
                case NoteItem() if not item.is_thinking:
                    self._add_note(item)
                case _:
                    self._go_on(item)

    def end_run(self) -> None:
        if (part := self._run) and (part.lines or part.counted):
            self.last.add_line(part, part.room(self.look))
        self._run, self._may_go_on = None, True

    def _add_text(self, item: TextItem) -> None:
        if not self.last.has_room_for(LEAST_ROOM_FOR_TEXT):
            self.pages.append(_Page())
        room = SEGMENT_CHARS - self.last.used - 2
        text = closed(item.text) if item.is_broken_off else item.text
        first, *rest = split(text, SEGMENT_CHARS, first_limit=room, ended=not item.is_open) or [""]
        self.last.add(first, utf16_len(first), "\n\n")
        for piece in rest:
            self.pages.append(_Page())
            self.last.add(piece, utf16_len(piece), "")
        if item.is_broken_off:
            self._add_note(BROKEN_OFF)

    def _add_note(self, note: NoteItem) -> None:
        """Another note may take its place, so it has at least the room of any line."""
        text = (QUIET if note.quiet else "") + note.text
        cost = max(utf16_len(text), tools.TOOL_LINE_CHARS)
        if not self.last.has_room_for(cost):
            self.pages.append(_Page())
        self.last.add_line(text, cost)

    def _go_on(self, item: runs.RunItem) -> None:
        """Where lines are counted, a run goes on in one more post at most; what has no room there is counted."""
        grown = (self._run or runs.Part()).grown(item, self.look)
        if not self._has_room_for(grown) and (self._may_go_on or self.look.most is None):
            self.end_run()
            self.pages.append(_Page())
            self._may_go_on = False
            grown = runs.Part().grown(item, self.look)
        while not self._has_room_for(grown) and len(grown.lines) > 1:
            grown = grown.smaller()
        self._run = grown

    def _has_room_for(self, part: runs.Part) -> bool:
        return self.last.has_room_for(part.room(self.look))
