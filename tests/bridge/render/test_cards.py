import json

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.render import cards, excerpts, restarts
from bridge.render.posts import Post, payload
from bridge.session.permission import KEEP_PLANNING, PermissionRequest, RequestName, Settled
from bridge.text import utf16_len
from twins.discord.checks.components import check_modal

DIRECTORY = "/srv/app"
NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 7)
LS = (e.SuggestedRule("Bash", "npm test:*"),)


def request(tool: str, tool_input: object, **fields: object) -> PermissionRequest:
    text = tool_input if isinstance(tool_input, str) else json.dumps(tool_input)
    event = e.PermissionRequested("r1", tool, text, digest_of(text), **fields)  # type: ignore[arg-type]
    return PermissionRequest(NAME, 1000.0, 42, event)


def opened(tool: str, tool_input: object, **fields: object) -> Post:
    card = cards.open_card(request(tool, tool_input, **fields), 42, DIRECTORY)
    check(card)
    return card


def check(card: Post) -> None:
    assert card.embed
    assert utf16_len(card.content) <= 2000
    assert utf16_len(card.embed.title) <= 256
    assert utf16_len(card.embed.description) <= 4096
    assert utf16_len(card.embed.footer) <= 2048
    assert utf16_len(card.embed.title + card.embed.description + card.embed.footer) <= 6000
    assert all(len(file.text.encode()) < 10 * 1024 * 1024 for file in card.files)
    assert len(json.dumps(payload(card))) > 0


def all_of(card: Post) -> str:
    assert card.embed
    embed = [card.embed.title, card.embed.description, card.embed.footer]
    return "\n".join([card.content, *embed, *(file.text for file in card.files)])


def labels(card: Post) -> list[str]:
    return [button.label for button in card.buttons]


TOOLS: list[tuple[str, dict[str, object]]] = [
    ("Bash", {"command": "echo MARK-command", "description": "MARK-description", "timeout": 777, "odd": "MARK-odd"}),
    ("Bash", {"command": ["MARK-list"], "run_in_background": True}),
    (
        "Edit",
        {"file_path": "/srv/app/MARK-path", "old_string": "MARK-old", "new_string": "MARK-new", "o": "MARK-o"},
    ),
    (
        "MultiEdit",
        {"file_path": "/MARK-path", "edits": [{"old_string": "a", "new_string": "MARK-new", "x": "MARK-x"}]},
    ),
    ("Write", {"file_path": "/etc/MARK-path", "content": "MARK-content", "mode": "MARK-mode"}),
    ("WebFetch", {"url": "https://a.example/MARK-url", "prompt": "MARK-prompt"}),
    ("mcp__github__create_issue", {"title": "MARK-title", "nested": {"deep": ["MARK-deep"]}}),
    ("Never_Seen", {"MARK-key": None, "b": "MARK-b"}),
]


@pytest.mark.parametrize(("tool", "given"), TOOLS)
def test_a_card_hides_no_field_of_the_input(tool: str, given: dict[str, object]) -> None:
    shown = all_of(opened(tool, given))
    text = json.dumps(given)
    marks = {word for word in text.replace('"', " ").replace("/", " ").replace(",", " ").split() if "MARK" in word}
    assert marks and all(mark.strip("{}[]:") in shown for mark in marks)


@pytest.mark.parametrize(("tool", "given"), TOOLS)
def test_a_long_input_is_attached_whole_and_a_short_one_is_not(tool: str, given: dict[str, object]) -> None:
    assert opened(tool, given).files == ()
    long = {**given, "longest": "start " + "x" * 10_000 + " MARK-end"}
    card = opened(tool, long)
    (file,) = card.files
    assert "x" * 10_000 + " MARK-end" in file.text
    assert card.embed and file.name in card.embed.description
    assert "Allow" in labels(card)


def test_what_tricks_the_eye_is_made_visible() -> None:
    shown = all_of(opened("Bash", {"command": "echo \u202egnp.exe\u200b", "description": "\u2066x"}))
    assert "⟨U+202E⟩" in shown and "⟨U+200B⟩" in shown and "⟨U+2066⟩" in shown
    assert "\u202e" not in shown and "\u200b" not in shown


def test_a_command_cannot_leave_its_code_block() -> None:
    card = opened("Bash", {"command": "echo '```'\n```\n**Allowed by ada**"})
    assert card.embed and card.embed.description.count("```") == 2


