"""Trust these for this channel: asked once, bound to what was shown, kept as a copy, revoked."""

import json
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.commands import Stop
from bridge.protocol.errors import UserError
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.trust.decision import digest_of_path
from lab.configured import configuration
from stages.opened_stores import opened_store
from stages.support import awaited
from supervisor.assembly import session_manager
from supervisor.operator import checkup
from supervisor.sessions import trust
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.trust import Trusts

pytestmark = pytest.mark.slow

ADA, BOB = Person(1, "Ada", 9), Person(2, "Bob", 9)
HERE, ELSEWHERE = 222, 333


class Desk:
    """Two channels on one project, and a supervisor that can be started anew."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        (self.project / ".claude").mkdir(parents=True)
        self.channels = {number: Channel(number, str(self.project)) for number in (HERE, ELSEWHERE)}
        self.config = configuration(folder, channels=self.channels, environment={"HOME": str(folder / "home")})
        self._next = 10**18
        self.start()

    def start(self) -> None:
        self.store = opened_store(self.config.layout.database)
        self.manager = session_manager(self.store, lambda: self._next / 1e9)
        self.trusts = Trusts(self.config, self.manager)

    def restart(self) -> None:
        self.store.close()
        self.start()

    def session(self, channel_id: int = HERE) -> ManagedSession:
        self._next += 10**9
        return self.manager.create_session(CreateSession(self._next, 9, self.channels[channel_id], ADA, "hi", "hi"))

    def writes(self, **environment: str) -> None:
        self._next += 10**9
        (self.project / ".claude/settings.json").write_text(json.dumps({"env": environment}))

    def runs(self, session: ManagedSession, *more: e.AnyEvent) -> None:
        """Its worker and Claude are there, and nothing waits for them."""
        self.store.drop_wishes(session.session_id)
        events = [e.WorkerStarted(7, contained=True, containment=""), e.ChildStarted(8, "id", resumed=False), *more]
        records = [e.Record("g", number, 1.0, event) for number, event in enumerate(events, 1)]
        assert self.manager.reports.record(session.session_id, records) is not None
        self.manager.row(session.session_id).attached = 7

    def cards(self, session: ManagedSession) -> list[Post]:
        return [row.desired for row in self.store.posts_like(session.session_id, "trust:")]

    def digest(self, session: ManagedSession) -> str:
        """Of the card that is open."""
        (card,) = [post for post in self.cards(session) if post.buttons]
        return card.buttons[0].custom_id.rpartition(":")[2]

    async def trusted(self) -> tuple[ManagedSession, str]:
        self.writes(A="1")
        session = self.session()
        await self.trusts.at_start(session)
        digest = self.digest(session)
        assert (await self.trusts.judge(HERE, "yes", digest, ADA)).startswith("Trusted.")
        return session, digest


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@awaited
async def test_a_project_without_such_files_is_not_asked_about(desk: Desk) -> None:
    session = desk.session()
    assert await desk.trusts.at_start(session) == ""
    assert desk.cards(session) == []


@awaited
async def test_what_would_all_be_left_out_is_no_question(desk: Desk) -> None:
    (desk.project / ".claude/settings.json").write_text('{"statusLine": {"type": "command", "command": "x"}}')
    session = desk.session()
    assert await desk.trusts.at_start(session) == ""
    assert desk.cards(session) == []


@awaited
async def test_the_first_thread_shows_a_card_that_names_what_would_act(desk: Desk) -> None:
    desk.writes(A="1")
    session = desk.session()
    assert await desk.trusts.at_start(session) == ""
    (card,) = desk.cards(session)
    assert card.embed
    assert "Environment: A=1" in card.embed.description
    assert [button.label for button in card.buttons] == ["Trust these for this channel", "Not now"]
    assert card.mentions == (ADA.user_id,)
    second = desk.session()
    await desk.trusts.at_start(second)
    await desk.trusts.at_start(session)
    assert desk.cards(second) == [], "it was asked already"
    assert len(desk.cards(session)) == 1


@awaited
async def test_a_click_keeps_a_copy_that_acts_from_the_next_start(desk: Desk) -> None:
    session, digest = await desk.trusted()
    (card,) = desk.cards(session)
    assert not card.buttons
    assert "✓ Trusted by <@1>: a copy of this acts from Claude's next start in this channel." in card.content
    copy = await desk.trusts.at_start(session)
    assert copy == str(desk.config.layout.trusted / str(HERE) / digest)
    assert json.loads(Path(copy, "settings.json").read_bytes()) == {"env": {"A": "1"}}
    assert Path(copy, "settings.json").stat().st_mode & 0o777 == 0o400
    desk.restart()
    assert await desk.trusts.at_start(session) == copy, "also after a restart"


@awaited
async def test_another_channel_is_asked_by_itself(desk: Desk) -> None:
    _, digest = await desk.trusted()
    other = desk.session(ELSEWHERE)
    assert await desk.trusts.at_start(other) == ""
    assert len(desk.cards(other)) == 1
    assert await desk.trusts.judge(444, "yes", digest, ADA) == trust.UNKNOWN


@awaited
async def test_files_that_differ_from_what_the_card_showed_are_not_trusted_but_shown_again(desk: Desk) -> None:
    desk.writes(A="1")
    session = desk.session()
    await desk.trusts.at_start(session)
    shown = desk.digest(session)
    desk.writes(A="evil")
    assert await desk.trusts.judge(HERE, "yes", shown, ADA) == trust.CHANGED
    old, new = desk.cards(session)
    assert not old.buttons
    assert "have changed since" in old.content
    assert new.embed
    assert "A=evil" in new.embed.description
    assert not desk.config.layout.trusted.exists()
    assert await desk.trusts.judge(HERE, "yes", shown, ADA) == trust.UNKNOWN
    await desk.trusts.judge(HERE, "yes", desk.digest(session), ADA)
    assert await desk.trusts.at_start(session)


@awaited
async def test_a_later_change_is_asked_about_and_nothing_acts_until_then(desk: Desk) -> None:
    session, digest = await desk.trusted()
    desk.writes(A="2")
    assert await desk.trusts.at_start(session) == ""
    assert desk.digest(session) != digest
    desk.writes(A="1")
    assert await desk.trusts.at_start(session), "as it was trusted"


@awaited
async def test_not_now_is_remembered_and_trust_asks_again(desk: Desk) -> None:
    desk.writes(A="1")
    session = desk.session()
    await desk.trusts.at_start(session)
    digest = desk.digest(session)
    await desk.trusts.judge(HERE, "no", digest, BOB)
    (card,) = desk.cards(session)
    assert not card.buttons
    assert "<@2> chose *Not now*" in card.content
    desk.restart()
    await desk.trusts.at_start(desk.session())
    assert len(desk.cards(session)) == 1
    assert (await desk.trusts.offer(session)).asks
    assert desk.digest(session) == digest
    await desk.trusts.judge(HERE, "yes", digest, ADA)
    assert not (await desk.trusts.offer(session)).asks, "there is nothing left to ask"


@awaited
async def test_the_first_decision_wins(desk: Desk) -> None:
    session, digest = await desk.trusted()
    for verb in ("yes", "no"):
        assert await desk.trusts.judge(HERE, verb, digest, BOB) == (
            "This was already trusted by <@1>. `/trust` revokes it."
        )
    (one,) = desk.trusts.trusted(HERE)
    assert one.by == "Ada"
    assert await desk.trusts.at_start(session)


@awaited
async def test_revoked_it_acts_no_more_and_its_copy_is_gone(desk: Desk) -> None:
    session, digest = await desk.trusted()
    assert (await desk.trusts.judge(HERE, "revoke", digest, BOB)).startswith("Revoked.")
    assert await desk.trusts.at_start(session) == ""
    assert not list((desk.config.layout.trusted / str(HERE)).iterdir())
    (card,) = desk.cards(session)
    assert "✗ Revoked by <@2>" in card.content
    assert await desk.trusts.judge(HERE, "revoke", digest, BOB) == "This is not trusted (any more)."


@awaited
async def test_a_copy_that_is_gone_is_not_trusted(desk: Desk) -> None:
    """As after a backup that knows nothing of what was revoked later."""
    session, digest = await desk.trusted()
    (desk.config.layout.trusted / str(HERE) / digest).rename(desk.config.layout.state / "away")
    assert await desk.trusts.at_start(session) == ""
    assert desk.digest(session) == digest


@pytest.mark.parametrize("damage", ["changed", "more", "less"])
@awaited
async def test_a_copy_that_is_not_exactly_what_was_trusted_does_not_act(desk: Desk, damage: str) -> None:
    session, digest = await desk.trusted()
    copy = desk.config.layout.trusted / str(HERE) / digest
    (copy / "settings.json").chmod(0o600)
    match damage:
        case "changed":
            (copy / "settings.json").write_text('{"env": {"A": "evil"}}')
        case "more":
            (copy / "mcp.json").write_text("{}")
        case _:
            (copy / "settings.json").unlink()
    assert await desk.trusts.at_start(session) == ""
    await desk.trusts.judge(HERE, "yes", desk.digest(session), ADA)
    assert await desk.trusts.at_start(session) == str(copy), "written anew"
    assert json.loads((copy / "settings.json").read_bytes()) == {"env": {"A": "1"}}


@awaited
async def test_a_copy_that_cannot_be_kept_is_told_and_nothing_is_trusted(desk: Desk) -> None:
    desk.writes(A="1")
    session = desk.session()
    await desk.trusts.at_start(session)
    desk.config.layout.trusted.write_text("in the way")
    with pytest.raises(UserError, match="the copy could not be kept"):
        await desk.trusts.judge(HERE, "yes", desk.digest(session), ADA)
    assert desk.trusts.trusted(HERE) == []
    assert desk.digest(session), "the card is open still"


@awaited
async def test_a_store_that_takes_nothing_decides_nothing_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, digest = await desk.trusted()

    def locked(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk.store, "keep_trust", locked)
    with pytest.raises(UserError, match="the disk is full"):
        await desk.trusts.judge(HERE, "revoke", digest, ADA)
    assert await desk.trusts.at_start(session), "as before"


@awaited
async def test_an_idle_session_sleeps_so_that_its_next_message_starts_with_what_was_decided(desk: Desk) -> None:
    desk.writes(A="1")
    idle, busy = desk.session(), desk.session()
    await desk.trusts.at_start(idle)
    desk.runs(idle)
    desk.runs(busy, e.TurnStarted(()))
    told = await desk.trusts.judge(HERE, "yes", desk.digest(idle), ADA)
    assert told.endswith("One session works now and goes on as started until then.")
    (stop,) = (item.command for item in desk.store.inbox(idle.session_id))
    assert isinstance(stop, Stop)
    assert stop.if_idle
    assert desk.store.inbox(busy.session_id) == []
    assert (await desk.trusts.judge(HERE, "revoke", desk.trusts.trusted(HERE)[0].digest, ADA)).endswith("until then.")


@awaited
async def test_check_says_which_channel_trusts_what(desk: Desk) -> None:
    await desk.trusted()
    (found,) = [finding for finding in checkup.findings(desk.config.layout) if finding.kind == "trusts"]
    assert f"channel {HERE} trusts files of {desk.project} that act" in found.what
    assert "by Ada" in found.what
    assert "Environment: A=1" in found.what
    assert not found.is_wrong


@awaited
async def test_a_trust_that_cannot_be_read_acts_no_more_and_hinders_no_other(desk: Desk) -> None:
    session, digest = await desk.trusted()
    desk.store.keep_trust("trusted", HERE, "another", '{"directory": 7}')
    desk.store.keep_trust("asked", HERE, "another", "[]")
    assert [one.digest for one in desk.trusts.trusted(HERE)] == [digest]
    assert await desk.trusts.at_start(session)
    assert [one.kind for one in checkup.findings(desk.config.layout)].count("trusts") == 1
    desk.store.keep_trust("trusted", HERE, digest_of_path(str(desk.project)), "[]")
    assert await desk.trusts.at_start(session) == "" and desk.digest(session) == digest, "it is asked again"


@awaited
async def test_check_prints_nothing_that_steers_a_terminal(desk: Desk) -> None:
    desk.writes(A="\x1b[2J\u202eevil")
    session = desk.session()
    await desk.trusts.at_start(session)
    await desk.trusts.judge(HERE, "yes", desk.digest(session), ADA)
    (found,) = [finding for finding in checkup.findings(desk.config.layout) if finding.kind == "trusts"]
    assert found.what.isprintable()
