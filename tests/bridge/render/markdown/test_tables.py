import random

import pytest

from bridge.render.markdown.layouts import WIDTH, column_widths
from bridge.render.markdown.split import split
from bridge.render.markdown.tables import alignments, as_row, cells
from bridge.render.markdown.widths import display_width, padded, wrapped
from bridge.text import utf16_len

TABLE = "| Name | Size |\n|---|--:|\n| `a` | 1 |\n| b | 20 |\n"


def test_a_table_becomes_aligned_columns() -> None:
    assert split(TABLE) == ["```\nName | Size\n-----+-----\na    |    1\nb    |   20\n```"]


def test_a_row_is_shown_when_it_is_whole_and_a_header_when_it_is_known_to_be_one() -> None:
    assert split(TABLE + "| a longer name of something | 3") == split(TABLE)
    assert split(TABLE + "| a longer name of something | 3 |\n")[0].endswith("\na longer name of something |    3\n```")
    assert split("| Name | Size |\n|---|-") == []
    assert split("| Name | Size |", ended=True) == ["| Name | Size |"]


def test_the_first_signs_of_a_header_without_outer_pipes_stay_until_it_is_known_to_be_one() -> None:
    assert split("Name") == split("Before.\nName")[0].splitlines()[1:] == ["Name"]
    assert split("Name | Size\n---|-") == ["Name | Size"]
    assert split("Name of the option | its value") == ["Name of the option | its"]


def test_a_table_cut_over_posts_repeats_its_header_and_loses_no_row() -> None:
    rows = "".join(f"| name {n} | {n} |\n" for n in range(300))
    posts = split(f"Intro.\n\n| Name | Size |\n|---|--:|\n{rows}\nEnd.")
    assert len(posts) > 2
    assert all("```\nName     | Size\n---------+-----\n" in post for post in posts)
    names = [line.split("|")[0].strip() for post in posts for line in post.split("\n") if line.startswith("name")]
    assert names == [f"name {n}" for n in range(300)]


def test_what_would_be_too_wide_or_has_links_is_a_list() -> None:
    assert "**[x](https://e.org)**\n- b: 1" in split("| a | b |\n|---|---|\n| [x](https://e.org) | 1 |\n")[0]
    wide = split("| a | b | c | d | e |\n|-|-|-|-|-|\n| " + " | ".join(["some words here"] * 5) + " |\n")[0]
    assert wide.startswith("-# a · b · c · d · e\n**some words here**\n- b: some words here\n")


def test_no_line_of_a_code_block_is_wider_than_a_phone() -> None:
    text = "| Option | What it does |\n|---|---|\n" + "| `--all` | shows 漢字 and every single session |\n" * 3
    assert max(display_width(line) for line in split(text)[0].split("\n")) <= WIDTH
    assert column_widths((3, 90), (3, 8)) == (3, WIDTH - 6)
    assert column_widths((30, 90), (30, 8)) == ()


def test_cells_are_split_at_bars_that_are_not_escaped() -> None:
    assert cells("> | a\\|b | c ") == ["a\\|b", "c"]
    assert as_row("| a | b | c |", 2) == ("a", "b | c")
    assert as_row("| a |", 3) == ("a", "", "")
    assert alignments("|:--|:-:|--:|", 3) == "lcr" and alignments("| - | x |", 2) == ""


def test_wide_characters_count_double() -> None:
    assert display_width("漢字e\u0301") == 5
    assert padded("漢", 4, "c") == " 漢 "
    assert wrapped("one two 漢字漢字", 7) == ["one two", "漢字漢", "字"]


@pytest.mark.parametrize("emoji", ["👩‍👩‍👧", "👍🏽", "❤️", "🇩🇪", "✅", "漢", "e\u0301\u0301x"])
def test_a_character_of_several_takes_the_columns_that_it_is_drawn_in(emoji: str) -> None:
    (post,) = split(f"| A | B |\n|---|---|\n| {emoji} | x |\n| ab | y |\n")
    assert f"\n{emoji} | x\nab | y\n" in post
    assert display_width(emoji) == 2


def test_a_long_word_is_not_broken_inside_a_character() -> None:
    assert wrapped("👩‍👩‍👧" * 3, 4) == ["👩‍👩‍👧" * 2, "👩‍👩‍👧"]
    assert wrapped("👍🏽" * 3, 3) == ["👍🏽"] * 3


def test_a_cell_keeps_its_double_underscores() -> None:
    assert "mcp__a__b" in split("| Tool | x |\n|---|---|\n| mcp__a__b | y |\n")[0]


@pytest.mark.parametrize("delimiter", ["---|--:", ":--|--:", " --- | ---:", "---|--:|"])
def test_a_table_without_outer_pipes_is_one(delimiter: str) -> None:
    bare = f"Name | Size\n{delimiter}\n`a` | 1\nb | 20\n\nAfter | it."
    assert split(bare)[0].startswith("```\nName | Size\n-----+-----\na    |    1\nb    |   20\n```\n")
    assert split(f"Before.\n\n> {bare.replace(chr(10), chr(10) + '> ')}")[0].count("```") == 2


def test_a_line_with_a_pipe_that_is_no_tables_header_stays_as_it_is() -> None:
    for text in (
        "a | b",
        "a | b\nc | d",
        "a | b\n---",
        "status: ok | 3 files\n\nMore.",
        "a || b\n---|---",
        "- a | b\n- c",
    ):
        assert "```" not in split(f"{text}\n")[0] and "|" in split(f"{text}\n")[0]
    assert split("`a|b` | c\n")[0] == "`a|b` | c"


def test_a_table_without_outer_pipes_ends_with_what_begins_something_else() -> None:
    table = "a | b\n---|---\n1 | 2\n"
    for after in ("# Heading", "- item", "1. item", "```\ncode\n```", "\ntext"):
        post = split(f"{table}{after}\n")[0]
        assert post.startswith("```\na | b\n--+--\n1 | 2\n```\n") and post.endswith(after.strip())
    assert "3 |" in split(f"{table}3\n")[0], "as GitHub has it"


@pytest.mark.slow
def test_no_cut_moves_while_a_table_without_outer_pipes_is_written() -> None:
    dice = random.Random(11)
    cells = ("x", "two words", "**b**", "`c`", "漢字", "", "😀", "long " * 20, "a__b", "<br>")
    for _ in range(120):
        rows = [" | ".join(dice.choices(cells, k=2)) for _ in range(dice.randint(0, 25))]
        below = dice.choice(("---|---", "---|---", ":-:|--:", "---", "text"))
        text = "\n".join(["word " * dice.randint(0, 150), "", "Name | Size", below, *rows, "", "After | this."])
        before: list[str] = []
        for end in sorted({*(dice.randint(1, len(text)) for _ in range(20)), len(text)}):
            now = split(text[:end], 700)
            assert all(utf16_len(post) <= 700 and post.count("```") % 2 == 0 for post in now)
            assert now[: max(0, len(before) - 1)] == before[:-1]
            before = now
