"""A line of Claude's Markdown of a kind of its own, and what it begins and ends with in Discord's.

Of an unfinished line, HOLD characters are enough to tell its kind, and what stands for them never changes.
"""

import re

import msgspec

from bridge.render.markdown.fences import Fence
from bridge.render.markdown.inline import HOLD, footnote
from bridge.text import escape

RULE = "─" * 16
MOST_LEAD = 16  # characters of quotes, indentation and list marks before what a line is about

_LEAD = r"(?P<lead>(?>[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]))){0,8}+[ \t]*+)"
_SHORT_RULE = r"(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|={3,}[ \t]*)$"
_LONG_RULE = r"(?:-{20,}|={20,}|\*{20,}|_{20,})"
_SIGN = (
    r"(?:(?P<fence>`{3}|~{3})|(?P<table>\|)|(?P<deep>\#{4,6}(?:[ \t]+|$))|\[(?P<task>[ xX])\](?=[ \t])"
    r"|(?P<bare>(?=[^\s`\\|\#>~+\-*\[<][^`\\|\n]{0,21}\|(?!\|)))"
    r"|(?P<small>-\#(?=[ \t]))|\[\^(?P<note>\w{1,8})\]:[ \t]*|\[(?P<label>[^\[\]\n^!]{1,16})\]:[ \t]"
    r"|\[!(?P<alert>\w{1,12})\])"
)
SPECIAL_LINE = re.compile(
    rf"^(?:[ \t]*(?:[>+]|\d{{1,9}}\)[ \t]|{_SHORT_RULE}|{_LONG_RULE})|{_LEAD}{_SIGN})", re.MULTILINE
)
BLOCK_START = re.compile(
    r"[ \t>]*(?:\#{1,6}[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]|`{3}|~{3}|(?:-{3}|\*{3}|_{3}|={3})[ \t]*$)"
)
"""What ends a table that has no | at its lines' beginnings (https://github.github.com/gfm/#tables-extension-)."""
_QUOTES = re.compile(r"[ \t]{0,3}>[ \t>]*|")
_RULES = (re.compile(_SHORT_RULE), re.compile(_LONG_RULE))
LINE_PARTS = re.compile(rf"{_LEAD}{_SIGN}?")
_RULE_SIGNS = ("-", "*", "_", "=", ">")
_ONE_LINER = re.compile(r"`{3,}([^`\n]+)`{3,}[ \t]*")


class Parts(msgspec.Struct):
    """A line: what stands for source[:start], then its rest, then what closes it."""

    head: str
    start: int
    close: str = ""


def parts_of(line: str) -> Parts:
    """What a line of a kind of its own begins with in Discord."""
    if line.startswith(">>>") and line[3:4] in ("", " ", "\t"):
        return Parts("\\>>>", 3)  # Python's prompt; else a quote to the message's end
    if "```" in line and (code := _one_liner(line)):
        return code
    quotes = _QUOTES.match(line) if line.lstrip()[:1] in _RULE_SIGNS else None
    if quotes and quotes.end() <= 4 and (rule := _RULES[len(line) > HOLD].match(line, quotes.end())):
        rest = line[rule.end() :].strip()
        return Parts(discord_lead(quotes[0]) + RULE + ("\n" if rest else ""), rule.end())
    match = LINE_PARTS.match(line)
    assert match
    lead, sign = discord_lead(match["lead"]), match.lastgroup
    if len(match["lead"]) > MOST_LEAD:
        return Parts("", 0)
    match sign:
        case "deep":
            return Parts(lead + "**", match.end(), "**")
        case "task":
            return Parts(lead + ("☐" if match["task"] == " " else "☑"), match.end())
        case "small":
            return Parts(lead + "\\-#", match.end())
        case "note":
            return Parts(f"{lead}-# {footnote(match['note'])} ", match.end())
        case "alert":
            return Parts(f"{lead}**{match['alert'].capitalize()}**", match.end())
        case _:
            return Parts(lead, match.end("lead"))


def _one_liner(line: str) -> Parts | None:
    """```code``` on one line: a block for Discord also. What follows it goes on the next line."""
    lead = LINE_PARTS.match(line)
    code = _ONE_LINER.match(line, lead.end("lead")) if lead else None
    if not (lead and code) or len(lead["lead"]) > MOST_LEAD:
        return None
    fence = Fence("```", "", 0 if ">" in lead["lead"] else len(lead["lead"]), lead["lead"].count(">"))
    inside = "> " * fence.quotes or " " * fence.indent
    block = f"{opener(fence, lead['lead'])}{inside}{code[1].strip() or '\u200b'}\n{inside}```"
    return Parts(block + (f"\n{inside}" if line[code.end() :] else ""), code.end())


def discord_lead(lead: str) -> str:
    """Quotes, indentation and list marks as Discord knows them: "> ", "-", "1."."""
    if lead.lstrip().startswith(">"):
        return re.sub(r">[ ]?", "> ", lead.lstrip())
    return re.sub(r"^(\s*)\+", r"\1-", re.sub(r"^(\s*\d+)\)", r"\1.", lead))


def opener(fence: Fence, lead: str) -> str:
    """What stands behind the language is a line above the block; Discord would take it for code."""
    begin, rest = discord_lead(lead), _behind_language(fence.info)
    if not rest:
        return f"{begin}```{_language(fence.info)}\n"
    inside = "> " * fence.quotes or " " * len(begin)
    return f"{begin}{'' if begin.strip(' >') else '-# '}{escape(rest)}\n{inside}```{_language(fence.info)}\n"


def begins_row(parts: re.Match[str]) -> bool:
    """Whether the line may be a table's header: it begins with |, or has one after a short first cell."""
    return parts["table"] is not None or parts["bare"] is not None


def is_plain(lead: str) -> bool:
    """Whether there are only quotes and indentation before the line's own text."""
    return not lead.strip(" \t>") and len(lead) <= MOST_LEAD


def block_prefix(line: str) -> str:
    """What the lines of a block in place of this line begin with."""
    lead = line[: len(line) - len(line.lstrip(" \t>"))]
    return "> " * lead.count(">") or lead.expandtabs(4)[:4]


def same_quotes(line: str, other: str) -> bool:
    quotes, others = (text[: len(text) - len(text.lstrip(" \t>"))].count(">") for text in (line, other))
    return quotes == others


def may_be_delimiter(line: str) -> bool:
    return not line.strip(" \t>|:-")


def _behind_language(info: str) -> str:
    word, _, rest = info.partition(" ")
    if not _language(word):
        return info.strip()
    return rest.strip().removesuffix("}") if word.startswith("{") else rest.strip()


def _language(info: str) -> str:
    """The first word of a fence's info string, if Discord can take it for a language."""
    word = (info.split() or [""])[0].strip("{}").removeprefix(".")
    return word if re.fullmatch(r"[\w+\-.#]{1,24}", word, re.ASCII) else ""
