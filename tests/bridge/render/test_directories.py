"""Cards that offer directories: each button grants what its words say, and no more is offered than counts."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.commands import Decide
from bridge.render import cards, decided, rules
from bridge.render.items import ToolItem
from bridge.routing import actions as a
from bridge.routing.answers import decided_by
from bridge.routing.seen import Clicked
from bridge.session.permission import PermissionRequest, Person, RequestName, Settled

NAME = RequestName("aaaaaaaa-0000-4000-8000-000000000001", "0123456789abcdef", 7)
ADA = Person(42, "ada", 500)


def asks(tool: str = "Write", *, modes: tuple[str, ...] = (), **fields: object) -> PermissionRequest:
    tool_input = (
        '{"file_path":"/srv/data/a.txt","content":"x"}' if tool == "Write" else '{"command":"touch /srv/data/a"}'
    )
    event = e.PermissionRequested("r", tool, tool_input, "d", modes=modes, directories=("/srv/data",))
    return PermissionRequest(NAME, 1.0, 42, msgspec.structs.replace(event, **fields))


def labels(request: PermissionRequest) -> list[str]:
    return [button.label for button in cards.open_card(request, 42, "/srv/app").buttons]


def fine_print(request: PermissionRequest) -> str:
    embed = cards.open_card(request, 42, "/srv/app").embed
    assert embed
    return embed.footer


def clicked(verb: str, request: PermissionRequest) -> a.Action:
    return decided_by(verb, request, Clicked(NAME.custom_id(verb), 700, 500, ADA))


def test_where_edits_are_accepted_already_the_directory_alone_is_offered() -> None:
    request = asks()
    assert labels(request) == ["Allow", "Allow this directory", "Allow for…", "Deny", "Deny with a reason…"]
    assert "Allow this directory, for this session: work in /srv/data without asking" in fine_print(request)
    assert clicked("dir", request) == a.DecideRequest(request, True, False, "", ADA, opens=True)


def test_beside_accept_edits_stands_one_that_is_for_the_directory_too() -> None:
    request = asks(modes=("acceptEdits",))
    assert labels(request) == ["Allow", "Accept edits", "Accept edits there too", "Deny", "Deny with a reason…"]
    assert "Accept edits is for the project’s directory" in fine_print(request)
    both, alone = clicked("dir", request), clicked("edits", request)
    assert both == a.DecideRequest(request, True, False, "", ADA, mode="acceptEdits", opens=True)
    assert isinstance(alone, a.DecideRequest) and not alone.opens


def test_of_a_command_the_rule_is_on_the_card_and_the_directory_in_the_choice() -> None:
    request = asks("Bash", rules=(e.SuggestedRule("Bash", "touch *"),))
    assert labels(request) == ["Allow", "Always allow", "Allow for…", "Deny", "Deny with a reason…"]
    choice = rules.choice(request)
    offered = {button.label: button.custom_id for button in choice.buttons}
    assert offered["Directory: this session"] == NAME.custom_id("dir")
    assert offered["Directory: this channel, until revoked"] == NAME.custom_id("cdir")
    assert "touch" in choice.content and "work in `/srv/data`" in choice.content
    assert clicked("cdir", request) == a.DecideRequest(request, True, False, "", ADA, term="cever", opens=True)


def test_without_accepted_edits_a_commands_directory_would_not_be_enough_and_is_not_offered() -> None:
    request = asks("Bash", modes=("acceptEdits",), rules=(e.SuggestedRule("Bash", "touch *"),))
    assert not any("irectory" in button.label for button in rules.choice(request).buttons)
    assert isinstance(clicked("dir", request), a.Ignore)


@pytest.mark.parametrize("why", [{"needs_two": True}, {"no_directories": True}])
def test_what_two_people_must_allow_is_left_asked(why: dict[str, bool]) -> None:
    request = msgspec.structs.replace(asks(), **why)
    assert labels(request) == ["Allow", "Deny", "Deny with a reason…"]
    assert "without asking" not in fine_print(request)
    assert isinstance(clicked("dir", request), a.Ignore)


def test_a_wall_that_stays_is_said_with_the_key_that_would_open_it() -> None:
    said = fine_print(asks(unseen=("/srv/data",)))
    assert "Claude does not see /srv/data" in said and "[containment] writable" in said
    assert "does not see" not in fine_print(asks())


def test_what_is_not_offered_is_said_with_its_own_reason() -> None:
    said = fine_print(asks(directories=(), unanswered=("/mnt/far",), not_directories=("/srv/a.txt",)))
    assert "/mnt/far cannot be allowed for longer now: the file system there does not answer" in said
    assert "/srv/a.txt cannot be allowed for longer: it is no directory" in said
    assert "does not see" not in said
    assert "cannot" not in fine_print(msgspec.structs.replace(asks(unanswered=("/mnt/far",)), needs_two=True))


def test_a_path_that_cannot_be_shown_whole_is_not_offered() -> None:
    assert labels(asks(directories=("/srv/" + "x" * 200,))) == ["Allow", "Deny", "Deny with a reason…"]


def test_the_decided_line_tells_what_was_allowed_besides() -> None:
    how = Settled("allowed", "ada", "", decider_id=42, kept="and without asking work in /srv/a_b, until")
    item = ToolItem("t", "Write", '{"file_path":"a"}')
    decided.settle(item, asks(), how)
    assert item.decided == "allowed by <@42>, and without asking work in /srv/a\\_b, until"
    assert Decide("g", 1, "d", "allowed").kept == ""
