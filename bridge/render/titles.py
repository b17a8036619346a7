"""What a thread is called: the first words of what was asked, as a person would say them.

Without Markdown, mentions, links and code fences, on one line, and cut at a word. A thread's name has 1 to 100
characters (docs/discord-api.md, "Messages and components").
"""

import re

from bridge.text import clip, visible

TITLE_CHARS = 95
"""Of a name that somebody else chose."""
SHORT_CHARS = 60
"""Of one that is made of words."""
READ_CHARS = 2000
UNNAMED = "Claude"

_FENCE = re.compile(r"```(?:[\w+-]*\n)?")
_LINKED = re.compile(r"\[([^\]\n]*)\]\(\s*<?[^()\s]*>?[^()\n]*\)")
_ADDRESS = re.compile(r"<?\bhttps?://[^\s<>]+>?")
_MENTION = re.compile(r"<(?:@[!&]?|#|t:)[^<>\n]*>|@(?:everyone|here)\b")
_EMOJI = re.compile(r"<a?:(\w+):\d+>")
_COMMANDS = re.compile(r"</([\w -]+):\d+>")
_LINE_MARKS = re.compile(r"(?m)^[ \t]*(?:#{1,3}[ \t]+|-#[ \t]+|>>>[ \t]*|>[ \t]+|[-*+][ \t]+)+")
_PAIRS = re.compile(r"(\*\*\*|\*\*|__|~~|\|\||`{1,2}|(?<!\w)[*_](?=\S))(.+?)\1")
_ROUNDS = 4
"""How deeply marks may lie in each other."""


def title_of(text: str) -> str:
    """The first words; ``UNNAMED`` when there are none."""
    return _cut(" ".join(plain(text).split())) or UNNAMED


def plain(text: str) -> str:
    """The text without what Discord draws otherwise than it is written, or not at all."""
    bare = _LINKED.sub(r"\1", _FENCE.sub(" ", visible(text[:READ_CHARS])))
    bare = _EMOJI.sub(r":\1:", _COMMANDS.sub(r"/\1", bare))
    bare = _LINE_MARKS.sub("", _MENTION.sub("", _ADDRESS.sub("", bare)))
    for _ in range(_ROUNDS):
        bare = _PAIRS.sub(r"\2", bare)
    return bare


def chosen(title: str) -> str:
    """A title that Claude made, as a name; empty when it is none."""
    return clip(" ".join(plain(title).split()).strip(" .\"'"), TITLE_CHARS)


def _cut(line: str) -> str:
    """At a word, where one ends in the second half."""
    if len(line) <= SHORT_CHARS:
        return line
    head = line[: SHORT_CHARS - 1]
    at_word = head[: head.rfind(" ")] if line[SHORT_CHARS - 1] != " " and head.rfind(" ") > SHORT_CHARS // 2 else head
    return f"{at_word.rstrip(' ,;:.-')}…"
