import msgspec
import pytest

from bridge import events as e
from bridge import router as r
from bridge.permission import PermissionRequest, Person, Policy, RequestName, Settled
from bridge.session import ManagedSession, OpenPrompt, Turn, session_from

ADA = Person(42, "ada", 500)
EVE = Person(66, "eve", 500)
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
CHANNEL = r.Channel(600, "/srv/app")
QUIET_CHANNEL = r.Channel(601, "/srv/app", mention_only=True)
NAME = RequestName(A, "0123456789abcdef", 7)


def session(session_id: str, thread_id: int) -> ManagedSession:
    return session_from(e.SessionCreated(session_id, thread_id, 500, 600, "/srv/app", 42), 1000.0)


def pending(tool: str = "Bash") -> PermissionRequest:
    return PermissionRequest(NAME, 1000.0, 42, e.PermissionRequested("r1", tool, "{}", "d"))


class World:
    """Two sessions, in the threads 700 and 701, and what the request of A's is."""

    def __init__(self, request: PermissionRequest | Settled | None = None) -> None:
        self.sessions = {700: session(A, 700), 701: session(B, 701)}
        self.router = r.BridgeRouter(
            Policy(users=frozenset({42})),
            {600: CHANNEL, 601: QUIET_CHANNEL},
            self.sessions.get,
            lambda name: request if name == NAME else None,
        )

    def click(self, custom_id: str, *, thread: int = 700, person: Person = ADA, reason: str | None = None) -> r.Action:
        return self.router.handle_click(r.Clicked(custom_id, thread, 500, person, reason))


def message(channel_id: int = 600, *, author: Person = ADA, text: str = "fix it", **fields: object) -> r.MessageSeen:
    seen = r.MessageSeen(900, channel_id, 0, 500, author, text, is_from_person=True, mentions_bot=False)
    return msgspec.structs.replace(seen, **fields)


# --- messages ----------------------------------------------------------------------------------------


def test_a_message_in_a_configured_channel_creates_a_session_with_its_own_thread() -> None:
    action = World().router.handle_message(message(text="fix  the\ntests"))
    assert action == r.CreateSession(900, 500, CHANNEL, ADA, "fix  the\ntests", "fix the tests")


def test_a_message_in_a_sessions_thread_prompts_that_session() -> None:
    for thread, session_id in ((700, A), (701, B)):
        action = World().router.handle_message(message(thread, parent_id=600))
        assert action == r.PromptSession(session_id, 900, "fix it", ADA)


def test_what_no_person_wrote_is_ignored_everywhere() -> None:
    for channel in (600, 700):
        assert isinstance(World().router.handle_message(message(channel, is_from_person=False)), r.Ignore)


def test_other_channels_and_other_threads_are_ignored() -> None:
    assert isinstance(World().router.handle_message(message(999)), r.Ignore)
    assert isinstance(World().router.handle_message(message(999, parent_id=600)), r.Ignore)
    assert isinstance(World().router.handle_message(message(600, parent_id=999)), r.Ignore)


def test_a_channel_can_ask_to_be_mentioned() -> None:
    assert isinstance(World().router.handle_message(message(601)), r.Ignore)
    assert isinstance(World().router.handle_message(message(601, mentions_bot=True)), r.CreateSession)


@pytest.mark.parametrize("channel", [600, 700])
def test_a_stranger_is_refused_only_when_the_bot_was_spoken_to(channel: int) -> None:
    assert isinstance(World().router.handle_message(message(channel, author=EVE)), r.Ignore)
    assert World().router.handle_message(message(channel, author=EVE, mentions_bot=True)) == r.Refuse(r.NOT_ALLOWED)


@pytest.mark.parametrize("channel", [600, 700])
def test_a_message_without_text_is_refused_with_the_reason(channel: int) -> None:
    assert World().router.handle_message(message(channel, text=" \n ")) == r.Refuse(r.EMPTY)


def test_a_role_counts_only_in_its_own_guild() -> None:
    router = r.BridgeRouter(Policy(roles=frozenset({7})), {600: CHANNEL}, lambda _: None, lambda _: None)
    here, elsewhere = Person(50, "bob", 500, frozenset({7})), Person(50, "bob", 501, frozenset({7}))
    assert isinstance(router.handle_message(message(author=here)), r.CreateSession)
    assert isinstance(router.handle_message(message(author=elsewhere)), r.Ignore)
    assert router.may_talk(here, 500) and not router.may_talk(here, 501)


@pytest.mark.parametrize(
    ("text", "name"),
    [("a\n\nb\tc", "a b c"), ("x" * 200, "x" * 95), (" ", "Claude"), ("y " * 60, ("y " * 48).strip()[:95])],
)
def test_a_threads_name_is_one_line_within_the_limit(text: str, name: str) -> None:
    assert r.thread_name(text) == name and 1 <= len(r.thread_name(text)) <= 95


