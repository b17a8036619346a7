"""Emphasis and inline code that a cut tears: what closes it at a message's end and opens it again in the next.

Looked at is the line that is cut, as far as the message has it, so that no cut depends on what comes later. Marks as
CommonMark has them (spec 0.31.2, "Emphasis and strong emphasis"), but that one inside a word opens nothing.
"""

import re

MOST_UNITS = 6
"""Of the marks together; more are left as they are."""
_MARK = re.compile(r"\\.|`+|\*{1,3}|~~")


def open_marks(line: str) -> tuple[str, ...]:
    """The marks that are open at the end of this part of a line, the outermost first."""
    marks: list[str] = []
    for found in _MARK.finditer(line):
        mark = found[0]
        before, after = line[: found.start()][-1:], line[found.end() : found.end() + 1]
        if mark[0] == "\\" or (marks and marks[-1][0] == "`" and mark != marks[-1]):
            continue
        if mark in marks and not before.isspace():
            del marks[marks.index(mark) :]
        elif mark == "***" and marks[-2:] in (["**", "*"], ["*", "**"]):
            del marks[-2:]
        elif after.strip() and not before.isalnum() and not (mark[0] == "`" and len(mark) > 2):
            marks.append(mark)
    return tuple(marks) if len("".join(marks)) <= MOST_UNITS and "``" not in marks[:-1] else ()