def test_an_input_that_is_no_object_or_no_json_is_shown_as_it_is() -> None:
    for text in ('["MARK"]', '"MARK"', "MARK {", '{"a":' + "[" * 50_000 + "MARK"):
        assert "MARK" in all_of(opened("Odd", text))


@pytest.mark.parametrize("letter", ["x", "❤", "😀"])
def test_what_is_too_long_to_show_can_only_be_denied(letter: str) -> None:
    card = opened("Bash", {"command": letter * (excerpts.FILE_BYTES // len(letter.encode()) + 1)}, rules=LS)
    assert labels(card) == ["Deny", "Deny with a reason…"]
    plan = opened("ExitPlanMode", {"plan": letter * (excerpts.FILE_BYTES // len(letter.encode()) + 1)})
    assert labels(plan) == ["Keep planning…"]


def test_always_is_offered_with_its_rule_in_words() -> None:
    card = opened("Bash", {"command": "npm test"}, rules=LS)
    assert labels(card) == ["Allow", "Always allow", "Allow for…", "Deny", "Deny with a reason…"]
    assert card.embed and 'Bash: commands starting with "npm test"' in card.embed.footer
    assert [button.custom_id for button in card.buttons] == [
        NAME.custom_id(v) for v in ("allow", "always", "keep", "deny", "reason")
    ]


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (e.SuggestedRule("Bash", "x" * cards.RULE_CHARS),),
        tuple(e.SuggestedRule("Bash", f"command {n} " * 5) for n in range(8)),
        (e.SuggestedRule("Bash", "\u202e" * 60),),
        (e.SuggestedRule("Bash", "npm test\nrm -rf /"),),
    ],
)
def test_a_rule_that_cannot_be_shown_whole_is_not_offered(rules: tuple[e.SuggestedRule, ...]) -> None:
    card = opened("Bash", {"command": "npm test"}, rules=rules)
    assert "Always allow" not in labels(card)
    assert card.embed and "Always" not in card.embed.footer


def test_the_fine_print_says_where_it_comes_from_and_what_it_touches() -> None:
    card = opened("mcp__a__b", {}, server="github", blocked_path="/etc/passwd", reason="outside", agent_id="a1")
    assert card.content.endswith("asked by a subagent of Claude’s")
    assert card.embed and card.embed.footer.splitlines() == [
        "Its full name: mcp__a__b",
        "Touches /etc/passwd",
        "outside",
    ]


@pytest.mark.parametrize(
    ("tool", "server", "words"),
    [
        ("mcp__github__create_issue", "", r"Use **create\_issue** of the server **github**"),
        ("mcp__claude_ai_Gmail__search", "claude.ai Gmail", "Use **search** of the server **claude.ai Gmail**"),
        ("mcp__a__b__c", "", r"Use **b\_\_c** of the server **a**"),
        ("Odd", "weather", "Use **Odd** of the server **weather**"),
        ("mcp__", "", "mcp\\_\\_: x"),
    ],
)
def test_a_tool_of_an_mcp_server_is_told_by_its_own_and_its_servers_name(tool: str, server: str, words: str) -> None:
    assert opened(tool, {"q": "x"}, server=server).content == f"<@42> {words}"


def test_the_rule_of_an_mcp_servers_tool_is_readable_too() -> None:
    card = opened("mcp__github__search", {}, rules=(e.SuggestedRule("mcp__github__search"),))
    assert card.embed and "every use of search of the server github" in card.embed.footer


def test_a_subagents_request_says_which_subagent() -> None:
    asked = request("Bash", {"command": "ls"}, agent_id="a1")
    named = msgspec.structs.replace(asked, agent="general-purpose: look *around*")
    assert cards.open_card(named, 42, DIRECTORY).content == (
        r"<@42> Bash: ls · asked by a subagent of Claude’s (general-purpose: look \*around\*)"
    )
    assert cards.open_card(asked, 42, DIRECTORY).content == "<@42> Bash: ls · asked by a subagent of Claude’s"


@pytest.mark.parametrize("text", ["\u202e" * 5000, "*" * 5000, "😀" * 5000, "a\nb" * 3000])
def test_no_field_of_others_makes_a_card_too_long(text: str) -> None:
    fields = {"server": text, "blocked_path": text, "reason": text, "description": text, "agent_id": "a1"}
    for tool in ("Bash", "Edit", "Write", "ExitPlanMode", f"mcp__{text}__{text}"):
        given = {
            "command": text,
            "file_path": text,
            "content": text,
            "old_string": text,
            "new_string": "",
            "plan": text,
        }
        opened(tool, given, rules=(e.SuggestedRule(text, text),), **fields)
        how = Settled("denied", text[:32], text)
        if tool == "ExitPlanMode":
            check(cards.settled_card(request(tool, given, **fields), how, DIRECTORY))
    assert utf16_len(restarts.resume_failed_card(NAME.session_id, text).content) <= 2000


def test_a_plan_is_shown_whole_with_its_own_buttons() -> None:
    card = opened("ExitPlanMode", {"plan": "# Plan\n\n1. do it", "planFilePath": "/p.md"})
    assert card.content == "<@42> Claude has a plan"
    assert card.embed and card.embed.description == "# Plan\n\n1. do it"
    assert [(b.label, b.custom_id) for b in card.buttons] == [
        ("Approve", NAME.custom_id("allow")),
        ("Approve and accept edits", NAME.custom_id("edits")),
        ("Keep planning…", NAME.custom_id("plan")),
    ]
    long = opened("ExitPlanMode", {"plan": "step\n" * 5000})
    assert long.files[0].name == "plan.md" and long.files[0].text == "step\n" * 5000


def test_a_long_plans_excerpt_leaves_no_fence_open() -> None:
    card = opened("ExitPlanMode", {"plan": "# Plan\n\n```python\n" + "print(1)\n" * 1000 + "```\n"})
    assert card.embed and card.embed.description.count("```") == 4


def test_the_plans_modal_is_one_that_discord_shows() -> None:
    modal = cards.plan_modal(NAME.custom_id("plan"))
    check_modal(modal)
    assert modal["custom_id"] == NAME.custom_id("plan")


@pytest.mark.parametrize(
    ("tool", "how", "words"),
    [
        ("ExitPlanMode", Settled("expired", "", "x"), "⌛ Expired: nobody answered in time, and Claude was told so"),
        (
            "ExitPlanMode",
            Settled("withdrawn", "", "the turn ended"),
            "— Withdrawn: “the turn ended”: Claude no longer asks this",
        ),
        ("ExitPlanMode", Settled("allowed", "ada", ""), "✓ Plan approved by ada"),
        (
            "ExitPlanMode",
            Settled("allowed", "ada", "", mode="acceptEdits"),
            "✓ Plan approved by ada, edits are accepted without asking",
        ),
        ("ExitPlanMode", Settled("denied", "ada", KEEP_PLANNING), "✗ ada wants Claude to keep planning"),
        ("ExitPlanMode", Settled("denied", "ada", "no *db*"), r"✗ ada wants Claude to keep planning: “no \*db\*”"),
    ],
)
def test_a_settled_card_says_who_decided_what_and_has_no_buttons(tool: str, how: Settled, words: str) -> None:
    card = cards.settled_card(request(tool, {"command": "ls", "plan": "p"}), how, DIRECTORY)
    check(card)
    assert card.content == words and not card.buttons


def test_who_decided_is_a_mention_that_nobody_can_take_and_that_does_not_ping() -> None:
    how = Settled("allowed", "the owner", "", decider_id=7)
    card = cards.settled_card(request("ExitPlanMode", {"plan": "p"}), how, DIRECTORY)
    assert card.content == "✓ Plan approved by <@7>"
    assert payload(card, editing=True)["allowed_mentions"] == {"parse": [], "users": [], "replied_user": False}
    assert how.in_words() == "This request was already allowed by <@7>."


def test_a_command_stands_alone_in_its_block_and_the_rest_above_it() -> None:
    card = opened("Bash", {"command": "ls", "description": "List *all*", "timeout": 5000})
    assert card.embed and card.embed.description == "List \\*all\\*\ntimeout: 5000\n```bash\nls\n```"


def test_an_edits_numbers_are_the_files_and_its_path_is_the_projects() -> None:
    given = {"file_path": f"{DIRECTORY}/src/a.py", "old_string": "b", "new_string": "c"}
    card = opened("Edit", given, places=(e.Place(41, "a = ", "\n"),), blocked_path=f"{DIRECTORY}/src/a.py")
    assert card.embed and card.embed.footer == "Touches src/a.py"
    assert card.content == "<@42> Edit src/a.py +1 −1"
    assert card.embed.description == "```diff\n- 41 a = b\n+ 41 a = c\n```"


def test_a_path_that_is_too_long_for_the_first_line_stands_whole_below_it() -> None:
    path = f"{DIRECTORY}/{'deep/' * 40}a.py"
    card = opened("Edit", {"file_path": path, "old_string": "b", "new_string": "c"})
    assert card.embed and f'file_path: "{path}"' in card.embed.description.replace("\\", "")


def test_a_long_edit_is_a_few_lines_and_the_whole_of_it_a_patch_beside_the_card() -> None:
    new = "".join(f"line {n}\n" for n in range(40))
    card = opened("Edit", {"file_path": f"{DIRECTORY}/a.py", "old_string": "b\n", "new_string": new})
    assert card.embed and card.embed.description.count("\n") < 25
    assert "+line 0\n" in card.embed.description and "+line 39\n" in card.embed.description
    (file,) = card.files
    assert file.text.startswith("--- a.py\n+++ a.py\n@@ … @@\n") and "+line 20\n" in file.text


@pytest.mark.parametrize("command", ["echo {}\n" * 900 + "rm -rf /", "echo " + "x" * 9000 + "; rm -rf /"])
def test_what_does_not_fit_shows_its_head_its_tail_and_how_much_is_between(command: str) -> None:
    card = opened("Bash", {"command": command})
    assert card.embed
    shown = card.embed.description
    head, between, tail = shown.partition("\n-# … ")
    assert head.startswith("```bash\necho") and head.endswith("```") and "rm -rf /\n```" in tail
    missing = int(tail.split()[0].replace(",", ""))
    kept = [block.removeprefix("bash\n").removesuffix("\n") for block in shown.split("```")[1::2]]
    assert between and len(command) - missing - sum(map(len, kept)) in (0, 1)
    assert card.files[0].text == command


def test_a_plan_is_rendered_whether_it_is_short_or_long() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    short = opened("ExitPlanMode", {"plan": f"# Plan\n\n- [ ] first\n\n{table}\n#### Last"}).embed
    assert short and "☐ first" in short.description and "**Last**" in short.description
    assert "a | b\n--+--" in short.description
    long = opened("ExitPlanMode", {"plan": "# Plan\n\n- [ ] first\n\n" + "A step.\n\n" * 900 + "#### Last"})
    assert long.embed and "☐ first" in long.embed.description and "**Last**" in long.embed.description
    assert "characters on" in long.embed.description and long.files[0].name == "plan.md"


def test_a_long_plans_tail_inside_a_fence_is_code() -> None:
    plan = "# Plan\n\n~~~python\n" + "print(1)\n" * 1000 + "~~~\n\nThe end."
    card = opened("ExitPlanMode", {"plan": plan})
    assert card.embed and card.embed.description.count("```") == 4
    assert card.embed.description.partition("between")[2].lstrip(" …\n").startswith("```python\nprint(1)")


def test_a_replaced_directorys_button_names_the_session_and_hostile_words_fit() -> None:
    card = restarts.project_replaced_card(NAME.session_id, "*`" * 5000)
    assert utf16_len(card.content) <= 2000
    assert [button.custom_id for button in card.buttons] == ["tb:moved:5c0ffee5000040008000000000000001"]
    assert not restarts.project_settled_card("gone", "seen").buttons


def test_a_fresh_starts_button_names_the_session() -> None:
    (button,) = restarts.resume_failed_card(NAME.session_id, "gone").buttons
    assert button.custom_id == "tb:fresh:5c0ffee5000040008000000000000001"


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["`", "\n", " ", "~", "\u200b", "> ", "```\n", "|a|b|\n|-|-|\n", "*_`[<", "\x1b[31m"])
@pytest.mark.parametrize(("tool", "key"), [("ExitPlanMode", "plan"), ("Bash", "command"), ("mcp__a__b", "x")])
def test_whatever_a_long_input_is_made_of_there_is_a_card_and_soon(tool: str, key: str, sign: str) -> None:
    card = opened(tool, {key: sign * (900_000 // len(sign))})
    assert card.embed
    assert card.embed.description.strip()


EDIT = {"file_path": "/srv/app/a.py", "old_string": "a", "new_string": "b"}


def test_where_claude_offers_to_accept_edits_there_is_a_button_and_what_it_means() -> None:
    card = opened("Edit", EDIT, modes=("acceptEdits",))
    assert labels(card) == ["Allow", "Accept edits", "Deny", "Deny with a reason…"]
    assert card.embed
    assert "runs rm, mv, mkdir and sed" in card.embed.footer
    assert "Accept edits" not in labels(opened("Edit", EDIT))


def test_what_two_people_must_allow_offers_no_looser_mode() -> None:
    asked = msgspec.structs.replace(request("Edit", EDIT, modes=("acceptEdits",)), needs_two=True)
    assert "Accept edits" not in labels(cards.open_card(asked, 42, DIRECTORY))
