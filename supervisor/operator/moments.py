"""Times as a person types them after an option: a length from now backwards, or a date."""

import datetime
import re
import time

import click

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_LENGTH = re.compile(r"(\d{1,6})([mhdw])")


def since(text: str, now: float) -> float:
    """``2h``, ``7d``, or a date (2026-11-28, with or without a time) → Unix seconds. Raises ValueError."""
    if found := _LENGTH.fullmatch(text.strip()):
        return now - int(found[1]) * _UNITS[found[2]]
    try:
        return datetime.datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r}: a length as in 30m, 12h, 7d, 2w, or a date as in 2026-11-28") from None


def length(typed: str | float) -> float:
    """An option's type: seconds, more than none."""
    if isinstance(typed, float):
        return typed
    if found := _LENGTH.fullmatch(typed.strip()):
        return int(found[1]) * _UNITS[found[2]]
    raise click.BadParameter(f"{typed!r}: a length as in 12h, 7d, 2w")


def moment(typed: str | float) -> float:
    """An option's type: Unix seconds."""
    if isinstance(typed, float):
        return typed
    try:
        return since(typed, time.time())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
