"""What stands in threads is understood: each custom_id that any version has made, letter by letter."""

from typing import Literal

import pytest

from bridge.protocol.events import When
from bridge.session import custom_ids as c
from bridge.session.permission import RequestName
from bridge.trust.decision import Verb

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
PLAIN = "5c0ffee5000040008000000000000001"
GENERATION = "0123456789abcdef"
DIGEST = "ab" * 32
RULE = "0123456789abcdef"

TOOL = ("allow", "always", "deny", "reason", "edits", "plan", "keep", "hour", "chour", "cweek", "cever", "dir", "cdir")
QUESTION = ("send", "skip", "pick0", "pick2", "pick999", "option0", "option3", "other0", "page1")
CARD_VERBS = (*TOOL, *QUESTION, "continue", "discard")


@pytest.mark.parametrize("verb", CARD_VERBS)
def test_a_cards_button_names_its_request(verb: str) -> None:
    literal = f"tb:{verb}:5c0ffee5000040008000000000000001:0123456789abcdef:7"
    name = RequestName(SESSION, GENERATION, 7)
    assert name.custom_id(verb) == literal
    assert RequestName.parse(literal) == (verb, name)


@pytest.mark.parametrize("when", ["next", "later", "now"])
def test_a_waiting_prompts_button_names_it_and_its_time(when: When) -> None:
    literal = f"tb:when:{when}:5c0ffee5000040008000000000000001:1234567890123456789"
    button = c.WhenButton(SESSION, 1234567890123456789, when)
    assert button.custom_id() == literal
    assert c.steering_button(literal) == button


@pytest.mark.parametrize("fate", ["keep", "drop"])
def test_a_stops_button_says_what_becomes_of_what_waits(fate: c.Fate) -> None:
    literal = f"tb:halt:{fate}:5c0ffee5000040008000000000000001"
    assert c.HaltButton(SESSION, fate).custom_id() == literal
    assert c.steering_button(literal) == c.HaltButton(SESSION, fate)


@pytest.mark.parametrize("verb", ["all", "none", "each"])
def test_a_button_of_a_shared_card_names_what_was_listed(verb: c.TogetherVerb) -> None:
    literal = f"tb:list:{verb}:5c0ffee5000040008000000000000001:{'cd' * 24}"
    button = c.TogetherButton(verb, SESSION, "cd" * 24)
    assert button.custom_id() == literal and len(literal) <= 100
    assert c.together_button(literal) == button


def test_a_button_below_a_command_that_was_typed_names_the_message_and_who_wrote_it() -> None:
    button = c.TellButton(1234567890123456789, 42)
    assert button.custom_id() == "tb:tell:1234567890123456789:42"
    assert c.TellButton.parse(button.custom_id()) == button and c.TellButton.parse("tb:tell:1") is None


@pytest.mark.parametrize("verb", ["plain", "because"])
def test_a_button_below_a_typed_text_names_it(verb: Literal["plain", "because"]) -> None:
    literal = f"tb:{verb}:5c0ffee5000040008000000000000001:1234567890123456789"
    button = c.TypedButton(verb, SESSION, 1234567890123456789)
    assert button.custom_id() == literal
    assert c.TypedButton.parse(literal) == button


def test_the_button_of_a_fresh_start_names_its_session() -> None:
    assert c.to_start_fresh(SESSION) == "tb:fresh:5c0ffee5000040008000000000000001"
    assert c.session_to_start_fresh("tb:fresh:5c0ffee5000040008000000000000001") == SESSION


def test_the_button_that_ends_a_looser_mode_names_its_session() -> None:
    assert c.to_make_strict(SESSION) == "tb:strict:5c0ffee5000040008000000000000001"
    assert c.session_to_make_strict("tb:strict:5c0ffee5000040008000000000000001") == SESSION


def test_the_button_for_a_directory_that_was_replaced_names_its_session() -> None:
    assert c.to_go_on(SESSION) == "tb:moved:5c0ffee5000040008000000000000001"
    assert c.session_to_go_on("tb:moved:5c0ffee5000040008000000000000001") == SESSION


@pytest.mark.parametrize("verb", ["yes", "no", "revoke"])
def test_an_answer_about_a_project_names_what_was_shown(verb: Verb) -> None:
    literal = f"tb:trust:{verb}:{DIGEST}"
    assert c.TrustButton(verb, DIGEST).custom_id() == literal
    assert c.trust_button(literal) == c.TrustButton(verb, DIGEST)


def test_a_rules_button_names_it() -> None:
    assert c.to_revoke_rule(RULE) == "tb:rule:0123456789abcdef"
    assert c.rule_button("tb:rule:0123456789abcdef") == RULE


def test_a_menu_and_the_fields_of_modals_keep_their_names() -> None:
    assert (c.STOP_PICKER, c.REASON_FIELD, c.answer_field(19)) == ("tb:stop", "reason", "answer19")
    assert [c.place_of_field(name) for name in ("answer0", "answer19", "answer20", "answer", "reason")] == [
        *(0, 19),
        *(None, None, None),
    ]


SPELLED = (
    *(f"tb:{verb}:{PLAIN}:{GENERATION}:7" for verb in CARD_VERBS),
    *(f"tb:when:next:{PLAIN}:5", f"tb:halt:drop:{PLAIN}", f"tb:fresh:{PLAIN}", f"tb:moved:{PLAIN}"),
    *(f"tb:trust:no:{DIGEST}", f"tb:rule:{RULE}"),
)

PARSERS = (
    *(c.card_button, c.steering_button, c.session_to_start_fresh, c.session_to_go_on),
    *(c.trust_button, c.rule_button),
)


@pytest.mark.parametrize("literal", SPELLED)
def test_each_is_read_by_one_parser_only(literal: str) -> None:
    assert sum(bool(parse(literal)) for parse in PARSERS) == 1


@pytest.mark.parametrize("literal", SPELLED)
def test_nothing_before_or_behind_one_is_overlooked(literal: str) -> None:
    for other in (literal + ":", literal + "\n", " " + literal, literal.upper()):
        assert not any(parse(other) for parse in PARSERS)
