"""A turn's result, read: how the turn ended, why, what it cost (docs/claude-protocol.md, "Results")."""

import msgspec

from bridge.protocol import events as e
from bridge.protocol.errors import UNREADABLE
from worker import frames as f
from worker.turn import Turn

_TELLS_MORE = ("prompt_too_long", "blocking_limit", "image_error")
"""Terminal reasons that say more than the API's ``invalid_request`` beside them."""


def turn_ended(frame: f.Frame, prompt_ids: tuple[int, ...], turn: Turn, *, said_text: bool) -> e.TurnEnded:
    """``turn``: what was told of it before. ``said_text``: the result's own says nothing new."""
    usage = f.part(frame.usage, f.Usage)
    outcome = _outcome(frame)
    has_failed = outcome == "failed"
    return e.TurnEnded(
        outcome=outcome,
        prompt_ids=prompt_ids,
        reason=reason(frame) if has_failed else "",
        error=_error_code(frame, turn.api_error) if has_failed else "",
        duration=frame.duration_ms / 1000,
        total_cost_usd=frame.total_cost_usd,
        input_tokens=usage.all_input,
        output_tokens=usage.output_tokens,
        cost_usd=_spent(frame),
        resets_at=turn.resets_at if has_failed else 0.0,
        context_tokens=turn.context_tokens,
        context_window=_window(frame, turn.model),
        result="" if said_text or outcome != "completed" else frame.result or "",
    )


def reason(frame: f.Frame) -> str:
    return frame.result or "; ".join(frame.errors or []) or frame.subtype


def _outcome(frame: f.Frame) -> e.Outcome:
    if (frame.terminal_reason or "").startswith("aborted"):
        return "interrupted"
    return "failed" if frame.is_error or frame.subtype != "success" else "completed"


def _spent(frame: f.Frame) -> float | None:
    """In USD since the result before; None where the CLI does not tell it."""
    models = frame.model_usage_since_last_result
    return None if models is None else sum(model.costUSD for model in models.values())


def _window(frame: f.Frame, model: str) -> int:
    """In tokens, of the model that spoke last; 0 where the CLI does not tell it (2.1.330 does)."""
    try:
        models = msgspec.json.decode(frame.modelUsage, type=dict[str, f.ModelUsage]) if frame.modelUsage else {}
    except UNREADABLE:
        return 0
    window = models[model].contextWindow if model in models else 0
    return int(window) if 0 < window < 1e9 else 0


def _error_code(frame: f.Frame, api_error: str) -> str:
    if frame.api_error:
        return frame.api_error
    if frame.terminal_reason in _TELLS_MORE:
        return frame.terminal_reason
    if frame.subtype != "success":
        return frame.subtype.removeprefix("error_")
    return api_error or frame.terminal_reason or "unknown"
