"""JSON of somebody who changes: read into a shape as far as it fits.

Of an object in which a field has another type than the one we know, everything else still counts: that field has its
default. What is no JSON to us and is to others (half of a cut emoji) is mended first.
"""

import contextlib
import json
import re
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


class Whole(msgspec.Struct):
    """A shape that is read whole or not at all: one that lost a field would say something else."""


def part[T: msgspec.Struct](raw: msgspec.Raw, shape: type[T]) -> T:
    """A part of a frame in its shape; the shape's defaults where it is missing or does not fit."""
    return read(raw, shape) or shape()


def read[T: msgspec.Struct](data: bytes | msgspec.Raw, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(data, type=shape)
    except UNREADABLE:
        return _read_what_fits(data, shape)


def _read_what_fits[T: msgspec.Struct](data: bytes | msgspec.Raw, shape: type[T]) -> T | None:
    for mend in (bytes, _mended):
        with contextlib.suppress(*UNREADABLE):
            return _fitting(mend(data), shape)
    return None


def _mended(data: bytes | msgspec.Raw) -> bytes:
    """JSON that others accept: JavaScript writes half of a cut emoji as a lone surrogate's escape."""
    text = json.dumps(json.loads(bytes(data)), ensure_ascii=False)
    return _HALF_A_CHARACTER.sub("\ufffd", text).encode()


def _fitting[T: msgspec.Struct](data: bytes | msgspec.Raw, shape: type[T]) -> T:
    """The object without the fields that do not fit. Raises one of UNREADABLE when it is no object."""
    given = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    known = [field for field in msgspec.structs.fields(shape) if field.encode_name in given]
    fields = {field.name: _fit(given[field.encode_name], field.type) for field in known}
    return shape(**{name: value for name, value in fields.items() if value is not msgspec.UNSET})


def _fit(raw: msgspec.Raw, kind: Any) -> Any:
    """The value as far as it fits; UNSET when nothing of it does. What is no JSON raises."""
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.json.decode(raw, type=kind)
    for option in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        with contextlib.suppress(msgspec.ValidationError):
            if get_origin(option) is list:
                items = [_fit(item, get_args(option)[0]) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
                return [item for item in items if item is not msgspec.UNSET]
            if _may_be_partial(option):
                return _fitting(raw, option)
    return msgspec.UNSET


def _may_be_partial(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct) and not issubclass(shape, Whole)
