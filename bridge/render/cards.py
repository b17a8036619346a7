"""Cards with buttons: permission requests, plans, questions, and what a person must decide about a session.

A card shows *exactly* what would run, whole: in the card, or as a file beside it when it is long. Text that
tricks the eye (bidi overrides, zero-width characters, controls) is made visible. Its first line says what is asked,
for that is all that a push shows. It changes because of the event, never because of a click; a tool's becomes its line
then (``bridge.render.decided``), a question's and a plan's say who decided what.
"""

from collections.abc import Sequence

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.protocol.events import PermissionRequested, SuggestedRule
from bridge.protocol.push import PUSH_TOOL, Push, from_input
from bridge.render import asked as asked_for
from bridge.render import directories, pushes, questions, tool_phrases
from bridge.render.decided import because, decided_by
from bridge.render.excerpts import code_excerpt, fitting_file, lines_excerpt, markdown_excerpt
from bridge.render.modals import labelled, modal, text_field
from bridge.render.posts import Button, Embed, File, Post
from bridge.session.custom_ids import REASON_FIELD
from bridge.session.people import called, named, pinged
from bridge.session.permission import KEEP_PLANNING, PermissionRequest, Settled
from bridge.session.questions import Draft
from bridge.text import clip, code_block, escape, one_line, reveal, utf16_len

BODY_CHARS = 3000
DIFF_LINES = 15
EXCERPT_CHARS = 2200
AGENT_CHARS = 200
NAME_CHARS = 90
RULE_CHARS = 300
PLAN_CHANGE_CHARS = 3000

OPEN, _ALLOWED, _DENIED, _GONE = 0xE0A030, 0x3BA55D, 0xD83C3E, 0x747F8D
ACCEPTING_EDITS = (
    "With edits accepted Claude edits, and runs rm, mv, mkdir and sed in the directory, without asking; /mode default"
    " ends that."
)
"""In the mode acceptEdits these commands run unasked inside the directory (docs/claude-protocol.md, "Command line")."""
STILL_ASKED = "Claude asks about each edit all the same: in this channel two people must allow some of what it does."
_FILE_NAMES = {"diff": "change.diff", "bash": "command.sh", "json": "input.json", "markdown": "plan.md"}


def open_card(request: PermissionRequest, mention: int, directory: str, times: int = 1, *, pings: bool = True) -> Post:
    """The card of a pending request, for the person ``mention`` whose prompt it serves.

    ``times``: so many equal ones are asked by it; it names the last of them, and decides those before it too.
    """
    body, files, is_whole = body_of(request, directory)
    asked = request.questions
    often = f" (asked {times} times)" if times > 1 else ""
    return Post(
        content=f"{called(mention)}{what(request, directory)}{often}{allowed_so_far(request)}",
        embed=Embed(_title(request), body, _fine_print(request, directory), OPEN),
        selects=questions.selects(request) if asked else (),
        buttons=questions.buttons(request) if asked else _buttons(request, may_allow=is_whole),
        files=files,
        mentions=pinged(mention) if pings else (),
        urgent=True,
    )


def alone(requests: Sequence[PermissionRequest], directory: str, before: str = "") -> Post:
    """For who looks at them one by one: the last of equal ones, as ``open_card`` has it; nobody is called.

    ``before``: what is to be said first.
    """
    post = open_card(requests[-1], 0, directory, len(requests), pings=False)
    content = "\n".join(filter(None, (before, post.content)))
    return msgspec.structs.replace(post, content=content, files=())


def input_card(request: PermissionRequest, directory: str) -> Post:
    """What a decided request asked, for who looks it up; the file of a long one still stands beside its line."""
    body, _, _ = body_of(request, directory)
    return Post(what(request, directory), embed=Embed(_title(request), body, _full_name(request.event), _GONE))


def settled_card(request: PermissionRequest, how: Settled, directory: str, asks_again: Button | None = None) -> Post:
    """A question's or a plan's card, saying how it ended; it pings nobody. Its files stay; a draft is void."""
    request = msgspec.structs.replace(request, draft=Draft())
    body, files, _ = body_of(request, directory)
    if request.questions and how.verdict == "allowed":
        body = questions.answered(request.questions, how.answers)
    color = {"allowed": _ALLOWED, "denied": _DENIED}.get(how.verdict, _GONE)
    return Post(
        content=_verdict(request, how),
        embed=Embed(_title(request), body, "", color),
        buttons=(asks_again,) if asks_again else (),
        files=files,
        urgent=True,
    )


