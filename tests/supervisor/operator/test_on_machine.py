"""What `check` looks for around the bridge: what the service's unit would find, the disk, who may write the file."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.layout import Layout
from bridge.routing.channel import Channel
from lab.configured import configuration
from supervisor.config import Config
from supervisor.operator import on_machine
from supervisor.operator.checkup import Finding
from supervisor.operator.installation import unit
from supervisor.operator.installation.unit import Wanted


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def config(tmp_path: Path, containment: str = "project") -> Config:
    channels = {1: Channel(1, "/srv", containment=containment)}
    return msgspec.structs.replace(configuration(tmp_path), channels=channels)


def kinds(found: Iterable[Finding]) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.what.partition(" ")[0], one.is_wrong) for one in found]


def written(tmp_path: Path, path: str) -> Path:
    """As `install` writes it, with a PATH that has a blank and a percent sign in it."""
    threadbridge = program(tmp_path / "tool", "threadbridge")
    text = unit.text(Wanted("user", (str(threadbridge),), "/c.toml", path=path))
    (tmp_path / "threadbridge.service").write_text(text)
    return tmp_path / "threadbridge.service"


@pytest.mark.parametrize("name", ["bin", "with blank", "100%"])
def test_what_the_services_path_has_not_is_told(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    program(folder, "bwrap")
    file = written(tmp_path, str(folder))
    assert kinds(on_machine.of_unit(file, config(tmp_path))) == [
        ("unit_path", "claude", True),
        ("unit_path", "git", False),
    ]
    for other in ("claude", "git"):
        program(folder, other)
    assert list(on_machine.of_unit(file, config(tmp_path))) == []


def test_bubblewrap_is_needed_only_where_claude_is_shut_in(tmp_path: Path) -> None:
    for name in ("claude", "git"):
        program(tmp_path / "bin", name)
    file = written(tmp_path, str(tmp_path / "bin"))
    assert kinds(on_machine.of_unit(file, config(tmp_path))) == [("unit_path", "bwrap", True)]
    assert kinds(on_machine.of_unit(file, config(tmp_path, "none"))) == [("unit_path", "bwrap", False)]


def test_a_unit_whose_program_is_gone_is_told(tmp_path: Path) -> None:
    for name in ("claude", "git", "bwrap"):
        program(tmp_path / "bin", name)
    file = written(tmp_path, str(tmp_path / "bin"))
    shutil.rmtree(tmp_path / "tool")
    assert kinds(on_machine.of_unit(file, config(tmp_path))) == [("unit_program", str(file), True)]


@pytest.mark.parametrize(("free", "wrong"), [(2**40, []), (2**29, [False]), (2**20, [True])])
def test_little_disk_is_told_before_it_hurts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, wrong: list[bool]
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    assert [one.is_wrong for one in on_machine._of_disk(Layout(tmp_path))] == wrong


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o644, False), (0o664, True), (0o622, True)])
def test_a_configuration_that_others_can_write_is_told(tmp_path: Path, mode: int, is_told: bool) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    file.chmod(mode)
    assert bool(list(on_machine._of_file(file))) is is_told
