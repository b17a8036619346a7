"""docs/walks.md: each walk as a picture of rooms, and below it from file to file.

A room is a box, with its files in the order in which they are come to. How an arrow between two boxes is drawn says how
the code joins them: a call, a question that is answered, something that comes up from below, another process.
"""

from collections import defaultdict
from pathlib import PurePath

from lab.walks.arrows import Begun, Calls, Given, Heard, Hint, How, Outside, Sent, Taken
from lab.walks.inference import ROOT
from lab.walks.table import WALKS, Arrow, Walk

PAGE = ROOT / "docs/walks.md"
_HEAD = """\
# Walks through the house

What happens to one thing, from file to file. Drawn from `scripts/lab/walks/table.py` by `./scripts/walks --write`;
`tests/scripts/lab/test_walks.py` looks up each arrow in the code, and fails while this page is not what the table says.
The rooms and their floors: [architecture.md](architecture.md).

A box is a room, with its files in the order in which they are come to. The numbers are those of the table below.

| arrow | it means |
|---|---|
| `-->` | a call, from a higher floor to a lower one |
| `<-->` | a question: it is answered before the walk goes on from where it was |
| `-.->` | up to a higher floor: an event that was listened for, or a hint that there is something |
| `==>` | from one process to another |"""


def room_of(place: str) -> str:
    """The folder of a file; what is outside is a room of its own."""
    return PurePath(place).parent.as_posix() if "/" in place else place


def link_of(arrow: Arrow) -> str:
    """As mermaid draws it."""
    if isinstance(arrow.how, Sent | Begun | Outside):
        return "==>"
    if arrow.asks:
        return "<-->"
    return "-.->" if isinstance(arrow.how, Heard | Hint) else "-->"


def picture(walk: Walk) -> str:
    """Between two rooms arrows of one kind are one."""
    boxes: dict[str, list[str]] = defaultdict(list)
    between: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for number, arrow in enumerate(walk.arrows, 1):
        for place in (arrow.start, arrow.to):
            files = boxes[room_of(place)]
            files += [] if PurePath(place).stem in files else [PurePath(place).stem]
        if room_of(arrow.start) != room_of(arrow.to):
            label = f"{number} {arrow.what}".strip()
            between[room_of(arrow.start), link_of(arrow), room_of(arrow.to)].append(label)
    lines = [f"    {_name(room)}{_box(room, files)}" for room, files in boxes.items()]
    lines += [f'    {_name(a)} {link}|"{"<br>".join(told)}"| {_name(b)}' for (a, link, b), told in between.items()]
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


def _name(room: str) -> str:
    return room.replace("/", "_")


def _box(room: str, files: list[str]) -> str:
    if "/" not in room and files == [room]:
        return f'(["{room}"])'
    return f'["<b>{room}/</b><br>{"<br>".join(files)}"]'


def table(walk: Walk) -> str:
    rows = [
        f"| {number} | {_cell(arrow.start)} {'⇄' if arrow.asks else '→'} {_cell(arrow.to)} | {arrow.told} |"
        f" {in_words(arrow.how)} |"
        for number, arrow in enumerate(walk.arrows, 1)
    ]
    return "\n".join(["| | from, to | what happens | by |", "|---|---|---|---|", *rows])


def _cell(place: str) -> str:
    return f"[`{place}`](../{place})" if "/" in place else place


def in_words(how: How) -> str:
    """What joins the two ends."""
    match how:
        case Calls(function=function):
            return f"a call of `{function}`"
        case Given(where=where):
            return f"a call; joined in {_cell(where)}"
        case Taken(how=inner):
            return in_words(inner).replace("a call", "the second one by a call")
        case Heard(event=event):
            return f"the event {event}"
        case Hint(what=what):
            return f"the hint *{what}*"
        case Sent(message=message):
            return f"the message {message}"
        case Begun():
            return "a new process"
        case Outside(library=library):
            return f"`{library}`"


def page() -> str:
    sections = (f"## {walk.title}\n\n{walk.told}\n\n{picture(walk)}\n\n{table(walk)}" for walk in WALKS)
    return "\n\n".join([_HEAD, *sections]) + "\n"