def what(request: PermissionRequest, directory: str) -> str:
    """What a push shows."""
    by = f" · asked by {subagent(request.agent)}" if request.event.agent_id else ""
    if request.is_plan:
        return f"Claude has a plan{by}"
    if asked := request.questions:
        more = f" (and {len(asked) - 1} more)" if len(asked) > 1 else ""
        return f"Claude asks: {tool_phrases.plain(asked[0].question, asked_for.SPOKEN_CHARS)}{more}{by}"
    return spoken(request, directory) + by


def spoken(request: PermissionRequest, directory: str) -> str:
    event = request.event
    if push := _push(event):
        return _escaped(pushes.title(push), 200)
    if mcp := _mcp_tool(event):
        return _use_of(*mcp)
    return asked_for.spoken(event.tool, _input(event), directory)


def is_told(request: PermissionRequest, directory: str) -> bool:
    """Whether ``spoken`` says all of it already."""
    return asked_for.is_told(request.event.tool, _input(request.event), directory)


def subagent(agent: str) -> str:
    name = _escaped(agent, AGENT_CHARS)
    return f"a subagent of Claude’s ({name})" if name else "a subagent of Claude’s"


def allowed_so_far(request: PermissionRequest) -> str:
    if request.first:
        return f"\n1 of 2: allowed by {named(request.first.user_id, request.first.name)}; one more."
    return "\nTwo people must allow this." if request.needs_two else ""


def _verdict(request: PermissionRequest, how: Settled) -> str:
    who, why = decided_by(how), because(how)
    match how.verdict:
        case "allowed" if request.is_plan:
            return f"✓ Plan approved by {who}" + (", edits are accepted without asking" if how.mode else "")
        case "denied" if request.is_plan:
            return f"✗ {who} wants Claude to keep planning{'' if how.reason == KEEP_PLANNING else why}"
        case "allowed" if request.questions:
            return f"✓ Answered by {who}"
        case "denied" if request.questions:
            return f"✗ {who} chose not to answer"
        case "expired":
            return "⌛ Expired: nobody answered in time, and Claude was told so"
        case _:
            return f"— Withdrawn{why}: Claude no longer asks this"


def _title(request: PermissionRequest) -> str:
    """The first line of the post says what a tool would do."""
    return "Plan" if request.is_plan else questions.title(request.questions) if request.questions else ""


def _push(event: PermissionRequested) -> Push | None:
    return from_input(event.tool_input) if event.tool == PUSH_TOOL else None


def _mcp_tool(event: PermissionRequested) -> tuple[str, str] | None:
    """(the tool's own name, its server's) of a tool that an MCP server offers."""
    match event.tool.split("__", 2):
        case ["mcp", server, tool] if server and tool:
            return tool, event.server or server
        case _:
            return (event.tool, event.server) if event.server else None


def _use_of(tool: str, server: str) -> str:
    return f"Use **{_escaped(tool, NAME_CHARS)}** of the server **{_escaped(server, NAME_CHARS)}**"


def _escaped(text: str, limit: int) -> str:
    """On one line and without formatting, in at most ``limit`` UTF-16 units, no escape torn."""
    line = one_line(reveal(text), limit)
    while utf16_len(escape(line)) > limit:
        line = clip(line, utf16_len(line) - 1)
    return escape(line)


def body_of(request: PermissionRequest, directory: str) -> tuple[str, tuple[File, ...], bool]:
    """(what the card shows, the files beside it, whether a person can see all of it)."""
    event = request.event
    if request.questions:
        return (*questions.body(request.questions, request.draft), True)
    if request.is_plan:
        plan = reveal(str(_input(event).get("plan", "")))
        shown, is_all = markdown_excerpt(plan, BODY_CHARS, EXCERPT_CHARS)
        return (shown, (), True) if is_all else _with_file(shown, plan, "markdown")
    if push := _push(event):
        return _code(reveal(pushes.body(push)), "")
    described = asked_for.describe(event.tool, _input(event), directory, event.places)
    captions = "".join(f"{escape(reveal(caption))}\n" for caption in described.captions)
    if described.language == "diff":
        shown, files, is_whole = _diff(reveal(described.body), reveal(described.file))
    else:
        shown, files, is_whole = _code(reveal(described.body), described.language)
    return captions + shown, files, is_whole


def _diff(text: str, whole: str) -> tuple[str, tuple[File, ...], bool]:
    """At most a few lines, or head and tail; the file has it as other programs read it."""
    if text.count("\n") >= DIFF_LINES:
        return _with_file(lines_excerpt(text, "diff", DIFF_LINES, EXCERPT_CHARS), whole, "diff")
    shown = code_block(text, "diff")
    if utf16_len(shown) > BODY_CHARS:
        return _with_file(code_excerpt(text, "diff", EXCERPT_CHARS), whole, "diff")
    return shown, (), True


