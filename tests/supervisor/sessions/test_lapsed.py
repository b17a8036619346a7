"""What was wished by somebody who lost the right before it was delivered is dropped and said, whatever it is."""

from pathlib import Path
from typing import Literal

import msgspec
import pytest

from bridge.journal.chain import decoded
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.layout import JOURNAL
from bridge.session.patterns import ToolPattern
from bridge.session.permission import First, PermissionRequest, Person
from bridge.session.rights import Access, Grant, Policy
from bridge.session.rules import Term
from stages.shown import key_of_card
from stages.support import awaited
from supervisor.assembly import session_manager
from supervisor.commands.rules_command import RulesCommand
from supervisor.discord.errors import Unavailable
from supervisor.discord.shapes import Interaction
from supervisor.operator import audit
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.members import FRESH_S, Asked

from ..threads.test_inbound import ADA, BOB, CHANNEL, GUILD, ROLE, THREAD, Desk, desk
from .test_delivery import Clock
from .test_rights_at_delivery import asks, decisions, pending, said_in_thread

NPM = e.SuggestedRule("Bash", "npm test:*")
EVERYBODY = Policy(frozenset({ADA}), frozenset({ROLE}))
ALONE = Policy(frozenset({ADA}))
BOB_THERE = Person(BOB, "Bob", GUILD)


def wished(d: Desk, kind: type[c.Command]) -> list[c.Command]:
    return [item.command for item in d.manager.inbox(d.session.session_id) if isinstance(item.command, kind)]


def has_the_role(d: Desk) -> None:
    d.manager.delivery.note(GUILD, BOB, frozenset({ROLE}))


def reconfigured(d: Desk, policy: Policy) -> SessionManager:
    """As a restart with another configuration has it."""
    d.manager = session_manager(d.store, asked=Asked(policy, d.rest))
    return d.manager


def in_journal(d: Desk) -> list[str]:
    lines = filter(None, map(decoded, audit.lines_of(d.store.path.with_name(JOURNAL))))
    return [told for line in lines if "not carried out" in (told := audit.as_line(line))]


async def the_role_is_taken(d: Desk, clock: Clock) -> None:
    clock.now += FRESH_S + 1
    await d.manager.delivery.members.look(GUILD, BOB)


@pytest.mark.parametrize(
    ("setting", "value", "loosens", "right"),
    [
        ("permission_mode", "acceptEdits", True, "**manage**"),
        ("permission_mode", "plan", False, "**talk** or **manage**"),
        ("model", "opus", False, "**talk** or **manage**"),
        ("effort", "", False, "**talk** or **manage**"),
    ],
)
@awaited
async def test_a_setting_of_somebody_whose_role_was_taken_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, loosens: bool, right: str
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        has_the_role(d)
        d.manager.configure(d.session.session_id, "77", setting, value, BOB, loosens=loosens)
        assert len(wished(d, c.Configure)) == 1
        clock.now += FRESH_S + 1
        assert wished(d, c.Configure) == [], "not before it is known"
        assert said_in_thread(d, "void:") == []
        await the_role_is_taken(d, clock)
        assert wished(d, c.Configure) == []
        (words,) = said_in_thread(d, "void:")
        assert f"<@{BOB}>" in words and right in words and f"<@{ADA}>" in words and "was not set" in words
        assert (value or "default") in words
        assert len(in_journal(d)) == 1


@awaited
async def test_who_may_only_talk_any_more_sets_a_stricter_mode_and_no_looser_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        session_id = d.session.session_id
        d.manager.configure(session_id, "1", "permission_mode", "acceptEdits", BOB, loosens=True)
        d.manager.configure(session_id, "2", "model", "opus", BOB)
        talks = Access(talk=Grant(frozenset({BOB})))
        reconfigured(d, Policy(frozenset({ADA}), channels={CHANNEL: talks}))
        assert [getattr(one, "value", "") for one in wished(d, c.Configure)] == ["opus"]


@awaited
async def test_what_was_written_for_a_stricter_mode_does_not_run_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        has_the_role(d)
        session_id = d.session.session_id
        d.manager.configure(session_id, "1", "permission_mode", "plan", BOB)
        d.manager.configure(session_id, "2", "effort", "low", ADA)
        d.manager.prompt(session_id, 2000, "look at it only", Person(ADA, "Ada", GUILD))
        clock.now += FRESH_S + 1
        assert [type(item.command) for item in d.manager.inbox(session_id)] == [c.Prompt], "the one before it"
        has_the_role(d)
        assert [type(item.command) for item in d.manager.inbox(session_id)] == [
            c.Prompt,
            c.Configure,
            c.Configure,
            c.Prompt,
        ]


