"""The card of Claude's own questions, within Discord's limits whatever is asked."""

import json

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.render import cards, questions
from bridge.render.posts import Post, payload
from bridge.session.custom_ids import place_of_field
from bridge.session.permission import NOT_ANSWERED, PermissionRequest, RequestName, Settled
from bridge.session.questions import Draft, pages_of, picked, written
from bridge.text import utf16_len
from twins.discord.checks.components import check_components, check_modal
from twins.discord.errors import Problems

NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 7)
COLOUR: dict[str, object] = {
    "question": "Which colour?",
    "header": "Colour",
    "options": [{"label": "Red", "description": "warm"}, {"label": "Blue"}],
}
FRUITS: dict[str, object] = {
    "question": "Which fruits?",
    "multiSelect": True,
    "options": [{"label": "Apple"}, {"label": "Pear"}, {"label": "Fig"}],
}


def request(*asked: dict[str, object], draft: Draft = Draft()) -> PermissionRequest:  # noqa: B008 - frozen
    text = json.dumps({"questions": asked}, ensure_ascii=False)
    event = e.PermissionRequested("r1", "AskUserQuestion", text, digest_of(text))
    made = PermissionRequest(NAME, 1000.0, 42, event, draft=draft)
    assert made.questions
    return made


def opened(made: PermissionRequest) -> Post:
    card = cards.open_card(made, 42, "/srv/app")
    check(card)
    return card


def check(card: Post) -> None:
    assert card.embed
    assert utf16_len(card.content) <= 2000
    assert utf16_len(card.embed.title) <= 256
    assert 0 < utf16_len(card.embed.description) <= 4096
    problems = Problems()
    check_components(problems, payload(card)["components"])
    problems.raise_if_any()


def body(card: Post) -> str:
    assert card.embed
    return card.embed.description


def verbs(card: Post) -> dict[str, str]:
    return {button.label: button.custom_id.split(":")[1] for button in card.buttons}


@pytest.mark.parametrize("header", ["Which colour?", " Which  colour? ", ""])
def test_a_header_that_is_the_question_is_not_said_a_second_time(header: str) -> None:
    asked = {**COLOUR, "header": header}
    card = opened(request(asked))
    assert card.embed and card.embed.title == "Question" and body(card).startswith("**Which colour?**")


def test_nor_is_it_where_there_are_several_questions() -> None:
    same, other = {**COLOUR, "header": COLOUR["question"]}, {**COLOUR, "question": "Which size?", "header": "Size"}
    shown = body(opened(request(same, other)))
    assert shown.count("Which colour?") == 1 and "*Question 2 of 2* · Size" in shown


def test_one_question_with_few_options_has_a_button_for_each() -> None:
    card = opened(request(COLOUR))
    assert card.content == "<@42> Claude asks: Which colour?" and card.mentions == (42,)
    assert card.embed and card.embed.title == "Colour"
    assert body(card) == "**Which colour?**\n1. Red – warm\n2. Blue"
    assert verbs(card) == {"1. Red": "option0", "2. Blue": "option1", "Other…": "other0", "No answer": "skip"}
    assert not card.selects


def test_one_question_with_long_labels_has_a_select_that_cuts_them_while_the_card_shows_them_whole() -> None:
    long = "the option that " + "goes on " * 20
    card = opened(request({"question": "Which?", "options": [{"label": long + n} for n in "ABC"]}))
    (select,) = card.selects
    assert all(utf16_len(choice.label) <= 100 for choice in select.choices)
    assert select.choices[1].label.startswith("2. the option that") and select.choices[1].label.endswith("…")
    assert [choice.value for choice in select.choices] == ["0", "1", "2"]
    assert all(long + n in body(card) for n in "ABC")
    assert verbs(card) == {"Other…": "other0", "No answer": "skip"}, "one choice answers, nothing is left to send"


def test_several_questions_have_a_select_each_and_are_sent_together() -> None:
    card = opened(request(COLOUR, FRUITS))
    assert card.content == "<@42> Claude asks: Which colour? (and 1 more)"
    assert card.embed and card.embed.title == "2 questions"
    assert "*Question 1 of 2* · Colour" in body(card) and "-# Several may be chosen." in body(card)
    assert [(s.least, s.most, s.placeholder) for s in card.selects] == [
        (1, 1, "1 · Colour: choose one"),
        (0, 3, "2 · Which fruits?: choose any"),
    ]
    assert verbs(card) == {"Send answers (0 of 2)": "send", "Other…": "other0", "No answer": "skip"}


def test_what_is_chosen_so_far_stands_in_the_card_and_in_its_selects() -> None:
    asked = request(COLOUR, FRUITS)
    draft = picked(asked.questions, Draft(), 1, ["0", "2"])
    assert draft
    draft = written(asked.questions, draft, 0, {0: "mauve, *please*"})
    assert draft
    card = opened(msgspec.structs.replace(asked, draft=draft))
    assert "→ Chosen so far: **Apple, Fig**" in body(card)
    assert r"→ Chosen so far: **mauve, \*please\***" in body(card)
    assert [choice.chosen for choice in card.selects[1].choices] == [True, False, True]
    assert "Send answers (2 of 2)" in verbs(card)


def test_more_questions_than_a_message_has_rows_for_are_paged() -> None:
    asked = request(*({**COLOUR, "question": f"Question {n}?"} for n in range(9)))
    card = opened(asked)
    assert len(card.selects) == 4
    assert list(verbs(card).values()) == ["send", "page1", "other0", "skip"]
    middle = opened(msgspec.structs.replace(asked, draft=Draft(page=1)))
    assert [s.custom_id.split(":")[1] for s in middle.selects] == ["pick4", "pick5", "pick6", "pick7"]
    assert list(verbs(middle).values()) == ["send", "page0", "page2", "other1", "skip"]
    last = opened(msgspec.structs.replace(asked, draft=Draft(page=99)))
    assert list(verbs(last).values()) == ["send", "page1", "other2", "skip"]


