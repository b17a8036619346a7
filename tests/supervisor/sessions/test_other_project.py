"""A channel that gets another project does not carry over what was allowed in it for the one before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import PermissionRequest, Person
from supervisor.assembly import session_manager
from supervisor.sessions.other_project import look_at_projects
from supervisor.sessions.store import Store

ADA, HERE, ELSEWHERE = Person(1, "Ada", 9), 222, 333
NPM = e.SuggestedRule("Bash", "npm test:*")
OLD, NEW = Channel(HERE, "/srv/old"), Channel(HERE, "/srv/new")


class Desk:
    def __init__(self, store: Store) -> None:
        self.manager = session_manager(store)

    def configured(self, *channels: Channel) -> None:
        look_at_projects(self.manager, {channel.channel_id: channel for channel in channels})

    def allows_in(self, channel: Channel) -> None:
        """A rule for the channel, and that its sessions accept edits."""
        made = self.manager.create_session(CreateSession(10**18, 9, channel, ADA, "hi", "hi"))
        request = e.PermissionRequested("r", "Bash", "{}", digest_of("{}"), rules=(NPM,))
        events: list[e.AnyEvent] = [e.ChildStarted(2, "id", resumed=False), e.TurnStarted((1,)), request]
        self.manager.reports.record(made.session_id, [e.Record("g", n, 1.0, one) for n, one in enumerate(events, 1)])
        asked = self.manager.row(made.session_id).session.requests[3]
        assert isinstance(asked, PermissionRequest) and self.manager.allow_for(asked, ADA, "cever")
        self.manager.set_default(channel.channel_id, "permission_mode", "acceptEdits", 1)

    def held(self) -> tuple[int, str]:
        return len(self.manager.rules.of(HERE)), self.manager.default(HERE, "permission_mode")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = Store(tmp_path / "db")
    yield Desk(store)
    store.close()


def test_with_another_project_it_is_over_also_after_the_first_came_back(desk: Desk) -> None:
    desk.configured(OLD)
    desk.allows_in(OLD)
    desk.configured()
    desk.configured(NEW)
    assert desk.held() == (0, "")
    desk.configured(OLD)
    assert desk.held() == (0, "")


def test_with_the_same_project_it_holds_over_a_restart_and_a_while_without(desk: Desk) -> None:
    desk.configured(OLD, Channel(ELSEWHERE, "/srv/else"))
    desk.allows_in(OLD)
    for channels in ((OLD,), (Channel(ELSEWHERE, "/srv/else"),), (OLD,)):
        desk.configured(*channels)
    assert desk.held() == (1, "acceptEdits")


def test_a_store_that_does_not_know_the_project_knows_it_by_the_last_session(desk: Desk) -> None:
    desk.allows_in(OLD)
    desk.configured(NEW)
    assert desk.held() == (0, "")


@pytest.mark.parametrize("directory", ["/srv/old/part", "/srv/else", "/srv/else/part"])
def test_a_session_that_was_begun_somewhere_else_makes_no_other_project(desk: Desk, directory: str) -> None:
    elsewhere = Channel(ELSEWHERE, "/srv/else")
    desk.allows_in(OLD)
    begun = Channel(HERE, directory)
    newest = desk.manager.create_session(CreateSession(10**18 + 10**9, 9, begun, ADA, "hi", "hi"))
    assert desk.manager.most_recent_session(HERE) == newest
    desk.configured(OLD, elsewhere)
    assert desk.held() == (1, "acceptEdits")
    desk.configured(NEW, elsewhere)
    assert desk.held() == (0, "")


def test_a_channels_rule_is_for_sessions_of_the_directory_in_which_it_was_given(desk: Desk) -> None:
    below = Channel(HERE, "/srv/old/part")
    of_part = desk.manager.create_session(CreateSession(10**18 + 10**9, 9, below, ADA, "hi", "hi"))
    desk.allows_in(OLD)
    of_project = desk.manager.session_of_thread(10**18)
    assert of_project and len(desk.manager.rules.of(HERE, of_project.session_id)) == 1
    assert desk.manager.rules.of(HERE, of_part.session_id) == []
    assert len(desk.manager.rules.of(HERE)) == 1, "/rules in the channel lists it"


def test_a_session_below_a_link_is_of_the_same_project(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "real/part").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    desk.allows_in(Channel(HERE, str(tmp_path / "real/part")))
    desk.configured(Channel(HERE, str(tmp_path / "link")))
    assert desk.held() == (1, "acceptEdits")


def test_two_channels_that_changed_their_projects_have_another_one_each(desk: Desk) -> None:
    desk.allows_in(OLD)
    desk.configured(NEW, Channel(ELSEWHERE, OLD.directory))
    assert desk.held() == (0, "")


def test_what_is_stricter_than_the_configuration_stays(desk: Desk) -> None:
    desk.configured(OLD)
    desk.manager.set_default(HERE, "permission_mode", "plan", 1)
    desk.configured(NEW)
    assert desk.held() == (0, "plan")
