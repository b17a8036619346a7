"""What the CLI is started with."""

import pytest

from worker.claude import arguments, project_arguments

UUID = "11111111-0000-4000-8000-000000000000"


def given(mode: str = "default", model: str = "", effort: str = "", *, bypass: bool = False) -> list[str]:
    return arguments(
        ("claude",), claude_id=UUID, resume=False, permission_mode=mode, model=model, effort=effort, bypass=bypass
    )


def value(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


@pytest.mark.parametrize(
    ("mode", "told"),
    [("", "default"), ("default", "default"), ("manual", "default"), ("plan", "plan"), ("auto", "auto")],
)
def test_the_mode_is_always_told(mode: str, told: str) -> None:
    argv = given(mode)
    assert value(argv, "--permission-mode") == told
    assert not [word for word in argv if "dangerously" in word]


def test_where_bypassing_is_allowed_another_mode_is_not_overridden_by_it() -> None:
    assert "--dangerously-skip-permissions" in given("bypassPermissions", bypass=True)
    argv = given("plan", bypass=True)
    assert value(argv, "--permission-mode") == "plan"
    assert "--dangerously-skip-permissions" not in argv
    assert "--allow-dangerously-skip-permissions" in argv


@pytest.mark.parametrize("bad", ["--dangerously-skip-permissions", "-x", "a\nb", "", "x" * 200, "é"])
def test_a_name_that_a_child_made_up_is_no_argument(bad: str) -> None:
    argv = given(bad or "default", bad, bad)
    assert "--model" not in argv and "--effort" not in argv
    assert value(argv, "--permission-mode") == "default"
    assert bad not in argv


@pytest.mark.parametrize("model", ["sonnet", "claude-opus-5-5[1m]", "arn:aws:bedrock:us-east-1:1:p/us.x-v1:0"])
def test_a_models_name_is_passed_on(model: str) -> None:
    assert value(given(model=model), "--model") == model


def test_nothing_of_the_projects_own_acts() -> None:
    assert value(project_arguments(""), "--setting-sources") == "user"
    assert "--append-system-prompt" not in project_arguments("")
    assert value(project_arguments("be kind"), "--append-system-prompt") == "be kind"
