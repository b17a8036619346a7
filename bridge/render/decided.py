"""A request that was decided: one line, which is the line of its tool.

    ⋯ Bash `pytest -q` · allowed by @ada            it runs
    ✓ Bash `pytest -q` · allowed by @ada            it did what it should
    ✗ Bash `pytest -q` · allowed by @ada – failed: Exit code 1
    ✗ Bash `rm -rf build` · denied by @ada: “not now”

The card becomes this line, and the line in the flow, above the card, goes: nothing is said twice. What was asked can
still be looked at (**Show**). A question's card and a plan's stay cards: there what was answered is worth reading.
"""

from bridge.render import runs, tools
from bridge.render.items import TOOL_INPUT_KEPT_CHARS, ToolItem, ToolState
from bridge.render.posts import Button, Post
from bridge.session.people import named
from bridge.session.permission import PermissionRequest, RequestName, Settled
from bridge.session.rules import IN_WORDS
from bridge.text import clip, escape, one_line, utf16_len

REASON_CHARS = 500
SHORT_CHARS = 230
"""UTF-16 units of a line that shares its post with others."""
_WHAT_CHARS = 80
_MARKS = {ToolState.RUNNING: tools.RUNNING, ToolState.OK: tools.DONE, ToolState.UNKNOWN: tools.UNKNOWN}
_FIXED = {"denied": tools.FAILED, "expired": "⌛", "withdrawn": "—"}
"""What never ran."""


def is_line(request: PermissionRequest) -> bool:
    return not request.is_plan and not request.questions


def settle(item: ToolItem, request: PermissionRequest, how: Settled) -> None:
    """The tool's line tells from now on how its request ended."""
    item.verdict, item.decided = how.verdict, _in_words(how)
    item.show = request.name.custom_id("show")


def item_of(request: PermissionRequest, card: str) -> ToolItem:
    """For a request whose tool stands in no flow."""
    event, kept = request.event, request.event.tool_input[:TOOL_INPUT_KEPT_CHARS]
    return ToolItem(event.tool_use_id, event.tool, kept, bool(event.agent_id), card=card)


def again(name: RequestName, which: str = "") -> Button:
    """Of what nobody answered in time; ``which``: of several in one post."""
    return Button(f"Let Claude ask {which}again", name.custom_id("again"), "primary")


def again_prompt(what: str) -> str:
    """What Claude is told, for whom the request was simply denied. ``what`` as a push shows it."""
    return (
        f"[Threadbridge] Nobody was there to answer when you asked for this, so it was not allowed: {what}\n"
        "Somebody is there now. If you still need it, do it again just as you did, and you will be answered."
    )


def post(item: ToolItem, look: runs.Look, directory: str, asks_again: Button | None = None) -> Post:
    below = runs.below(item, look)
    text = f"{runs.head(item)}{_line(item, directory)}" + (f"\n{below}" if below else "")
    return Post(text, buttons=(*([asks_again] if asks_again else []), Button("Show", item.show)), urgent=True)


def short(item: ToolItem, directory: str) -> str:
    """The line alone; where it is long without why it was denied or failed, which *Show* and Claude tell."""
    line = runs.head(item) + _line(item, directory)
    if utf16_len(line) <= SHORT_CHARS:
        return line
    what = tools.tool_line(item.tool, tools.read_input(item.tool_input), directory, _WHAT_CHARS)
    return clip(f"{runs.head(item)}{_mark(item)} {what} · {item.decided.partition(': “')[0]}", SHORT_CHARS)


def _mark(item: ToolItem) -> str:
    return _FIXED.get(item.verdict) or _MARKS.get(item.state, tools.FAILED)


def _line(item: ToolItem, directory: str) -> str:
    what = tools.tool_line(item.tool, tools.read_input(item.tool_input), directory)
    return f"{_mark(item)} {what} · {item.decided}{'' if item.verdict in _FIXED else _end(item)}"


def _end(item: ToolItem) -> str:
    match item.state:
        case ToolState.ERROR:
            return tools.failure(item.tool, item.output, is_denied=item.is_denied)
        case ToolState.UNKNOWN:
            return " – outcome unknown"
        case _:
            return f" · {item.progress}" if item.progress else ""


def decided_by(how: Settled) -> str:
    who = named(how.decider_id, how.decider)
    return f"{named(how.also_by)} and {who}" if how.also_by else who


def because(how: Settled) -> str:
    """The reason, as it stands behind a verdict; empty when none was given."""
    return f": “{escape(one_line(how.reason, REASON_CHARS))}”" if how.reason else ""


def _in_words(how: Settled) -> str:
    who, why = decided_by(how), because(how)
    match how.verdict:
        case "allowed":
            also = f", {escape(one_line(how.kept, REASON_CHARS))}" if how.kept and not how.always else ""
            edits = ", edits are accepted without asking" if how.mode else ""
            return f"allowed{_kept(how)} by {who}{edits}{also}"
        case "denied":
            return f"denied by {who}{why}"
        case "expired":
            return "nobody answered in time, and Claude was told so"
        case _:
            return f"withdrawn{why or ': Claude no longer asks this'}"


def _kept(how: Settled) -> str:
    """For how long; older workers tell only that it was for the session."""
    return f" {how.kept or IN_WORDS['always']}," if how.always else ""
