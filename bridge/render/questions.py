"""The card of Claude's own questions: what it asks, what is chosen so far, and what was answered.

Everything is numbered and said in words, so nothing depends on a colour. The card shows each question whole, or a
file beside it does; the choices of a select may be cut, for their values are places and not labels.
"""

from collections.abc import Mapping

from bridge.discord_numbers import CHOICE_CHARS, PLACEHOLDER_CHARS
from bridge.protocol.questions import Option, Question
from bridge.render.excerpts import markdown_excerpt
from bridge.render.modals import labelled, text_field
from bridge.render.posts import Button, Choice, File, Select
from bridge.session.custom_ids import answer_field
from bridge.session.permission import PermissionRequest, RequestName
from bridge.session.questions import OTHER_CHARS, Draft, Row, answers_at_once, fits_buttons, pages_of
from bridge.text import clip, code_block, escape, one_line, reveal, utf16_len

BODY_CHARS = 3000
EXCERPT_CHARS = 1900
ANSWERS_CHARS = 1000
FILE_NAME = "questions.md"
NO_ANSWER = "(no answer)"


# --- what stands in the card -------------------------------------------------------------------------


def title(questions: tuple[Question, ...]) -> str:
    if len(questions) > 1:
        return f"{len(questions)} questions"
    return one_line(escape(_header(questions[0])), 200) or "Question"


def _header(question: Question) -> str:
    """What the question does not say itself."""
    header = _line(question.header)
    return "" if header == _line(question.question) else header


def body(questions: tuple[Question, ...], draft: Draft) -> tuple[str, tuple[File, ...]]:
    """The questions with what is chosen so far; of those that are too long together, the open page's."""
    answers = {place: draft.answer(place, question) for place, question in enumerate(questions)}
    whole = _text(questions, range(len(questions)), {})
    if utf16_len(whole) <= BODY_CHARS:
        return _text(questions, range(len(questions)), answers), ()
    places = sorted({row.place for _, row in _page(questions, draft)})
    shown, _ = markdown_excerpt(_text(questions, places, {}), BODY_CHARS - 100, EXCERPT_CHARS)
    chosen = "\n".join(f"{place + 1}. {_chosen(answers[place], len(places))}" for place in places if answers[place])
    note = f"The whole of it is in **{FILE_NAME}** ({len(whole):,} characters)."
    return "\n\n".join(part for part in (shown, note, chosen) if part), (File(FILE_NAME, whole),)


def answered(questions: tuple[Question, ...], answers: Mapping[str, str]) -> str:
    """Each question with its answer, in as much room as a card has."""
    share = (BODY_CHARS + ANSWERS_CHARS) // len(questions) - 20
    return "\n\n".join(_answered(question, answers.get(question.question, ""), share) for question in questions)


