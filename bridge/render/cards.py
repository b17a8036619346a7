"""Cards with buttons: permission requests, plans, and what a person must decide about a session.

A card shows *exactly* what would run, whole: in the card, or as a file beside it when it is long. Text that
tricks the eye (bidi overrides, zero-width characters, controls) is made visible. The card of a settled
request says who decided what and has no buttons; it changes because of the event, never because of a click.
"""

import msgspec

from bridge.events import PermissionRequested
from bridge.permission import PermissionRequest, Settled
from bridge.render import tools
from bridge.render.posts import Button, Embed, File, Post
from bridge.render.text import clip, code_block, escape, one_line, reveal, utf16_len

BODY_CHARS = 3000
EXCERPT_CHARS = 1200
FILE_BYTES = 8_000_000  # Discord takes 10 MiB a message (DISCORD.md section 4)
RULE_CHARS = 300
REASON_CHARS = 500

_OPEN, _ALLOWED, _DENIED, _GONE = 0xE0A030, 0x3BA55D, 0xD83C3E, 0x747F8D
_FILE_NAMES = {"diff": "change.diff", "bash": "command.sh", "json": "input.json", "markdown": "plan.md"}


def open_card(request: PermissionRequest, mention: int, directory: str) -> Post:
    """The card of a pending request, for the person ``mention`` whose prompt it serves."""
    body, files, is_whole = _body(request.event, directory)
    asks = "has a plan" if request.is_plan else "asks for permission"
    return Post(
        content=f"<@{mention}> Claude {asks}",
        embed=Embed(_title(request.event, directory), body, _fine_print(request), _OPEN),
        buttons=_buttons(request, may_allow=is_whole),
        files=files,
        mentions=(mention,),
        urgent=True,
    )


def settled_card(request: PermissionRequest, how: Settled, mention: int, directory: str) -> Post:
    """The same card, saying how it ended. Files stay from the open card."""
    body, files, _ = _body(request.event, directory)
    color = {"allowed": _ALLOWED, "denied": _DENIED}.get(how.verdict, _GONE)
    return Post(
        content=_verdict(request, how),
        embed=Embed(_title(request.event, directory), body, "", color),
        files=files,
        mentions=(mention,),
        urgent=True,
    )


def resume_failed_card(session_id: str, reason: str) -> Post:
    """Claude cannot resume; a person chooses to begin anew."""
    return Post(
        content=f"Claude cannot resume this conversation: {escape(one_line(reason, REASON_CHARS))}\n"
        "A fresh start keeps this thread and its directory, but Claude remembers nothing of before.",
        buttons=(Button("Start fresh", f"tb:fresh:{session_id.replace('-', '')}", "primary"),),
        urgent=True,
    )


def _verdict(request: PermissionRequest, how: Settled) -> str:
    who = escape(how.decider) or "somebody"
    why = f": “{escape(one_line(how.reason, REASON_CHARS))}”" if how.reason else ""
    match how.verdict, request.is_plan:
        case "allowed", True:
            return f"✓ Plan approved by {who}"
        case "denied", True:
            return f"✗ {who} wants Claude to keep planning"
        case "allowed", _:
            return f"✓ Allowed{' always, for this session,' if how.always else ''} by {who}"
        case "denied", _:
            return f"✗ Denied by {who}{why}"
        case "expired", _:
            return "⌛ Expired: nobody answered in time, and Claude was told so"
        case _:
            return f"— Withdrawn{why}: Claude no longer asks this"


def _title(event: PermissionRequested, directory: str) -> str:
    if event.tool == "ExitPlanMode":
        return "Plan"
    title, _, _ = tools.describe(event.tool, _input(event), directory)
    by = " (a subagent)" if event.agent_id else ""
    return one_line(reveal(title), 200) + by


def _body(event: PermissionRequested, directory: str) -> tuple[str, tuple[File, ...], bool]:
    """(what the card shows, the files beside it, whether a person can see all of it)."""
    if event.tool == "ExitPlanMode":
        plan = reveal(str(_input(event).get("plan", "")))
        return _fitted(plan, "markdown", as_code=False)
    _, body, language = tools.describe(event.tool, _input(event), directory)
    return _fitted(reveal(body), language, as_code=True)


def _fitted(text: str, language: str, *, as_code: bool) -> tuple[str, tuple[File, ...], bool]:
    whole = code_block(text, language) if as_code else text
    if utf16_len(whole) <= BODY_CHARS:
        return whole, (), True
    excerpt = clip(text, EXCERPT_CHARS)
    shown = code_block(excerpt, language, EXCERPT_CHARS * 2) if as_code else excerpt
    name = _FILE_NAMES.get(language, "input.txt")
    data = text.encode(errors="replace")
    is_whole = len(data) <= FILE_BYTES
    note = f"The whole of it is in **{name}**" if is_whole else "It is too long to show, so it can only be denied"
    return (
        f"{shown}\n{note} ({len(text):,} characters).",
        (File(name, data[:FILE_BYTES].decode(errors="ignore")),),
        is_whole,
    )


def _input(event: PermissionRequested) -> dict[str, object]:
    try:
        return msgspec.json.decode(event.tool_input, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return {"input": event.tool_input}


def _fine_print(request: PermissionRequest) -> str:
    event = request.event
    parts = [
        f"From the server {event.server}" if event.server else "",
        f"Touches {event.blocked_path}" if event.blocked_path else "",
        event.reason,
        f"Always allow, for this session: {rules_in_words(event)}" if _offers_always(event) else "",
    ]
    return "\n".join(one_line(reveal(part), RULE_CHARS + 40) for part in parts if part)


def _offers_always(event: PermissionRequested) -> bool:
    """A rule that cannot be shown whole, on one line, is not offered."""
    words = reveal(rules_in_words(event))
    return bool(event.rules) and utf16_len(words) <= RULE_CHARS and "\n" not in words


def rules_in_words(event: PermissionRequested) -> str:
    return "; ".join(
        tools.rule_in_words(
            {"toolName": rule.tool, "ruleContent": rule.content} if rule.content else {"toolName": rule.tool}
        )
        for rule in event.rules
    )


def _buttons(request: PermissionRequest, *, may_allow: bool) -> tuple[Button, ...]:
    name = request.name
    if request.is_plan:
        approve = (Button("Approve", name.custom_id("allow"), "success"),) if may_allow else ()
        return (*approve, Button("Keep planning", name.custom_id("deny"), "secondary"))
    allow = (Button("Allow", name.custom_id("allow"), "success"),) if may_allow else ()
    always = (Button("Always allow", name.custom_id("always")),) if may_allow and _offers_always(request.event) else ()
    return (
        *allow,
        *always,
        Button("Deny", name.custom_id("deny"), "danger"),
        Button("Deny with a reason…", name.custom_id("reason")),
    )