@pytest.mark.parametrize("what", ["edit", "when"])
@awaited
async def test_a_change_of_a_prompt_that_waits_with_claude_takes_the_right_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: Literal["edit", "when"]
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        session_id = d.session.session_id
        has_the_role(d)
        d.manager.row(session_id).attached = 1
        d.manager.prompt(session_id, 2000, "bob's", BOB_THERE)
        if what == "edit":
            assert d.manager.waiting.amend(session_id, 2000, "bob's, edited")
        else:
            assert d.manager.waiting.requeue(session_id, 2000, "now", "99", BOB)
        kind = c.Amend if what == "edit" else c.Requeue
        assert len(wished(d, kind)) == 1
        await the_role_is_taken(d, clock)
        assert wished(d, kind) == []
        (words,) = [one for one in said_in_thread(d, "void:") if "did not reach Claude" in one]
        assert f"<@{BOB}>" in words and "**talk**" in words


@awaited
async def test_to_take_something_back_takes_no_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        session_id = d.session.session_id
        d.manager.row(session_id).attached = 1
        d.manager.prompt(session_id, 2000, "bob's", BOB_THERE)
        assert d.manager.waiting.amend(session_id, 2000, None)
        d.manager.interrupt(session_id, "5", BOB)
        reconfigured(d, ALONE)
        assert [type(item.command) for item in d.manager.inbox(session_id)][-2:] == [c.Amend, c.Interrupt]


# --- decisions -------------------------------------------------------------------------------------------


@awaited
async def test_edits_that_were_accepted_take_the_right_to_decide_when_that_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        request = asks(d, "ls")
        decision = request.decide("allowed", BOB_THERE, mode="acceptEdits")
        assert d.manager.settle(request, msgspec.structs.replace(decision, loosens=True))
        assert len(decisions(d)) == 1
        decides = Access(decide=Grant(frozenset({BOB})))
        reconfigured(d, Policy(frozenset({ADA}), channels={CHANNEL: decides}))
        assert len(decisions(d)) == 1, "who may allow each of them may allow all"
        reconfigured(d, Policy(frozenset({ADA})))
        assert decisions(d) == []
        assert pending(d).name == request.name
        (words,) = said_in_thread(d, "void:")
        assert "**decide**" in words


@pytest.mark.parametrize(
    ("access", "why"),
    [
        (Access(decide_own=False), "what they asked themselves."),
        (Access(second=(ToolPattern("Bash", "rm*"),)), "Two people must allow it."),
    ],
)
@awaited
async def test_a_decision_counts_by_the_configuration_of_when_it_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: Access, why: str
) -> None:
    async with desk(tmp_path, monkeypatch, ALONE) as d:
        request = asks(d)
        assert d.manager.decide(request, "allowed", Person(ADA, "Ada", GUILD))
        assert len(decisions(d)) == 1
        reconfigured(d, Policy(frozenset({ADA}), channels={CHANNEL: access}))
        assert decisions(d) == []
        assert isinstance(pending(d), PermissionRequest)
        assert why in said_in_thread(d, "void:")[0]
        assert d.manager.decide(pending(d), "denied", Person(ADA, "Ada", GUILD))
        assert len(decisions(d)) == 1, "to deny is never dangerous"


@awaited
async def test_two_people_count_also_where_the_configuration_says_so_only_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Access(second=(ToolPattern("Bash", "rm*"),))
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}), channels={CHANNEL: two})) as d:
        request = asks(d)
        assert d.manager.allow_first(request, First(ADA, "Ada", request.event.digest))
        assert d.manager.decide(pending(d), "allowed", BOB_THERE)
        assert [(one.also_by, one.decided_by) for one in decisions(d)] == [(ADA, BOB)]


# --- rules -----------------------------------------------------------------------------------------------


def rule_of_bob(d: Desk, term: Term) -> None:
    """Given in another session of the channel, or in this one; then what it is for is asked here."""
    assert d.manager.allow_for(asks(d, "npm test", NPM), BOB_THERE, term)


def asks_again(d: Desk) -> PermissionRequest:
    applied = d.manager.row(d.session.session_id).session.applied
    event = e.PermissionRequested("r2", "Bash", '{"command": "npm test"}', "d", rules=(NPM,))
    record = e.Record("0123456789abcdef", applied + 1, 1.0, event)
    assert d.manager.reports.record(d.session.session_id, [record]) is not None
    return d.manager.row(d.session.session_id).session.requests[applied + 1]


