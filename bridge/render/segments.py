"""The flow of a turn, kept in segments, which are cut into posts.

Items only come at the end of a segment, so where a post ends depends on nothing that comes later: a line costs the
room that it may ever need, from the start, and so does a run of tool lines; text is split prefix-stable, and is the
last item while it grows. So what stands in an earlier post never moves; only a post's own lines change.

How much is shown is settled when a segment begins: a changed configuration changes no post that is there.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, cast

import msgspec

from bridge.render import runs, tools
from bridge.render.display import Verbosity
from bridge.render.items import Item, NoteItem, TextItem, ToolItem, ToolState
from bridge.render.markdown import split
from bridge.render.posts import CONTENT_CHARS, Post
from bridge.render.runs import QUIET
from bridge.render.text import utf16_len

FOOTER_CHARS = 110
SEGMENT_CHARS = CONTENT_CHARS - FOOTER_CHARS
LEAST_ROOM_FOR_TEXT = 400
_WITHDRAWN = f"{QUIET}(withdrawn: the connection to Claude broke here, and it began again)"


class Segment(msgspec.Struct):
    """What comes while text streams is *held* until the text is whole: above it, it would move what stands there."""

    key: str
    items: list[Item] = []
    held: list[Item] = []
    footer: str = ""
    posts: int = 0
    """How many posts it has been cut into; never fewer are shown."""
    verbosity: Verbosity | Literal[""] = ""
    """Empty: it began before there was a choice."""

    @property
    def can_change(self) -> bool:
        return any(tool.state is ToolState.RUNNING for tool in self.tools())

    def tools(self) -> list[ToolItem]:
        return [item for item in (*self.items, *self.held) if isinstance(item, ToolItem)]

    def release(self) -> None:
        """No text streams any more."""
        self.items += self.held
        self.held = []


def posts_of(segment: Segment, streaming: Sequence[Item], directory: str) -> dict[str, Post]:
    """The segment's posts by key, in their order; ``streaming`` stands at its end, for now."""
    pages = _Pages(runs.LOOKS[segment.verbosity], directory)
    pages.lay_out([*segment.items, *streaming])
    if segment.footer:
        pages.last.add(f"{QUIET}{segment.footer}", 0, "\n")
    texts = [page.text for page in pages.pages if page.text]
    texts += [_WITHDRAWN] * (segment.posts - len(texts))
    segment.posts = len(texts)
    return {f"{segment.key}.{n}": Post(text, silent=n > 0) for n, text in enumerate(texts)}


class _Page(msgspec.Struct):
    """One post in the making. ``used`` counts what its lines may grow to, not what they are now."""

    text: str = ""
    used: int = 0
    ends_in_line: bool = False

    def add(self, text: str, cost: int, gap: str) -> None:
        if not text.strip():
            return
        gap = gap if self.text else ""
        self.text += gap + text
        self.used += cost + len(gap)
        self.ends_in_line = False

    def add_line(self, line: str, cost: int) -> None:
        self.add(line, cost, "\n" if self.ends_in_line else "\n\n")
        self.ends_in_line = True

    def has_room_for(self, cost: int) -> bool:
        return self.used + cost + 2 <= SEGMENT_CHARS


class _Pages:
    def __init__(self, look: runs.Look, directory: str) -> None:
        self.pages = [_Page()]
        self._look = look
        self._directory = directory

    @property
    def last(self) -> _Page:
        return self.pages[-1]

    def lay_out(self, items: Iterable[Item]) -> None:
        shown = (i for i in items if self._look.with_agents or not (isinstance(i, ToolItem) and i.agent))
        for is_run, group in groupby(shown, runs.in_run):
            if is_run:
                self._add_run(cast("Iterable[runs.RunItem]", group))
                continue
            for item in group:
                if isinstance(item, TextItem):
                    self._add_text(item.text)
                elif isinstance(item, NoteItem):
                    self._add_note(item)

    def _add_text(self, text: str) -> None:
        if not self.last.has_room_for(LEAST_ROOM_FOR_TEXT):
            self.pages.append(_Page())
        room = SEGMENT_CHARS - self.last.used - 2
        first, *rest = split(text, SEGMENT_CHARS, first_limit=room) or [""]
        self.last.add(first, utf16_len(first), "\n\n")
        self.pages += [_Page(piece, utf16_len(piece)) for piece in rest]

    def _add_note(self, note: NoteItem) -> None:
        """Another note may take its place, so it has at least the room of any line."""
        text = (QUIET if note.quiet else "") + note.text
        cost = max(utf16_len(text), tools.TOOL_LINE_CHARS)
        if not self.last.has_room_for(cost):
            self.pages.append(_Page())
        self.last.add_line(text, cost)

    def _add_run(self, items: Iterable[runs.RunItem]) -> None:
        """Where lines are counted, a run goes on in one more post at most; what has no room there is counted."""
        part, may_go_on = runs.Part(), True
        for item in items:
            grown = part.grown(item, self._look)
            if not self._has_room_for(grown) and (may_go_on or self._look.most is None):
                self._put(part)
                self.pages.append(_Page())
                may_go_on = False
                grown = runs.Part().grown(item, self._look)
            while not self._has_room_for(grown) and len(grown.lines) > 1:
                grown = grown.smaller()
            part = grown
        self._put(part)

    def _has_room_for(self, part: runs.Part) -> bool:
        return self.last.has_room_for(part.room(self._look))

    def _put(self, part: runs.Part) -> None:
        if part.lines or part.counted:
            self.last.add_line(part.text(self._look, self._directory), part.room(self._look))