def _answered(question: Question, answer: str, share: int) -> str:
    asked = clip(escape(_line(question.question)), share // 2)
    return f"**{asked}**\n→ {clip(escape(_line(answer)), share // 2 - 10) or NO_ANSWER}"


def _text(questions: tuple[Question, ...], places: "range | list[int]", answers: Mapping[int, str]) -> str:
    count = len(questions)
    return "\n\n".join(_question(questions[n], n, count, answers.get(n, "")) for n in places)


def _question(question: Question, place: int, count: int, answer: str) -> str:
    header = escape(_header(question))
    lines = [f"*Question {place + 1} of {count}*" + (f" · {header}" if header else "")] if count > 1 else []
    lines.append(f"**{escape(reveal(question.question).strip())}**")
    lines += [_option(number, option) for number, option in enumerate(question.options, 1)]
    if question.multiSelect:
        lines.append("-# Several may be chosen.")
    return "\n".join([*lines, *([_chosen(answer, count)] if answer else [])])


def _option(number: int, option: Option) -> str:
    about = escape(_line(option.description))
    line = f"{number}. {escape(_line(option.label))}" + (f" – {about}" if about else "")
    return f"{line}\n{code_block(reveal(option.preview))}" if option.preview.strip() else line


def _chosen(answer: str, count: int) -> str:
    return f"→ Chosen so far: **{clip(escape(_line(answer)), ANSWERS_CHARS // count - 30)}**"


def _line(text: str) -> str:
    return " ".join(reveal(text).split())


# --- its selects and buttons -------------------------------------------------------------------------


def selects(request: PermissionRequest) -> tuple[Select, ...]:
    questions = request.questions
    if fits_buttons(questions):
        return ()
    page = _page(questions, request.draft)
    return tuple(_select(request, number, row) for number, row in page if row.options)


def _select(request: PermissionRequest, number: int, row: Row) -> Select:
    question = request.questions[row.place]
    picks = request.draft.picks.get(row.place, ())
    choices = tuple(_choice(question.options[n], n, chosen=n in picks) for n in row.options)
    least, most = (0, len(choices)) if question.multiSelect else (1, 1)
    hint = _placeholder(request.questions, row)
    return Select(request.name.custom_id(f"pick{number}"), choices, hint, least, most)


def _choice(option: Option, n: int, *, chosen: bool) -> Choice:
    label = one_line(f"{n + 1}. {_line(option.label)}", CHOICE_CHARS)
    return Choice(label, str(n), one_line(_line(option.description), CHOICE_CHARS), chosen)


def _placeholder(questions: tuple[Question, ...], row: Row) -> str:
    question = questions[row.place]
    how = "choose any" if question.multiSelect else "choose one"
    if len(row.options) < len(question.options):
        how += f" of {row.options[0] + 1}–{row.options[-1] + 1}"
    name = _line(question.header) or _line(question.question)
    return (
        f"{row.place + 1} · {one_line(name, PLACEHOLDER_CHARS - 40)}: {how}" if len(questions) > 1 else how.capitalize()
    )


def buttons(request: PermissionRequest) -> tuple[Button, ...]:
    questions, name, draft = request.questions, request.name, request.draft
    page = _open_page(questions, draft)
    skip = Button("No answer", name.custom_id("skip"))
    write = Button("Other…", name.custom_id(f"other{page}"))
    if fits_buttons(questions):
        return (*_option_buttons(questions[0], name), write, skip)
    turn = _page_buttons(name, page, len(pages_of(questions)))
    if answers_at_once(questions):
        return (*turn, write, skip)
    count = len(draft.answers(questions))
    label = f"Send answers ({count} of {len(questions)})" if len(questions) > 1 else "Send answer"
    return (Button(label, name.custom_id("send"), "success"), *turn, write, skip)


def _option_buttons(question: Question, name: RequestName) -> list[Button]:
    return [
        Button(f"{n + 1}. {_line(option.label)}", name.custom_id(f"option{n}"), "primary")
        for n, option in enumerate(question.options)
    ]


def _page_buttons(name: RequestName, page: int, count: int) -> list[Button]:
    back = [Button("Back", name.custom_id(f"page{page - 1}"))] if page > 0 else []
    return [
        *back,
        *([Button(f"More ({page + 1} of {count})", name.custom_id(f"page{page + 1}"))] if page + 1 < count else []),
    ]


def _open_page(questions: tuple[Question, ...], draft: Draft) -> int:
    return min(draft.page, len(pages_of(questions)) - 1)


def _page(questions: tuple[Question, ...], draft: Draft) -> list[tuple[int, Row]]:
    return pages_of(questions)[_open_page(questions, draft)]


# --- the modal for own words -------------------------------------------------------------------------


def other_modal(request: PermissionRequest, page: int) -> dict[str, object]:
    """The JSON of a modal with a field for each question of the page; submitted under the button's custom_id."""
    questions = request.questions
    places = sorted({row.place for _, row in pages_of(questions)[page]})
    is_required = answers_at_once(questions)
    return {
        "title": "Answer in your own words",
        "custom_id": request.name.custom_id(f"other{page}"),
        "components": [_field(request, place, is_required=is_required) for place in places],
    }


def _field(request: PermissionRequest, place: int, *, is_required: bool) -> dict[str, object]:
    question = request.questions[place]
    name = _line(question.header) or _line(question.question)
    number = f"{place + 1} · " if len(request.questions) > 1 else ""
    text = request.draft.texts.get(place, "")
    field = text_field(answer_field(place), OTHER_CHARS, required=is_required, value=text)
    return labelled(number + name, field, hint=_line(question.question))
