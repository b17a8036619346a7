"""Classes of tool calls, as a configuration names them: ``Bash:rm*``, ``Edit:*.env``, ``git_push``, ``mcp__db__*``.

Before the colon stands the tool, behind it what its input says; both with ``*`` and ``?``. Of a shell command each word
may be the beginning, and quotes and backslashes count for nothing, so that ``Bash:rm*`` is also ``cd x && sudo
/bin/r\\m -rf y``. That is more than is meant (``echo rm`` is covered too), because what is covered is only looked at
twice. It is no wall: a program can be told in other words to do the same.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence

import msgspec

from bridge.protocol.edits import EDIT_TOOLS
from bridge.protocol.errors import UNREADABLE
from bridge.protocol.modes import ACCEPT_EDITS, DEFAULT, is_looser
from bridge.protocol.push import PUSH_TOOL

PUSH_IS_CALLED = "mcp__threadbridge__git_push"
MOST_CHARS = 20_000
"""A longer text is not searched: it counts as covered."""
_PATHS = ("file_path", "notebook_path", "path")


class ToolPattern(msgspec.Struct, frozen=True):
    """``content`` empty: any use of the tool."""

    tool: str
    content: str = ""

    @classmethod
    def parse(cls, text: str) -> "ToolPattern":
        """Raises ValueError when it names no tool."""
        tool, _, content = text.partition(":")
        if not tool.strip() or (":" in text and not content.strip()):
            raise ValueError(text)
        return cls(tool.strip(), " ".join(content.split()))

    def names(self, tool: str) -> bool:
        """Whether some use of the tool may be covered. A push has the name by which Claude asks for it as well."""
        whole = (tool, PUSH_IS_CALLED) if tool == PUSH_TOOL else (tool,)
        names = [name.lower() for one in whole for name in (one, one.rpartition("__")[2])]
        return any(fnmatch.fnmatchcase(name, self.tool.lower()) for name in names)

    @property
    def is_push(self) -> bool:
        """Whether it is of pushes alone."""
        return self.tool.lower() in (PUSH_TOOL, PUSH_IS_CALLED, PUSH_IS_CALLED.rpartition("__")[2])

    def __str__(self) -> str:
        return f"{self.tool}:{self.content}" if self.content else self.tool

    def covers(self, tool: str, tool_input: str) -> bool:
        """``tool_input`` is the whole input as JSON text; one that cannot be read is covered."""
        if not self.names(tool):
            return False
        if not self.content:
            return True
        try:
            texts = list(_texts(tool, msgspec.json.decode(tool_input)))
        except UNREADABLE:
            return True
        return any(len(text) > MOST_CHARS or _begins_in(self.content, text) for text in texts)


def unasked(classes: Sequence[ToolPattern], mode: str) -> tuple[ToolPattern, ...]:
    """Those of which Claude may do something in this permission mode without asking anybody.

    With edits accepted it edits, and runs some commands in the directory (rm, mv, mkdir, sed: *measured*, CLI 2.1.330),
    whose words may be any; in looser modes it does whatever it thinks best, but for a push, which the worker asks.
    """
    if not is_looser(mode, DEFAULT):
        return ()
    if not is_looser(mode, ACCEPT_EDITS):
        return tuple(one for one in classes if any(one.names(tool) for tool in (*EDIT_TOOLS, "Bash")))
    return tuple(one for one in classes if not one.is_push)


def unasked_in_directories(classes: Sequence[ToolPattern]) -> tuple[ToolPattern, ...]:
    """Those of which Claude may do something without asking in a directory that was allowed: it reads there by tools
    and commands, and with edits accepted it edits.
    """
    tools = ("Read", "Bash", *EDIT_TOOLS)
    return tuple(one for one in classes if any(one.names(tool) for tool in tools))


def _begins_in(glob: str, text: str) -> bool:
    """Whether the glob fits from the beginning of some word to the end of one."""
    begins, ends = r"(?<![^\W_])(?<![-.])", r"(?![^\W_]|-)"
    body = fnmatch.translate(glob).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
    wanted = re.compile(f"{begins}(?s:{body}){'' if glob.endswith('*') else ends}", re.IGNORECASE)
    plain = re.sub(r"\\\n|[\\'\"]|\$(?=['\"])", "", text)
    return any(wanted.search(" ".join(one.split())) for one in (text, plain))


def _texts(tool: str, value: object) -> Iterator[str]:
    """What of an input is looked at: a command, a path, else every text in it."""
    if isinstance(value, dict):
        if tool == "Bash" and isinstance(command := value.get("command"), str):
            yield command
            return
        if paths := [path for key in _PATHS if isinstance(path := value.get(key), str)]:
            yield from paths
            return
    yield from _all_texts(value)


def _all_texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from _all_texts(part)
        case list():
            for part in value:
                yield from _all_texts(part)
        case int() | float():
            yield str(value)
        case _:
            pass
