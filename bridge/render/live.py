"""Text of blocks that are still being written: which of it is void, and how it ends when it will never be whole.

A block's text comes as deltas, which are in no log. It is void when its whole text is logged, or when Claude takes it
back. When its turn or its process ends without either, what there is of it is all that there will be: it stays, closed
where it broke.
"""

import re

from bridge.protocol import events as e

_CODE = re.compile(r"(?<!`)(`++)(?:[^`]++|(?!\1(?!`))`++)*?\1(?!`)")
_MARK = re.compile(r"\\.|(\*\*|__|~~|\|\||\*|`+)", re.DOTALL)


def forget_void(live: dict[str, str], event: e.AnyEvent) -> None:
    """What this event replaces or takes back. To be done before the event is shown."""
    match event:
        case e.TextWritten(block=block):
            live.pop(block, None)
        case e.TextWithdrawn(blocks=blocks):
            for block in blocks:
                live.pop(block, None)
        case _:
            pass


def forget_ended(live: dict[str, str], event: e.AnyEvent) -> None:
    """To be done after the event is shown: it kept what there was."""
    if isinstance(event, e.TurnEnded | e.WorkerStarted | e.ChildExited):
        live.clear()


def closed(text: str) -> str:
    """The text with the emphasis closed that its last paragraph left open. Fences are closed by whoever cuts it."""
    text = text.rstrip()
    if text.count("```") % 2:
        return text
    return text + _open_marks(text[text.rfind("\n\n") + 1 :])


def _open_marks(paragraph: str) -> str:
    """The marks that are open at its end, the innermost first."""
    opened: list[str] = []
    paragraph = _CODE.sub(lambda code: "x" * len(code[0]), paragraph)
    for found in _MARK.finditer(paragraph):
        mark, after = found[1], paragraph[found.end() : found.end() + 1]
        if not mark:
            continue
        if mark in opened:
            del opened[opened.index(mark) :]
        elif after.strip():
            opened.append(mark)
            if mark.startswith("`"):
                return mark + "".join(reversed(opened[:-1]))  # in code nothing else is a mark
    return "".join(reversed(opened))
