"""What a turn, or the session so far, changed: the answer to *Diff*, for who pressed it.

Each file with its lines that came and went, the diff in a code block as on a card, and all of it as a patch beside it
when it is long. What the log cannot know is said with it.
"""

from collections.abc import Iterable, Iterator, Sequence

from bridge.protocol.line_diff import as_patch, counted
from bridge.render.diff import on_one_line, with_numbers
from bridge.render.excerpts import fitting_file, lines_excerpt
from bridge.render.posts import Button, Embed, File, Post
from bridge.render.tool_phrases import plain, relative, short_path
from bridge.session.changed_files import MOST_EDITS, ChangedFile, ChangedFiles
from bridge.session.permission import RequestName
from bridge.text import code_block, reveal, utf16_len

MOST_LISTED = 10
SHOWN_CHARS = 3000
SHOWN_LINES = 60
PATH_CHARS = 100
_GREY = 0x4E5058


def answer(changed: ChangedFiles, turn: RequestName, directory: str, *, whole_session: bool) -> Post:
    """``turn``: the name of its TurnStarted."""
    other = ("Only that turn's", "diff") if whole_session else ("Since the session's start", "sdiff")
    button = Button(other[0], turn.custom_id(other[1]))
    when = "Since the session's start" if whole_session else "In this turn"
    notes = "".join(f"\n-# {note}" for note in _notes(changed))
    if not changed.files:
        return Post(
            f"{when} Claude's own tools changed no file, or put back what they changed.{notes}", None, (button,)
        )
    told = f"{when} {_total(changed.files)}:\n" + "\n".join(_listed(changed.files, directory)) + notes
    patches = [*_patches(changed.files, directory)]
    if not patches:
        return Post(told, None, (button,))
    body, files = _body(patches)
    return Post(told, Embed("", body, "", _GREY), (button,), files=files)


def _notes(changed: ChangedFiles) -> Iterator[str]:
    if count := changed.commands:
        yield f"{count} command{' ran; what it' if count == 1 else 's ran; what they'} changed is not in this."
    if count := changed.untold:
        yield f"{count} more edit{' is' if count == 1 else 's are'} not in this: the log does not tell what came of it."
    if any(len(file.parts) - 1 > file.splits for file in changed.files):
        yield "Something else changed a file in between: its parts follow one on the other."
    if any(file.splits for file in changed.files):
        yield "A file was changed in very many places: its changes stand in parts, one on the other."
    if count := changed.left_out:
        yield f"{MOST_EDITS} edits are put together at most; the newest {count} are not in this."


def _total(files: Iterable[ChangedFile]) -> str:
    added, removed = (sum(lines) for lines in zip(*map(_lines, files), strict=True))
    return f"+{added} −{removed}"


def _lines(file: ChangedFile) -> tuple[int, int]:
    added, removed = zip(*(counted(part.hunks) for part in file.parts), strict=True) if file.parts else ((), ())
    return sum(added), sum(removed)


def _listed(files: tuple[ChangedFile, ...], directory: str) -> Iterator[str]:
    for file in files[:MOST_LISTED]:
        added, removed = _lines(file)
        path = plain(short_path(relative(file.path, directory), PATH_CHARS), PATH_CHARS)
        new = " (new)" if file.parts and file.parts[0].is_new else ""
        cut = " · more than the log keeps" if file.is_cut else ""
        yield f"{path} +{added} −{removed}{new}{cut}"
    if len(files) > MOST_LISTED:
        yield f"-# … and {len(files) - MOST_LISTED} more files"


def _patches(files: Iterable[ChangedFile], directory: str) -> Iterator[tuple[str, str]]:
    """Each with the path that it is of."""
    for file in files:
        path = on_one_line(relative(file.path, directory))
        yield from ((path, as_patch(path, part.hunks, is_new=part.is_new)) for part in file.parts)


def _body(patches: Sequence[tuple[str, str]]) -> tuple[str, tuple[File, ...]]:
    """Each with its path above, where a card has it in its title."""
    shown = [f"# {path}\n{with_numbers(patch.removesuffix('\n'))}" for path, patch in patches]
    text = reveal("\n".join(shown))
    if utf16_len(text) <= SHOWN_CHARS and text.count("\n") < SHOWN_LINES:
        return code_block(text, "diff"), ()
    patch, is_whole = fitting_file("".join(patch for _, patch in patches))
    file = File("change.diff", patch if is_whole else f"{patch}\n… the rest is left out; it is too long\n")
    return lines_excerpt(text, "diff", SHOWN_LINES, SHOWN_CHARS), (file,)