def has_card(d: Desk, request: PermissionRequest) -> bool:
    key = key_of_card(d.manager.row(d.session.session_id).view, request)
    posts = [row for row in d.store.posts_like(d.session.session_id, key) if row.key == key]
    return [bool(post.desired.buttons) and not post.desired.optional for post in posts] == [True]


def is_open(d: Desk, request: PermissionRequest) -> bool:
    return isinstance(d.manager.request_of(request.name), PermissionRequest)


@pytest.mark.parametrize("term", ["always", "cever"])
@awaited
async def test_a_rule_allows_nothing_while_its_giver_has_not_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: Term
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        rule_of_bob(d, term)
        assert not is_open(d, asks_again(d))
        reconfigured(d, ALONE)
        asked = asks_again(d)
        assert is_open(d, asked) and has_card(d, asked), "a person is asked"
        reconfigured(d, Policy(frozenset({ADA, BOB})))
        assert not is_open(d, asks_again(d)), "it is their word again"


@pytest.mark.parametrize(("term", "is_asked"), [("always", False), ("cever", True)])
@awaited
async def test_a_rule_of_the_whole_channel_takes_manage_as_it_did_when_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: Term, is_asked: bool
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        rule_of_bob(d, term)
        reconfigured(d, Policy(frozenset({ADA}), channels={CHANNEL: Access(decide=Grant(frozenset({BOB})))}))
        assert is_open(d, asks_again(d)) is is_asked


@awaited
async def test_whether_a_rules_giver_still_has_the_role_is_asked_before_claude_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        has_the_role(d)
        rule_of_bob(d, "always")
        clock.now += FRESH_S + 1
        kept, lost = asks_again(d), None
        assert not has_card(d, kept) and decisions(d) == [], "it is not known yet"
        d.rest.roles[BOB] = [str(ROLE)]
        await d.manager.delivery.members.look(GUILD, BOB)
        assert [one.seq for one in decisions(d)][-1] == kept.name.seq
        del d.rest.roles[BOB]
        clock.now += FRESH_S + 1
        lost = asks_again(d)
        await d.manager.delivery.members.look(GUILD, BOB)
        assert lost.name.seq not in [one.seq for one in decisions(d)]
        assert is_open(d, lost) and has_card(d, lost)
        again = asks_again(d)
        assert is_open(d, again) and has_card(d, again)
        (words,) = said_in_thread(d, "void:rule:")
        assert f"A rule of <@{BOB}> allows nothing any more" in words and "**decide**" in words


@awaited
async def test_a_rule_that_is_revoked_before_its_answer_is_delivered_allows_it_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA, BOB}))) as d:
        rule_of_bob(d, "always")
        asked = asks_again(d)
        (rule,) = d.manager.rules.of(CHANNEL, d.session.session_id)
        assert d.manager.revoke_rule(rule.rule_id, CHANNEL, d.session.session_id, Person(ADA, "Ada", GUILD))
        assert asked.name.seq not in [one.seq for one in decisions(d)]
        assert is_open(d, asked) and has_card(d, asked)


# --- what /rules says of them ----------------------------------------------------------------------------


async def rules_shown(d: Desk) -> str:
    answer = RulesCommand(d.manager, {}).run(Interaction(1, 1, 2, "t", {"name": "rules"}, GUILD, THREAD))
    data = await answer.later() if answer.later else answer.data
    assert isinstance(data, dict)
    return str(data["content"])


@pytest.mark.parametrize("term", ["always", "cever"])
@awaited
async def test_rules_says_of_which_the_giver_has_not_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, term: Term
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        has_the_role(d)
        rule_of_bob(d, term)
        assert "allows nothing" not in await rules_shown(d)
        clock.now += FRESH_S + 1
        assert "**allows nothing**: who gave it no longer has the right **decide**" in await rules_shown(d)
        d.rest.roles[BOB] = [str(ROLE)]
        clock.now += FRESH_S + 1
        assert "allows nothing" not in await rules_shown(d)


@awaited
async def test_rules_says_where_it_cannot_be_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, EVERYBODY, clock) as d:
        has_the_role(d)
        rule_of_bob(d, "always")
        clock.now += FRESH_S + 1

        async def fails(_guild_id: int, _user_id: int) -> object:
            raise Unavailable("503")

        monkeypatch.setattr(d.rest, "member", fails)
        assert "It is not known now whether who gave it still has the right" in await rules_shown(d)
