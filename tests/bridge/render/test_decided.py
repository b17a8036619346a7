"""What becomes of a card: one line, which is its tool's."""

import pytest

from bridge.protocol import events as e
from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.render import decided
from bridge.render.flow import Now
from bridge.render.posts import payload
from bridge.render.runs import LOOKS
from bridge.session.display import Display, Verbosity
from bridge.session.permission import PermissionRequest, RequestName, Settled
from bridge.text import utf16_len
from stages.shown import VERBOSITIES, in_turn

NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 7)
CARD = "card:0123456789abcdef:6"
NORMAL = LOOKS["normal"]
LS = '{"command":"ls"}'


def line(how: Settled, tool: str = "Bash", given: str = LS, **fields: object) -> str:
    asked = PermissionRequest(NAME, 1.0, 42, e.PermissionRequested("r1", tool, given, "d", **fields))  # type: ignore[arg-type]
    item = decided.item_of(asked, "card:x")
    decided.settle(item, asked, how)
    post = decided.post(item, NORMAL, "/srv/app")
    assert [button.custom_id for button in post.buttons] == [NAME.custom_id("show")]
    assert payload(post)["allowed_mentions"] == {"parse": [], "users": [], "replied_user": False}
    return post.content


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Settled("allowed", "the owner", "", decider_id=7), "⋯ Bash `ls` · allowed by <@7>"),
        (Settled("allowed", "ada", "", always=True), "⋯ Bash `ls` · allowed always, for this session, by ada"),
        (Settled("denied", "a*da", "not *now*"), r"✗ Bash `ls` · denied by a\*da: “not \*now\*”"),
        (Settled("expired", "", "x"), "⌛ Bash `ls` · nobody answered in time, and Claude was told so"),
        (Settled("withdrawn", "", "the turn ended"), "— Bash `ls` · withdrawn: “the turn ended”"),
        (Settled("withdrawn", "", ""), "— Bash `ls` · withdrawn: Claude no longer asks this"),
        (
            Settled("allowed", "Ada", "", mode="acceptEdits", decider_id=42),
            "⋯ Bash `ls` · allowed by <@42>, edits are accepted without asking",
        ),
    ],
)
def test_it_says_who_decided_what_and_pings_nobody(how: Settled, words: str) -> None:
    assert line(how) == f"-# {words}"


@pytest.mark.parametrize("text", ["\u202e" * 5000, "*" * 5000, "😀" * 5000, "a\nb" * 3000])
def test_no_field_of_others_makes_it_too_long(text: str) -> None:
    for tool in ("Bash", "Edit", "Write", f"mcp__{text}__{text}"):
        how = Settled("denied", text[:32], text, also_by=9, kept=text[:80])
        assert utf16_len(line(how, tool, text, agent_id="a1")) <= 2000


def test_a_push_is_a_line_too() -> None:
    given = as_input(Push("git@h:x", "main", "main", "a" * 40))
    assert "allowed by ada" in line(Settled("allowed", "ada", ""), PUSH_TOOL, given)


ASKED = e.PermissionRequested("r1", "Bash", LS, "d", "t1")


def bash(number: int) -> e.ToolStarted:
    return e.ToolStarted(f"t{number}", "Bash", LS)


def test_the_line_follows_its_tool() -> None:
    thread = in_turn()
    thread.happen(bash(1), ASKED)
    assert thread.happen(e.PermissionResolved(6, "allowed", decided_by=7))[CARD].content == (
        "-# ⋯ Bash `ls` · allowed by <@7>"
    )
    assert thread.happen(e.ToolFinished("t1", False, "a.py"))[CARD].content == "-# ✓ Bash `ls` · allowed by <@7>"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (e.ToolFinished("t1", True, "Exit code 2"), "✗ Bash `ls` · allowed by <@7> – failed: Exit code 2"),
        (e.ToolFinished("t1", True, "", unknown=True), "? Bash `ls` · allowed by <@7> – outcome unknown"),
    ],
)
def test_the_line_says_how_it_went(end: e.ToolFinished, words: str) -> None:
    thread = in_turn()
    thread.happen(bash(1), ASKED, e.PermissionResolved(6, "allowed", decided_by=7))
    assert thread.happen(end)[CARD].content == f"-# {words}"


@pytest.mark.parametrize("verbosity", VERBOSITIES)
def test_nothing_is_said_twice(verbosity: Verbosity) -> None:
    thread = in_turn(Display(verbosity))
    thread.happen(e.TextWritten("b1", "Look."), bash(1), ASKED, e.PermissionResolved(7, "allowed", decided_by=7))
    thread.happen(e.ToolFinished("t1", False, ""), e.TextWritten("b2", "Done."), e.TurnEnded("completed", (5,)))
    said = "\n".join(post.content for post in thread.posts.values())
    assert said.count("`ls`") == 1 and "tool" not in said


def test_a_tool_beside_one_that_was_asked_about_keeps_its_line() -> None:
    thread = in_turn()
    thread.happen(bash(1), bash(2), ASKED, e.PermissionResolved(7, "allowed", decided_by=7))
    thread.happen(e.ToolFinished("t1", False, ""), e.ToolFinished("t2", False, ""))
    flow, card = thread.posts.values()
    assert flow.content == "-# ✓ Bash `ls`" and not flow.optional
    assert card.content == "-# ✓ Bash `ls` · allowed by <@7>"


def test_what_a_rule_allowed_goes_back_into_the_flow() -> None:
    thread = in_turn()
    thread.happen(bash(1), ASKED, e.PermissionResolved(6, "allowed", decider="a rule of Ada"))
    (flow,) = thread.view.back_in_flow(6, "a rule of Ada", Now(thread.session, {}, Display())).values()
    assert flow.content == "-# ⋯ Bash `ls` · running" and not flow.optional
    (after,) = thread.happen(e.ToolFinished("t1", False, "")).values()
    assert after.content == "-# ✓ Bash `ls` · unasked by `a rule of Ada`"
