import random
import re
import time

import pytest

from bridge.render.fences import Caps
from bridge.render.markdown import DISCORD_LIMIT, Piece, Splitter, split
from bridge.render.text import utf16_len

# --- A second opinion on fences: line by line, without the splitter's regular expressions. ---


def open_fence(view: str, caps: Caps) -> str | None:
    """The run of the fence that a message leaves open, by CommonMark's rules."""
    run, indent, quotes = "", 0, 0
    for line in view.split("\n"):
        prefix, rest = _container(line, markers=not run)
        depth = prefix.count(">")
        if run and depth < quotes:
            run = ""
            prefix, rest = _container(line, markers=True)
            depth = prefix.count(">")
        spaces = len(prefix.rpartition(">")[2])
        found = rest[: len(rest) - len(rest.lstrip(rest[0]))] if rest[:1] in ("`", "~") else ""
        info = rest[len(found) :]
        if run:
            same = found[:1] == run[0] and len(found) >= len(run) and depth == quotes
            if same and not info.strip() and spaces <= indent + 3:
                run = ""
        elif 3 <= len(found) <= caps.run and 2 * depth <= caps.indent and not (found[0] == "`" and "`" in info):
            run, indent, quotes = found, spaces, depth
    return run or None


def _container(line: str, markers: bool) -> tuple[str, str]:
    index = 0
    while index < len(line):
        marker = re.match(r"[-*+]|\d{1,9}[.)]", line[index:]) if markers else None
        if line[index] in " \t>":
            index += 1
        elif marker and line[index + marker.end() : index + marker.end() + 1] in (" ", "\t"):
            index += marker.end()
        else:
            break
    return line[:index], line[index:]


# --- Documents written to be nasty. ---

LANGUAGES = ("", "python", "js title=x", "c++", "x" * 90, "diff {1,3-5} " + "y" * 30)
WORDS = (
    "word",
    "`code`",
    "**bold**",
    "*",
    "``",
    "don't",
    "naïve",
    "😀",
    "👩‍👩‍👧",
    "🇩🇪",
    "e\u0301",
    "[a](http://b/c)",
    "a" * 70,
)
MORE_WORDS = (
    "漢字。",
    "end.",
    "Why?",
    "~~no~~",
    "#",
    "-",
    "1.",
    ">",
    "\\*",
    "\u200d",
    "<@1>",
    "@everyone",
    "snake_case",
    "|",
)


def sentence(dice: random.Random, most: int = 30) -> str:
    return " ".join(dice.choice(WORDS + MORE_WORDS) for _ in range(dice.randint(1, most)))


def fence(dice: random.Random) -> str:
    mark = dice.choice("``~") * dice.choice((3, 3, 3, 4, 5))
    prefix = dice.choice(("", "", "", "  ", "> ", "> > ", "      "))
    opener = dice.choice(("", "", "- ", "1. ")) if prefix.isspace() or not prefix else ""
    inner = ("", "x = 1", "    indented", "```", "``", "~~~", "# no heading", sentence(dice), "`" * dice.randint(1, 9))
    lines = [dice.choice(inner) for _ in range(dice.randint(0, 25))]
    body = "".join(f"{prefix}{' ' * len(opener)}{line}\n" for line in lines)
    closer = dice.choice((f"{prefix}{' ' * len(opener)}{mark}\n", f"{prefix}{mark}  \n", ""))
    return f"{prefix}{opener}{mark}{dice.choice(LANGUAGES)}\n{body}{closer}"


def block(dice: random.Random) -> str:
    kind = dice.randint(0, 9)
    if kind == 0:
        return "#" * dice.randint(1, 6) + " " + sentence(dice, 6)
    if kind == 1:
        return "\n".join(f"{'  ' * dice.randint(0, 2)}- {sentence(dice)}" for _ in range(dice.randint(1, 9)))
    if kind <= 4:
        return fence(dice)
    if kind == 5:
        return "\n".join(f"> {sentence(dice)}" for _ in range(dice.randint(1, 5)))
    if kind == 6:
        return dice.choice(
            ("x", "`", "~", " ", "\n", "漢", "👩‍👩‍👧", "ab ", "```", "``` ", "\n```", ">")
        ) * dice.randint(1, 400)
    if kind == 7:
        return "".join(dice.choice("ab` ~\n>#-\t\r") for _ in range(dice.randint(1, 200)))
    return " ".join(sentence(dice) for _ in range(dice.randint(1, 6)))


