"""Events of every kind as hypothesis makes them up, with ids so small that they meet each other."""

import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from bridge.protocol import events as e

KINDS: tuple[type[e.Event], ...] = get_args(e.AnyEvent)
WORDS = ("", "default", "a", "b", "permission_mode", "model", "two\nlines", "❤\u2028", '"\\')
TEXTS = st.sampled_from(WORDS) | st.text(max_size=12)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(0, 5) | st.integers(-(2**53), 2**53),
    float: st.sampled_from((0.0, 0.25, 1.5)) | st.floats(-1e9, 1e9),
    bool: st.booleans(),
    type(None): st.none(),
}


def made_up(kind: type[msgspec.Struct], texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Any]:
    """Any value of the struct, each field by its type; strings are ``texts``."""
    fields = {name: _of(hint, texts) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **fields)


def events(texts: st.SearchStrategy[str]) -> st.SearchStrategy[e.AnyEvent]:
    return st.one_of(*(made_up(kind, texts) for kind in KINDS))


def _of(hint: Any, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if hint is str:
        return texts
    if hint in _PLAIN:
        return _PLAIN[hint]
    arguments = get_args(hint)
    origin = get_origin(hint) or hint
    if origin in _MAKERS:
        return _MAKERS[origin](arguments, texts)
    return made_up(origin, texts)


def _one_of(hints: tuple[Any, ...], texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.one_of(*(_of(hint, texts) for hint in hints))


_MAKERS: dict[object, Callable[[tuple[Any, ...], st.SearchStrategy[str]], st.SearchStrategy[Any]]] = {
    Literal: lambda of, _: st.sampled_from(of),
    Union: _one_of,
    types.UnionType: _one_of,
    tuple: lambda of, texts: st.lists(_of(of[0], texts), max_size=3).map(tuple),
    dict: lambda of, texts: st.dictionaries(_of(of[0], texts), _of(of[1], texts), max_size=3),
}

EVENTS: st.SearchStrategy[e.AnyEvent] = events(TEXTS)
