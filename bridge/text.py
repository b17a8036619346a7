"""Small pieces of text for Discord: lengths, clipping, quoting, amounts.

Discord's limits are taken in UTF-16 code units here, the stricter of the ways to count: a text
within a limit by `utf16_len` is within it however it is counted.
"""

import re
import unicodedata

ELLIPSIS = "…"
_ZERO_WIDTH_SPACE = "\u200b"
_ZERO_WIDTH_JOINER = "\u200d"


def utf16_len(text: str) -> int:
    """The length in UTF-16 code units; a lone surrogate counts as one."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def units_end(text: str, start: int, units: int) -> int:
    """The largest index so that text[start:index] has at most `units` UTF-16 code units."""
    end = min(len(text), start + max(units, 0))
    while (excess := utf16_len(text[start:end]) - units) > 0 and end > start:
        end -= (excess + 1) // 2
    return end


def _joined(before: str, after: str) -> bool:
    """Whether a cut between these two characters would tear one visible character."""
    if after.isascii() and before.isascii():
        return before == "\r" and after == "\n"
    return (
        unicodedata.category(after) in ("Mn", "Mc", "Me")
        or _ZERO_WIDTH_JOINER in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # tags, as in subdivision flags
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
    )


def _half_a_flag(text: str, end: int) -> bool:
    """Whether an odd number of regional indicators stands before `end` and another one after it."""
    count = end
    while count > 0 and "\U0001f1e6" <= text[count - 1] <= "\U0001f1ff":
        count -= 1
    return (end - count) % 2 == 1 and "\U0001f1e6" <= text[end] <= "\U0001f1ff"


def whole_end(text: str, start: int, end: int) -> int:
    """The nearest index at or before `end`, within 64 characters of it, where no character is torn."""
    if end >= len(text):
        return len(text)
    for index in range(end, max(start, end - 64), -1):
        if not _joined(text[index - 1], text[index]) and not _half_a_flag(text, index):
            return index
    return end


def clip(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` UTF-16 units."""
    if utf16_len(text) <= limit:
        return text
    if limit < 1:
        return ""
    return text[: whole_end(text, 0, units_end(text, 0, limit - 1))].rstrip() + ELLIPSIS


def one_line(text: str, limit: int) -> str:
    """The text on one line, runs of whitespace made one space, in at most `limit` UTF-16 units."""
    return clip(" ".join(text.split()), limit)


# Everything that is drawn as nothing, or that changes the order in which its neighbours are drawn:
# Unicode's controls (Cc), formats (Cf: zero widths, bidi, tags), line separators, lone surrogates and
# the blank letters. Emoji need the joiner and variation selector 16: those two stay after a symbol.
_BLANK = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_ODD_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u070f\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    f"\ufe00-\ufe0f\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\U0001d173-\U0001d17a{_BLANK}{_ODD_SPACES}]"
)


_IN_EMOJI = (_ZERO_WIDTH_JOINER, "\ufe0f")


def reveal(text: str) -> str:
    """The text with every character that cannot be seen written as ⟨U+202E⟩, for what a person decides on.

    Newlines and tabs stay. So do the joiner and selector inside an emoji. The sign ⟨ before "U+" is
    itself written out, so that a text cannot pretend to have been revealed.
    """
    return _SUSPECT.sub(_revealed, text.replace("⟨U+", "⟨U+27E8⟩U+"))


def _revealed(match: re.Match[str]) -> str:
    sign = match.group()
    if sign in _IN_EMOJI:
        before = match.string[max(0, match.start() - 1) : match.start()]
        after_symbol = unicodedata.category(before or " ") in ("So", "Sk")
        if after_symbol or (before == _IN_EMOJI[1] and sign == _IN_EMOJI[0]):
            return sign
    return f"⟨U+{ord(sign):04X}⟩"


def visible(text: str) -> str:
    """The text without what cannot be seen, for a name that others read: odd spaces become plain ones."""
    return _SUSPECT.sub(_seen_of, _SUSPECT.sub(_seen_of, text))  # a joiner may have stood at a blank


