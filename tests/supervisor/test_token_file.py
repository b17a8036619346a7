"""Which directories are hidden for the token's sake, and which token stops the start."""

import logging
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.errors import UserError
from bridge.routing.channel import Channel
from lab.configured import configuration
from supervisor import token_file
from supervisor.config import Config


class House:
    """A home in the layout of the docs, with one project in it."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = self.home / "code/app"
        self.own = self.home / ".config/threadbridge"
        for folder in (self.project, self.own, root / "etc/secrets"):
            folder.mkdir(parents=True)
        self.environ = {"HOME": str(self.home)}
        self.config = configuration(root)
        self.works_in(self.project)

    def works_in(self, project: Path) -> None:
        self.config = msgspec.structs.replace(self.config, channels={222: Channel(222, str(project))})

    def with_token(self, path: Path, mode: int = 0o600) -> Config:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_symlink():
            path.write_text("the token")
            path.chmod(mode)
        return msgspec.structs.replace(self.config, token_file=str(path))

    def hidden(self, path: Path) -> list[str]:
        return list(token_file.guard(self.with_token(path), self.environ))

    def refusal(self, path: Path) -> str:
        with pytest.raises(UserError) as refused:
            token_file.guard(self.with_token(path), self.environ)
        return str(refused.value)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_directory_of_the_docs_own_layout_is_hidden(house: House) -> None:
    assert house.hidden(house.own / "token") == [str(house.own)]


def test_so_it_is_when_the_project_is_the_whole_home(house: House) -> None:
    house.works_in(house.home)
    assert house.hidden(house.own / "token") == [str(house.own)]


def test_a_link_hides_its_own_place_and_where_it_leads_through_and_to(house: House, tmp_path: Path) -> None:
    (house.own / "token").symlink_to("../../keys/token")
    (house.home / "keys").mkdir()
    (house.home / "keys/token").symlink_to(tmp_path / "etc/secrets/token")
    (tmp_path / "etc/secrets/token").write_text("the token")
    found = house.hidden(house.own / "token")
    assert found == [str(path) for path in (house.own, house.home / "keys", tmp_path / "etc/secrets")]


def test_a_linked_directory_is_hidden_where_it_really_is(house: House, tmp_path: Path) -> None:
    (house.home / "keys").symlink_to(tmp_path / "etc/secrets")
    assert house.hidden(house.home / "keys/token") == [str(tmp_path / "etc/secrets")]


def test_the_credential_of_systemd_is_hidden_beside_a_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "etc/secrets/discord-token").write_text("the token")
    house.environ["CREDENTIALS_DIRECTORY"] = str(tmp_path / "etc/secrets")
    assert list(token_file.guard(house.config, house.environ)) == [str(tmp_path / "etc/secrets")]
    assert house.hidden(house.own / "token") == [str(house.own), str(tmp_path / "etc/secrets")]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("home/token", "the home directory"),
        ("home/.config/token", "which Claude needs"),
        ("home/.claude/token", "which Claude needs"),
        ("home/code/app/token", "the project directory"),
        ("home/code/app/deep/in/it/token", "the project directory"),
        ("home/code/token", "a directory above the project"),
        ("token", "a directory above the project"),
    ],
)
def test_a_token_where_nothing_may_be_hidden_is_refused_with_a_better_place(
    house: House, tmp_path: Path, place: str, why: str
) -> None:
    said = house.refusal(tmp_path / place)
    assert why in said
    assert "move the token to ~/.config/threadbridge/token or /etc/threadbridge/token" in said
    assert "discord.token_file" in said


def test_a_link_that_lies_or_leads_there_is_refused_as_well(house: House, tmp_path: Path) -> None:
    (tmp_path / "etc/secrets/token").write_text("the token")
    (house.project / "token").symlink_to(tmp_path / "etc/secrets/token")
    assert "the project directory" in house.refusal(house.project / "token")
    (house.project / "real").write_text("the token")
    (house.own / "token").symlink_to(house.project / "real")
    assert "it is a link" in house.refusal(house.own / "token")


def test_a_place_of_the_systems_is_refused(house: House) -> None:
    for place in ("/etc", "/usr", "/run"):
        with pytest.raises(UserError, match=f"lies in {place}, which Claude needs"):
            token_file.guard(msgspec.structs.replace(house.config, token_file=f"{place}/x"), house.environ)


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_token_that_others_can_read_is_warned_of(
    house: House, caplog: pytest.LogCaptureFixture, mode: int, warns: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        token_file.guard(house.with_token(house.own / "token", mode), house.environ)
    assert ("chmod 600" in caplog.text) is warns
    assert "the token" not in caplog.text.replace("the bot's token", "")


def test_without_a_file_nothing_more_is_hidden(house: House) -> None:
    assert token_file.guard(house.config, house.environ) == ()
