"""Which requests a rule allows, and which not."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.session.patterns import ToolPattern
from bridge.session.rights import Access
from bridge.session.rules import Rule, Term, covering, rule_of

NOW = 1000.0
NPM = e.SuggestedRule("Bash", "npm run:*")


def request(
    *rules: e.SuggestedRule, tool: str = "Bash", reason: str = "", blocked_path: str = ""
) -> e.PermissionRequested:
    asked = '{"command": "npm run test"}'
    return e.PermissionRequested("r", tool, asked, "d", rules=rules, reason=reason, blocked_path=blocked_path)


def given(term: Term = "always", *rules: e.SuggestedRule, by: int = 1, tool: str = "Bash", **fields: str) -> Rule:
    made = rule_of(request(*(rules or (NPM,)), tool=tool, **fields), term, "a" * 16, (600, "s"), NOW)
    return msgspec.structs.replace(made, by_id=by)


def allows(rules: list[Rule], asked: e.PermissionRequested, access: Access = Access(), now: float = NOW) -> bool:  # noqa: B008 - frozen
    return bool(covering(rules, asked, {1}, access, now))


def test_what_claude_suggests_again_is_allowed() -> None:
    assert allows([given()], request(NPM))
    assert not allows([], request(NPM))


def test_a_rule_with_an_open_end_has_the_narrower_ones_in_it() -> None:
    for content in ("npm run test:*", "npm run test", "npm run"):
        assert allows([given()], request(e.SuggestedRule("Bash", content)))
    for content in ("npm runner:*", "npm:*", "npm", "", "rm:*"):
        assert not allows([given()], request(e.SuggestedRule("Bash", content)))
    assert not allows(
        [given("always", e.SuggestedRule("Bash", "npm run"))], request(e.SuggestedRule("Bash", "npm run x"))
    )


@pytest.mark.parametrize("end", [" *", ":*"])
def test_a_command_that_goes_on_with_another_one_only_begins_alike(end: str) -> None:
    rule = given("always", e.SuggestedRule("Bash", f"npm run{end}"))
    for plain in ("npm run test", "npm run a:b --x=1 ./c", f"npm run test{end}", f"npm run{end}"):
        assert allows([rule], request(e.SuggestedRule("Bash", plain)))
    for more in (
        ";",
        "&&",
        "|",
        "&",
        "$(rm)",
        "`rm`",
        ">",
        "<",
        "\n",
        "'",
        '"',
        "*",
        "~",
        "\\",
        "{a,b}",
        "(",
        "#",
        "!",
    ):
        for content in (f"npm run {more} rm -rf x", f"npm run x{more}", f"npm run x {more} y{end}"):
            assert not allows([rule], request(e.SuggestedRule("Bash", content))), content


def test_a_rule_that_names_paths_is_for_each_of_them() -> None:
    etc = e.SuggestedRule("Read", "//etc/**")
    rule = given("always", etc, tool="Read", reason="outside", blocked_path="/etc/hosts")
    assert allows([rule], request(etc, tool="Read", reason="outside", blocked_path="/etc/passwd"))
    usr = e.SuggestedRule("Read", "//usr/**")
    assert not allows([rule], request(usr, tool="Read", reason="outside", blocked_path="/usr/x"))
    inside = given("always", NPM)
    assert not allows([inside], request(NPM, blocked_path="/etc/passwd"))


def test_a_rule_for_a_whole_tool_is_for_that_tool_only() -> None:
    whole = e.SuggestedRule("mcp__db__read")
    rule = given("always", whole, tool="mcp__db__read")
    assert allows([rule], request(whole, tool="mcp__db__read"))
    assert not allows([rule], request(e.SuggestedRule("mcp__db__write"), tool="mcp__db__write"))


def test_each_part_must_be_covered_by_one_or_several_rules() -> None:
    both = request(NPM, e.SuggestedRule("Bash", "ls:*"))
    assert not allows([given()], both)
    assert allows([given(), given("hour", e.SuggestedRule("Bash", "ls:*"))], both)


def test_what_suggests_nothing_is_always_asked() -> None:
    assert not allows([given()], request())


@pytest.mark.parametrize("fields", [{"reason": "it leaves the directory"}, {"blocked_path": "/etc"}])
def test_another_reason_or_another_path_is_asked_again(fields: dict[str, str]) -> None:
    assert not allows([given()], request(NPM, **fields))
    assert allows([given("always", NPM, **fields)], request(NPM, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("term", "holds_s"), [("hour", 3600), ("chour", 3600), ("cweek", 7 * 86400), ("always", None), ("cever", None)]
)
def test_a_rule_ends_when_its_time_is_up(term: Term, holds_s: float | None) -> None:
    rule = given(term)
    assert allows([rule], request(NPM), now=NOW + (holds_s or 1e9) - 1)
    assert allows([rule], request(NPM), now=NOW + (holds_s or 1e9) + 1) is (holds_s is None)
    assert bool(rule.session_id) is (term in ("always", "hour"))


def test_no_rule_stands_for_the_second_person_nor_for_oneself() -> None:
    assert not allows([given()], request(NPM), Access(second=(ToolPattern("Bash", "npm*"),)))
    assert not allows([given(by=1)], request(NPM), Access(decide_own=False))
    assert allows([given(by=2)], request(NPM), Access(decide_own=False))
