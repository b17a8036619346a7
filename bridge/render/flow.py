"""The changeable end of a thread's flow: the segments that can still change, the last of which may take more.

A segment leaves when nothing in it can change any more; its posts stay as they are.
"""

from collections.abc import Mapping

import msgspec

from bridge.render.items import Item, NoteItem, TextItem, ToolItem
from bridge.render.posts import Post
from bridge.render.segments import Segment, posts_of
from bridge.session.display import Display
from bridge.session.managed import ManagedSession

SEGMENT_ITEMS = 250
"""Each new item draws its segment again, so a turn without an end is cut into several."""


class Now(msgspec.Struct, frozen=True):
    """What is the case beside the view. ``live``: the text of the blocks that are open."""

    session: ManagedSession
    live: Mapping[str, str]
    display: Display
    by_rule: bool = False
    """What is asked is allowed by rules: no card of it is shown."""


class Flow(msgspec.Struct):
    """Stored with the view, whose first part it is."""

    segments: list[Segment] = []
    generation: str = ""
    """The log's that the segments and cards are of; seqs, and so keys, begin anew with another one."""
    is_open: bool = False
    """Whether the last segment still takes items."""
    turn_seq: int = 0
    next_index: int = 0
    unfinished: dict[str, str] = {}
    """What was shown of the texts that are not whole yet, by block. Live text is only in memory; this is stored."""
    after_card: bool = False
    """A card that pinged is the last thing in the thread, but for last lines."""
    is_card_last: bool = False
    """A card of what is asked is the last thing in the thread, but for the lines of tools."""

    def _add(self, item: Item, now: Now) -> dict[str, Post]:
        self.after_card = self.after_card and isinstance(item, ToolItem) and item.agent
        self.is_card_last = self.is_card_last and isinstance(item, ToolItem)
        segment = self._open_segment(now)
        is_held = not isinstance(item, TextItem) and bool(self._streaming(segment, now))
        items = segment.held if is_held else segment.items
        last = items[-1] if items else None
        if isinstance(item, NoteItem) and isinstance(last, NoteItem) and last.key == item.key:
            items[-1] = item
        else:
            items.append(item)
        return self._posts(segment, now)

    def _posts(self, segment: Segment, now: Now) -> dict[str, Post]:
        """A segment's posts; what streams stands at the end of the open one, and our notes after it."""
        streaming = self._streaming(segment, now)
        if not streaming:
            segment.release()
        held = [item for item in segment.held if isinstance(item, NoteItem)]
        return posts_of(segment, [*streaming, *held], now.session.directory)

    def _with_unfinished(self, live: Mapping[str, str]) -> dict[str, str]:
        """The live text; after a restart it may not have come again as far as it was shown."""
        blocks = [*self.unfinished, *(block for block in live if block not in self.unfinished)]
        return {block: max(self.unfinished.get(block, ""), live.get(block, ""), key=len) for block in blocks}

    def _break_off(self, now: Now) -> dict[str, Post]:
        """The texts that are not whole now never will be; what there is of them stays."""
        self.unfinished = {}
        if not now.live:
            return {}
        segment = self._open_segment(now)
        streaming = self._streaming(segment, now)
        segment.items += [msgspec.structs.replace(item, is_open=False, is_broken_off=True) for item in streaming]
        return self._posts(segment, Now(now.session, {}, now.display)) if streaming else {}

    def _streaming(self, segment: Segment, now: Now) -> list[TextItem]:
        if not self.is_open or segment is not self.segments[-1]:
            return []
        known = {item.block for item in segment.items if isinstance(item, TextItem)}
        return [
            TextItem(block, text, is_open=True)
            for block, text in now.live.items()
            if block not in known and text.strip()
        ]

    def _open_segment(self, now: Now) -> Segment:
        if self.is_open and self.segments and len(self.segments[-1].items) >= SEGMENT_ITEMS:
            self.is_open = bool(self._streaming(self.segments[-1], now))
        if not self.is_open or not self.segments:
            key = f"{keys_of(self.generation, self.turn_seq)}{self.next_index}"
            self.segments = [s for s in self.segments if s.can_change]
            self.segments.append(Segment(key, verbosity=now.display.verbosity))
            self.next_index += 1
            self.is_open = True
        return self.segments[-1]

    def _calls(self, tool_use_id: str) -> list[tuple[Segment, ToolItem]]:
        """The call of that id, and the segment in which its line stands; empty when it stands in none any more."""
        tools = [(segment, tool) for segment in self.segments for tool in segment.tools()]
        return [(segment, tool) for segment, tool in tools if tool.tool_use_id == tool_use_id]

    def _break_flow(self, now: Now) -> None:
        """What comes next stands below the post that is made now; text that streams goes on where it is."""
        self.is_open = self.is_open and bool(now.live)
        self.after_card = self.is_card_last = False


def keys_of(generation: str, turn_seq: int) -> str:
    """What the keys of a turn's posts begin with."""
    return f"turn:{generation}:{turn_seq}."
