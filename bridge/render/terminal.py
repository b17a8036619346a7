r"""What a terminal would show of a program's output: its escapes obeyed or left out.

The sequences are those of ECMA-48 and xterm's "Control Sequences": CSI (also of one byte, 0x9b), OSC, DCS and the other
strings, escapes of two characters, lone controls. A carriage return goes back to the line's start (a progress bar), a
backspace one character (``man``'s bold is ``N\bN``), an EL erases; what is written then overwrites.
"""

import re

_STRING = r"(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c|)"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_ESCAPE = r"\x1b[ -/]*[0-~]?"
_ERASE = re.compile(r"(?:\x1b\[|\x9b)([012]?)K")
_ESCAPES = re.compile(rf"{_STRING}|{_CSI}|{_ESCAPE}")
_MOVES = re.compile("[\r\b\x00-\x02]")
_CONTROLS = re.compile("[\x00-\x07\x0b-\x1f\x7f-\x9f]")
_OURS = re.compile("[\x00-\x02]")
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown_text(output: str) -> str:
    """The text that stays on the screen; lines and tabs are kept."""
    if not _SUSPECT.search(output):
        return output
    marked = _ERASE.sub(lambda found: chr(int(found[1] or 0)), _OURS.sub("", output))
    lines = _ESCAPES.sub("", marked).replace("\r\n", "\n").split("\n")
    return "\n".join(_CONTROLS.sub("", _written(line.rstrip("\r")) if _MOVES.search(line) else line) for line in lines)


def _written(line: str) -> str:
    """A line in which the cursor moves. The three kinds of EL stand in it as the characters 0, 1 and 2."""
    cells: list[str] = []
    at = 0
    for sign in line:
        match sign:
            case "\r":
                at = 0
            case "\b":
                at = max(at - 1, 0)
            case "\0":
                del cells[at:]
            case "\x01" | "\x02":
                cells = [" "] * at + (cells[at:] if sign == "\x01" else [])
            case _:
                cells[at : at + 1] = sign
                at += 1
    return "".join(cells).rstrip(" ")
