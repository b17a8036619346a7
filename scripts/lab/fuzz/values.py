"""Values of the project's own shapes, made up: each field by its type, with numbers so small that they meet."""

import types
from collections.abc import Sequence
from random import Random
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

WORDS = (
    *(
        "",
        "a",
        "b",
        "default",
        "plan",
        "acceptEdits",
        "model",
        "Bash",
        "Edit",
        "two\nlines",
        "❤\u2028",
        '"\\',
        "x" * 2500,
    ),
    *(
        "```py\nx = 1",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "**bold",
        "<@1> @everyone",
        "https://a.b/c_d",
        "/srv/app/a.py",
    ),
)
INPUTS = (
    *(
        "{}",
        '{"command": "ls"}',
        '{"file_path": "/srv/a", "old_string": "a\\nb", "new_string": "b"}',
        "[]",
        '{"command": 1',
    ),
    '{"questions": [{"question": "q?", "header": "h", "options": [{"label": "a", "description": ""}]}]}',
    '{"plan": "# Plan"}',
    '{"edits": [{"old_string": "a", "new_string": "b"}], "file_path": "x"}',
)
NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, -1, 700, 2**31, 2**63 - 1)


def one_of(random: Random, kinds: Sequence[type[msgspec.Struct]], **given: Any) -> Any:
    return made_up(random, random.choice(kinds), **given)


def made_up(random: Random, kind: type[msgspec.Struct], **given: Any) -> Any:
    """A value of the struct; ``given`` fields as they are, and those with a default often have it."""
    hints = get_type_hints(kind)
    fields = {}
    for field in msgspec.structs.fields(kind):
        if field.name in given:
            fields[field.name] = given[field.name]
        elif field.required or random.random() < 0.5:
            fields[field.name] = _of(random, hints[field.name], field.name)
    return kind(**fields)


def _of(random: Random, hint: Any, name: str = "") -> Any:
    if hint is str:
        return random.choice(INPUTS if name == "tool_input" else WORDS)
    if hint is bool:
        return random.random() < 0.5
    if hint is int:
        return random.choice(NUMBERS)
    if hint is float:
        return random.choice((0.0, 0.5, 1.5, -1.0, 1e9, 1e300))
    if hint is type(None):
        return None
    arguments, origin = get_args(hint), get_origin(hint) or hint
    if origin is Literal:
        return random.choice(arguments)
    if origin in (Union, types.UnionType):
        return _of(random, random.choice(arguments), name)
    if origin in (tuple, list):
        return origin(_of(random, arguments[0]) for _ in range(random.choice((0, 1, 2))))
    if origin is dict:
        return {_of(random, arguments[0]): _of(random, arguments[1]) for _ in range(random.choice((0, 1, 2)))}
    return made_up(random, origin)