def _seen_of(match: re.Match[str]) -> str:
    if unicodedata.category(match.group()) in ("Zs", "Zl", "Zp"):
        return " "
    return match.group() if _revealed(match) == match.group() else ""


_SPECIAL = re.compile(r"[\\*_~`|<>\[\]()]")
_LINE_START = re.compile(r"^(\s*)(?:([#+-])|(\d+)([.)]))", re.MULTILINE)


def escape(text: str) -> str:
    """The text so that Discord shows it as it is, for names and paths in lines of our own."""
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return _LINE_START.sub(lambda m: f"{m[1]}{m[3] or ''}\\{m[2] or m[4]}", escaped)


def defuse(text: str) -> str:
    """The text with a zero-width space after every second backtick of a run of three or more.

    Discord ends a code block at the next three backticks anywhere, however long the opening run was:
    its rule is ```(lang newline)?…?```, not CommonMark's, and in code it knows no escape. A zero-width
    space is the least that keeps a text inside: it looks the same, and who copies a fence gets one odd sign.
    """
    return re.sub("``(?=`)", "``" + _ZERO_WIDTH_SPACE, text) if "```" in text else text


def inline_code(text: str, limit: int) -> str:
    """The text as inline code on one line, in at most `limit` (at least 7) UTF-16 units.

    Characters that cannot be seen are revealed; neighbouring backticks get a zero-width space between.
    """
    line = " ".join(reveal(text).split())
    line = re.sub("`(?=`)", "`" + _ZERO_WIDTH_SPACE, line)
    if "`" in line:
        return f"`` {clip(line, limit - 6)} ``"
    return f"`{clip(line, limit - 2) or ' '}`"


def code_block(text: str, language: str = "", limit: int | None = None) -> str:
    """The text as a code block that it cannot leave; with a `limit` (UTF-16 units) clipped to it.

    A clipped block is followed by a line that says how many characters are missing.
    """
    inside = defuse(text.rstrip("\n"))
    block = f"```{language}\n{inside or ' '}\n```"
    if limit is None or utf16_len(block) <= limit:
        return block
    room = limit - utf16_len(f"```{language}\n\n```\n({len(inside)} characters not shown)")
    end = whole_end(inside, 0, units_end(inside, 0, room))
    kept = inside[: inside.rfind("\n", end // 2, end) if "\n" in inside[end // 2 : end] else end]
    missing = len(inside) - len(kept)
    return f"```{language}\n{kept or ' '}\n```\n({missing} characters not shown)"


MOST_TOLD = 10**15
"""A number from outside may be any; one above this is told as this."""


def human_size(size: int) -> str:
    """A number of bytes as "512 B", "1.5 KiB", "10 MiB"."""
    size = min(size, MOST_TOLD)
    if size < 1024:
        return f"{size} B"
    amount, unit = size / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if amount < 1023.95:
            break
        amount, unit = amount / 1024, larger
    return f"{_short(amount)} {unit}"


def _short(amount: float) -> str:
    return f"{amount:.1f}".removesuffix(".0") if amount < 99.95 else f"{amount:.0f}"


def duration(seconds: float) -> str:
    """A time in seconds as "0.4 s", "4 s", "2 min 10 s", "1 h 5 min", "2 d 3 h"."""
    whole = round(min(max(0.0, seconds), MOST_TOLD))
    if 0.05 <= seconds < 0.95:
        return f"{seconds:.1f} s"
    for size, unit, part, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def usd(cost: float) -> str:
    """An amount in USD: "$1.23"; below ten cents with four places, "$0.0016"."""
    cost = min(max(-MOST_TOLD, cost), MOST_TOLD)
    return f"${cost:,.4f}" if 0 < cost < 0.09995 else f"${cost:,.2f}"


def tokens(count: int) -> str:
    """A number of tokens as "950", "12.3k", "1.2M"."""
    count = min(count, MOST_TOLD)
    if count < 1000:
        return str(count)
    if count < 999_950:
        return f"{_short(count / 1000)}k"
    return f"{_short(count / 1_000_000)}M"
