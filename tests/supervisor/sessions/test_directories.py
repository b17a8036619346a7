"""Directories that are worked in without asking: a child is told what holds, and told again when that changes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import directories
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.requests import digest_of
from bridge.routing.actions import DecideRequest, Refuse
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session.patterns import ToolPattern
from bridge.session.permission import RequestName
from bridge.session.rights import Access, Policy
from bridge.session.rules import Term

from .test_rules import ADA, BOB, ELSEWHERE, HERE, Desk, G

DATA = "/srv/data"


@contextlib.contextmanager
def desk_at(folder: Path, policy: Policy = Policy(frozenset({1, 2}))) -> Iterator[Desk]:  # noqa: B008 - frozen
    desk = Desk(folder, policy)
    try:
        yield desk
    finally:
        desk.store.close()


def allow(desk: Desk, session_id: str, term: Term = "always", mode: str = "") -> bool:
    tool_input = f'{{"file_path":"{DATA}/a"}}'
    asked = e.PermissionRequested("r", "Write", tool_input, digest_of(tool_input), directories=(DATA,))
    desk.happens(session_id, asked)
    request = desk.live(session_id).requests[desk.live(session_id).applied]
    return desk.manager.allow_in([(request, request.decide("allowed", BOB, mode=mode))], BOB, term)


def wished(desk: Desk, session_id: str) -> list[c.Configure]:
    """What goes to the worker now."""
    found = [item.command for item in desk.manager.inbox(session_id)]
    return [one for one in found if isinstance(one, c.Configure) and one.setting == directories.SETTING]


def tells(desk: Desk, session_id: str, error: str = "") -> None:
    """The child takes the last of them, or does not."""
    last = wished(desk, session_id)[-1]
    desk.happens(session_id, e.ConfigureAccepted(last.command_id, last.setting, last.value, error))


def test_the_child_hears_of_the_directory_before_it_hears_the_decision(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        assert allow(desk, session_id, mode="acceptEdits")
        told, decided = [one.command for one in desk.manager.inbox(session_id) if not isinstance(one.command, c.Prompt)]
        assert isinstance(told, c.Configure) and directories.read(told.value) == (DATA,)
        assert isinstance(decided, c.Decide) and (decided.mode, decided.verdict) == ("acceptEdits", "allowed")
        assert decided.kept == f"and without asking work in {DATA}, always, for this session"
        (post,) = [row.desired for row in desk.store.posts_like(session_id, "rule:")]
        assert post.where == "channel" and f"work in `{DATA}`" in post.content and "/rules" in post.content


def test_the_second_decision_of_a_request_allows_no_directory(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        desk.happens(session_id, e.PermissionRequested("r", "Write", "{}", digest_of("{}"), directories=(DATA,)))
        request = desk.live(session_id).requests[desk.live(session_id).applied]
        assert desk.manager.decide(request, "denied", ADA)
        assert not desk.manager.allow_in([(request, request.decide("allowed", BOB))], BOB, "always")
        assert wished(desk, session_id) == [] and desk.manager.rules.of(HERE, session_id) == []


def test_it_is_told_once_and_again_to_the_child_that_begins_next(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id)
        desk.manager.tell_directories()
        assert wished(desk, session_id) == [] and desk.live(session_id).directories == (DATA,)
        desk.restart()
        assert desk.manager.rules.directories(desk.live(session_id)) == (DATA,), "what the next worker is told"
        desk.happens(session_id, e.ChildExited(0, wanted=True))
        desk.manager.tell_directories()
        assert wished(desk, session_id) == [], "nobody is there to be told"
        desk.happens(
            session_id, e.WorkerStarted(1, contained=True, containment=""), e.ChildStarted(2, "id", resumed=True)
        )
        assert desk.live(session_id).directories == (), "a child forgets it with its process"


@pytest.mark.parametrize(("term", "counts"), [("always", False), ("cever", True)])
def test_of_the_channel_it_is_told_to_all_its_sessions_that_run(tmp_path: Path, term: Term, counts: bool) -> None:
    with desk_at(tmp_path) as desk:
        other, elsewhere = desk.session(), desk.session(ELSEWHERE)
        allow(desk, desk.session(), term)
        assert bool(wished(desk, other)) is counts
        assert wished(desk, elsewhere) == []


def test_a_revoked_one_is_taken_from_the_child_that_runs(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id)
        (rule,) = desk.manager.rules.of(HERE, session_id)
        assert desk.manager.revoke_rule(rule.rule_id, HERE, session_id, ADA)
        assert [one.value for one in wished(desk, session_id)] == ["[]"]
        tells(desk, session_id)
        assert desk.live(session_id).directories == ()


def test_what_was_wished_before_it_was_revoked_is_not_delivered(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        (rule,) = desk.manager.rules.of(HERE, session_id)
        assert wished(desk, session_id)
        desk.manager.revoke_rule(rule.rule_id, HERE, session_id, ADA)
        assert [one.value for one in wished(desk, session_id)] == ["[]"]


def test_it_ends_when_its_giver_loses_the_right(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id)
        desk.policy = Policy(frozenset({1}))
        desk.restart()
        desk.manager.tell_directories()
        assert [one.value for one in wished(desk, session_id)] == ["[]"]


def test_where_two_people_must_allow_some_of_it_nothing_is_told(tmp_path: Path) -> None:
    policy = Policy(frozenset({1, 2}), channels={HERE: Access(second=(ToolPattern("Read", "*.env"),))})
    with desk_at(tmp_path, policy) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        assert wished(desk, session_id) == [] and desk.manager.rules.directories(desk.live(session_id)) == ()


def test_where_nobody_decides_for_oneself_it_is_no_word_for_what_its_giver_asks(tmp_path: Path) -> None:
    policy = Policy(frozenset({1, 2}), channels={HERE: Access(decide_own=False)})
    with desk_at(tmp_path, policy) as desk:
        session_id, other = desk.session(), desk.session()
        allow(desk, session_id, "cever")
        for each in (session_id, other):
            tells(desk, each)
            assert desk.live(each).directories == (DATA,), "what ADA asks BOB may allow"
        desk.manager.prompt(other, 77, "and now for me", BOB)
        assert [one.value for one in wished(desk, other)] == ["[]"], "it goes right before the prompt"
        assert wished(desk, session_id) == []


def test_a_child_that_does_not_take_it_is_not_asked_for_ever(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id, error="there is no setting named directories")
        desk.manager.tell_directories()
        assert wished(desk, session_id) == []
        said = [row.desired.content for row in desk.store.posts_like(session_id, f"set:{G}")]
        assert said and "Where Claude works without asking was not changed" in said[0]


def opens(desk: Desk, session_id: str, path: str, term: Term = "always") -> object:
    """What the router makes of a tap that allows it."""
    tool_input = f'{{"file_path":"{path}/a"}}'
    asked = e.PermissionRequested("r", "Write", tool_input, digest_of(tool_input), directories=(path,))
    desk.happens(session_id, asked)
    session = desk.live(session_id)
    name = RequestName(session_id, G, session.applied)
    router = BridgeRouter(desk.policy, {HERE: Channel(HERE, str(desk.folder))}, desk.manager)
    verb = "cdir" if term == "cever" else "dir"
    action = router.handle_click(Clicked(name.custom_id(verb), session.thread_id, 9, BOB))
    if isinstance(action, DecideRequest):
        assert desk.manager.allow_in([(action.request, action.request.decide("allowed", BOB))], BOB, action.term)
    return action


@pytest.mark.parametrize("term", ["always", "cever"])
def test_one_more_than_claude_is_told_of_is_refused_in_words_and_allows_nothing(tmp_path: Path, term: Term) -> None:
    with desk_at(tmp_path) as desk:
        session_id, other = desk.session(), desk.session()
        for n in range(directories.MOST):
            assert isinstance(opens(desk, session_id, f"/srv/{n}"), DecideRequest)
        told = directories.read(wished(desk, session_id)[-1].value)
        assert len(told) == directories.MOST
        where = session_id if term == "always" else other
        refused = opens(desk, where, "/srv/one_more", term)
        assert isinstance(refused, Refuse) and "50 directories" in refused.text and "/rules" in refused.text
        assert len(desk.live(where).requests) > 0, "it stays open"
        assert isinstance(opens(desk, session_id, "/srv/7"), DecideRequest), "one that is told already is no more"
        assert isinstance(opens(desk, other, "/srv/one_more"), DecideRequest), "another session has room"


def refuses_to_take_it_back(desk: Desk) -> str:
    """A session whose child took a directory, and does not take it back; its turn runs."""
    session_id = desk.session()
    allow(desk, session_id)
    tells(desk, session_id)
    (rule,) = desk.manager.rules.of(HERE, session_id)
    assert desk.manager.revoke_rule(rule.rule_id, HERE, session_id, ADA)
    tells(desk, session_id, error="settings cannot be changed now")
    return session_id


def stops(desk: Desk, session_id: str) -> list[c.Stop]:
    return [one.command for one in desk.manager.inbox(session_id) if isinstance(one.command, c.Stop)]


def prompts(desk: Desk, session_id: str) -> list[int]:
    """Those that go to the worker now."""
    return [one.command.prompt_id for one in desk.manager.inbox(session_id) if isinstance(one.command, c.Prompt)]


def test_a_child_that_does_not_take_one_back_is_ended_after_its_turn_and_gets_no_prompt_before(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = refuses_to_take_it_back(desk)
        (said,) = [row.desired.content for row in desk.store.posts_like(session_id, f"set:{G}")]
        assert f"ask again in `{DATA}`, and refused: settings cannot be changed now" in said
        desk.manager.prompt(session_id, 77, "and now this", BOB)
        desk.manager.tell_directories()
        assert stops(desk, session_id) == [] and 77 not in prompts(desk, session_id), "its turn runs"
        desk.happens(session_id, e.TurnEnded("completed"))
        for _ in range(2):
            desk.manager.tell_directories()
        (stop,) = stops(desk, session_id)
        assert stop.reason == HIBERNATION and 77 not in prompts(desk, session_id)
        desk.happens(session_id, e.WorkerStopping(stop.reason, stop.command_id), e.ChildExited(0, wanted=True))
        assert 77 in prompts(desk, session_id) and desk.manager.is_wanted(session_id), "the next child gets it"
        assert desk.manager.rules.directories(desk.live(session_id)) == (), "and is told of no directory"


@pytest.mark.parametrize("with_task", [False, True])
def test_it_is_ended_at_once_where_no_turn_runs_whatever_runs_in_the_background(
    tmp_path: Path, *, with_task: bool
) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id)
        desk.happens(session_id, e.TurnEnded("completed"))
        seq = next(iter(desk.live(session_id).requests))
        desk.happens(session_id, e.PermissionResolved(seq, "allowed"))
        if with_task:
            desk.happens(session_id, e.TaskStarted("t1", "shell", "a server", backgrounded=True))
        (rule,) = desk.manager.rules.of(HERE, session_id)
        assert desk.manager.revoke_rule(rule.rule_id, HERE, session_id, ADA)
        tells(desk, session_id, error="no")
        desk.manager.tell_directories()
        (stop,) = stops(desk, session_id)
        assert stop.if_idle is not with_task


def test_a_child_that_does_not_take_another_one_goes_on(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id, error="no")
        desk.happens(session_id, e.TurnEnded("completed"))
        desk.manager.prompt(session_id, 77, "and now this", BOB)
        desk.manager.tell_directories()
        assert stops(desk, session_id) == [] and 77 in prompts(desk, session_id)


def test_what_the_bridge_says_in_the_name_of_who_allowed_it_narrows_it_before_it_is_said(tmp_path: Path) -> None:
    policy = Policy(frozenset({1, 2}), channels={HERE: Access(decide_own=False)})
    with desk_at(tmp_path, policy) as desk:
        session_id = desk.session()
        allow(desk, session_id)
        tells(desk, session_id)
        desk.happens(session_id, e.TurnEnded("lost"))
        assert desk.manager.settle_lost_turn(RequestName(session_id, G, desk.live(session_id).applied), BOB, 88)
        sent = [one.command for one in desk.manager.inbox(session_id)][-2:]
        assert isinstance(sent[0], c.Configure) and sent[0].value == "[]"
        assert isinstance(sent[1], c.Prompt) and sent[1].is_ours