def test_more_options_than_a_select_takes_are_spread_over_several() -> None:
    options = [{"label": f"Option {n}"} for n in range(60)]
    card = opened(request({"question": "Which?", "options": options, "multiSelect": True}))
    assert [len(s.choices) for s in card.selects] == [25, 25, 10]
    assert [s.placeholder for s in card.selects] == [f"Choose any of {a}" for a in ("1–25", "26–50", "51–60")]


def test_a_question_without_options_is_answered_in_words() -> None:
    card = opened(request({"question": "What is its name?", "options": []}))
    assert verbs(card) == {"Other…": "other0", "No answer": "skip"}


def test_questions_that_are_too_long_are_shown_by_page_and_whole_in_a_file() -> None:
    asked = [{**FRUITS, "question": f"Question {n}? " + "x" * 900} for n in range(8)]
    card = opened(request(*asked, draft=Draft(page=1)))
    (file,) = card.files
    assert file.name == "questions.md" and all(f"Question {n}?" in file.text for n in range(8))
    assert "Question 4?" in body(card) and "Question 0?" not in body(card)
    assert "**questions.md**" in body(card)


def test_a_preview_of_an_option_is_shown_as_code() -> None:
    card = opened(request({"question": "Which?", "options": [{"label": "A", "preview": "+--+\n|``` |"}]}))
    assert "+--+" in body(card) and body(card).count("```") == 2


def test_what_tricks_the_eye_is_made_visible_everywhere() -> None:
    odd = "a\u202eb\u200b"
    asked = request(
        {"question": odd, "header": odd, "options": [{"label": odd, "description": odd}, {"label": "x" * 50}]}, COLOUR
    )
    shown = json.dumps(payload(opened(asked)), ensure_ascii=False) + json.dumps(
        questions.other_modal(asked, 0), ensure_ascii=False
    )
    assert "\u202e" not in shown and "\u200b" not in shown and "⟨U+202E⟩" in shown


@pytest.mark.slow
@pytest.mark.parametrize("text", ["*" * 600, "😀" * 600, "\u202e" * 600, "a\nb" * 300, "`" * 600, "# " * 300])
@pytest.mark.parametrize(("count", "multi"), [(1, False), (1, True), (2, False), (5, True), (20, True)])
def test_no_question_makes_a_card_or_a_modal_that_discord_refuses(text: str, count: int, multi: bool) -> None:
    options = [{"label": f"{n}{text[:60]}", "description": text[:60], "preview": text[:20]} for n in range(30)]
    asked = [
        {"question": f"{n}{text}", "header": text, "multiSelect": multi, "options": options[: 30 // count + n % 3]}
        for n in range(count)
    ]
    made = request(*asked)
    for page in range(len(pages_of(made.questions))):
        picks: dict[int, tuple[int, ...]] = dict.fromkeys(range(count), (0, 1)) if multi else {}
        draft = Draft(page, picks, dict.fromkeys(range(count), text * 3))
        drafted = msgspec.structs.replace(made, draft=draft)
        opened(drafted)
        check_modal(questions.other_modal(drafted, page))
        for how in (Settled("allowed", text, "", answers=draft.answers(made.questions)), Settled("denied", text, text)):
            check(cards.settled_card(drafted, how, "/srv/app"))


def test_the_modal_has_a_field_for_each_question_of_the_page_filled_with_what_was_written() -> None:
    asked = request(COLOUR, FRUITS)
    draft = written(asked.questions, Draft(), 0, {1: "Quince"})
    assert draft
    modal = questions.other_modal(msgspec.structs.replace(asked, draft=draft), 0)
    check_modal(modal)
    assert modal["custom_id"] == NAME.custom_id("other0")
    parts = msgspec.convert(modal["components"], list[dict[str, object]])
    assert [part["label"] for part in parts] == ["1 · Colour", "2 · Which fruits?"]
    fields = msgspec.convert([part["component"] for part in parts], list[dict[str, object]])
    assert [(f["custom_id"], f.get("value"), f["required"]) for f in fields] == [
        ("answer0", None, False),
        ("answer1", "Quince", False),
    ]


@pytest.mark.parametrize(
    ("custom_id", "place"), [("answer0", 0), ("answer19", 19), ("answer20", None), ("answer", None), ("reason", None)]
)
def test_a_field_of_the_modal_names_its_question(custom_id: str, place: int | None) -> None:
    assert place_of_field(custom_id) == place


def test_the_settled_card_shows_each_question_with_its_answer_and_who_gave_it() -> None:
    how = Settled("allowed", "ada", "", answers={"Which colour?": "Blue"})
    card = cards.settled_card(request(COLOUR, FRUITS), how, "/srv/app")
    assert card.content == "✓ Answered by ada"
    assert body(card) == "**Which colour?**\n→ Blue\n\n**Which fruits?**\n→ (no answer)"
    assert not card.buttons and not card.selects


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Settled("denied", "ada", NOT_ANSWERED), "✗ ada chose not to answer"),
        (Settled("expired", "", "x"), "⌛ Expired: nobody answered in time, and Claude was told so"),
        (Settled("withdrawn", "", "the turn ended"), "— Withdrawn: “the turn ended”: Claude no longer asks this"),
    ],
)
def test_a_question_without_an_answer_keeps_its_options_in_the_card(how: Settled, words: str) -> None:
    card = cards.settled_card(request(COLOUR), how, "/srv/app")
    assert card.content == words and "1. Red" in body(card)
    assert not card.buttons and not card.selects
