"""What a tool made of a file, out of what the CLI tells beside the tool's result. No I/O.

Seen of 2.1.330: Edit and Write tell the file as it was, and what replaced what; a new file has no such text. Their own
patch (``structuredPatch``) shows a line's leading tabs as blanks, so it is taken only where the file's text is not
told.
"""

import msgspec

from bridge.protocol.events import FileChange, Hunk
from bridge.protocol.line_diff import between, lines_of
from worker import frames as f

MOST_TEXT_BYTES = 1_000_000
"""Of a file whose change is searched for; above, the CLI's own patch is taken."""
KEPT_BYTES = 64 * 1024
"""Of one change in its record."""


class _Patch(msgspec.Struct, rename="camel"):
    old_start: int = 0
    old_lines: int = 0
    lines: list[str] = []


class _ToolResult(msgspec.Struct, rename="camel"):
    """``content`` is Write's, ``old_string`` and ``new_string`` Edit's."""

    file_path: str = ""
    type: str = ""
    content: str | None = None
    old_string: str | None = None
    new_string: str | None = None
    replace_all: bool = False
    original_file: str | None = None
    structured_patch: list[_Patch] = []


def change_of(told: f.Raw) -> FileChange | None:
    """None where it tells of no file that was changed."""
    change = f.part(told, _ToolResult)
    if not change.file_path or (change.content is None and change.new_string is None):
        return None
    is_new = change.type == "create" or not (change.original_file or change.structured_patch or change.old_string)
    hunks = tuple(_hunks(change, is_new=is_new))
    kept = sum(len(line.encode(errors="replace")) for hunk in hunks for line in hunk.lines)
    is_untold = change.original_file is None and not (is_new or hunks)
    if kept > KEPT_BYTES or is_untold:
        return FileChange(change.file_path, is_new=is_new, is_cut=True)
    return FileChange(change.file_path, hunks, is_new)


def _hunks(change: _ToolResult, *, is_new: bool) -> list[Hunk]:
    before = "" if is_new else change.original_file
    if before is None or len(before) > MOST_TEXT_BYTES:
        return [_as_told(patch) for patch in change.structured_patch]
    return between(lines_of(before), lines_of(_after(change, before)))


def _after(change: _ToolResult, before: str) -> str:
    if change.content is not None:
        return change.content
    old, new = change.old_string or "", change.new_string or ""
    if not old:
        return new + before if before else new
    return before.replace(old, new, -1 if change.replace_all else 1)


def _as_told(patch: _Patch) -> Hunk:
    lines: list[str] = []
    for line in patch.lines:
        if line.startswith("\\"):
            lines[-1:] = [one.removesuffix("\n") for one in lines[-1:]]
        else:
            lines.append(f"{line}\n")
    return Hunk(patch.old_start if patch.old_lines == 0 else patch.old_start - 1, tuple(lines))
