"""Inputs from inputs: bytes that were changed, and JSON that was changed where it means something."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

MOST_BYTES = 200_000
DEEP = 3000
"""So deep that a recursion over it ends in a RecursionError."""
BYTES = (
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n", b"\r\n", b'"', b"\\", b"\\ud800", b"{", b"]"),
    *(b"-1", b"0", b"1e999", b"NaN", b"null", b"9" * 25, b"9" * 5000, b"[" * DEEP, b'{"a":' * DEEP, b"\xe2\x80\xa8"),
    *(b"`" * 3, b"~" * 4, b"|", b"> ", b"- ", b"<@1>", b"https://a.b/c", b"\xf0\x9f\x91\xa9\xe2\x80\x8d", b"a" * 3000),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**70), 10**400, 0.5, -1e308, float("inf")),
    *(
        float("nan"),
        "",
        "0",
        "-1",
        "1" * 25,
        "9" * 5000,
        "\u0664",
        "\u00b2",
        "null",
        "\x00",
        "\ud83d",
        "a\nb",
        "x" * 3000,
    ),
    *([], {}, [[]], [None], [1, "a"], {"": None}, {"id": "1"}, {"a": {"b": []}}, "@everyone <@1>", "../../etc", "tb:"),
)


def changed(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The input with one to a few changes: of its JSON lines where it has such, else of its bytes."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data = (_json_changed if random.random() < 0.6 else _bytes_changed)(random, data, others)
    return data[:MOST_BYTES]


def _bytes_changed(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    begin = random.randint(0, len(data))
    end = min(len(data), begin + random.choice((0, 0, 1, 1, 4, 30, 500)))
    piece = random.choice(_PIECES)(random, data[begin:end], others)
    return data[:begin] + piece + data[end:]


def _flipped(random: Random, piece: bytes, _others: Sequence[bytes]) -> bytes:
    return bytes(byte ^ (1 << random.randrange(8)) for byte in piece)


def _spliced(random: Random, _piece: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others) if others else b""
    begin = random.randint(0, len(other))
    return other[begin : begin + random.randint(0, 400)]


_PIECES: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flipped,
    _spliced,
    lambda random, piece, _: random.choice(BYTES),
    lambda random, piece, _: b"",
    lambda random, piece, _: piece * random.choice((2, 3, 50)),
    lambda random, piece, _: random.randbytes(random.choice((1, 3, 20))),
)


def _json_changed(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    place = random.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except (ValueError, RecursionError):
        return _bytes_changed(random, data, others)
    lines[place] = json.dumps(value_changed(random, value)).encode()
    return b"\n".join(lines)


def value_changed(random: Random, value: Any) -> Any:
    """One place in it, however deep, is another."""
    inside = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    if not inside or random.random() < 0.15:
        return random.choice(VALUES)
    key, found = random.choice(inside)
    copy = value.copy()
    match random.randrange(8):
        case 0:
            del copy[key]
        case 1 if isinstance(copy, list):
            copy.insert(key, found)
        case 1:
            copy[random.choice(inside)[0]] = found
        case 2:
            copy[key] = str(found) if isinstance(found, int) else [found]
        case _:
            copy[key] = value_changed(random, found)
    return copy
