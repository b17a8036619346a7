"""Where two people must allow something no Claude begins, goes on or is put in a mode that would not ask for it."""

import asyncio
from pathlib import Path
from typing import cast

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.patterns import ToolPattern
from bridge.session.permission import PermissionRequest, Person
from bridge.session.rights import Access, Policy
from lab.configured import configuration
from stages.no_rest import NoRest
from stages.opened_stores import opened_store
from supervisor import assembly
from supervisor.commands.channel_mode import ChannelMode
from supervisor.commands.sight import Sight
from supervisor.commands.slash_settings import SettingsCommand
from supervisor.config_in_force import Settings
from supervisor.discord.asking import Posting
from supervisor.discord.shapes import Interaction
from supervisor.sessions.asking_again import ask_again
from supervisor.sessions.members import Asked
from supervisor.workers.starts import StartMessages

ADA = Person(1, "Ada", 9)
HERE, THREAD, GUILD = 222, 100, 9
G = "0123456789abcdef"
FREE, TWO = Access(), Access(second=(ToolPattern("Edit", "*.env"),))


class Desk:
    """A supervisor's state; ``configured`` is the next one, with another configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = opened_store(folder / "db")
        self.configured(FREE)
        channel = Channel(HERE, str(folder))
        self.session_id = self.manager.create_session(CreateSession(THREAD, GUILD, channel, ADA, "hi", "hi")).session_id

    def configured(self, access: Access, mode: str = "default") -> None:
        policy = Policy(frozenset({1}), channels={HERE: access})
        channels = {HERE: Channel(HERE, str(self.folder))}
        self.settings = Settings(configuration(self.folder, policy=policy, channels=channels, permission_mode=mode))
        self.manager = assembly.session_manager(self.store, asked=Asked(self.settings, NoRest()))

    @property
    def session(self) -> ManagedSession:
        return self.manager.row(self.session_id).session

    def happens(self, *events: e.AnyEvent) -> None:
        applied = self.session.applied
        records = [e.Record(G, applied + n, 1.0, event) for n, event in enumerate(events, 1)]
        assert self.manager.reports.record(self.session_id, records) is not None

    def runs_in(self, mode: str) -> None:
        """Since before this configuration."""
        self.happens(
            e.WorkerStarted(1, contained=True, containment=""),
            e.ChildStarted(2, "id", resumed=False),
            e.ConfigureAccepted("x", "permission_mode", mode),
            e.ModeChanged(mode),
        )

    def begins_in(self) -> str:
        message = StartMessages(self.settings, self.manager, None, {}).message(self.session, "")
        return asyncio.run(message).permission_mode

    def wished(self) -> list[tuple[str, str]]:
        items = [item.command for item in self.manager.inbox(self.session_id)]
        return [(one.setting, one.value) for one in items if isinstance(one, c.Configure)]

    def said(self) -> str:
        return "\n".join(row.desired.content for row in self.store.posts_like(self.session_id, "void:"))

    def mode(self, value: str, channel_id: int = THREAD) -> None:
        router = assembly.router(self.settings, self.manager)
        channels = self.settings.channels
        channel_mode = ChannelMode(self.manager, router, cast(Posting, None), channels)
        sight = Sight(lambda *_: True, lambda *_: True, lambda _: "")
        command = SettingsCommand(self.manager, router, channel_mode, channels, sight, may_bypass=lambda: True)
        member = {"user": {"id": "1", "username": "ada"}, "roles": []}
        data = {"name": "mode", "options": [{"name": "mode", "value": value}]}
        command.run(Interaction(5, 1, 2, "t", data, GUILD, channel_id, member=member))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(("access", "begins"), [(FREE, "acceptEdits"), (TWO, "default")])
def test_a_claude_begins_in_a_mode_that_asks(desk: Desk, access: Access, begins: str) -> None:
    desk.configured(access, "acceptEdits")
    assert desk.begins_in() == begins, "by the configuration"
    desk.configured(access)
    desk.manager.set_default(HERE, "permission_mode", "acceptEdits", 1)
    assert desk.begins_in() == begins, "by the channel's choice"
    desk.manager.set_default(HERE, "permission_mode", "", 1)
    assert desk.begins_in() == "default"
    desk.runs_in("acceptEdits")
    assert desk.begins_in() == begins, "by the session's own"


@pytest.mark.parametrize("place", [THREAD, HERE])
@pytest.mark.parametrize("mode", ["acceptEdits", "auto", "bypassPermissions"])
def test_such_a_mode_cannot_be_chosen_and_it_is_said_why(desk: Desk, place: int, mode: str) -> None:
    desk.configured(TWO)
    with pytest.raises(UserError, match=rf"two people must allow `Edit:\*\.env`, and in the mode \*\*{mode}\*\*"):
        desk.mode(mode, place)
    assert desk.wished() == [] and desk.manager.default(HERE, "permission_mode") == ""
    desk.mode("plan")
    assert desk.wished() == [("permission_mode", "plan")]


def test_one_that_was_chosen_before_the_configuration_said_so_is_not_set(desk: Desk) -> None:
    desk.mode("acceptEdits")
    assert desk.wished() == [("permission_mode", "acceptEdits")]
    desk.configured(TWO)
    assert desk.wished() == []
    assert "A mode was not set" in desk.said() and "`Edit:*.env`" in desk.said()


def test_nor_one_that_was_approved_with_a_plan(desk: Desk) -> None:
    desk.happens(
        e.WorkerStarted(1, contained=True, containment=""),
        e.ChildStarted(2, "id", resumed=False),
        e.TurnStarted((THREAD,)),
        e.PermissionRequested("r", "ExitPlanMode", '{"plan": "p"}', "d"),
    )
    (request,) = desk.session.requests.values()
    desk.manager.settle(request, request.decide("allowed", ADA, mode="acceptEdits"))
    desk.configured(TWO)
    assert not [i for i in desk.manager.inbox(desk.session_id) if isinstance(i.command, c.Decide)]
    assert isinstance(desk.manager.request_of(request.name), PermissionRequest)
    assert "Claude would not ask" in desk.said()


def test_a_mode_is_the_sessions_own_and_holds_over_its_end(desk: Desk) -> None:
    desk.runs_in("acceptEdits")
    desk.manager.destroy_session(desk.session_id, "/stop", 1)
    desk.happens(e.WorkerStopping("z", "/stop"), e.ChildExited(0, wanted=True))
    line = desk.store.posts_like(desk.session_id, "loosened:")
    assert any("as long as this line says so" in row.desired.content for row in line), "its line still says so"
    desk.manager.prompt(desk.session_id, 77, "go on", ADA)
    assert desk.begins_in() == "acceptEdits"


@pytest.mark.parametrize(("mode", "told"), [("acceptEdits", 1), ("auto", 1), ("plan", 0), ("default", 0)])
def test_a_claude_that_runs_in_such_a_mode_when_the_service_starts_is_told_to_ask(
    desk: Desk, mode: str, told: int
) -> None:
    desk.runs_in(mode)
    ask_again(desk.manager, desk.settings.access)
    assert desk.wished() == []
    desk.configured(TWO)
    ask_again(desk.manager, desk.settings.access)
    assert desk.wished() == [("permission_mode", "default")] * told


def test_one_that_sleeps_is_left_alone(desk: Desk) -> None:
    desk.runs_in("acceptEdits")
    desk.happens(e.ChildExited(0, wanted=True))
    desk.configured(TWO)
    ask_again(desk.manager, desk.settings.access)
    assert desk.wished() == []
    assert desk.begins_in() == "default"


def test_one_that_runs_when_the_configuration_is_read_again_is_told_too(desk: Desk) -> None:
    desk.runs_in("acceptEdits")
    desk.settings.hear_added(lambda _: ask_again(desk.manager, desk.settings.access))
    two = Policy(frozenset({1}), channels={HERE: TWO})
    desk.settings.replace(msgspec.structs.replace(desk.settings.now, policy=two))
    assert desk.wished() == [("permission_mode", "default")]


def test_one_that_comes_back_into_such_a_mode_at_the_end_of_a_plan_is_told_too(desk: Desk) -> None:
    desk.runs_in("acceptEdits")
    desk.happens(e.ModeChanged("plan", admitted=True))
    desk.configured(TWO)
    ask_again(desk.manager, desk.settings.access)
    assert desk.wished() == [], "a plan asks"
    desk.happens(e.ModeChanged("acceptEdits", admitted=True))
    assert desk.wished() == [("permission_mode", "default")]
    desk.happens(e.ModeChanged("default", admitted=True))
    assert desk.wished() == [("permission_mode", "default")], "once"
