import uuid

import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.session.custom_ids import place_of
from bridge.session.permission import PermissionRequest, Person, RequestName, Settled

NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 123)


@pytest.mark.parametrize(
    "verb", ["allow", "always", "deny", "reason", "edits", "plan", "send", "skip", "pick0", "other999"]
)
@pytest.mark.parametrize("seq", [1, 10**15 - 1])
def test_a_name_goes_round_trip_through_a_custom_id_within_discords_limit(verb: str, seq: int) -> None:
    for generation in ("0123abcd", "f" * 32):
        name = RequestName(str(uuid.uuid4()), generation, seq)
        assert len(name.custom_id(verb)) <= 100
        assert RequestName.parse(name.custom_id(verb)) == (verb, name)


HOSTILE = [
    "",
    "tb:",
    "tb:allow",
    "tb:allow:::",
    "tb:ALLOW:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:allow:" + "A" * 32 + ":" + "b" * 16 + ":1",
    "tb:allow:" + "a" * 31 + ":" + "b" * 16 + ":1",
    "tb:allow:" + "a" * 33 + ":" + "b" * 16 + ":1",
    "tb:allow:" + "a" * 32 + ":" + "b" * 7 + ":1",
    "tb:allow:" + "a" * 32 + ":" + "b" * 33 + ":1",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":-1",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":1e3",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":" + "9" * 16,
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":١٢",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":1\n",
    "tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":1:2",
    " tb:allow:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:run:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:pick:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:pick1000:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:pick-1:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:pick٣:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:send1:" + "a" * 32 + ":" + "b" * 16 + ":1",
    "tb:fresh:" + "a" * 32,
    "tb:allow:" + "../" * 30,
    "x" * 10_000,
]


@pytest.mark.parametrize("custom_id", HOSTILE)
def test_a_custom_id_that_is_not_exactly_ours_names_nothing(custom_id: str) -> None:
    assert RequestName.parse(custom_id) is None


@pytest.mark.parametrize(("verb", "place"), [("pick12", ("pick", 12)), ("send", ("send", 0)), ("page0", ("page", 0))])
def test_a_verb_may_have_a_place_in_its_card(verb: str, place: tuple[str, int]) -> None:
    assert place_of(verb) == place


def request(tool: str = "Bash", rules: tuple[e.SuggestedRule, ...] = ()) -> PermissionRequest:
    asked = e.PermissionRequested("r1", tool, '{"command":"ls"}', digest_of('{"command":"ls"}'), rules=rules)
    return PermissionRequest(NAME, 1000.0, 42, asked)


def test_a_decision_carries_the_name_and_the_digest_of_what_was_shown() -> None:
    decided = request().decide("denied", Person(42, "ada"), reason="no")
    assert (decided.generation, decided.seq) == (NAME.generation, NAME.seq)
    assert decided.digest == digest_of('{"command":"ls"}')
    assert (decided.verdict, decided.decided_by, decided.decider, decided.reason) == ("denied", 42, "ada", "no")


def test_always_needs_a_rule_and_the_clock_decides_as_nobody() -> None:
    person = Person(42, "ada")
    assert not request().decide("allowed", person, always=True).always
    assert request(rules=(e.SuggestedRule("Bash", "ls"),)).decide("allowed", person, always=True).always
    assert request().decide("expired", None).decided_by == 0


def test_plans_and_questions_are_told_apart() -> None:
    asked = '{"questions":[{"question":"Which?","options":[{"label":"A"}]}]}'
    question = PermissionRequest(NAME, 1000.0, 42, e.PermissionRequested("r1", "AskUserQuestion", asked, "d"))
    assert [q.question for q in question.questions] == ["Which?"] and not question.is_plan
    assert request("ExitPlanMode").is_plan and not request("ExitPlanMode").questions
    assert not request().is_plan and not request().questions
    of_another_tool = PermissionRequest(NAME, 1000.0, 42, e.PermissionRequested("r1", "Bash", asked, "d"))
    assert not of_another_tool.questions


def test_a_decision_carries_the_answers_and_the_mode() -> None:
    decided = request().decide("allowed", Person(42, "ada"), answers={"Which?": "A"}, mode="acceptEdits")
    assert (decided.answers, decided.mode) == ({"Which?": "A"}, "acceptEdits")
    assert request().decide("denied", None).answers == {}


@pytest.mark.parametrize(
    ("settled", "words"),
    [
        (Settled("allowed", "ada", ""), "already allowed by ada"),
        (Settled("denied", "", ""), "already denied by somebody"),
        (Settled("expired", "", ""), "expired"),
        (Settled("withdrawn", "", "x"), "withdrawn"),
    ],
)
def test_a_click_on_a_settled_card_is_told_how_it_ended(settled: Settled, words: str) -> None:
    assert words in settled.in_words()
