"""Which word a mistyped one is."""

import pytest

from supervisor.meant import meant, meant_model


@pytest.mark.parametrize(
    ("given", "known", "word"),
    [
        ("acceptEdit", ("default", "acceptEdits"), "acceptEdits"),
        ("ACCEPTEDITS", ("default", "acceptEdits"), "acceptEdits"),
        ("plann", ("plan", "auto"), "plan"),
        ("plan", ("plan", "auto"), ""),
        ("something", ("plan", "auto"), ""),
        ("", ("plan",), ""),
    ],
)
def test_a_near_word_is_found_and_a_right_one_is_left_alone(given: str, known: tuple[str, ...], word: str) -> None:
    assert meant(given, known) == word


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("sonet", "sonnet"),
        ("Sonnet", "sonnet"),
        ("opuss", "opus"),
        ("haiko", "haiku"),
        ("cluade-sonnet-5-5", "claude-sonnet-5-5"),
        ("Claude-opus-5-5", "claude-opus-5-5"),
    ],
)
def test_a_mistyped_model_is_found(given: str, word: str) -> None:
    assert meant_model(given) == word


@pytest.mark.parametrize(
    "given",
    [
        *("", "opus", "sonnet[1m]", "opusplan", "claude-sonnet-5-5", "claude-something-from-tomorrow"),
        *(
            "gpt-oss",
            "us.anthropic.claude-sonnet-5-5-v1:0",
            "arn:aws:bedrock:eu-west-1:1:inference-profile/x",
            "my-model",
        ),
    ],
)
def test_a_name_that_we_cannot_know_is_nobodys_mistake(given: str) -> None:
    assert meant_model(given) == ""


def test_what_claude_offers_is_known_too() -> None:
    assert meant_model("fabel2", ("fable2",)) == "fable2"
    assert meant_model("fable2", ("fable2",)) == ""