def _code(text: str, language: str) -> tuple[str, tuple[File, ...], bool]:
    whole = code_block(text, language)
    if utf16_len(whole) <= BODY_CHARS:
        return whole, (), True
    return _with_file(code_excerpt(text, language, EXCERPT_CHARS), text, language)


def _with_file(shown: str, text: str, language: str) -> tuple[str, tuple[File, ...], bool]:
    name = _FILE_NAMES.get(language, "input.txt")
    kept, is_whole = fitting_file(text)
    note = f"The whole of it is in **{name}**" if is_whole else "It is too long to show, so it can only be denied"
    return (
        f"{shown}\n{note} ({len(text):,} characters).",
        (File(name, kept),),
        is_whole,
    )


def _input(event: PermissionRequested) -> dict[str, object]:
    try:
        return msgspec.json.decode(event.tool_input, type=dict[str, object])
    except UNREADABLE:
        return {"input": event.tool_input}


def _fine_print(request: PermissionRequest, directory: str) -> str:
    event = request.event
    parts = [
        ACCEPTING_EDITS if request.offers_edits else "",
        STILL_ASKED if request.is_plan and request.must_ask else "",
        *directories.meaning(request),
        *besides(event, directory),
        f"Always allow, for this session: {rules_in_words(event.rules)}" if offers_always(request) else "",
    ]
    return "\n".join(_fine(part) for part in parts if part)


def besides(event: PermissionRequested, directory: str) -> list[str]:
    """What else there is to know of a request, each on one line."""
    touches = f"Touches {tool_phrases.relative(event.blocked_path, directory)}" if event.blocked_path else ""
    return [_fine(part) for part in (_full_name(event), touches, event.reason) if part]


def _fine(part: str) -> str:
    return one_line(reveal(part), RULE_CHARS + 40)


def _full_name(event: PermissionRequested) -> str:
    return f"Its full name: {event.tool}" if _mcp_tool(event) else ""


def offers_always(request: PermissionRequest) -> bool:
    """A rule that cannot be shown whole, on one line, is not offered; nor one for what two people must allow."""
    event = request.event
    words = reveal(rules_in_words(event.rules))
    return bool(event.rules) and not request.needs_two and utf16_len(words) <= RULE_CHARS and "\n" not in words


def rules_in_words(rules: Sequence[SuggestedRule]) -> str:
    return "; ".join(
        asked_for.rule_in_words(
            {"toolName": tool_in_words(rule.tool), **({"ruleContent": rule.content} if rule.content else {})}
        )
        for rule in rules
    )


def tool_in_words(tool: str) -> str:
    """A tool's name as plain text; one of an MCP server's is told with its server."""
    match tool.split("__", 2):
        case ["mcp", server, name] if server and name:
            return f"{name} of the server {server}"
        case _:
            return tool


def _buttons(request: PermissionRequest, *, may_allow: bool) -> tuple[Button, ...]:
    name = request.name
    if request.is_plan:
        approve = (
            Button("Approve", name.custom_id("allow"), "success"),
            *(
                (Button("Approve and accept edits", name.custom_id("edits"), "primary"),)
                if request.offers_edits
                else ()
            ),
        )
        return (*(approve if may_allow else ()), Button("Keep planning…", name.custom_id("plan")))
    allow = (Button("Allow", name.custom_id("allow"), "success"),) if may_allow else ()
    edits = (Button("Accept edits", name.custom_id("edits")),) if may_allow and request.offers_edits else ()
    always = (Button("Always allow", name.custom_id("always")),) if may_allow and offers_always(request) else ()
    opens = directories.on_card(request) if may_allow and not always else ()
    longer = (Button("Allow for…", name.custom_id("keep")),) if (always or opens) and not edits else ()
    return (
        *allow,
        *edits,
        *always,
        *opens,
        *longer,
        Button("Deny", name.custom_id("deny"), "danger"),
        Button("Deny with a reason…", name.custom_id("reason")),
    )


def plan_modal(custom_id: str) -> dict[str, object]:
    """The JSON of a modal for what to change in a plan; it is submitted under the same custom_id."""
    hint = "May stay empty: then Claude asks you, or refines its plan"
    field = text_field(REASON_FIELD, PLAN_CHANGE_CHARS, required=False, placeholder=hint)
    return modal("Keep planning", custom_id, labelled("What should change?", field))
