"""Events of every kind as hypothesis makes them up, with ids so small that they meet each other."""

import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from bridge.protocol import events as e

KINDS: tuple[type[e.Event], ...] = get_args(e.AnyEvent)
WORDS = ("", "default", "a", "b", "permission_mode", "model", "two\nlines", "❤\u2028", '"\\')
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(0, 5) | st.integers(-(2**53), 2**53),
    str: st.sampled_from(WORDS) | st.text(max_size=12),
    float: st.sampled_from((0.0, 0.25, 1.5)) | st.floats(-1e9, 1e9),
    bool: st.booleans(),
    type(None): st.none(),
}


def made_up(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any value of the struct, each field by its type."""
    fields = {name: _of(hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **fields)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _PLAIN:
        return _PLAIN[hint]
    arguments = get_args(hint)
    origin = get_origin(hint) or hint
    if origin in _MAKERS:
        return _MAKERS[origin](arguments)
    return made_up(origin)


_MAKERS: dict[object, Callable[[tuple[Any, ...]], st.SearchStrategy[Any]]] = {
    Literal: st.sampled_from,
    Union: lambda of: st.one_of(*map(_of, of)),
    types.UnionType: lambda of: st.one_of(*map(_of, of)),
    tuple: lambda of: st.lists(_of(of[0]), max_size=3).map(tuple),
    dict: lambda of: st.dictionaries(_of(of[0]), _of(of[1]), max_size=3),
}

EVENTS: st.SearchStrategy[e.AnyEvent] = st.one_of(*map(made_up, KINDS))
