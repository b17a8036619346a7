"""How much of Claude's text is kept: enough for anybody to read, and never so much that others wait for it."""

from bridge.protocol import events as e
from worker.texts import BLOCKS_KEPT, TEXT_KEPT_CHARS, TURN_KEPT_CHARS, Texts

LONG = "x" * TEXT_KEPT_CHARS


def streamed(texts: Texts, message: str, text: str) -> str:
    texts.begin_message(message)
    texts.begin_block(0)
    return texts.add(text)


def test_what_streams_and_never_comes_whole_is_kept_up_to_a_limit_for_all_blocks_together() -> None:
    texts = Texts()
    kept = [streamed(texts, f"m{number}", LONG) for number in range(100)]
    assert sum(map(len, kept)) == TURN_KEPT_CHARS
    assert sum(len(text.text) for text in texts.broken_off()) == TURN_KEPT_CHARS
    assert not texts.is_streaming and streamed(texts, "again", "hello") == "hello"


def test_blocks_without_end_are_so_many_and_no_more() -> None:
    texts = Texts()
    for number in range(10 * BLOCKS_KEPT):
        streamed(texts, f"m{number}", "x")
        texts.end_block()
    assert len(texts.broken_off()) == BLOCKS_KEPT
    texts.begin_message("one")
    for number in range(10 * BLOCKS_KEPT):
        texts.begin_block(number)
    assert len(texts.end_message("one", 0)) == BLOCKS_KEPT


def test_what_came_whole_makes_room_for_what_streams_next() -> None:
    texts = Texts()
    for number in range(4):
        assert len(streamed(texts, f"m{number}", LONG)) == TEXT_KEPT_CHARS
        (written,) = texts.written(f"m{number}:0", LONG)
        assert written.text == LONG
    assert streamed(texts, "next", "still streams") == "still streams"


def test_texts_of_one_turn_end_with_a_word_and_the_next_turn_has_its_own() -> None:
    texts = Texts()
    steps = [step for number in range(50) for step in texts.written(f"m{number}:0", LONG)]
    assert [step.text for step in steps[:4]] == [LONG] * 4
    (last,) = steps[4:]
    assert "no more of its text is shown in this turn" in last.text and f"{TURN_KEPT_CHARS:,}" in last.text
    texts.begin_turn()
    assert texts.written("new:0", "hello") == [e.TextWritten("new:0", "hello")]


def test_one_text_above_its_own_limit_is_cut_and_others_follow() -> None:
    texts = Texts()
    (cut,) = texts.written("a:0", LONG + "y" * 500)
    assert cut.text.endswith("500 more characters here)") and "no more" not in cut.text
    assert texts.written("b:0", "next") == [e.TextWritten("b:0", "next")]


def test_a_name_of_the_childs_is_never_long() -> None:
    texts = Texts()
    streamed(texts, "m" * 10**6, "x")
    assert len(texts.broken_off()[0].block) < 300
