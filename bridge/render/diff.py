"""What an edit would change, as a unified diff."""

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bridge.protocol.edits import Edit, edits_of
from bridge.protocol.events import Place
from bridge.text import clip, reveal

# difflib takes quadratic time at worst; beyond this many lines everything old goes and everything new comes.
_MOST_LINES = 2000
_NO_NEWLINE = "\\ No newline at end of file"
SHORT_LINES = 8
_SHORT_WIDTH = 90  # UTF-16 units of a line
_HUNK = "⋮"
_UNKNOWN = Place(0)
_HUNK_UNKNOWN = "@@ … @@"
_HUNK_HEADER = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def diff_for(
    tool_name: str, tool_input: Mapping[str, object], shown_path: str = "", places: Sequence[Place] = ()
) -> str | None:
    """The diff that this use of Edit, MultiEdit, Write or NotebookEdit asks for.

    None for other tools and for inputs that are not of their usual form. What Write replaces is not known here, so its
    whole content is new. Line numbers are the file's; where a text's place in it is not known, there are none.
    ``shown_path`` stands in the header in place of the input's own.
    """
    edits = edits_of(tool_name, tool_input)
    path = tool_input.get("notebook_path" if tool_name == "NotebookEdit" else "file_path")
    if edits is None or not isinstance(path, str):
        return None
    known = [*places[: len(edits)], *[_UNKNOWN] * (len(edits) - len(places))]
    whole = tool_name == "Write"
    return "\n".join([_header(shown_path or path), *itertools.chain.from_iterable(_numbered(edits, known, whole))])


def with_numbers(diff: str) -> str:
    """The same for a card: without headers, each line after its number in the file, where that is known.

    What goes has its old number, all else its new one. Between hunks stands a line of their own.
    """
    lines = list(_with_places(diff.split("\n")[2:]))
    width = len(str(max((number for number, _ in lines), default=0)))
    return "\n".join(f"{line[:1]} {number:>{width}} {line[1:]}" if number else line for number, line in lines)