def document(dice: random.Random) -> str:
    joints = ("\n\n", "\n\n", "\n", "\n\n\n", " ", "")
    return "".join(block(dice) + dice.choice(joints) for _ in range(dice.randint(1, 14)))


SIZES = (64, 90, 150, 400, 2000)


def documents(count: int) -> list[tuple[str, int, random.Random]]:
    dice = random.Random(20261)
    return [(document(dice), dice.choice(SIZES), dice) for _ in range(count)]


def check_view(text: str, limit: int, pieces: list[Piece]) -> None:
    """What must hold of every single view: sizes, fences, and that all of the text is there."""
    index, caps = 0, Caps.within(limit)
    for piece in pieces:
        shown = str(piece)
        assert shown.strip()
        assert utf16_len(shown) <= limit
        assert open_fence(shown, caps) is None, shown
        assert piece.body == text[piece.start : piece.end]
        assert not text[index : piece.start].strip(" \t\r\n>`~")
        index = piece.end
    assert not text[index:].strip(" \t\r\n>`~")


# --- Examples. ---


def test_a_text_that_fits_stays_one_message() -> None:
    assert split("") == []
    assert split("  \n\n ") == []
    assert split("a" * DISCORD_LIMIT) == ["a" * DISCORD_LIMIT]
    assert split("Hello\n\nworld\n") == ["Hello\n\nworld"]


def test_a_fence_that_is_cut_is_reopened_with_its_language() -> None:
    code = "".join(f"line number {n}\n" for n in range(20))
    pieces = split(f"```python title=x\n{code}```\nAfter.", 150)
    assert all(piece.startswith("```python title=x\nline number") for piece in pieces)
    assert all(piece.endswith("\n```") for piece in pieces[:-1])
    assert pieces[-1].endswith("19\n```\nAfter.")


def test_an_open_fence_is_closed_in_the_view() -> None:
    assert split("Look:\n```js\nlet x") == ["Look:\n```js\nlet x\n```"]
    assert split("~~~~js\nlet x\n~~~") == ["~~~~js\nlet x\n~~~\n~~~~"]
    assert split("1. a\n   ```js\n   let x") == ["1. a\n   ```js\n   let x\n   ```"]
    assert split("> ```js\n> let x\n") == ["> ```js\n> let x\n> ```"]


def test_what_only_looks_like_an_open_fence_is_left_alone() -> None:
    for text in ("an `unclosed tick", "```x``` inline", "text ``` text", "> ```\n> x\nquote over", "```\nx\n   ```"):
        assert split(text) == [text]


def test_a_quoted_fence_is_reopened_in_its_quote_even_inside_a_line() -> None:
    pieces = split("> ```sh\n> " + "x" * 200 + "\n> ```\n\nAfter the quote.", 100)
    assert all(piece.startswith("> ```sh\n> x") for piece in pieces)
    assert all(piece.endswith("\n> ```") for piece in pieces[:-1])


def test_a_closing_fence_is_never_a_message_of_its_own() -> None:
    code = "```\n" + "x = 1\n" * 26
    for text in (code, code + "`", code + "``", code + "```", code + "```\n"):
        assert len(split(text, 160)) == len(split(code, 160))
        assert split(text, 160)[0] == split(code, 160)[0]


def test_a_long_info_string_does_not_use_up_the_message() -> None:
    text = "```" + "i" * 300 + " j\n" + "code\n" * 100 + "```"
    assert all(utf16_len(piece) <= 200 for piece in split(text, 200))
    assert split(text, 200)[-1].startswith("```\ncode")


def test_cuts_prefer_paragraphs_then_lines_then_sentences_then_words() -> None:
    words = "word " * 9
    sentence = words + "end. "
    paragraphs = f"{sentence}\n\n{sentence}\n{sentence}"
    assert split(paragraphs, 90)[0] == sentence.strip()
    assert split(f"{sentence}\n{sentence}\n{sentence}", 110)[0] == f"{sentence}\n{sentence}".strip()
    assert split(sentence * 3, 110)[0] == (sentence * 2).strip()
    assert split("word " * 50, 72)[0] == ("word " * 14).strip()
    assert split("x" * 10_000) == ["x" * 2000] * 5


