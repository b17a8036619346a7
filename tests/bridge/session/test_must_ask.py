"""Where two people must allow something, no session is in a mode in which Claude would not ask for it."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.modes import ACCEPT_EDITS, BYPASS
from bridge.protocol.requests import PLAN_TOOL
from bridge.render import cards
from bridge.render.view import ThreadView
from bridge.routing import actions as a
from bridge.routing.channel import Channel
from bridge.routing.clicks import STAYS_OPEN
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session.display import Display
from bridge.session.managed import ManagedSession, session_from
from bridge.session.patterns import ToolPattern
from bridge.session.permission import PermissionRequest, Person, RequestName
from bridge.session.rights import Access, Policy
from stages.known import Told

ADA = Person(1, "ada", 500)
ID = "aaaaaaaa-0000-4000-8000-000000000001"
GENERATION = "0123456789abcdef"
EVERY_MODE = ("plan", "dontAsk", "default", "manual", "", ACCEPT_EDITS, "auto", BYPASS, "one of tomorrow")


def barred(*classes: str) -> set[str]:
    access = Access(second=tuple(map(ToolPattern.parse, classes)))
    return {mode for mode in EVERY_MODE if access.bars(mode)}


@pytest.mark.parametrize("one", ["Edit:*.env", "Write", "NotebookEdit", "*", "E*", "Bash", "Bash:rm*", "Bash:prod*"])
def test_edits_and_commands_are_asked_about_in_no_looser_mode_than_default(one: str) -> None:
    assert barred(one) == {ACCEPT_EDITS, "auto", BYPASS, "one of tomorrow"}


@pytest.mark.parametrize("one", ["WebFetch", "mcp__db__*", "Read:*.env", "git_*"])
def test_what_accepting_edits_does_not_run_bars_only_what_is_looser(one: str) -> None:
    assert barred(one) == {"auto", BYPASS, "one of tomorrow"}


@pytest.mark.parametrize("one", ["git_push", "git push", "git_push:main", "mcp__threadbridge__git_push"])
def test_a_push_is_asked_by_us_in_every_mode(one: str) -> None:
    assert barred(one) == barred() == set()
    assert ACCEPT_EDITS in barred(one, "Edit"), "and so are others beside it"


def test_the_words_name_the_classes_and_can_be_long_and_strange() -> None:
    words = Access(second=(ToolPattern("Edit", "*.env"), ToolPattern("WebFetch"))).bars(ACCEPT_EDITS)
    assert "`Edit:*.env`" in words and "WebFetch" not in words and "**acceptEdits**" in words
    many = Access(second=tuple(ToolPattern("Edit", "`@everyone`" * 50) for _ in range(300)))
    assert len(many.bars(ACCEPT_EDITS)) < 1500 and len(many.bars("x" * 5000)) < 1500


# --- the cards and their buttons -------------------------------------------------------------------------

TWO = (ToolPattern("Edit", "*.env"),)


def asked(tool: str, tool_input: str) -> tuple[PermissionRequest, ManagedSession, Display]:
    session = session_from(e.SessionCreated(ID, 700, 500, 600, "/srv", 1), 1.0)
    session.generation = GENERATION
    return PermissionRequest(RequestName(ID, GENERATION, 7), 1.0, 1, event(tool, tool_input)), session, Display()


def event(tool: str, tool_input: str) -> e.PermissionRequested:
    return e.PermissionRequested("r", tool, tool_input, "digest", modes=(ACCEPT_EDITS,))


def shown(tool: str, tool_input: str, second: tuple[ToolPattern, ...]) -> tuple[str, set[str]]:
    """The card's text and its buttons."""
    request, session, _ = asked(tool, tool_input)
    record = e.Record(GENERATION, 7, 1.0, request.event)
    session.apply(record)
    posts = ThreadView().apply(record, session, {}, Display(second=second))
    card = posts[f"card:{GENERATION}:7"]
    said = f"{card.content}\n{card.embed}"
    return said, {button.label for button in card.buttons}


EDIT = ("Edit", '{"file_path": "/srv/a.py", "old_string": "a", "new_string": "b"}')
PLAN = (PLAN_TOOL, '{"plan": "p"}')


@pytest.mark.parametrize(("given", "label"), [(EDIT, "Accept edits"), (PLAN, "Approve and accept edits")])
def test_to_accept_edits_is_not_offered_there(given: tuple[str, str], label: str) -> None:
    said, buttons = shown(*given, second=())
    assert label in buttons and cards.ACCEPTING_EDITS in said
    for second in (TWO, (ToolPattern("Bash", "rm*"),)):
        said, buttons = shown(*given, second=second)
        assert label not in buttons and cards.ACCEPTING_EDITS not in said
        assert buttons & {"Allow", "Approve"}
        assert (cards.STILL_ASKED in said) is (given is PLAN)
    _, buttons = shown(*given, second=(ToolPattern("git_push"),))
    assert label in buttons


@pytest.mark.parametrize("given", [EDIT, PLAN])
def test_a_button_from_before_allows_nothing(given: tuple[str, str]) -> None:
    request, session, _ = asked(*given)

    def clicked(second: tuple[ToolPattern, ...]) -> a.Action:
        policy = Policy(frozenset({1}), channels={600: Access(second=second)})
        router = BridgeRouter(policy, {600: Channel(600, "/srv")}, Told({700: session}.get, lambda _: request))
        return router.handle_click(Clicked(request.name.custom_id("edits"), 700, 500, ADA))

    assert isinstance(clicked(()), a.DecideRequest)
    refused = clicked(TWO)
    assert isinstance(refused, a.Refuse)
    assert "two people must allow `Edit:*.env`" in refused.text and refused.text.endswith(STAYS_OPEN)


def test_a_card_that_was_stored_before_is_read() -> None:
    request, _, _ = asked(*EDIT)
    stored = msgspec.json.decode(msgspec.json.encode(request), type=dict[str, object])
    stored.pop("must_ask", None)
    assert msgspec.json.decode(msgspec.json.encode(stored), type=PermissionRequest).offers_edits
