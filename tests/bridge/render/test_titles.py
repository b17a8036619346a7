"""What a thread is called, of what was asked."""

import pytest

from bridge.render.titles import SHORT_CHARS, TITLE_CHARS, chosen, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("fix  the\ntests", "fix the tests"),
        ("**Fix** the `login` page, *please*", "Fix the login page, please"),
        ("# A heading\n- one\n- two", "A heading one two"),
        ("> they said so\nis that true?", "they said so is that true?"),
        ("<@42> <@&9> look at <#7> @everyone", "look at"),
        ("see https://example.org/a/b?c=d and <https://x.org>", "see and"),
        ("see [the page](https://example.org/a) again", "see the page again"),
        ("```py\nprint(1)\n``` what does it do?", "print(1) what does it do?"),
        ("||secret|| <:party:123> </status:99>", "secret :party: /status"),
        ("snake_case_name and 2*3*4 stay", "snake_case_name and 2*3*4 stay"),
        ("", "Claude"),
        ("https://example.org", "Claude"),
        ("\u200b\u3164\u2800\ufe0f\u00ad", "Claude"),
        ("\u202egnp.exe\u2066 \x00is\x07 it\u00a0so?", "gnp.exe is it so?"),
        ("👩\u200d💻 and ❤\ufe0f stay", "👩\u200d💻 and ❤\ufe0f stay"),
    ],
)
def test_the_first_words_stand_there_without_what_discord_draws_otherwise(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_long_one_is_cut_at_a_word() -> None:
    title = title_of("please look at why the login page of our web application is so slow since Tuesday evening")
    assert title == "please look at why the login page of our web application is…"
    assert len(title) <= SHORT_CHARS


def test_one_long_word_is_cut_where_it_must_be() -> None:
    assert title_of("x" * 200) == "x" * (SHORT_CHARS - 1) + "…"


def test_claudes_own_title_is_taken_without_quotes_and_never_too_long() -> None:
    assert chosen(' "Fix the **login** page." ') == "Fix the login page"
    assert chosen(" \n ") == "" and len(chosen("y" * 500)) <= TITLE_CHARS


@pytest.mark.parametrize("sign", ["*", "_", "[", "<", "`", "|", "~", "<@", "[a](", "> "])
def test_thousands_of_marks_take_no_time(sign: str) -> None:
    assert title_of(sign * 4000)
