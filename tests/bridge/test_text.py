import random
from collections.abc import Callable

import pytest

from bridge.text import (
    clip,
    code_block,
    defuse,
    duration,
    escape,
    human_size,
    inline_code,
    one_line,
    reveal,
    tokens,
    usd,
    utf16_len,
    whole_end,
)


def test_lengths_are_counted_as_utf16() -> None:
    assert utf16_len("abc") == 3
    assert utf16_len("é漢") == 2
    assert utf16_len("😀") == 2
    assert utf16_len("\ud83d") == 1


def test_a_clipped_text_ends_with_an_ellipsis_within_the_limit() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
    assert clip("😀😀😀", 4) == "😀…"
    assert clip("abc", 0) == ""


def test_a_clip_never_tears_one_visible_character() -> None:
    assert clip("ab👩‍👩‍👧cd", 7) == "ab…"
    assert clip("abe\u0301cdef", 4) == "ab…"
    assert whole_end("🇩🇪🇫🇷", 0, 1) == 1
    assert whole_end("a🇩🇪🇫🇷", 0, 4) == 3
    assert whole_end("a\ud83d\ude00", 0, 2) == 1


def test_one_line_collapses_every_kind_of_line_break() -> None:
    assert one_line("a\n b\u2028\tc\x0bd ", 20) == "a b c d"


def test_escaped_text_has_no_formatting_left() -> None:
    assert escape("a_b*c`d`~|<@1>[x](y)\\") == r"a\_b\*c\`d\`\~\|\<@1\>\[x\]\(y\)" + "\\\\"
    assert escape("# head") == r"\# head"
    assert escape("- item") == r"\- item"
    assert escape("1. item") == r"1\. item"
    assert escape("src/app.py a-b c#d 1.5") == "src/app.py a-b c#d 1\\.5".replace("\\", "")


def test_inline_code_survives_backticks() -> None:
    assert inline_code("npm test", 50) == "`npm test`"
    assert inline_code("echo `date`", 50) == "`` echo `date` ``"
    assert "``" not in inline_code("a ``` b", 50)[3:-3]
    assert inline_code("", 50) == "` `"
    assert inline_code("a\nb", 50) == "`a b`"


def test_inline_code_keeps_its_limit_and_its_quotes() -> None:
    dice = random.Random(3)
    for _ in range(500):
        text = "".join(dice.choice("ab `\n😀é\u202e\x1b") for _ in range(dice.randint(0, 60)))
        limit = dice.randint(8, 40)
        shown = inline_code(text, limit)
        assert utf16_len(shown) <= limit
        assert "```" not in shown
        quote = "``" if shown.startswith("``") else "`"
        inner = shown[len(quote) : -len(quote)]
        assert shown.endswith(quote)
        assert quote not in inner


def test_a_text_cannot_leave_its_code_block() -> None:
    block = code_block("x\n```\n@everyone is asked to click Allow\n````", "bash")
    assert block.startswith("```bash\nx\n")
    assert block.count("```") == 2
    assert defuse("```").replace("\u200b", "") == "```"


def test_a_clipped_code_block_says_how_much_is_missing() -> None:
    block = code_block("line of text\n" * 100, "", 200)
    assert utf16_len(block) <= 200
    head, _, note = block.rpartition("\n")
    assert head.endswith("```")
    shown = head.removeprefix("```\n").removesuffix("\n```")
    assert note == f"({len('line of text' + chr(10)) * 100 - 1 - len(shown)} characters not shown)"
    assert utf16_len(code_block("`" * 5000, "", 120)) <= 120
    assert utf16_len(code_block("😀" * 5000, "python", 120)) <= 120


def test_what_cannot_be_seen_is_revealed() -> None:
    assert reveal("rm\u202e -rf\u200b \x1b[2J\x00\x85") == "rm⟨U+202E⟩ -rf⟨U+200B⟩ ⟨U+001B⟩[2J⟨U+0000⟩⟨U+0085⟩"
    assert reveal("a\n\tb é 漢") == "a\n\tb é 漢"
    assert reveal("\ufeffa\u00adb\u3164\U000e0041\r\u00a0") == ("⟨U+FEFF⟩a⟨U+00AD⟩b⟨U+3164⟩⟨U+E0041⟩⟨U+000D⟩⟨U+00A0⟩")


def test_emoji_stay_whole_but_joiners_elsewhere_are_revealed() -> None:
    assert reveal("👩‍👩‍👧 ❤️‍🔥 👍🏽") == "👩‍👩‍👧 ❤️‍🔥 👍🏽"
    assert reveal("pass\u200dword") == "pass⟨U+200D⟩word"


def test_a_text_cannot_pretend_to_have_been_revealed() -> None:
    assert reveal("⟨U+202E⟩") != reveal("\u202e")


def test_amounts_read_naturally() -> None:
    assert [human_size(n) for n in (0, 1023, 1024, 1536, 10 << 20, 1 << 30)] == [
        "0 B", "1023 B", "1 KiB", "1.5 KiB", "10 MiB", "1 GiB",
    ]  # fmt: skip
    assert [duration(s) for s in (0, 4.2, 59.6, 130, 3900, 7200, 97_200)] == [
        "0 s", "4 s", "1 min", "2 min 10 s", "1 h 5 min", "2 h", "1 d 3 h",
    ]  # fmt: skip
    assert [usd(c) for c in (0, 0.0016, 0.0999, 0.1, 1.234, 1234.5)] == [
        "$0.00", "$0.0016", "$0.0999", "$0.10", "$1.23", "$1,234.50",
    ]  # fmt: skip
    assert [tokens(n) for n in (0, 950, 1000, 12_345, 123_456, 999_960, 1_234_567)] == [
        "0", "950", "1k", "12.3k", "123k", "1M", "1.2M",
    ]  # fmt: skip


@pytest.mark.parametrize("told", [human_size, tokens, duration, usd])
@pytest.mark.parametrize("number", [10**15, 10**16, 10**400])
def test_a_number_that_is_no_quantity_of_anything_is_told_all_the_same(told: Callable[[int], str], number: int) -> None:
    assert len(told(number)) < 40


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e308, -1e308])
@pytest.mark.parametrize("told", [duration, usd])
def test_so_is_what_is_no_number(told: Callable[[float], str], number: float) -> None:
    assert len(told(number)) < 40