def _with_places(diff: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each line with its number, 0 where it has none."""
    old = new = 0
    is_inside = False
    for line in diff:
        found = _HUNK_HEADER.fullmatch(line)
        if found or line == _HUNK_UNKNOWN:
            old, new = (int(found[1]), int(found[3])) if found else (0, 0)
            if is_inside:
                yield 0, _HUNK
            is_inside = False
            continue
        is_inside = line[:1] in (" ", "+", "-")
        yield ((old if line[0] == "-" else new), line) if is_inside else (0, line)
        old += bool(old) and line[:1] in (" ", "-")
        new += bool(new) and line[:1] in (" ", "+")


def short_diff(tool_name: str, tool_input: Mapping[str, object]) -> tuple[str, bool]:
    """(the first changed lines, whether that is all) of an edit, for a reader; "" for other tools.

    Line numbers and what ends a file are left out. A line is at most `_SHORT_WIDTH` long, and there are at most
    `SHORT_LINES` and one that says how many more.
    """
    edits = edits_of(tool_name, tool_input) or []
    parts = [part for edit in edits for part in _changed(edit)]
    lines = [line for n, part in enumerate(parts) for line in ([_HUNK] if n else []) + part]
    more = len(lines) - SHORT_LINES
    clipped = [clip(reveal(line), _SHORT_WIDTH) for line in lines[:SHORT_LINES]]
    is_all = more <= 0 and clipped == lines
    note = [f"… {more} more line{'' if more == 1 else 's'}"] if more > 0 else []
    return "\n".join([*clipped, *note]), is_all


def _changed(edit: Edit) -> list[list[str]]:
    """The hunks of an edit, each with a line of context, without their headers."""
    before, after = (text.removesuffix("\n").split("\n") if text else [] for text in (edit.old, edit.new))
    if max(len(before), len(after)) > _MOST_LINES:
        return [[f"-{line}" for line in before] + [f"+{line}" for line in after]]
    hunks: list[list[str]] = []
    for line in itertools.islice(difflib.unified_diff(before, after, lineterm="", n=1), 2, None):
        if line.startswith("@@"):
            hunks.append([])
        else:
            hunks[-1].append(line)
    return hunks


def changes_of(tool_name: str, tool_input: Mapping[str, object]) -> tuple[str, int, int]:
    """(the file, the lines that come, the lines that go) of an edit; what Write replaces is not known."""
    edits = edits_of(tool_name, tool_input)
    path = tool_input.get("notebook_path" if tool_name == "NotebookEdit" else "file_path")
    return (path, *line_counts(edits)) if edits and isinstance(path, str) else ("", 0, 0)


def line_counts(edits: Iterable[Edit]) -> tuple[int, int]:
    """How many lines the edits add and remove, each edit counted once."""
    lines = [line[:1] for edit in edits for line in _hunks(edit.old, edit.new, 0, is_end_known=False)]
    return lines.count("+"), lines.count("-")


def _numbered(edits: list[Edit], places: list[Place], is_whole_file: bool) -> Iterator[list[str]]:
    for number, (edit, place) in enumerate(zip(edits, places, strict=True), 1):
        title = f"# edit {number} of {len(edits)}" if len(edits) > 1 else "#"
        title += _everywhere(place) if edit.everywhere else ""
        shown = _hunks(edit.old, edit.new, 3) if is_whole_file else _placed(edit, place)
        lines = shown or ["# nothing changes" if edit.old else "# an empty text"]
        yield [title, *lines] if title != "#" else lines


def _everywhere(place: Place) -> str:
    return " every place where this occurs" + (f" ({place.count}); the first" if place.count > 1 else "")


def _placed(edit: Edit, place: Place) -> list[str]:
    """An edit in the lines of its file. Where those are not known, nothing is said of numbers and of the file's end."""
    if edit.old == edit.new:
        return []
    if place.line or not edit.old:
        after = place.after.replace(edit.old, edit.new) if edit.everywhere and edit.old else place.after
        old, new = place.before + edit.old + place.after, place.before + edit.new + after
        return [_moved(line, max(place.line, 1) - 1) for line in _hunks(old, new, 3, is_end_known=bool(place.line))]
    hunks = _hunks(edit.old, edit.new, 3, is_end_known=False)
    return [_HUNK_UNKNOWN if _HUNK_HEADER.fullmatch(line) else line for line in hunks]


def _moved(line: str, by: int) -> str:
    """A hunk's header with the numbers of the file."""
    found = _HUNK_HEADER.fullmatch(line) if by else None
    if not found:
        return line
    return f"@@ -{int(found[1]) + by}{found[2] or ''} +{int(found[3]) + by}{found[4] or ''} @@"


def _header(path: str) -> str:
    """The two header lines; a path with line breaks stays on its line."""
    return f"--- {on_one_line(path)}\n+++ {on_one_line(path)}"


def on_one_line(path: str) -> str:
    return path.replace("\n", "⏎").replace("\r", "⏎")


def _hunks(old: str, new: str, context: int, *, is_end_known: bool = True) -> list[str]:
    before, after = (_lines(old), _lines(new)) if is_end_known else _lines_inside(old, new)
    if before == after:
        return []
    if not before or not after or max(len(before), len(after)) > _MOST_LINES:
        hunks = [f"@@ -{_range(before)} +{_range(after)} @@"]
        hunks += [f"-{line}" for line in before] + [f"+{line}" for line in after]
    else:
        hunks = list(difflib.unified_diff(before, after, lineterm="", n=context))[2:]
    return [part for line in hunks for part in line.split("\n")]


def _range(lines: list[str]) -> str:
    return f"1,{len(lines)}" if lines else "0,0"


def _lines_inside(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines of two texts inside of a file, of which nobody knows what follows."""
    if old.endswith("\n") and (new.endswith("\n") or not new):
        old, new = old[:-1], new.removesuffix("\n")
        return old.split("\n"), new.split("\n") if new else []
    return old.split("\n") if old else [], new.removesuffix("" if old else "\n").split("\n") if new else []


def _lines(text: str) -> list[str]:
    """The lines, the last one with a note if no newline ends it."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n{_NO_NEWLINE}"] if last else lines
