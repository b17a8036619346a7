import pytest

from bridge.protocol import events as e
from bridge.render.failures import REASON_CHARS, failure_in_words, retry_in_words
from bridge.render.notices import expired
from stages.replay import Replay


def retried(error: str, status: int | None = None) -> str:
    return retry_in_words(e.ApiRetried(2, 10, 4.0, error, status))


def failed(error: str, reason: str = "") -> str:
    return failure_in_words(e.TurnEnded("failed", reason=reason, error=error))


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("overloaded", 529, "Claude is overloaded"),
        ("server_error", 529, "Claude is overloaded"),
        ("server_error", 500, "Claude's API has an error"),
        ("rate_limit", 429, "Claude's rate limit is reached"),
        ("authentication_failed", 401, "run `claude` and log in again"),
        ("unknown", None, "cannot be reached"),
        ("never_seen", 418, "answered 418"),
        ("", None, "answered nothing"),
    ],
)
def test_a_retry_is_said_in_words(error: str, status: int | None, words: str) -> None:
    said = retried(error, status)
    assert words in said and said.endswith(", trying again in 4 s (attempt 2 of 10)…")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("v_no_api_key", "Not logged in: run `claude` on the host and log in."),
        ("k1_401", "log in again. (Invalid API key"),
        ("k10_404_model", "The model does not exist"),
        ("k20_no_such_host", "Check its network or proxy"),
        (
            "k21_unified_ratelimit_oauth",
            "usage limit is reached. It is free again <t:1795369274:R>, at <t:1795369274:f>.",
        ),
        ("l1_max_turns", "Write again to let it go on. (Reached maximum number of turns"),
        ("l2_max_budget", "budget is used up"),
    ],
)
def test_a_recorded_failure_is_said_with_what_to_do_and_claudes_own_words(name: str, words: str) -> None:
    (first, *_) = [turn for turn in Replay(name).events(e.TurnEnded) if turn.outcome == "failed"]
    assert words in failure_in_words(first)


def test_an_unknown_failure_is_told_in_claudes_words_and_never_as_nothing() -> None:
    assert failed("never_seen", "Something  odd\nhappened") == "Something odd happened"
    assert failed("never_seen") and failed("")


def test_a_529_is_an_overload_whatever_its_code() -> None:
    assert failed("server_error", "API Error: 529 Overloaded").startswith("Claude is overloaded")


def test_claudes_own_words_are_clipped() -> None:
    assert len(failed("rate_limit", "x" * 5000)) < REASON_CHARS + 100


def test_claude_is_told_that_nobody_answered_and_not_to_look_for_a_way_round() -> None:
    assert "within 1 h" in expired(3600) and "Do not try" in expired(3600)


def test_when_a_limit_is_free_again_is_told_in_the_readers_time() -> None:
    told = e.TurnEnded(
        "failed", reason="You've hit your limit · resets 5:41pm (UTC)", error="rate_limit", resets_at=17e8
    )
    assert failure_in_words(told) == "Claude's rate limit is reached. It is free again" + (
        " <t:1700000000:R>, at <t:1700000000:f>."
    )
    assert "<t:1731234567:R>" in failed("usage_limit_reached", "Claude AI usage limit reached|1731234567")
    assert "<t:" not in failed("usage_limit_reached", "You've hit your limit")


@pytest.mark.parametrize("error", ["prompt_too_long", "blocking_limit", "invalid_request", "unknown", "api_error"])
def test_a_prompt_that_is_too_long_is_said_to_be_so_whatever_the_code(error: str) -> None:
    said = failed(error, "API Error: 400 prompt is too long: 210000 tokens > 200000 maximum")
    assert said.startswith("The conversation is too long for Claude. Start a new session.")
