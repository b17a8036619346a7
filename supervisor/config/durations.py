"""Durations as the configuration and commands spell them."""

import math
import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> float | None:
    """``"90s"``, ``"60m"``, ``"2h"``, ``"1d"`` in seconds; ``"0"`` is None: for ever. Raises ValueError."""
    if text.strip() == "0":
        return None
    if not (found := _DURATION.fullmatch(text.strip())) or not math.isfinite(float(found[1])) or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * _SECONDS[found[2]]
