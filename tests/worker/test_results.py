"""What a result says of the context: told of Claude's own last message, and of the window of that model."""

import msgspec
import pytest

from worker import frames as f
from worker.results import turn_ended
from worker.turn import Turn


def ended(model_usage: object, model: str = "opus", tokens: int = 700) -> tuple[int, int]:
    turn = Turn()
    turn.model, turn.context_tokens = model, tokens
    frame = f.Frame(type="result", subtype="success", modelUsage=msgspec.Raw(msgspec.json.encode(model_usage)))
    told = turn_ended(frame, (), turn, said_text=True)
    return told.context_tokens, told.context_window


def test_the_window_is_that_of_the_model_that_spoke_last() -> None:
    models = {"haiku": {"contextWindow": 200_000}, "opus": {"contextWindow": 1_000_000, "costUSD": 0.1}}
    assert ended(models) == (700, 1_000_000)
    assert ended(models, "haiku") == (700, 200_000)


@pytest.mark.parametrize("odd", [{}, {"other": {}}, {"opus": {}}, {"opus": {"contextWindow": -1}}, {"opus": 7}, [], 7])
def test_what_is_not_told_as_it_usually_is_is_not_known(odd: object) -> None:
    assert ended(odd)[1] == 0
