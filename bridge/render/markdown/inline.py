"""What stands inside a line of Claude's Markdown, as Discord shows it.

Each rule only adds to what stands before it, or needs no more than HOLD characters to be decided. So of a
line that is still being written all but its `undecided` end can be translated, and stays as it is.

Escaped with a backslash, which Discord does not show: what Claude's Markdown does not mean but Discord would
draw (mentions, of commands and of a server's pages too, custom emoji, timestamps, spoilers, words with double
underscores). In code nothing is translated; there Discord draws nothing.
"""

import re
from collections.abc import Mapping
from html import unescape
from html.entities import html5
from string import punctuation

from bridge.text import defuse

HOLD = 24  # characters; no construct here needs more to be told apart from plain text

# A code span ends at the next run of as many backticks. One that has no end goes to the end of its line: only
# so is what was read as code still code when the end comes.
_CODE = r"`(?!`)(?:[^`\n]++|``++)*+`?|``(?!`)(?:[^`\n]++|`(?!`)|`{3,}+)*+(?:``)?"
_ENTITY = r"&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,20});"
_INLINE = re.compile(
    r"(?=[`\\!|@#:&<\[]|__|https?:)"  # nothing else begins one: ten times as quick
    rf"(?:(?P<code>{_CODE})"
    r"|\\?(?P<ticks>`{3,}+)"
    r"|(?P<bare>\\[^\n])"
    r"|\\(?P<hard>\n)"
    r"|!\[(?P<nameless>\])?"
    r"|(?P<url>https?://[^\s<>`|\\&\[\]]*+)"
    r"|(?P<under>__++)"
    r"|(?<=\|)(?P<spoiler>\|)"
    r"|(?<=<)(?P<mention>[@#:])|(?:(?<=<[ta])|(?<=<id))(?P<stamp>:)|(?P<colon>:)"
    r"|(?<![\w.@/])(?P<all>@)(?=everyone|here)"
    rf"|(?P<entity>{_ENTITY})"
    r"|<(?P<tag>/?(?:br|b|strong|i|em|kbd|code|summary|details))[ \t]*/?>"
    r"|\[\^(?P<note>\w{1,8})\]"
    r"|(?<=\])\[(?P<label>[^\[\]\n]{1,18})\])"
)
_UNDECIDED = re.compile(
    r"(?:(?<!`)`++|(?<!_)_|!\[?|\\|@[a-z]{0,7}|&\#?\w{0,21}|<[/a-zA-Z \t]{0,20}"
    r"|(?:(?<=\])\[[^\[\]\n]{0,18}|\[(?:\^\w{0,8})?))\Z"
)
# Of this, letters may be gone when it is whole: it is not shown before.
_BEGUN_MARK = re.compile(
    r"(?:&\#?\w{1,21}|<[/a-zA-Z \t]{1,20}|\[(?:\^\w{0,8}\]?|[ xX]\]?|!\w{0,12}\]?)|(?<=\])\[[^\[\]\n]{0,18})\Z"
)
_COMMAND = re.compile(r"</[-\w' ]+\Z")
MOST_COMMAND = 100  # characters of a command's mention before its colon: three names of 32
_COMMON = ("&lt;", "&gt;", "&amp;", "&nbsp;", "&quot;", "&apos;", "&#39;")
_AS_THEY_ARE = "&\"'"
"""Signs that are no marks of Discord's, so that none has to be escaped."""
_TAGS = {"br": "\n", "/br": "", "b": "**", "strong": "**", "i": "*", "em": "*", "kbd": "`", "code": "`"}
_TAGS |= {"summary": "**▸ ", "/summary": "**", "details": "", "/details": ""}
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MARKUP = re.compile(
    rf"(?P<code>{_CODE})|\\(?P<bare>[^\w\s])|(?P<style>\*\*\*?|~~)|(?P<entity>{_ENTITY})|!?\[(?P<text>[^\]]*)\]\((?P<to>[^)]*)\)"
)
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])")


def inline(text: str, known: Mapping[str, str]) -> str:
    """Lines of Markdown as Discord's; `known` has the addresses of the labels defined before, in lower case."""

    def shown(match: re.Match[str]) -> str:
        return _shown(match, known)

    return _INLINE.sub(shown, text)


def _shown(match: re.Match[str], known: Mapping[str, str]) -> str:
    kind, whole = match.lastgroup, match.group()
    found = match[kind] if kind else ""
    match kind:
        case "code":
            return defuse(found)
        case "ticks" | "under":
            return f"\\{found[0]}" * len(found)
        case "bare" | "hard" | "url":
            return found
        case "spoiler" | "mention" | "stamp" | "all":
            return "\\" + found
        case "colon":
            return (
                "\\:" if _COMMAND.search(match.string, max(0, match.start() - MOST_COMMAND), match.start()) else found
            )
        case "nameless":
            return "[image]"
        case "entity":
            return _entity(match)
        case "tag":
            return _TAGS.get(found, _TAGS.get(found.removeprefix("/"), ""))
        case "note":
            return footnote(found)
        case "label":
            url = known.get(found.lower())
            return f"({url})" if url else whole
        case _:
            return "["  # an image is a link with its alt text


def _entity(match: re.Match[str]) -> str:
    """The sign, as none of Discord's marks. An indented line may be code, where it would be meant as written."""
    written = match["entity"]
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    indent = before[: len(before) - len(before.lstrip(" \t"))]
    if len(indent.expandtabs(4)) >= 4 and written not in _COMMON:
        return written
    sign = entity(written)
    return sign if sign in _AS_THEY_ARE or sign not in punctuation else f"\\{sign}"


def entity(written: str) -> str:
    """The sign that stands for it in HTML (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references).

    As it is written if there is none, or none that can be seen.
    """
    sign = html5.get(written[1:], "") if written[1] != "#" else unescape(written)
    return " " if sign.isspace() else sign if sign.isprintable() and sign else written


def is_begun_tag(text: str) -> bool:
    """Whether this is the beginning of a tag that is shown as nothing."""
    return text[:1] == "<" and any(tag.startswith(text[1:].rstrip("/> ")) for tag in _TAGS)


def footnote(label: str) -> str:
    """A footnote's mark: a raised number, or its name in brackets."""
    return label.translate(_SUPERSCRIPT) if label.isdecimal() and label.isascii() else f"[{label}]"


def undecided(line: str) -> int:
    """The index from which on an unfinished line may still come to mean something else."""
    match = _UNDECIDED.search(line, max(0, len(line) - HOLD))
    return match.start() if match else len(line)


def without_begun_mark(line: str) -> str:
    """The line without an entity, a tag or a label that is not whole at its end."""
    match = _BEGUN_MARK.search(line, max(0, len(line) - HOLD))
    return line[: match.start()] if match else line


def plain(text: str) -> str:
    """Markdown without its marks, for where Discord shows none: inside a code block."""
    return _EMPHASIS.sub(r"\2", _MARKUP.sub(_without_marks, text))


def _without_marks(match: re.Match[str]) -> str:
    if match["code"]:
        return match["code"].strip("`")
    if match["entity"]:
        return entity(match["entity"])
    if match["to"] and match["to"] != match["text"]:
        return f"{match['text']} ({match['to']})"
    return match["bare"] or match["text"] or ""
