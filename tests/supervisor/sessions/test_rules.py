"""What was allowed for longer: nobody is asked, it outlives a restart, and it ends when it is to."""

from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.patterns import ToolPattern
from bridge.session.permission import PermissionRequest, Person, RequestName
from bridge.session.rights import Access, Policy
from bridge.session.rules import Term
from stages.no_rest import NoRest
from stages.opened_stores import opened_store
from stages.shown import key_of_card
from supervisor.assembly import session_manager
from supervisor.discord.shapes import Member
from supervisor.sessions.members import Asked

ADA, BOB = Person(1, "Ada", 9), Person(2, "Bob", 9)
HERE, ELSEWHERE = 222, 333
NPM = e.SuggestedRule("Bash", "npm test:*")
G = "0123456789abcdef"


class Nobody(NoRest):
    """Nobody is known."""

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        return None


class Desk:
    def __init__(self, folder: Path, policy: Policy = Policy(frozenset({1, 2}))) -> None:  # noqa: B008 - frozen
        self.folder, self.policy, self.now, self.threads = folder, policy, 1000.0, 100
        self.start()

    def start(self) -> None:
        self.store = opened_store(self.folder / "db")
        self.manager = session_manager(self.store, lambda: self.now, asked=Asked(self.policy, Nobody()))

    def restart(self) -> None:
        self.store.close()
        self.start()

    def session(self, channel_id: int = HERE) -> str:
        self.threads += 1
        channel = Channel(channel_id, str(self.folder))
        made = self.manager.create_session(CreateSession(self.threads, 9, channel, ADA, "hi", "hi"))
        self.happens(
            made.session_id,
            e.WorkerStarted(1, contained=True, containment=""),
            e.ChildStarted(2, "id", resumed=False),
            e.TurnStarted((self.threads,)),
        )
        return made.session_id

    def live(self, session_id: str) -> ManagedSession:
        return self.manager.row(session_id).session

    def happens(self, session_id: str, *events: e.AnyEvent) -> None:
        applied = self.live(session_id).applied
        records = [e.Record(G, applied + n, self.now, event) for n, event in enumerate(events, 1)]
        assert self.manager.reports.record(session_id, records) is not None

    def asks(self, session_id: str, *rules: e.SuggestedRule) -> PermissionRequest:
        tool_input = '{"command": "npm test"}'
        self.happens(session_id, e.PermissionRequested("r", "Bash", tool_input, digest_of(tool_input), rules=rules))
        return self.live(session_id).requests[self.live(session_id).applied]

    def is_open(self, request: PermissionRequest) -> bool:
        return isinstance(self.manager.request_of(request.name), PermissionRequest)

    def allows(self, session_id: str, term: Term, person: Person = BOB, rule: e.SuggestedRule = NPM) -> None:
        assert self.manager.allow_for(self.asks(session_id, rule), person, term)

    def decision(self, name: RequestName) -> c.Decide:
        found = [i.command for i in self.store.inbox(name.session_id) if isinstance(i.command, c.Decide)]
        return next(one for one in found if one.seq == name.seq)

    def card(self, request: PermissionRequest) -> bool:
        key = key_of_card(self.manager.row(request.name.session_id).view, request)
        return self.store.post(request.name.session_id, key) is not None


@pytest.mark.parametrize("term", ["always", "hour", "chour", "cweek", "cever"])
def test_what_is_like_it_is_allowed_without_a_card_also_after_a_restart(tmp_path: Path, term: Term) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, term)
    for _ in range(2):
        again = desk.asks(session_id, NPM)
        assert not desk.is_open(again) and not desk.card(again)
        decision = desk.decision(again.name)
        assert (decision.verdict, decision.decided_by, decision.decider) == ("allowed", 0, "a rule of Bob")
        assert not decision.always, "Claude is told of no rule"
        seq = again.name.seq
        desk.happens(session_id, e.PermissionResolved(seq, "allowed", decider="a rule of Bob"))
        assert not desk.card(again), "nor when it is over"
        desk.restart()
    other = desk.asks(session_id, e.SuggestedRule("Bash", "rm:*"))
    assert desk.is_open(other) and desk.card(other)


def test_the_card_that_made_the_rule_says_for_how_long(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "cweek")
    seq = desk.live(session_id).applied
    decision = desk.decision(RequestName(session_id, G, seq))
    assert (decision.always, decision.kept) == (True, "for 7 days, in this channel")
    desk.happens(session_id, e.PermissionResolved(seq, "allowed", True, 2, "Bob", kept=decision.kept))
    post = desk.store.post(session_id, f"card:{G}:{seq}")
    assert post and post.desired.content.endswith("· allowed for 7 days, in this channel, by <@2>")


@pytest.mark.parametrize(("term", "counts"), [("always", False), ("hour", False), ("chour", True), ("cever", True)])
def test_of_a_session_it_counts_there_and_of_a_channel_in_all_its_sessions(
    tmp_path: Path, term: Term, counts: bool
) -> None:
    desk = Desk(tmp_path)
    desk.allows(desk.session(), term)
    assert desk.is_open(desk.asks(desk.session(), NPM)) is not counts
    assert desk.is_open(desk.asks(desk.session(ELSEWHERE), NPM)), "another channel is another"


