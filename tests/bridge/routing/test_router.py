import json

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.routing import actions as a
from bridge.routing import router as r
from bridge.routing.answers import NOT_OFFERED, NOTHING_CHOSEN
from bridge.routing.channel import Channel
from bridge.routing.seen import EMPTY, VOICE, Clicked, MessageSeen, thread_name
from bridge.session.managed import ManagedSession, session_from
from bridge.session.open_work import OpenPrompt, Turn
from bridge.session.permission import PermissionRequest, Person, RequestName, Settled
from bridge.session.questions import Draft
from bridge.session.rights import Policy
from stages.known import Told

ADA = Person(42, "ada", 500)
EVE = Person(66, "eve", 500)
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
CHANNEL = Channel(600, "/srv/app")
QUIET_CHANNEL = Channel(601, "/srv/app", mention_only=True)
NAME = RequestName(A, "0123456789abcdef", 7)
NO_TALK, NO_DECIDE, NO_MANAGE = (
    f"You do not have the right **{right}** here, so nothing was done. <@42> has it."
    for right in ("talk", "decide", "manage")
)


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
            Told(self.sessions.get, lambda name: request if name == NAME else None),
        )

    def click(
        self,
        custom_id: str,
        *,
        thread: int = 700,
        person: Person = ADA,
        reason: str | None = None,
        values: tuple[str, ...] = (),
        texts: dict[int, str] | None = None,
    ) -> a.Action:
        return self.router.handle_click(Clicked(custom_id, thread, 500, person, reason, values, texts or {}))


def message(channel_id: int = 600, *, author: Person = ADA, text: str = "fix it", **fields: object) -> MessageSeen:
    seen = MessageSeen(900, channel_id, 0, 500, author, text, is_from_person=True, mentions_bot=False)
    return msgspec.structs.replace(seen, **fields)


# --- messages ----------------------------------------------------------------------------------------


def test_a_message_in_a_configured_channel_creates_a_session_with_its_own_thread() -> None:
    action = World().router.handle_message(message(text="fix  the\ntests"))
    assert action == a.CreateSession(900, 500, CHANNEL, ADA, "fix  the\ntests", "fix the tests", may_grow=True)


def test_a_message_in_a_sessions_thread_prompts_that_session() -> None:
    for thread, session_id in ((700, A), (701, B)):
        action = World().router.handle_message(message(thread, parent_id=600))
        assert action == a.PromptSession(session_id, 900, "fix it", ADA, may_grow=True)


def test_what_no_person_wrote_is_answered_nowhere() -> None:
    for channel in (600, 700):
        of_discord = message(channel, is_from_person=False, is_post=False)
        assert isinstance(World().router.handle_message(of_discord), a.Ignore)
        of_bot = World().router.handle_message(message(channel, is_from_person=False))
        assert isinstance(of_bot, a.Whisper)
        assert not of_bot.text
    assert isinstance(World().router.handle_message(message(999, is_from_person=False)), a.Ignore)


def test_other_channels_and_other_threads_are_ignored() -> None:
    assert isinstance(World().router.handle_message(message(999)), a.Ignore)
    assert isinstance(World().router.handle_message(message(999, parent_id=600)), a.Ignore)
    assert isinstance(World().router.handle_message(message(600, parent_id=999)), a.Ignore)


def test_a_channel_can_ask_to_be_mentioned() -> None:
    assert isinstance(World().router.handle_message(message(601)), a.Ignore)
    assert isinstance(World().router.handle_message(message(601, mentions_bot=True)), a.CreateSession)


@pytest.mark.parametrize("channel", [600, 700])
def test_a_stranger_is_told_quietly_and_more_seldom_where_the_bot_was_not_spoken_to(channel: int) -> None:
    spoken_to = World().router.handle_message(message(channel, author=EVE, mentions_bot=True))
    not_spoken_to = World().router.handle_message(message(channel, author=EVE))
    assert isinstance(spoken_to, a.Whisper) and isinstance(not_spoken_to, a.Whisper)
    assert spoken_to.text == not_spoken_to.text == f"{NO_TALK} Your id is `66`."
    assert not_spoken_to.period_s > spoken_to.period_s


@pytest.mark.parametrize("channel", [600, 700])
def test_a_message_without_text_is_refused_with_the_reason(channel: int) -> None:
    assert World().router.handle_message(message(channel, text=" \n ")) == a.Refuse(EMPTY)


