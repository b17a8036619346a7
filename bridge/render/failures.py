"""What went wrong with Claude's API, in words that say what to do (docs/claude-protocol.md, "API failures")."""

import re

from bridge.protocol.events import ApiRetried, TurnEnded
from bridge.render.terminal import shown_text
from bridge.text import clip, duration, escape

REASON_CHARS = 700

_NOT_LOGGED_IN = "Not logged in: run `claude` on the host and log in"
_RETRIED = {
    "authentication_failed": "Claude's credentials are refused (401); on the host, run `claude` and log in again",
    "overloaded": "Claude is overloaded",
    "rate_limit": "Claude's rate limit is reached",
    "server_error": "Claude's API has an error",
    "unknown": "Claude's API cannot be reached",
}
_FAILED = {
    "authentication_failed": "Claude's credentials are refused. On the host, run `claude` and log in again",
    "billing_error": "Claude's account has a billing problem. Look at the account's billing page",
    "connection_failed": "Claude's API cannot be reached from the host. Check its network or proxy",
    "invalid_request": "Claude's API refused the request",
    "max_budget_usd": "The session's budget is used up; Claude refuses further messages until it is restarted",
    "max_turns": "Claude reached its limit of steps for one turn. Write again to let it go on",
    "model_not_found": "The model does not exist or is not available to this account. Choose another one",
    "no_result": "Claude ended the turn without a result. Ask again",
    "overloaded": "Claude is overloaded",
    "rate_limit": "Claude's rate limit is reached",
    "server_error": "Claude's API failed",
    "usage_limit_reached": "The subscription's usage limit is reached",
    "prompt_too_long": "The conversation is too long for Claude. Start a new session",
    "image_error": "Claude cannot read an image of this conversation. Send another one, or go on in a new session",
    "blocking_limit": "The conversation is too long for Claude. Start a new session",
}
_OVERLOADED_STATUS = 529
_TOO_LONG = "prompt is too long"
_LIMITS = ("usage_limit_reached", "rate_limit")
_MOMENT = re.compile(r"\|(\d{10})\b")
"""Older CLIs' words end with when the limit resets, in Unix seconds."""


def _resets_at(ended: TurnEnded) -> int:
    """In Unix seconds, 0 when it was not told. Discord draws it in the reader's own time; Claude's have the host's."""
    found = _MOMENT.search(ended.reason)
    return int(ended.resets_at) or (int(found[1]) if found else 0)


def retry_in_words(retried: ApiRetried) -> str:
    error = "overloaded" if retried.status == _OVERLOADED_STATUS else retried.error
    what = _RETRIED.get(error, f"Claude's API answered {retried.status or 'nothing'}")
    of = f"attempt {retried.attempt} of {retried.max_attempts}"
    return f"{what}, trying again in {duration(retried.delay)} ({of})…"


def failure_in_words(ended: TurnEnded) -> str:
    """Markdown: a sentence of ours that says what to do, and Claude's own words behind it."""
    if ended.reason.startswith("Not logged in"):
        return f"{_NOT_LOGGED_IN}."
    ours = _FAILED.get(ended.error)
    if "529" in ended.reason and ended.error == "server_error":
        ours = _FAILED["overloaded"]
    if _TOO_LONG in ended.reason.lower():
        ours = _FAILED["prompt_too_long"]
    if ended.error in _LIMITS and (resets_at := _resets_at(ended)):
        return f"{ours}. It is free again <t:{resets_at}:R>, at <t:{resets_at}:f>."
    theirs = escape(clip(" ".join(shown_text(ended.reason).split()), REASON_CHARS))
    if not ours:
        return theirs or "The turn failed and Claude did not say why."
    return f"{ours}. ({theirs})" if theirs else f"{ours}."