def test_it_ends_with_its_time_and_that_of_a_session_with_the_session(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "hour")
    desk.now += 3601
    assert desk.is_open(desk.asks(session_id, NPM)) and desk.manager.rules.of(HERE, session_id) == []
    desk.allows(session_id, "always")
    desk.allows(session_id, "cever", rule=e.SuggestedRule("Bash", "ls:*"))
    desk.manager.destroy_session(session_id, "ended")
    assert [rule.session_id for rule in desk.manager.rules.of(HERE, session_id)] == [""]


def test_a_revoked_rule_counts_no_more_from_then_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id, other_id = desk.session(), desk.session()
    desk.allows(session_id, "always")
    (rule,) = desk.manager.rules.of(HERE, session_id)
    assert not desk.manager.revoke_rule(rule.rule_id, HERE, other_id, BOB), "another session's"
    assert not desk.manager.revoke_rule(rule.rule_id, ELSEWHERE, "", BOB), "another channel's"
    assert desk.manager.revoke_rule(rule.rule_id, HERE, session_id, BOB)
    assert not desk.manager.revoke_rule(rule.rule_id, HERE, session_id, BOB)
    asked = desk.asks(session_id, NPM)
    assert desk.is_open(asked) and desk.card(asked)
    desk.restart()
    assert desk.manager.rules.of(HERE, session_id) == []


def test_a_rule_of_the_channel_is_announced_there_and_pings_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "hour")
    assert desk.store.posts_like(session_id, "rule:") == []
    desk.allows(desk.session(), "chour")
    (post,) = [
        row.desired for s in desk.manager.get_all_sessions() for row in desk.store.posts_like(s.session_id, "rule:")
    ]
    assert post.where == "channel" and post.silent and not post.mentions
    assert (
        "<@2> allowed" in post.content and "npm test" in post.content and "for an hour, in this channel" in post.content
    )


def test_no_rule_stands_for_the_second_person_or_for_oneself(tmp_path: Path) -> None:
    access = Access(decide_own=False, second=(ToolPattern("Bash", "rm*"),))
    desk = Desk(tmp_path, Policy(frozenset({1, 2}), channels={HERE: access}))
    session_id = desk.session()
    desk.allows(session_id, "always", ADA)
    assert desk.is_open(desk.asks(session_id, NPM)), "Ada asked"
    desk.allows(session_id, "always", BOB)
    assert not desk.is_open(desk.asks(session_id, NPM))


def test_history_is_decided_by_nobody_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "cever")
    request = e.PermissionRequested("r", "Bash", "{}", "d", rules=(NPM,))
    created = e.SessionCreated("other", 999, 9, HERE, "/", 1)
    past: list[e.AnyEvent] = [created, request, e.PermissionResolved(2, "denied")]
    records = [e.Record("f" * 16, n, 1.0, event) for n, event in enumerate(past, 1)]
    desk.manager.reports.recall(created, 1.0, records, records)
    assert not [i for i in desk.store.inbox("other") if isinstance(i.command, c.Decide)]


def test_a_clock_that_is_set_back_lengthens_no_rule_and_brings_none_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.now = 100_000.0
    desk.allows(session_id, "hour")
    desk.now -= 3 * 3600
    assert desk.is_open(desk.asks(session_id, NPM)), "for an hour, not for four"
    desk.now += 3 * 3600 + 1800
    assert not desk.is_open(desk.asks(session_id, NPM))
    desk.now += 3600
    desk.manager.rules.end_what_is_over()
    desk.now -= 3600
    assert desk.is_open(desk.asks(session_id, NPM)), "its time was up"


def test_a_rule_that_cannot_be_read_allows_nothing_and_hinders_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "cever")
    desk.store.keep_rule("bad", '{"rule_id": 7}')
    asked = desk.asks(session_id, NPM)
    assert not desk.is_open(asked), "the other holds"
    for _ in range(2):
        desk.manager.rules.end_what_is_over()  # once a second: what it raised ended the supervisor
    assert caplog.text.count("a Rule in the store is kept, counts for nothing") == 1
    assert desk.manager.rules.revoke("bad", 1) is None and len(desk.manager.rules.of(HERE, session_id)) == 1


def test_what_a_rule_decided_that_cannot_be_read_any_more_is_asked_of_people(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "cever")
    asked = desk.asks(session_id, NPM)
    (rule_id,) = desk.decision(asked.name).by_rules
    desk.store.keep_rule(rule_id, "[]")
    desk.manager.inbox(session_id)
    assert desk.is_open(asked) and desk.card(asked)


def test_a_rule_of_the_channel_counts_for_the_project_it_was_given_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = desk.session()
    desk.allows(before, "cever")
    desk.folder = tmp_path / "other"
    other = desk.session()
    assert desk.is_open(desk.asks(other, NPM)) and desk.manager.rules.of(HERE, other) == []
    assert not desk.is_open(desk.asks(before, NPM))
