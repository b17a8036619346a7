"""The last records of a child: what it left open is closed, and how it ended is said. Values in, values out.

Nobody will end it any more. Its turn was *interrupted* when a person wanted that, and is *lost* otherwise; whoever
stops drops what is queued, and a shutdown drops nothing.
"""

import signal
from collections.abc import Iterable

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from worker.history import History
from worker.recovery import all_amended, closing_events

WORDS_LINES = 2
"""Of stderr, from its beginning and from its end, that a person is told."""
SHUT_DOWN = "the machine or the service was shut down"
TERMINATED = (-signal.SIGTERM, 128 + signal.SIGTERM)


class End(msgspec.Struct, frozen=True):
    """``code``: negative for a signal, as in Popen. ``failure``: what we ended it for, in words; empty for nothing."""

    code: int
    stderr_tail: str = ""
    failure: str = ""
    is_final: bool = False
    """Another child would do the same."""
    was_ready: bool = True
    was_told_to_stop: bool = False
    """It had not ended the turn yet that it was told to end."""


def last_records(history: History, taken: frozenset[str], end: End, amends: Iterable[c.Amend] = ()) -> list[e.AnyEvent]:
    """``taken``: the uuids of open prompts that Claude took. ``amends``: those that Claude did not answer."""
    is_stopping, is_shut_down = history.stopping is not None, is_shut_down_in(history)
    was_told = is_stopping and not is_shut_down
    is_wanted = was_told or (end.was_told_to_stop and not is_shut_down)
    reason = "" if is_stopping else end.failure or exit_in_words(end.code, end.stderr_tail)
    why = "stopped" if was_told else SHUT_DOWN if is_shut_down else reason
    closing, again = closing_events(history, taken, "interrupted" if is_wanted else "lost", why)
    changed, waiting = all_amended(amends, again)
    drops = was_told or (is_wanted and history.interrupt is not None and not history.interrupt.keep_queued)
    dropped = [e.PromptCancelled(prompt.prompt_id, why) for prompt in waiting] if drops else []
    is_final = end.is_final or not (is_stopping or end.was_ready or signal_name(end.code))
    exited = e.ChildExited(end.code, is_stopping, reason, end.stderr_tail, is_final=is_final)
    return [*closing, *changed, *dropped, exited]


def is_shut_down_in(history: History) -> bool:
    return history.stopping is not None and history.stopping.reason == SHUT_DOWN


def is_over_in(history: History) -> bool:
    """The session was stopped for good, as far as anybody knows: neither put to sleep, nor shut down with all."""
    return history.stopping is not None and history.stopping.reason not in (HIBERNATION, SHUT_DOWN)


def exit_in_words(code: int, stderr_tail: str) -> str:
    """Why a child ended by itself, for a person: the signal's or the code's meaning, stderr's first and last lines.

    What went wrong stands in the first ones where a program dies of an error, and in the last where it gives up.
    """
    words = " … ".join(_first_and_last([line.strip() for line in stderr_tail.splitlines() if line.strip()]))
    if name := signal_name(code):
        how = f"Claude was ended by {name}"
    else:
        how = f"Claude ended by itself with exit code {code}"
    return f"{how}: {words}" if words else how


def _first_and_last(lines: list[str]) -> list[str]:
    if len(lines) <= WORDS_LINES * 2:
        return [" · ".join(lines)] if lines else []
    return [" · ".join(lines[:WORDS_LINES]), " · ".join(lines[-WORDS_LINES:])]


def signal_name(code: int) -> str:
    """Negative as in Popen; above 128 as a shell says it, and bubblewrap. Empty for an ordinary exit."""
    number = -code if code < 0 else code - 128
    return signal.Signals(number).name if number in set(signal.Signals) else ""