def test_nothing_is_cut_directly_after_a_heading() -> None:
    text = "word " * 14 + "\n\n## The heading\n\n" + "more " * 40
    first, second, *_ = split(text, 100)
    assert first == ("word " * 14).strip()
    assert second.startswith("## The heading\n\nmore")


def test_a_short_block_and_a_list_item_stay_whole() -> None:
    block = "```py\n" + "x = 1\n" * 8 + "```"
    assert split("word " * 15 + "\n" + block, 120)[1] == block
    items = [f"- item {n}\n  and its second line" for n in range(9)]
    for piece in split("\n".join(items), 100):
        assert piece.split("\n")[-1] == "  and its second line"


def test_a_line_is_not_broken_inside_code_or_a_link_or_before_a_mark() -> None:
    text = "word " * 12 + "`some inline code` and [a long link](https://example.org/x) " + "- 1 # 2 > 3 " * 9
    for piece in split(text, 90):
        assert piece.count("`") % 2 == 0
        assert piece.count("[") == piece.count("](")
        assert piece[0] not in "->#"


def test_visible_characters_are_never_torn() -> None:
    for sign in ("👩‍👩‍👧", "🇩🇪", "e\u0301", "😀", "\ud83d\ude00"):
        pieces = split(sign * 1000, 99)
        assert "".join(pieces) == sign * 1000
        assert all(len(piece) % len(sign) == 0 and utf16_len(piece) <= 99 for piece in pieces)


def test_the_indentation_of_code_survives_a_cut() -> None:
    code = "".join(f"    if x{n}:\n        y()\n" for n in range(40))
    pieces = split(f"```\n{code}```", 150)
    lines = [line for piece in pieces for line in piece.split("\n") if not line.startswith("```")]
    assert "\n".join(lines) + "\n" == code


def test_the_first_message_may_have_less_room() -> None:
    text = "word " * 600
    first, second, *_ = split(text, 2000, first_limit=500)
    assert 250 < len(first) <= 500 < len(second) <= 2000
    assert split(text, 2000, first_limit=30)[0] == ""
    assert split("short", 2000, first_limit=30) == ["", "short"]
    assert split("short", 2000, first_limit=300) == ["short"]


def test_a_limit_too_small_for_fences_is_refused() -> None:
    with pytest.raises(ValueError, match="63"):
        split("x", 63)


def test_a_splitter_is_right_also_when_the_text_is_another_one() -> None:
    splitter = Splitter(100)
    splitter.pieces("word " * 100)
    assert splitter.pieces("other " * 50) == split("other " * 50, 100)


def test_a_long_answer_is_split_in_milliseconds() -> None:
    paragraph = "A sentence with `code` in it and **bold** words. Another one follows it, of some length.\n\n"
    code = "```python\n" + "    value = compute(value, 1)\n" * 30 + "```\n\n"
    text = ((paragraph * 6 + code + "## Heading\n\n" + "- an item\n" * 12 + "\n") * 40)[:50_000]
    best = min(_seconds_to_split(text) for _ in range(5))
    assert best < 0.02  # 0.004 on the machine where this was written


@pytest.mark.parametrize("unit", ["`", "[", "> ", "*", "x\n", "```\n", "<", "# ", "> ```\n", " ", "~~~ ```\n", "- "])
def test_no_text_is_slow_to_split(unit: str) -> None:
    assert min(_seconds_to_split((unit * 20_000)[:20_000]) for _ in range(2)) < 1.0


def _seconds_to_split(text: str) -> float:
    start = time.perf_counter()
    split(text)
    return time.perf_counter() - start


# --- What holds of every text. ---


def test_every_view_of_a_growing_nasty_document_is_valid_and_whole_and_no_cut_ever_moves() -> None:
    for text, limit, dice in documents(320):
        splitter, end, before = Splitter(limit), 0, list[str]()
        step = max(1, len(text) // 5)
        while end < len(text):
            end += dice.randint(1, 2 * step)
            spans = splitter.spans(text[:end])
            check_view(text[:end], limit, spans)
            now = [str(span) for span in spans]
            assert now[: max(0, len(before) - 1)] == before[:-1]
            assert len(now) >= len(before)
            before = now
        assert before == split(text, limit)
