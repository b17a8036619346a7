"""The line language of the scripted claude (described in `claude.py`): prompt text → steps. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Text(NamedTuple):
    """A text (or thinking) block, streamed in `deltas` pieces, `gap_s` seconds apart."""

    text: str
    deltas: int = 1
    gap_s: float = 0.0
    thinking: bool = False


class Use(NamedTuple):
    """One call of a tool."""

    name: str
    tool_input: dict[str, Any]


class Tools(NamedTuple):
    """Calls made in one message; several of them are asked about at the same time."""

    uses: tuple[Use, ...]


class Subagent(NamedTuple):
    """A background subagent that wants to run `command`, `after_s` seconds after it was launched."""

    command: str
    after_s: float


class Retry(NamedTuple):
    """The API fails `times` times with `status` (0 = no connection) before the request goes through."""

    status: int
    times: int
    gap_s: float


class Withdraw(NamedTuple):
    """Text that streams, is then withdrawn because the connection broke, and asked for again."""

    text: str


class Fail(NamedTuple):
    """The API fails for good. `status` 0 = nobody is logged in."""

    status: int


class Raw(NamedTuple):
    """Lines for stdout that no real claude writes."""

    lines: tuple[str, ...]


class Stderr(NamedTuple):
    text: str


class Flood(NamedTuple):
    """Output without sense or end that no real claude writes: so many bytes, in pieces of one `kind`."""

    kind: str
    size_bytes: int


class Die(NamedTuple):
    """The process ends at once. Negative = by that signal."""

    code: int


class Hang(NamedTuple):
    """Nothing happens any more. `deaf`: stdin is not read and SIGTERM is ignored either."""

    deaf: bool


Step = Text | Tools | Subagent | Retry | Withdraw | Fail | Raw | Stderr | Flood | Die | Hang

ADVICE = (
    "I am the *scripted* Claude: I do what the lines of your message tell me. For example:\n\n"
    "- `say Hello there`\n- `stream 3000 chars over 8 s`, `stream 2000 chars over 5 s as fence python`\n"
    "- `run touch made.txt` asks for permission and then really runs it\n"
    "- `write notes.txt hello`, `edit notes.txt hello => goodbye`, `read /etc/hostname`\n"
    "- `parallel read /etc/hostname /etc/os-release` asks twice at once\n"
    "- `sleep 10` is a tool that takes time: send me something meanwhile, or stop me\n"
    "- `subagent ask touch later.txt after 3 s`, `plan Do it well`, `question Which colour? | Red | Blue`\n"
    "- `question Which colour? | Red = warm | Blue || Which fruits? (several) | Apple | Pear` asks two at once,"
    " `mcp github search open issues` is a tool of a server's\n"
    "- `send file notes.txt | A caption` sends you a file; with files of yours, `show what I sent` says what came\n"
    "- `retry 529 2 times`, `fail 401`, `die 3`, `hang`\n\n"
    "Several lines are several steps of one turn."
)


def parse(prompt: str) -> list[Step]:
    """The steps that `prompt` asks for. Lines that are no directive count only when no line is one."""
    steps = [step for line in prompt.splitlines() if (step := _step(line.strip())) is not None]
    return steps or [_friendly_answer(prompt)]


def _step(line: str) -> Step | None:
    for pattern, build in _DIRECTIVES:
        if found := pattern.fullmatch(line):
            return build(found)
    return None


def _friendly_answer(prompt: str) -> Text:
    heard = " ".join(prompt.split())[:80]
    text = f"You said: “{heard}”\n\n{ADVICE}"
    return Text(text, deltas=60, gap_s=0.01)


def prose(characters: int, fence: str | None = None) -> str:
    """Exactly so many characters: paragraphs of numbered sentences, or a code fence in language `fence`."""
    if fence is not None:
        opening, closing = f"```{fence}\n", "\n```"
        inside = _fill("value_{n} = compute({n})  # line {n}\n", characters - len(opening) - len(closing))
        return opening + inside + closing
    return _fill("This is sentence number {n} of a long answer.{end}", characters)


def _fill(pattern: str, characters: int) -> str:
    parts: list[str] = []
    size = 0
    while size < characters:
        n = len(parts) + 1
        parts.append(pattern.format(n=n, end="\n\n" if n % 6 == 0 else " "))
        size += len(parts[-1])
    return "".join(parts)[: max(0, characters)]


def _stream(found: re.Match[str]) -> Text:
    characters, seconds = int(found["count"]), float(found["seconds"] or 0)
    most_deltas = max(1, characters // 12)
    deltas = min(most_deltas, int(seconds * 50)) or most_deltas
    return Text(prose(characters, found["language"]), deltas, seconds / deltas)


def _question(found: re.Match[str]) -> Tools:
    return _one("AskUserQuestion", {"questions": [_asked(part.strip()) for part in found[1].split("||")]})


def _asked(part: str) -> dict[str, Any]:
    """`TEXT [(several)] | LABEL [= DESCRIPTION] | …`"""
    question, *labels = [piece.strip() for piece in part.split("|")]
    several = question.endswith("(several)")
    question = question.removesuffix("(several)").rstrip()
    pairs = [label.partition("=") for label in labels or ["Yes", "No"]]
    options = [{"label": label.strip(), "description": about.strip()} for label, _, about in pairs]
    return {"question": question, "header": question[:12], "options": options, "multiSelect": several}


def _send_file(found: re.Match[str]) -> Tools:
    caption = {"caption": found[2]} if found[2] else {}
    return _one("mcp__threadbridge__send_file", {"path": found[1], **caption})


def _push(found: re.Match[str]) -> Tools:
    to = {"to": found[2]} if found[2] else {}
    force = {"force_with_lease": True} if found[3] else {}
    return _one("mcp__threadbridge__git_push", {"branch": found[1], **to, **force})


def _parallel(found: re.Match[str]) -> Tools:
    return Tools(tuple(Use("Read", {"file_path": path}) for path in found[1].split()))


def _one(name: str, tool_input: dict[str, Any]) -> Tools:
    return Tools((Use(name, tool_input),))


def _bash(command: str) -> Tools:
    return _one("Bash", {"command": command, "description": f"Run {command.split(maxsplit=1)[0]}"})


def _unescape(text: str) -> str:
    return text.replace("\\n", "\n")


def _edit(found: re.Match[str]) -> Tools:
    path, old, new = found[1], _unescape(found[2]), _unescape(found[3])
    return _one("Edit", {"file_path": path, "old_string": old, "new_string": new, "replace_all": False})


def _write(found: re.Match[str]) -> Tools:
    return _one("Write", {"file_path": found[1], "content": _unescape(found[2]) + "\n"})


def _retry(found: re.Match[str]) -> Retry:
    return Retry(int(found[1]), int(found[2] or 1), float(found[3] or 0.2))


def _huge(found: re.Match[str]) -> Text:
    return Text("x" * int(float(found[1]) * 1_000_000))


_UNKNOWN = (
    '{"type":"frame_from_the_future","payload":{"a":1}}',
    '{"type":"system","subtype":"subtype_from_the_future","n":1}',
    '{"type":"stream_event","event":{"type":"event_from_the_future"},"parent_tool_use_id":null}',
)

_DIRECTIVES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Step]]] = [
    (re.compile(pattern), build)
    for pattern, build in (
        (r"say (.+)", lambda m: Text(_unescape(m[1]))),
        (r"think (.+)", lambda m: Text(_unescape(m[1]), thinking=True)),
        (
            r"stream (?P<count>\d+) chars(?: over (?P<seconds>[\d.]+) s)?(?: as fence (?P<language>\w+))?",
            _stream,
        ),
        (r"run (.+)", lambda m: _bash(m[1])),
        (r"sleep ([\d.]+)", lambda m: _bash(f"sleep {m[1]}")),
        (r"write (\S+) (.*)", _write),
        (r"edit (\S+) (.+?) => (.*)", _edit),
        (r"read (\S+)", lambda m: _one("Read", {"file_path": m[1]})),
        (r"parallel read (.+)", _parallel),
        (r"plan (.+)", lambda m: _one("ExitPlanMode", {"plan": _unescape(m[1])})),
        (r"question (.+)", _question),
        (r"send file ([^|]+?)(?:\s*\|\s*(.+))?", _send_file),
        (r"push (\S+)(?: to (\S+))?( forced)?", _push),
        (r"mcp (\w+) (\w+) (.+)", lambda m: _one(f"mcp__{m[1]}__{m[2]}", {"query": m[3]})),
        (r"subagent ask (.+?)(?: after ([\d.]+) s)?", lambda m: Subagent(m[1], float(m[2] or 0.3))),
        (r"retry (\d+)(?: (\d+) times?)?(?: every ([\d.]+) s)?", _retry),
        (r"withdraw (.+)", lambda m: Withdraw(_unescape(m[1]))),
        (r"fail (\d+)", lambda m: Fail(int(m[1]))),
        (r"not logged in", lambda m: Fail(0)),
        (r"unknown frame", lambda m: Raw(_UNKNOWN)),
        (r"malformed", lambda m: Raw(("this line is not JSON",))),
        (r"huge line ([\d.]+) MB", _huge),
        (r"stderr (.+)", lambda m: Stderr(m[1])),
        (r"flood (\d+) MB of (lines|blocks|texts|words|one line|stderr)", lambda m: Flood(m[2], int(m[1]) * 1_000_000)),
        (r"die (-?\d+)", lambda m: Die(int(m[1]))),
        (r"hang( hard)?", lambda m: Hang(deaf=m[1] is not None)),
    )
]
