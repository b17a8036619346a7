"""Rights are asked again when something is delivered; invitations and the first of two outlive a restart."""

import json
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.session.patterns import ToolPattern
from bridge.session.permission import First, PermissionRequest, Person, RequestName
from bridge.session.rights import Access, Grant, Policy
from stages.support import awaited
from supervisor.assembly import session_manager
from supervisor.sessions.members import FRESH_S, Asked

from ..threads.test_inbound import ADA, BOB, CHANNEL, GUILD, ROLE, Desk, desk, said
from .test_delivery import Clock, delivered

GENERATION = "0123456789abcdef"
CYD = 113
TALK_AND_DECIDE = Policy(
    frozenset({ADA}),
    channels={CHANNEL: Access(decide=Grant(frozenset({CYD}), frozenset({ROLE})), second=(ToolPattern("Bash", "rm*"),))},
)


def asks(d: Desk, command: str = "rm x", *rules: e.SuggestedRule) -> PermissionRequest:
    tool_input = json.dumps({"command": command})
    events: list[e.AnyEvent] = [
        e.WorkerStarted(1, contained=False, containment="none"),
        e.ChildStarted(2, "claude-id", resumed=False),
        e.TurnStarted((1000,)),
        e.PermissionRequested("r", "Bash", tool_input, digest_of(tool_input), rules=rules),
    ]
    records = [e.Record(GENERATION, n, 1.0, event) for n, event in enumerate(events, 1)]
    assert d.manager.reports.record(d.session.session_id, records) is not None
    return pending(d)


def pending(d: Desk) -> PermissionRequest:
    found = d.manager.request_of(RequestName(d.session.session_id, GENERATION, 4))
    assert isinstance(found, PermissionRequest), found
    return found


def decisions(d: Desk) -> list[c.Decide]:
    return [i.command for i in d.manager.inbox(d.session.session_id) if isinstance(i.command, c.Decide)]


def said_in_thread(d: Desk, prefix: str) -> list[str]:
    return [row.desired.content for row in d.store.posts_like(d.session.session_id, prefix)]


@awaited
async def test_a_decision_of_somebody_who_lost_the_role_is_not_carried_out_and_the_request_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, TALK_AND_DECIDE, clock) as d:
        request = asks(d, "ls")
        d.manager.delivery.note(GUILD, BOB, frozenset({ROLE}))
        assert d.manager.decide(request, "allowed", Person(BOB, "Bob", GUILD))
        assert [one.decided_by for one in decisions(d)] == [BOB]
        clock.now += FRESH_S + 1
        assert decisions(d) == [], "his roles are not known any more"
        assert not isinstance(d.manager.request_of(request.name), PermissionRequest), "it waits"
        await d.manager.delivery.members.look(GUILD, BOB)
        assert decisions(d) == []
        assert pending(d).name == request.name
        (words,) = said_in_thread(d, "void:")
        assert f"<@{BOB}>" in words and "**decide**" in words and f"<@{CYD}>" in words and f"<@&{ROLE}>" in words


@awaited
async def test_the_clocks_decision_needs_no_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch, Policy()) as d:
        d.manager.decide(asks(d), "expired", reason="nobody")
        assert [one.verdict for one in decisions(d)] == ["expired"]


@awaited
async def test_of_two_who_allowed_both_must_still_have_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with desk(tmp_path, monkeypatch, TALK_AND_DECIDE, clock) as d:
        request = asks(d)
        assert d.manager.allow_first(request, First(BOB, "Bob", request.event.digest))
        assert d.manager.decide(pending(d), "allowed", Person(CYD, "Cyd", GUILD))
        assert decisions(d) == [], "whether Bob still may is not known"
        await d.manager.delivery.members.look(GUILD, BOB)
        assert decisions(d) == []
        assert pending(d).first is None, "it takes two again"


@awaited
async def test_who_allowed_first_is_on_the_card_and_outlives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, TALK_AND_DECIDE) as d:
        request = asks(d)
        first = First(ADA, "Ada", request.event.digest)
        assert d.manager.allow_first(request, first)
        assert not d.manager.allow_first(request, First(CYD, "Cyd", request.event.digest)), "somebody was faster"
        assert "1 of 2: allowed by" in said_in_thread(d, "card:")[0]
        d.manager = session_manager(d.store, asked=Asked(TALK_AND_DECIDE, d.rest))
        assert pending(d).first == first
        d.manager.decide(pending(d), "allowed", Person(CYD, "Cyd", GUILD))
        assert [(one.also_by, one.decided_by) for one in decisions(d)] == [(ADA, CYD)]


# --- invited ---------------------------------------------------------------------------------------------


@awaited
async def test_who_is_invited_is_delivered_until_they_are_not_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch, Policy(frozenset({ADA}))) as d:
        ada, session_id = Person(ADA, "Ada", GUILD), d.session.session_id
        member: dict[str, object] = {"roles": []}
        d.manager.prompt(session_id, 1001, "before", Person(BOB, "Bob", GUILD))
        assert delivered(d) == ["one"]
        assert d.manager.invite(session_id, BOB, ada) and not d.manager.invite(session_id, BOB, ada)
        d.manager.prompt(session_id, 1002, "while", Person(BOB, "Bob", GUILD))
        assert delivered(d) == ["one", "while"]
        d.manager = session_manager(d.store, asked=Asked(Policy(frozenset({ADA})), d.rest))
        assert d.manager.invited(session_id) == {BOB}, "it outlives a restart"
        assert d.manager.uninvite(session_id, BOB, ada) and not d.manager.uninvite(session_id, BOB, ada)
        assert delivered(d) == ["one"], "what waited is not delivered"
        d.inbound.live(said(1003, "after", BOB, guild_id=str(GUILD), member=member))
        assert delivered(d) == ["one"]
        told = said_in_thread(d, "invited:")
        assert f"<@{BOB}> may write to Claude in this thread: invited by <@{ADA}>" in "\n".join(told)
