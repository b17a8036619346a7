"""Projects from Discord: below which directories, in whose channel, and what becomes of the configuration's file."""

import stat
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from supervisor import config
from supervisor.config import document
from supervisor.config_in_force import Settings
from supervisor.projects.channels import ProjectChannels
from supervisor.reload import Reload

NEW = 223


class Desk:
    """A configuration with comments, whose one project is ``srv/first``; ``srv`` is the one root."""

    def __init__(self, folder: Path, roots: str = "") -> None:
        self.root = folder / "srv"
        for name in ("first", "second", "second/deep"):
            (self.root / name).mkdir(parents=True)
        (folder / "token").mkdir()
        token = folder / "token/token"
        token.touch(0o600)
        self.file = folder / "config.toml"
        self.file.write_text(
            f'# ours\n[discord]\ntoken_file = "{token}"\n[access]\nusers = [111] # Ada\n\n[[channels]] # the first\n'
            f'id = "222"\ndirectory = "{self.root}/first"\n[claude]\ncommand = ["/bin/true"]\n'
            + (roots or f'\n[projects]\nroots = ["{self.root}"] # all of it\n')
        )
        self.file.chmod(0o600)
        self.settings = Settings(config.load(self.file))
        self.reload = Reload(self.settings)
        self.projects = ProjectChannels(self.settings, self.reload)

    def add(self, given: str, channel_id: int = NEW) -> str:
        directory = self.projects.directory(given)
        self.projects.add(channel_id, directory)
        return directory


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_project_is_in_force_at_once_and_written_with_all_comments_kept(desk: Desk) -> None:
    before = desk.file.read_text()
    assert desk.add(str(desk.root / "second")) == str(desk.root / "second")
    assert desk.settings.channels[NEW].directory == str(desk.root / "second")
    after = desk.file.read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert config.load(desk.file).channels.keys() == {222, NEW}
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600
    assert not any(desk.reload.look() for _ in range(3)), "it is known already"


def test_what_was_added_and_removed_again_leaves_the_file_as_a_person_had_it(desk: Desk) -> None:
    before = desk.file.read_text().split()
    desk.add("second")
    desk.projects.remove(NEW)
    assert desk.file.read_text().split() == before
    assert set(desk.settings.channels) == {222}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    real = tmp_path / "real.toml"
    desk.file.rename(real)
    desk.file.symlink_to(real)
    desk.add("second")
    assert desk.file.is_symlink()
    assert str(NEW) in real.read_text()


def test_an_id_in_quotes_is_removed_too(desk: Desk) -> None:
    desk.add("second")
    desk.projects.remove(222)
    assert set(desk.settings.channels) == {NEW}


def test_without_roots_the_refusal_says_which_line_to_add(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "\n")
    with pytest.raises(UserError, match=r"\[projects\]` with `roots = "):
        desk.projects.directory(str(desk.root / "second"))


@pytest.mark.parametrize("given", ["/etc", "..", ".", "../srv", "second/../../", "/", "", "\0", "x" * 5000])
def test_nothing_outside_of_the_roots_and_no_root_itself_becomes_a_project(desk: Desk, given: str) -> None:
    with pytest.raises(UserError):
        desk.projects.directory(given)


def test_no_link_leads_out(desk: Desk) -> None:
    (desk.root / "out").symlink_to("/etc")
    with pytest.raises(UserError, match="is not below"):
        desk.projects.directory("out")


@pytest.mark.parametrize("given", ["first", "first/inner"])
def test_projects_do_not_overlap(desk: Desk, given: str) -> None:
    (desk.root / "first/inner").mkdir()
    with pytest.raises(UserError, match="overlap"):
        desk.projects.directory(given)


def test_neither_does_one_that_lies_above_another(desk: Desk) -> None:
    desk.add("second/deep")
    with pytest.raises(UserError, match="overlap"):
        desk.projects.directory("second")


def test_a_directory_that_holds_the_token_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    token = desk.root / "second/token"
    token.touch(0o600)
    desk.file.write_text(desk.file.read_text().replace(str(tmp_path / "token/token"), str(token)))
    settings = Settings(config.load(desk.file))
    projects, before = ProjectChannels(settings, Reload(settings)), desk.file.read_text()
    with pytest.raises(UserError, match="the project directory"):
        projects.add(NEW, projects.directory("second"))
    assert (desk.file.read_text(), set(settings.channels)) == (before, {222})


def test_a_file_that_cannot_be_written_changes_nothing_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("supervisor.projects.channels.write_private", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\), so nothing was done"):
        desk.add("second")
    assert set(desk.settings.channels) == {222}


def test_the_last_channel_stays_and_one_is_not_added_twice(desk: Desk) -> None:
    with pytest.raises(UserError, match="the only one"):
        desk.projects.remove(222)
    with pytest.raises(UserError, match="has a project already"):
        desk.projects.add(222, str(desk.root / "second"))


def test_channels_as_an_inline_list_are_kept_so() -> None:
    text = 'channels = [{id = 222, directory = "/a"}] # all\n'
    more = document.with_channel(text, NEW, "/b", Path("x"))
    assert more == 'channels = [{id = 222, directory = "/a"}, {id = 223, directory = "/b"}] # all\n'
    assert document.without_channel(more, NEW, Path("x")) == text


@pytest.mark.parametrize("text", ["channels = 3\n", "[channels]\n", "[[channels]", "channels = [3]\n"])
def test_what_is_no_list_of_channels_is_left_alone(text: str) -> None:
    with pytest.raises(UserError):
        document.without_channel(text, NEW, Path("x"))