def test_a_role_counts_only_in_its_own_guild() -> None:
    router = r.BridgeRouter(Policy(roles=frozenset({7})), {600: CHANNEL}, Told())
    here, elsewhere = Person(50, "bob", 500, frozenset({7})), Person(50, "bob", 501, frozenset({7}))
    assert isinstance(router.handle_message(message(author=here)), a.CreateSession)
    assert isinstance(router.handle_message(message(author=elsewhere)), a.Whisper)
    assert not router.lacks(("talk",), here, 500, 600) and router.lacks(("talk",), here, 501, 600)


@pytest.mark.parametrize(
    ("text", "name"),
    [("a\n\nb\tc", "a b c"), ("x" * 200, "x" * 59 + "…"), (" ", "Claude"), ("y " * 60, ("y " * 30).strip() + "…")],
)
def test_a_threads_name_is_one_line_within_the_limit(text: str, name: str) -> None:
    assert thread_name(text) == name and 1 <= len(thread_name(text)) <= 95


# --- clicks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "allowed", "always"), [("allow", True, False), ("always", True, True), ("deny", False, False)]
)
def test_a_click_decides_the_request_that_it_names(verb: str, allowed: bool, always: bool) -> None:
    action = World(pending()).click(NAME.custom_id(verb))
    assert action == a.DecideRequest(pending(), allowed, always, "", ADA)


def test_a_click_in_another_sessions_thread_or_in_none_decides_nothing() -> None:
    for thread in (701, 600, 999):
        action = World(pending()).click(NAME.custom_id("allow"), thread=thread)
        assert isinstance(action, a.Refuse) and "another thread" in action.text


def test_a_stranger_is_refused_and_the_request_stays_open() -> None:
    for verb in ("allow", "always", "deny", "reason"):
        action = World(pending()).click(NAME.custom_id(verb), person=EVE, reason="mine")
        assert isinstance(action, a.Refuse) and "stays open" in action.text


def test_a_stranger_learns_nothing_of_a_settled_request() -> None:
    action = World(Settled("denied", "ada", "")).click(NAME.custom_id("allow"), person=EVE)
    assert isinstance(action, a.Refuse) and "ada" not in action.text


def test_a_settled_request_says_how_it_ended_and_an_unknown_one_that_it_is_unknown() -> None:
    settled = World(Settled("denied", "ada", "")).click(NAME.custom_id("allow"))
    assert settled == a.Refuse("This request was already denied by ada.")
    unknown = World().click(NAME.custom_id("allow"))
    assert isinstance(unknown, a.Refuse) and "not known" in unknown.text


@pytest.mark.parametrize("other", [RequestName(A, "f" * 16, 7), RequestName(A, NAME.generation, 8)])
def test_a_button_of_another_log_or_number_decides_nothing(other: RequestName) -> None:
    assert isinstance(World(pending()).click(other.custom_id("allow")), a.Refuse)


def test_a_reason_is_asked_for_first_and_then_denies_with_it() -> None:
    custom_id = NAME.custom_id("reason")
    assert World(pending()).click(custom_id) == a.AskReason(custom_id, "Bash")
    action = World(pending()).click(custom_id, reason="  not on a Friday ")
    assert action == a.DecideRequest(pending(), False, False, "not on a Friday", ADA)


def test_keep_planning_tells_claude_what_that_means() -> None:
    action = World(pending("ExitPlanMode")).click(NAME.custom_id("deny"))
    assert isinstance(action, a.DecideRequest) and "keep planning" in action.reason and not action.allowed


@pytest.mark.parametrize(("verb", "mode"), [("allow", ""), ("edits", "acceptEdits")])
def test_a_plan_is_approved_with_or_without_accepting_edits(verb: str, mode: str) -> None:
    action = World(pending("ExitPlanMode")).click(NAME.custom_id(verb))
    assert action == a.DecideRequest(pending("ExitPlanMode"), True, False, "", ADA, mode=mode)


def test_what_to_change_in_a_plan_is_asked_for_and_may_stay_empty() -> None:
    custom_id, world = NAME.custom_id("plan"), World(pending("ExitPlanMode"))
    assert world.click(custom_id) == a.AskPlanChange(custom_id)
    told = world.click(custom_id, reason="  another database ")
    assert isinstance(told, a.DecideRequest) and (told.allowed, told.reason) == (False, "another database")
    assert world.click(custom_id, reason=" ") == world.click(NAME.custom_id("deny"))


def asking(*questions: dict[str, object], draft: Draft = Draft()) -> PermissionRequest:  # noqa: B008 - frozen
    event = e.PermissionRequested("r1", "AskUserQuestion", json.dumps({"questions": questions}), "d")
    return PermissionRequest(NAME, 1000.0, 42, event, draft=draft)


