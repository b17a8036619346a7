"""The configuration is read again: what holds then, what stays, and what is said how often."""

import os
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.routing.channel import Channel
from bridge.session.rights import Policy
from lab.configured import configuration
from supervisor.config import Config
from supervisor.config_in_force import AT_THE_NEXT_START, Settings
from supervisor.hangup import Terminal
from supervisor.reload import Reload

ADA, BOB = 111, 112


class Desk:
    """A file whose text names what it means; time passes by ``look``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.path.write_text("as it was")
        self.old = configuration(folder, policy=Policy(frozenset({ADA, BOB})), channels={222: Channel(222, "/srv/a")})
        self.new = msgspec.structs.replace(self.old, policy=Policy(frozenset({ADA})))
        self.settings = Settings(self.old)
        self.reads = 0
        self.reload = Reload(self.settings, self.read, lambda _: None)

    def read(self, path: Path) -> Config:
        self.reads += 1
        if not path.exists() or path.read_text() == "wrong":
            raise UserError(f"{path}: access.user: there is no such key")
        return self.new

    def write(self, text: str) -> None:
        """As an editor does it: another file in its place."""
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.path)

    def looks(self, times: int = 4) -> int:
        return sum(self.reload.look() for _ in range(times))

    def may_talk(self, user_id: int) -> bool:
        return user_id in self.settings.access(222).talk.users


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_file_that_did_not_change_is_not_read(desk: Desk) -> None:
    assert (desk.looks(), desk.reads) == (0, 0)


def test_a_file_that_changed_is_in_force_by_itself_and_read_once(desk: Desk) -> None:
    desk.write("right")
    assert desk.may_talk(BOB)
    assert (desk.looks(), desk.reads) == (1, 1)
    assert not desk.may_talk(BOB)


def test_a_file_that_is_still_being_written_is_left_alone(desk: Desk) -> None:
    for n in range(5):
        desk.write("wrong" if n < 4 else "right, and longer")
        assert not desk.reload.look()
    assert desk.looks() == 1
    assert desk.reload.last.trouble == ""


def test_a_write_that_keeps_inode_and_size_is_seen(desk: Desk) -> None:
    os.utime(desk.path, ns=(1, 1))
    assert desk.looks() == 1


def test_another_file_behind_the_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    desk = Desk(tmp_path / "real")
    link = tmp_path / "config.toml"
    link.symlink_to(desk.path)
    desk.settings = Settings(msgspec.structs.replace(desk.old, path=link))
    desk.reload = Reload(desk.settings, desk.read, lambda _: None)
    desk.write("right")
    assert desk.looks() == 1


@pytest.mark.parametrize("how", ["wrong", "gone"])
def test_a_bad_file_leaves_the_old_one_in_force_and_is_said_once(
    desk: Desk, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.write("wrong") if how == "wrong" else desk.path.unlink()
    assert desk.looks() == 1
    assert desk.may_talk(BOB)
    assert "access.user: there is no such key" in desk.reload.last.in_words()
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
    desk.write("right")
    assert desk.looks() == 1
    assert (desk.reload.last.in_words(), desk.may_talk(BOB)) == ("", False)


def test_what_may_not_be_in_force_is_refused_as_at_the_start(desk: Desk) -> None:
    def refuse(_: Config) -> None:
        raise UserError("the token lies in the project")

    reload = Reload(desk.settings, desk.read, refuse)
    assert reload.read().trouble == "the token lies in the project"
    assert desk.may_talk(BOB)


def test_what_cannot_change_while_we_run_stays_and_is_said(desk: Desk) -> None:
    other = Layout(Path("/elsewhere"))
    desk.new = msgspec.structs.replace(desk.new, token_file="/other/token", layout=other, model="opus")
    last = desk.reload.read()
    assert last.later == ("discord.token_file", "state.directory")
    assert last.in_words() == "discord.token_file, state.directory: takes effect at the next start"
    now = desk.settings.now
    assert (now.token_file, now.layout, now.model) == (desk.old.token_file, desk.old.layout, "opus")
    desk.new = desk.old
    assert desk.reload.read().later == (), "it is as it was again"


def test_each_field_that_waits_for_the_next_start_is_one_of_the_configuration() -> None:
    assert set(AT_THE_NEXT_START) <= set(Config.__struct_fields__)


def test_whoever_asked_sees_that_it_was_read_again(desk: Desk) -> None:
    assert [desk.reload.read().count for _ in range(3)] == [1, 2, 3]


def test_channels_are_those_of_now_and_only_new_ones_are_told(desk: Desk) -> None:
    told: list[frozenset[int]] = []
    desk.settings.hear_added(told.append)
    channels = desk.settings.channels
    desk.new = msgspec.structs.replace(desk.new, channels={223: Channel(223, "/srv/b")})
    desk.reload.read()
    desk.reload.read()
    assert told == [frozenset({223}), frozenset()]
    assert (list(channels), 222 in channels, len(channels)) == ([223], False, 1)


def test_a_terminal_that_was_hung_up_is_told_from_a_wish_to_reload() -> None:
    master, slave = os.openpty()
    try:
        terminal = Terminal(slave)
        assert not terminal.is_gone()
        os.close(master)
        assert terminal.is_gone()
    finally:
        os.close(slave)


def test_a_service_that_never_had_a_terminal_does_not_lose_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        assert not Terminal(log.fileno()).is_gone()
