"""By which trusted rule a tool ran that nobody was asked about, on the way from the CLI's line to the thread's."""

import json
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.tools import HOOK, done_tool_line, failed_tool_line
from worker import frames as f
from worker.unasked import Unasked

BASH = e.ToolStarted("t", "Bash", '{"command": "npm test --all"}')


@pytest.fixture
def copy(tmp_path: Path) -> str:
    (tmp_path / "settings.json").write_text(json.dumps({"permissions": {"allow": ["Bash(npm test:*)"]}}))
    return str(tmp_path)


def finished(by: str) -> e.ToolFinished:
    return e.ToolFinished("t", is_error=False, output="", allowed_by=by)


def rule_of(unasked: Unasked, began: e.ToolStarted, by: str) -> str:
    assert unasked.named(began) == began
    named = unasked.named(finished(by))
    assert isinstance(named, e.ToolFinished)
    return named.rule


def test_the_rule_of_the_copy_is_named(copy: str) -> None:
    assert rule_of(Unasked(copy), BASH, "config:subcommandResults") == "Bash(npm test:*)"


def test_what_a_person_allowed_has_no_rule(copy: str) -> None:
    assert rule_of(Unasked(copy), BASH, "user_temporary:rule") == ""


def test_without_a_copy_or_with_one_that_cannot_be_read_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    for place in ("", str(tmp_path), str(tmp_path / "gone")):
        assert rule_of(Unasked(place), BASH, "config:rule") == ""


def test_a_turns_end_forgets_what_ran_in_it(copy: str) -> None:
    unasked = Unasked(copy)
    unasked.named(BASH)
    unasked.named(e.TurnEnded("lost", ()))
    assert unasked.named(finished("config:rule")) == finished("config:rule")


@pytest.mark.parametrize(
    ("meta", "by"),
    [
        (
            [{"id": "t", "permission_decision": {"decision": "accept", "source": "config", "reason_type": "rule"}}],
            "config:rule",
        ),
        (
            [{"id": "t", "permission_decision": {"decision": "accept", "source": "hook", "reason_type": "hook"}}],
            "hook:hook",
        ),
        ([{"id": "t", "permission_decision": {"decision": "reject", "source": "user_reject"}}], ""),
        ([{"id": "other", "permission_decision": {"decision": "accept", "source": "config"}}], ""),
        ([{"id": "t"}], ""),
        ("no list", ""),
    ],
)
def test_the_clis_own_word_is_read_where_it_stands(meta: object, by: str) -> None:
    frame = f.part(f.Raw(json.dumps({"type": "user", "tool_result_meta": meta}).encode()), f.Frame)
    assert f.allowed_by(frame, "t") == by


def test_the_line_of_the_tool_says_so_and_stays_within_its_room() -> None:
    given = {"command": "npm test " + "x" * 300}
    assert done_tool_line("Bash", {"command": "npm test"}, "/", unasked="Bash(npm test)") == (
        "✓ Bash `npm test` · unasked by `Bash(npm test)`"
    )
    assert done_tool_line("Bash", {"command": "x"}, "/", unasked=HOOK).endswith(" · unasked by a hook")
    for unasked in ("`" * 300, "Bash(" + "y" * 300 + ")", HOOK):
        assert len(done_tool_line("Bash", given, "/", "p" * 90, unasked)) <= 180
        assert len(failed_tool_line("Bash", given, "e" * 300, "/", unasked)) <= 180
