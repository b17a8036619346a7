"""A channel that is taken out of the configuration leaves its sessions no freer than they were."""

from pathlib import Path

import pytest

from bridge.routing.channel import Channel
from bridge.session.patterns import ToolPattern
from bridge.session.rights import Access, Policy
from lab.configured import configuration
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.config import Config
from supervisor.config_in_force import Settings
from supervisor.sessions.left_channels import keep_how_it_is_decided

HERE, ELSEWHERE = 222, 333
TWO = Access(decide_own=False, second=(ToolPattern("Bash", "rm*"),))


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = opened_store(folder / "db")
        self.settings = self.started(HERE, ELSEWHERE)

    def config(self, *channels: int, access: Access = TWO) -> Config:
        policy = Policy(frozenset({1}), channels={HERE: access} if HERE in channels else {})
        return configuration(self.folder, policy=policy, channels={i: Channel(i, f"/srv/{i}") for i in channels})

    def started(self, *channels: int) -> Settings:
        """What the next supervisor has in force."""
        settings, manager = Settings(self.config(*channels)), session_manager(self.store)
        keep_how_it_is_decided(manager, settings)
        settings.hear_added(lambda _: keep_how_it_is_decided(manager, settings))
        return settings


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def how(settings: Settings, channel_id: int = HERE) -> tuple[bool, bool]:
    access = settings.access(channel_id)
    assert settings.display(channel_id).second == access.second
    return access.decide_own, access.needs_two("Bash", '{"command": "rm -r x"}')


def test_what_takes_more_people_still_does_also_after_a_restart(desk: Desk) -> None:
    assert how(desk.settings) == (False, True) and how(desk.settings, ELSEWHERE) == (True, False)
    desk.settings.replace(desk.config(ELSEWHERE))
    assert how(desk.settings) == (False, True) and how(desk.settings, ELSEWHERE) == (True, False)
    desk.settings.replace(desk.config(ELSEWHERE))
    assert how(desk.started(ELSEWHERE)) == (False, True)
    assert how(desk.started(ELSEWHERE)) == (False, True)


def test_a_table_that_is_back_has_the_word_again(desk: Desk) -> None:
    desk.settings.replace(desk.config(ELSEWHERE))
    desk.settings.replace(desk.config(HERE, ELSEWHERE, access=Access()))
    assert how(desk.settings) == (True, False)
    desk.settings.replace(desk.config(ELSEWHERE))
    assert how(desk.settings) == (True, False)


def test_who_may_what_is_what_the_configuration_says_now(desk: Desk) -> None:
    desk.settings.replace(desk.config(ELSEWHERE))
    assert desk.settings.access(HERE).talk == desk.settings.now.policy.access(HERE).talk
