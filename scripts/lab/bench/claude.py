#!/usr/bin/env python3
"""The scripted claude for the bench: it plays a score (`bench_score`), each delta at its own instant.

Everything else is `claude.py`, whose command line it takes. What it wrote when, it notes in a file of the take's
name, in the folder that $BENCH_TIMES names: the seconds of each delta and of the result, on the
machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

if __name__ == "__main__":
    _folder = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    sys.path[0] = os.path.dirname(os.path.dirname(_folder))  # noqa: PTH120

from lab.bench import score as bench_score
from lab.bench.score import Passage, Score
from twins.claude import program as claude
from twins.claude import session as claude_session
from twins.claude.endings import Ending
from twins.claude.script import Step, Text
from twins.claude.tasks import Wait
from twins.claude.turn import Turn

if TYPE_CHECKING:
    from twins.claude.frames import Json
    from twins.claude.message import Message
    from twins.claude.surroundings import Prompt, Surroundings
    from twins.claude.tasks import Steps


class ScoredTurn(Turn):
    """A turn whose instants do not drift: each wait is until a time, not for a while."""

    def __init__(self, session: Surroundings, prompts: list[Prompt], text: str, origin: Json | None = None) -> None:
        super().__init__(session, prompts, text, origin)
        score, self._take = bench_score.asked(text) or (Score(()), "")
        self._passages = list(score.passages)
        self._times: list[float] = []
        self._start = 0.0
        if self._take:
            self._steps = list[Step](score.steps())

    def _block(self, message: Message, block: Step) -> Steps:
        if self._take and isinstance(block, Text):
            yield from self._played(message, block, self._passages.pop(0))
            self._last_text = block.text
        else:
            yield from super()._block(message, block)

    def _played(self, message: Message, block: Text, passage: Passage) -> Steps:
        """The message's own waits, one before each delta, are replaced by ours."""
        for number, _ in enumerate(message.text(block)):
            self._start = self._start or time.monotonic()
            yield Wait(self._start + passage.due(number) - time.monotonic())
            self._times.append(time.monotonic())

    def _finish(self, ending: Ending) -> None:
        ended_at = time.monotonic()
        super()._finish(ending)
        if self._take:
            _note(self._take, {"deltas": self._times, "result": ended_at})


def _note(take: str, times: Json) -> None:
    """Whole or not at all: somebody waits for it."""
    path = os.path.join(os.environ[bench_score.TIMES_VARIABLE], take)  # noqa: PTH118
    with open(f"{path}.new", "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(times, file)
    os.replace(f"{path}.new", f"{path}.json")  # noqa: PTH105


if __name__ == "__main__":
    vars(claude_session)["Turn"] = ScoredTurn
    sys.exit(claude.main(sys.argv[1:]))
