"""No card hides what it asks: every character of the input is on it, in its file, or counted as between both ends.

What is looked for are characters, not words: each text of the input is made of signs that occur nowhere else on a card,
so how often they are shown says whether one is missing.
"""

import json
import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.protocol import events as e
from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL, digest_of
from bridge.render import cards, together
from bridge.render.posts import Post
from bridge.session.permission import PermissionRequest, RequestName
from bridge.text import utf16_len
from stages.searched import searched

NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 7)
SIGNS = "ꙮ𝔘ΩЖ語☃ßø"
"""Seen as they are, and used by no word of ours."""
ODD = "`\u202e\u200b\x1b\u2066\x07\ufeff\t* _|<>[]#-~\\\"'{}"
"""What tricks the eye, or means something to Discord."""
BETWEEN = re.compile(r"-# … ([\d,]+) characters")

texts = st.text(st.sampled_from(SIGNS + ODD + "\n"), min_size=1, max_size=120)
long_texts = st.builds(lambda text, times: text * times, texts, st.sampled_from([1, 1, 3, 40, 200]))


def opened(tool: str, given_input: object, **fields: object) -> Post:
    text = given_input if isinstance(given_input, str) else json.dumps(given_input)
    event = e.PermissionRequested("r1", tool, text, digest_of(text), **fields)  # type: ignore[arg-type]
    return cards.open_card(PermissionRequest(NAME, 1000.0, 42, event), 42, "/srv/app")


def of_signs(*parts: str) -> Counter[str]:
    return Counter(sign for sign in "".join(parts) if sign in SIGNS)


def on_card(card: Post) -> Counter[str]:
    """In its embed, and in its menus' and buttons' words."""
    assert card.embed
    words = [card.embed.title, card.embed.description, card.embed.footer]
    words += [word for select in card.selects for one in select.choices for word in (one.label, one.description)]
    return of_signs(*words, *(button.label for button in card.buttons))


def is_all_there(card: Post, *texts: str) -> None:
    """Each sign as often as in the input; on the card, or in its file while the card counts what it leaves out."""
    assert card.embed and utf16_len(card.embed.description) <= 4096
    if not card.files:
        wanted = of_signs(*texts)
        assert on_card(card) >= wanted, wanted - on_card(card)
        return
    (file,) = card.files
    for text in texts:
        assert of_signs(text) <= of_signs(file.text) or of_signs(text) <= of_signs(card.embed.description), text
    assert BETWEEN.search(card.embed.description), "how much is left out"
    assert f"{len(file.text):,} characters" in card.embed.description, "how long it is"


@searched(200)
@given(command=long_texts, description=texts)
def test_of_a_command(command: str, description: str) -> None:
    is_all_there(opened("Bash", {"command": command, "description": description}), command, description)


@searched(150)
@given(old=long_texts, new=long_texts, path=texts, line=st.integers(0, 500))
def test_of_an_edit(old: str, new: str, path: str, line: int) -> None:
    given_input = {"file_path": f"/srv/app/{path}", "old_string": old, "new_string": new}
    card = opened("Edit", given_input, places=(e.Place(line),) if line else ())
    shown = of_signs(card.content)
    if old == new:
        return
    wanted = of_signs(path)
    is_all_there(card, *(() if of_signs(path) <= shown else (path,)))
    assert wanted <= shown + on_card(card) + of_signs(*(file.text for file in card.files))
    changed = of_signs(*(file.text for file in card.files)) if card.files else on_card(card)
    assert changed >= of_signs(old) | of_signs(new)


printable = st.builds(
    str.__mul__, st.text(st.sampled_from(SIGNS + "_*`~|. -"), min_size=1, max_size=20), st.integers(1, 6)
)
"""Paths of signs that a message has to escape: it gets longer than the path."""