# --- clicks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "allowed", "always"), [("allow", True, False), ("always", True, True), ("deny", False, False)]
)
def test_a_click_decides_the_request_that_it_names(verb: str, allowed: bool, always: bool) -> None:
    action = World(pending()).click(NAME.custom_id(verb))
    assert action == r.DecideRequest(pending(), allowed, always, "", ADA)


def test_a_click_in_another_sessions_thread_or_in_none_decides_nothing() -> None:
    for thread in (701, 600, 999):
        action = World(pending()).click(NAME.custom_id("allow"), thread=thread)
        assert isinstance(action, r.Refuse) and "another thread" in action.text


def test_a_stranger_is_refused_and_the_request_stays_open() -> None:
    for verb in ("allow", "always", "deny", "reason"):
        action = World(pending()).click(NAME.custom_id(verb), person=EVE, reason="mine")
        assert isinstance(action, r.Refuse) and "stays open" in action.text


def test_a_stranger_learns_nothing_of_a_settled_request() -> None:
    action = World(Settled("denied", "ada", "")).click(NAME.custom_id("allow"), person=EVE)
    assert isinstance(action, r.Refuse) and "ada" not in action.text


def test_a_settled_request_says_how_it_ended_and_an_unknown_one_that_it_is_unknown() -> None:
    settled = World(Settled("denied", "ada", "")).click(NAME.custom_id("allow"))
    assert settled == r.Refuse("This request was already denied by ada.")
    unknown = World().click(NAME.custom_id("allow"))
    assert isinstance(unknown, r.Refuse) and "not known" in unknown.text


@pytest.mark.parametrize("other", [RequestName(A, "f" * 16, 7), RequestName(A, NAME.generation, 8)])
def test_a_button_of_another_log_or_number_decides_nothing(other: RequestName) -> None:
    assert isinstance(World(pending()).click(other.custom_id("allow")), r.Refuse)


def test_a_reason_is_asked_for_first_and_then_denies_with_it() -> None:
    custom_id = NAME.custom_id("reason")
    assert World(pending()).click(custom_id) == r.AskReason(custom_id, "Bash")
    action = World(pending()).click(custom_id, reason="  not on a Friday ")
    assert action == r.DecideRequest(pending(), False, False, "not on a Friday", ADA)


def test_keep_planning_tells_claude_what_that_means() -> None:
    action = World(pending("ExitPlanMode")).click(NAME.custom_id("deny"))
    assert isinstance(action, r.DecideRequest) and "keep planning" in action.reason and not action.allowed


@pytest.mark.parametrize("custom_id", ["", "other:bot", "tb:allow:", "tb:fresh:", "tb:fresh:zz", "tb:allow:x:y:1"])
def test_a_button_that_is_not_ours_is_ignored(custom_id: str) -> None:
    assert isinstance(World(pending()).click(custom_id), r.Ignore)


def test_a_fresh_start_is_its_own_threads_and_an_allowed_persons() -> None:
    custom_id = f"tb:fresh:{A.replace('-', '')}"
    assert World().click(custom_id) == r.StartFresh(A, ADA)
    assert isinstance(World().click(custom_id, thread=701), r.Refuse)
    assert World().click(custom_id, person=EVE) == r.Refuse(r.NOT_ALLOWED)


@pytest.mark.parametrize(("verb", "goes_on"), [("continue", True), ("discard", False)])
def test_a_lost_turn_is_settled_in_its_own_thread_by_an_allowed_person(verb: str, goes_on: bool) -> None:
    custom_id = NAME.custom_id(verb)
    assert World().click(custom_id) == r.SettleLostTurn(NAME, goes_on, ADA)
    assert isinstance(World().click(custom_id, thread=701), r.Refuse)
    assert isinstance(World().click(custom_id, person=EVE), r.Refuse)


# --- /stop -------------------------------------------------------------------------------------------


def test_stop_interrupts_what_runs_or_waits_and_ends_what_is_idle() -> None:
    world = World()
    assert world.router.abort(700, ADA) == r.EndSession(A)
    world.sessions[700].turn = Turn(3, 1000.0, (5,), "")
    assert world.router.abort(700, ADA) == r.InterruptSession(A)
    world.sessions[701].prompts[5] = OpenPrompt("u5", 42)
    assert world.router.abort(701, ADA) == r.InterruptSession(B)


def test_stop_is_for_allowed_people_and_for_threads_of_ours() -> None:
    assert World().router.abort(700, EVE) == r.Refuse(r.NOT_ALLOWED)
    assert isinstance(World().router.abort(999, ADA), r.Refuse)
