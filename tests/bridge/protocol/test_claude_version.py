"""Which Claude Code is too old, whatever its --version looks like."""

import pytest

from bridge.protocol.claude_version import OLDEST, ClaudeVersion, refusal_of, version_in


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("2.1.330 (Claude Code)\n", "2.1.330"),
        ("2.1.248", "2.1.248"),
        ("v2.1.250\n", "2.1.250"),
        ("  2.1.250 (Claude Code)", "2.1.250"),
        ("2.1.248-beta.1 (Claude Code)", "2.1.248-beta.1"),
        ("2.1.248+build.7 (Claude Code)", "2.1.248"),
        ("(node:7) Warning: the flag 1.2 is old\n2.1.330 (Claude Code)\n", "2.1.330"),
        ("10.0.0 (Claude Code)", "10.0.0"),
    ],
)
def test_the_version_is_found_on_whichever_line(said: str, version: str) -> None:
    assert str(version_in(said)) == version


@pytest.mark.parametrize(
    "said",
    [
        "",
        "claude",
        "Claude Code",
        "2.1",
        "2.1.x",
        "error: 2.1.330 is broken",
        "2.1.330x",
        "2.1.330.4",
        "1" * 5000 + ".1.1",
    ],
)
def test_what_is_no_version_is_none(said: str) -> None:
    assert version_in(said) is None


@pytest.mark.parametrize("version", ["0.2.9", "1.0.128", "2.0.77", "2.1.197", "2.1.203", "2.1.246", "2.1.248-beta.1"])
def test_one_that_is_too_old_is_refused_with_both_numbers_and_what_to_do(version: str) -> None:
    found = version_in(f"{version} (Claude Code)")
    assert found
    words = refusal_of(found, "/usr/bin/claude")
    assert words.startswith(f"/usr/bin/claude is Claude Code {version}, and the oldest that works here is 2.1.248")
    assert "claude update" in words


@pytest.mark.parametrize("version", ["2.1.248", "2.1.249-beta.1", "2.1.330", "2.2.0", "3.0.0"])
def test_one_that_is_new_enough_is_not(version: str) -> None:
    found = version_in(version)
    assert found
    assert refusal_of(found, "claude") == ""


def test_the_oldest_is_the_one_that_the_protocol_page_names() -> None:
    assert ClaudeVersion(2, 1, 248) == OLDEST
