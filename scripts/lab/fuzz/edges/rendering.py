"""What Claude writes and asks, as a thread shows it: Markdown, tool inputs, and events in any order.

An input that is JSON lines is events for one thread; the whole of it is Markdown, and a tool's input too.
"""

from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec

from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.protocol.records import decode_record, encode_record
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL
from bridge.render import cards
from bridge.render.asked import describe
from bridge.render.diff import diff_for, short_diff
from bridge.render.markdown.split import pages, split
from bridge.render.posts import Post, payload
from bridge.render.tools import done_tool_line, failed_tool_line, read_input, running_tool_line
from bridge.render.view import ThreadView
from bridge.session.display import Display
from bridge.session.managed import session_from
from bridge.session.permission import PermissionRequest, RequestName
from lab.fuzz.edge import Edge, hold
from lab.fuzz.values import INPUTS, WORDS, one_of

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
GENERATION = "0123456789abcdef"
TOOLS = (
    "Bash",
    "Edit",
    "MultiEdit",
    "Write",
    "NotebookEdit",
    "Read",
    "TodoWrite",
    "Task",
    "mcp__a__b",
    PLAN_TOOL,
    QUESTION_TOOL,
)
EVENTS = get_args(e.AnyEvent)
MARKS = (
    "\n",
    "\n\n",
    "```",
    "~~~py\n",
    "- ",
    "> ",
    "1. ",
    "    ",
    "\t",
    "| a | b |\n|---|:-:|\n",
    "**",
    "_",
    "`",
    "||",
    "&amp;",
)
LIMITS = {"content": 2000, "title": 256, "description": 4096, "label": 100, "custom_id": 100, "text": 2048}
MOST_TEXT = 20_000


class Rendering(Edge):
    name = "rendering"
    clean = "none: whatever comes is shown, within Discord's limits"

    def made(self, random: Random) -> bytes:
        match random.randrange(3):
            case 0:
                return "".join(
                    random.choice((*MARKS, *WORDS, "word ", "❤️")) for _ in range(random.randint(1, 60))
                ).encode()
            case 1:
                return random.choice(INPUTS).encode()
        events = [one_of(random, EVENTS) for _ in range(random.randint(1, 12))]
        records = [e.Record(GENERATION, seq, 1.0, event) for seq, event in enumerate(events, 1)]
        return b"".join(encode_record(one)[1] for one in records)

    def feed(self, data: bytes, folder: Path) -> None:
        text = data[:MOST_TEXT].decode(errors="replace")
        _markdown(text)
        _tool(text, TOOLS[len(data) % len(TOOLS)])
        _thread(data)


def _markdown(text: str) -> None:
    for limit in (2000, 300):
        for ended in (True, False):
            for piece in split(text, limit, ended=ended):
                hold(_units(piece) <= limit, f"a piece of {_units(piece)} with the limit {limit}")
    for page in pages(text):
        hold(_units(page) <= 2000, "a page of more than 2,000")


def _tool(text: str, name: str) -> None:
    given = read_input(text)
    describe(name, given, "/srv")
    diff_for(name, given)
    short_diff(name, given)
    lines = (
        running_tool_line(name, given, "/srv"),
        done_tool_line(name, given, "/srv"),
        failed_tool_line(name, given, "/srv", text),
    )
    for line in lines:
        hold(_units(line) <= 2000 and "\n" not in line, "a tool's line is none")
    event = e.PermissionRequested("r", name, text, "d", rules=(e.SuggestedRule(name, text),), reason=text[:500])
    request = PermissionRequest(RequestName(SESSION, GENERATION, 7), 1.0, 0, event)
    _fits(payload(cards.open_card(request, 111, "/srv")))


def _thread(data: bytes) -> None:
    session = session_from(e.SessionCreated(SESSION, 1000, 7, 222, "/srv", 111), 1.0)
    view, live, applied = ThreadView(), {"b": "live **te"}, 0
    for line in data.split(b"\n"):
        try:
            record = decode_record(line)
        except RemoteError:
            continue
        record = msgspec.structs.replace(record, generation=GENERATION, seq=(applied := applied + 1))
        session.apply(record)
        for post in (view.apply(record, session, live, Display()) | view.live_posts(session, live, Display())).values():
            _shown(post)
        view = msgspec.json.decode(msgspec.json.encode(view), type=ThreadView)


def _shown(post: Post) -> None:
    if not post.thread_name:
        _fits(payload(post))


def _fits(node: Any, key: str = "") -> None:
    match node:
        case dict():
            for name, inside in node.items():
                _fits(inside, str(name))
        case list() | tuple():
            hold(key != "components" or len(node) <= 5, f"{len(node)} components")
            for inside in node:
                _fits(inside)
        case str() if key in LIMITS:
            hold(_units(node) <= LIMITS[key], f"{key} of {_units(node)}")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
