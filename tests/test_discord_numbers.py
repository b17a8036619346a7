"""No number of Discord's stands bare in the code: each has its name in ``bridge/discord_numbers.py``.

Found are those that can be told from ours: codes, what is compared with or given as a type, and bits. A limit is a
number like any other.
"""

import ast
from collections.abc import Iterator
from enum import IntFlag

import pytest

from bridge import discord_numbers
from bridge.discord_numbers import CloseCode, ErrorCode
from test_imports import SOURCES, name_of, nodes_of

HOME = "bridge/discord_numbers.py"
CODES = {int(code) for code in (*ErrorCode, *CloseCode)}
SHIFTS = {
    bit.bit_length() - 1
    for kind in vars(discord_numbers).values()
    if isinstance(kind, type) and issubclass(kind, IntFlag)
    for bit in kind
} - {10, 16}
"""By how much a bit of Discord's is shifted; by 10 and 16 sizes and ports are, too."""
KINDS = {"type", "flags", "style", "permissions", "kind", "op", "channel_type", "message_type"}
"""What Discord's numbers are called."""


def _called(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=str(name)) | ast.Name(id=name) | ast.Constant(value=str(name)):
            return name
        case ast.Subscript(slice=inner) | ast.Call(args=[inner, *_]):
            return _called(inner)
        case _:
            return ""


def _numbers(*nodes: ast.expr) -> Iterator[int]:
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and type(part.value) is int and part.value:
                yield part.value


def bare(node: ast.AST) -> Iterator[int]:
    """The numbers in this node that are Discord's; each may be found by more than one sign."""
    match node:
        case ast.Constant(value=int(number)) if number in CODES:
            yield number
        case ast.Compare(left=left, comparators=others) if KINDS & set(map(_called, (left, *others))):
            yield from _numbers(left, *others)
        case ast.BinOp(left=one, op=ast.BitAnd() | ast.BitOr(), right=two) if KINDS & {_called(one), _called(two)}:
            yield from _numbers(one, two)
        case ast.BinOp(left=ast.Constant(value=1), op=ast.LShift(), right=ast.Constant(value=int(by))) if by in SHIFTS:
            yield 1 << by
        case ast.Dict(keys=keys, values=values):
            given = zip(keys, values, strict=True)
            yield from _numbers(*(v for k, v in given if k and _called(k) in KINDS and isinstance(v, ast.Constant)))
        case ast.keyword(arg=str(name), value=ast.Constant() as value) if name in KINDS:
            yield from _numbers(value)


def test_no_number_of_discords_stands_bare() -> None:
    paths = [path for path in SOURCES if name_of(path) != HOME]
    found = {name_of(path): [number for node in nodes_of(path) for number in bare(node)] for path in paths}
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("if error.code == 50013: pass", 50013),
        ("GONE = (10008,)", 10008),
        ("message.type in (0, 19)", 19),
        ("channel['type'] == 11", 11),
        ("data.get('type') != 2", 2),
        ("message.flags & 64", 64),
        ("flags | 4", 4),
        ("ASKED = 1 << 38", 1 << 38),
        ("{'type': 2, 'label': label}", 2),
        ("Button(label, style=3)", 3),
    ],
)
def test_each_kind_of_bare_number_is_seen(code: str, number: int) -> None:
    assert number in [found for node in ast.walk(ast.parse(code)) for found in bare(node)]


@pytest.mark.parametrize("code", ["1 << 20", "x == 50", "code == 0", "{'type': Component.BUTTON}", "style=Style.OK"])
def test_numbers_of_ours_are_none_of_discords(code: str) -> None:
    assert [found for node in ast.walk(ast.parse(code)) for found in bare(node)] == []