@searched(100)
@given(name=printable)
@example(name="_" * 90 + "Ж")
@pytest.mark.parametrize("tool", ["Edit", "Write", "Read"])
def test_of_a_path(tool: str, name: str) -> None:
    given_input = {"Edit": {"old_string": "a", "new_string": "b"}, "Write": {"content": "a"}}.get(tool, {"limit": 5})
    card = opened(tool, {"file_path": f"/srv/app/{name}", **given_input})
    assert of_signs(name) <= of_signs(card.content) or of_signs(name) <= on_card(card)


@searched(150)
@given(content=long_texts)
def test_of_a_file_that_is_written(content: str) -> None:
    is_all_there(opened("Write", {"file_path": "/srv/app/a", "content": content}), content)


@searched(150)
@given(values=st.dictionaries(texts, long_texts | st.lists(texts, max_size=3), max_size=4))
@pytest.mark.parametrize("tool", ["WebFetch", "Never_Seen", "mcp__server__tool", "Read"])
def test_of_any_other_tool(tool: str, values: dict[str, object]) -> None:
    card = opened(tool, {f"x{key}": value for key, value in values.items()})
    inside = [part for key, value in values.items() for part in (key, *(value if isinstance(value, list) else [value]))]
    is_all_there(card, *map(str, inside))


@searched(100)
@given(raw=long_texts)
def test_of_an_input_that_is_no_object(raw: str) -> None:
    is_all_there(opened("Bash", raw), raw)


@searched(150)
@given(plan=long_texts)
def test_of_a_plan(plan: str) -> None:
    is_all_there(opened(PLAN_TOOL, {"plan": plan}), plan)


@searched(150)
@given(question=texts, labels=st.lists(texts, min_size=2, max_size=4, unique=True), description=long_texts)
def test_of_a_question(question: str, labels: list[str], description: str) -> None:
    options = [{"label": label, "description": description} for label in labels]
    asked = {"questions": [{"question": question, "header": "h", "options": options, "multiSelect": False}]}
    is_all_there(opened(QUESTION_TOOL, asked), question, *labels, *[description] * len(labels))


@searched(100)
@given(url=texts, branch=texts, commits=st.lists(texts, max_size=5))
def test_of_a_push(url: str, branch: str, commits: list[str]) -> None:
    push = Push(url, branch, branch, "a" * 40, commit_count=len(commits), commits=tuple(commits))
    is_all_there(opened(PUSH_TOOL, as_input(push)), url, branch, *commits)


@searched(150)
@given(paths=st.lists(printable, min_size=2, max_size=6, unique=True), limit=st.integers(0, 3))
def test_of_several_files_that_are_read(paths: list[str], limit: int) -> None:
    requests: list[PermissionRequest] = []
    for seq, path in enumerate(paths, 7):
        text = json.dumps({"file_path": f"/srv/app/{path}", **({"limit": limit} if limit else {})})
        event = e.PermissionRequested("r1", "Read", text, digest_of(text))
        requests.append(PermissionRequest(RequestName(NAME.session_id, NAME.generation, seq), 1.0, 42, event))
    assert together.have_room(requests, "/srv/app")
    card = together.card(requests, [42] * len(requests), "/srv/app", pings=True)
    is_all_there(card, *paths)
    assert card.embed and ("file_path" not in card.embed.description or limit or max(map(len, paths)) > 50)


@searched(150)
@given(commands=st.lists(long_texts, min_size=2, max_size=6))
def test_of_several_on_one_card(commands: list[str]) -> None:
    requests: list[PermissionRequest] = []
    for seq, command in enumerate(commands, 7):
        text = json.dumps({"command": command, "seq": seq})
        event = e.PermissionRequested("r1", "Bash", text, digest_of(text))
        request = PermissionRequest(RequestName(NAME.session_id, NAME.generation, seq), 1.0, 42, event)
        if together.may_share(request, "/srv") and together.have_room([*requests, request], "/srv"):
            requests.append(request)
    shown = [json.loads(request.event.tool_input)["command"] for request in requests]
    if requests:
        card = together.card(requests, [42] * len(requests), "/srv", pings=True)
        assert card.files == ()
        is_all_there(card, *shown)
