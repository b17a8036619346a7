"""nextcord's parsers, guarded: an event that one of them cannot take is skipped, and said once.

An exception in a parser leaves nextcord's receive loop and ends the connection; Discord sends the same event again in
the next one (a THREAD_CREATE whose id is no number, in a list of threads), and so on for ever.
"""

import logging
from collections.abc import Callable
from typing import Any

type Parser = Callable[[Any], object]

log = logging.getLogger(__name__)


def guard(parsers: dict[str, Parser]) -> None:
    """Put a guard around each, in place."""
    said: set[str] = set()
    for event, parse in list(parsers.items()):
        parsers[event] = _guarded(event, parse, said)


def _guarded(event: str, parse: Parser, said: set[str]) -> Parser:
    def parsed(data: Any) -> object:
        try:
            return parse(data)
        except Exception as error:
            if event not in said:
                said.add(event)
                log.warning("an event %s of Discord's cannot be read, and is skipped: %r", event, error)
            return None

    return parsed