COLOUR: dict[str, object] = {"question": "Which colour?", "options": [{"label": "Red"}, {"label": "Blue"}]}
FRUITS: dict[str, object] = {**COLOUR, "question": "Which fruits?", "multiSelect": True}


def test_one_click_answers_one_question() -> None:
    action = World(asking(COLOUR)).click(NAME.custom_id("option1"))
    assert action == a.DecideRequest(asking(COLOUR), True, False, "", ADA, {"Which colour?": "Blue"})


def test_own_words_answer_one_question_at_once() -> None:
    world, custom_id = World(asking(COLOUR)), NAME.custom_id("other0")
    assert world.click(custom_id) == a.AskAnswers(asking(COLOUR), 0)
    action = world.click(custom_id, reason="", texts={0: "Mauve"})
    assert isinstance(action, a.DecideRequest) and action.answers == {"Which colour?": "Mauve"}
    assert world.click(custom_id, reason="", texts={0: " "}) == a.Refuse(NOTHING_CHOSEN)


def test_of_several_questions_choices_are_kept_until_they_are_sent() -> None:
    asked = asking(COLOUR, FRUITS)
    first = World(asked).click(NAME.custom_id("pick0"), values=("1",))
    assert isinstance(first, a.DraftAnswers) and first.draft.picks == {0: (1,)}
    asked = msgspec.structs.replace(asked, draft=first.draft)
    second = World(asked).click(NAME.custom_id("pick1"), values=("0", "1"))
    assert isinstance(second, a.DraftAnswers)
    asked = msgspec.structs.replace(asked, draft=second.draft)
    sent = World(asked).click(NAME.custom_id("send"))
    assert isinstance(sent, a.DecideRequest) and sent.allowed
    assert sent.answers == {"Which colour?": "Blue", "Which fruits?": "Red, Blue"}


def test_nothing_chosen_is_not_sent_but_can_be_left_unanswered() -> None:
    world = World(asking(COLOUR, FRUITS))
    assert world.click(NAME.custom_id("send")) == a.Refuse(NOTHING_CHOSEN)
    skipped = world.click(NAME.custom_id("skip"))
    assert isinstance(skipped, a.DecideRequest) and not skipped.allowed and "chose not to answer" in skipped.reason


@pytest.mark.parametrize(
    ("verb", "values"), [("pick0", ("2",)), ("pick0", ("Red",)), ("pick9", ("0",)), ("option7", ()), ("pick0", ())]
)
def test_a_value_that_the_stored_request_does_not_offer_changes_nothing(verb: str, values: tuple[str, ...]) -> None:
    for asked in (asking(COLOUR), asking(COLOUR, FRUITS)):
        assert World(asked).click(NAME.custom_id(verb), values=values) == a.Refuse(NOT_OFFERED)


def test_pages_are_those_of_the_stored_request() -> None:
    world = World(asking(*({**COLOUR, "question": str(n)} for n in range(5))))
    turned = world.click(NAME.custom_id("page1"))
    assert isinstance(turned, a.DraftAnswers) and turned.draft.page == 1
    for verb in ("page2", "other2"):
        assert isinstance(world.click(NAME.custom_id(verb)), a.Ignore)


@pytest.mark.parametrize("verb", ["option0", "pick0", "send", "skip", "other0", "page0"])
def test_a_question_is_answered_only_by_an_allowed_person_in_its_own_thread_and_once(verb: str) -> None:
    custom_id = NAME.custom_id(verb)
    for refused in (
        World(asking(COLOUR)).click(custom_id, person=EVE, values=("0",), reason="", texts={0: "x"}),
        World(asking(COLOUR)).click(custom_id, thread=701, values=("0",)),
        World(Settled("allowed", "ada", "")).click(custom_id, values=("0",)),
    ):
        assert isinstance(refused, a.Refuse)


@pytest.mark.parametrize(
    ("request_", "verbs"),
    [
        (pending(), ("send", "skip", "pick0", "option0", "other0", "page0", "edits", "plan")),
        (pending("ExitPlanMode"), ("always", "reason", "send", "skip", "option0")),
        (asking(COLOUR), ("allow", "always", "deny", "reason", "edits", "plan")),
    ],
)
def test_a_button_of_another_kind_of_card_decides_nothing(request_: PermissionRequest, verbs: tuple[str, ...]) -> None:
    for verb in verbs:
        assert isinstance(World(request_).click(NAME.custom_id(verb)), a.Ignore)


@pytest.mark.parametrize("custom_id", ["", "other:bot", "tb:allow:", "tb:fresh:", "tb:fresh:zz", "tb:allow:x:y:1"])
def test_a_button_that_is_not_ours_is_ignored(custom_id: str) -> None:
    assert isinstance(World(pending()).click(custom_id), a.Ignore)


