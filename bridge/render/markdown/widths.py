"""Text in columns of monospace: how wide it is drawn, wrapped, filled up."""

from wcwidth import iter_graphemes, wcswidth


def display_width(text: str) -> int:
    """How many columns the text takes: East Asian wide characters two, an emoji two whatever it is joined of,
    combining marks none.
    """
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else sum(max(0, wcswidth(sign)) for sign in iter_graphemes(text))


def padded(text: str, width: int, align: str) -> str:
    """The text filled up with spaces to `width` columns; `align` is one of "lcr"."""
    space = max(0, width - display_width(text))
    left = {"l": 0, "c": space // 2, "r": space}[align]
    return " " * left + text + " " * (space - left)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken between words; a longer word is broken inside."""
    if display_width(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if display_width(joined) <= width:
            lines[-1] = joined
        else:
            lines += _broken(word, width)
    return [line for line in lines if line] or [""]


def _broken(word: str, width: int) -> list[str]:
    """Between characters as they are seen; one that is wider than the column stands alone."""
    parts, used = [""], 0
    for sign in iter_graphemes(word):
        wide = display_width(sign)
        if used + wide > width and parts[-1]:
            parts.append("")
            used = 0
        parts[-1] += sign
        used += wide
    return parts