def test_a_fresh_start_is_its_own_threads_and_an_allowed_persons() -> None:
    custom_id = f"tb:fresh:{A.replace('-', '')}"
    assert World().click(custom_id) == a.StartFresh(A)
    assert isinstance(World().click(custom_id, thread=701), a.Refuse)
    assert World().click(custom_id, person=EVE) == a.Refuse(NO_TALK)


def test_to_go_on_in_a_replaced_directory_is_its_own_threads_and_an_allowed_persons() -> None:
    custom_id = f"tb:moved:{A.replace('-', '')}"
    assert World().click(custom_id) == a.GoOnHere(A, ADA)
    assert isinstance(World().click(custom_id, thread=701), a.Refuse)
    assert World().click(custom_id, person=EVE) == a.Refuse(NO_DECIDE)


@pytest.mark.parametrize(("verb", "goes_on"), [("continue", True), ("discard", False)])
def test_a_lost_turn_is_settled_in_its_own_thread_by_an_allowed_person(verb: str, goes_on: bool) -> None:
    custom_id = NAME.custom_id(verb)
    assert World().click(custom_id) == a.SettleLostTurn(NAME, goes_on, ADA)
    assert isinstance(World().click(custom_id, thread=701), a.Refuse)
    assert isinstance(World().click(custom_id, person=EVE), a.Refuse)


# --- /stop -------------------------------------------------------------------------------------------


def test_stop_interrupts_what_runs_or_waits_and_ends_what_is_idle() -> None:
    world = World()
    assert world.router.abort(700, ADA) == a.EndSession(A)
    world.sessions[700].turn = Turn(3, 1000.0, (5,), "")
    assert world.router.abort(700, ADA) == a.InterruptSession(A)
    world.sessions[701].prompts[5] = OpenPrompt("u5", 42)
    assert world.router.abort(701, ADA) == a.InterruptSession(B)


def test_stop_is_for_allowed_people_and_for_threads_of_ours() -> None:
    assert World().router.abort(700, EVE) == a.Refuse(NO_MANAGE)
    assert isinstance(World().router.abort(999, ADA), a.Refuse)


# --- files and quotations ----------------------------------------------------------------------------

FILES = (e.Attachment(1, "a.png", 5, url="https://cdn/a"), e.Attachment(2, "b.csv", 6))


def test_files_without_a_word_begin_a_session_that_is_named_after_them() -> None:
    action = World().router.handle_message(message(text="", attachments=FILES))
    assert isinstance(action, a.CreateSession)
    assert (action.text, action.thread_name, action.attachments) == ("", "a.png, b.csv", FILES)


def test_files_and_the_quotation_go_with_a_prompt_and_the_thread_is_named_after_the_text() -> None:
    said = message(700, quote="[In reply to what bob wrote:]\n> old", attachments=FILES)
    action = World().router.handle_message(said)
    assert action == a.PromptSession(
        A, 900, "[In reply to what bob wrote:]\n> old\n\nfix it", ADA, FILES, may_grow=True
    )
    begun = World().router.handle_message(message(quote="[In reply to what bob wrote:]\n> old"))
    assert isinstance(begun, a.CreateSession)
    assert begun.thread_name == "fix it"


@pytest.mark.parametrize("channel", [600, 700])
def test_a_voice_message_is_answered_in_words(channel: int) -> None:
    said = message(channel, text="", is_voice=True, attachments=FILES)
    assert World().router.handle_message(said) == a.Refuse(VOICE)


def test_a_forwarded_message_needs_no_word_of_the_persons_own() -> None:
    said = message(text="", is_forward=True, quote="[Forwarded message:]\n> it broke")
    action = World().router.handle_message(said)
    assert isinstance(action, a.CreateSession)
    assert (action.text, action.thread_name) == ("[Forwarded message:]\n> it broke", "A forwarded message")


def test_an_edit_is_allowed_with_all_that_follow_where_claude_offers_that() -> None:
    request = pending("Write")
    offered = msgspec.structs.replace(request, event=msgspec.structs.replace(request.event, modes=("acceptEdits",)))
    click = World(offered).click(NAME.custom_id("edits"))
    assert click == a.DecideRequest(offered, True, False, "", ADA, mode="acceptEdits")
    two = msgspec.structs.replace(offered, needs_two=True)
    command = msgspec.structs.replace(offered, event=msgspec.structs.replace(offered.event, tool="Bash"))
    for other in (two, command):
        assert isinstance(World(other).click(NAME.custom_id("edits")), a.Ignore)
