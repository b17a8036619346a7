"""What is bound is the very thing that was looked at; a directory that was exchanged meanwhile stops the start."""

import os
import platform
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from worker import bubblewrap
from worker.walls import calls
from worker.walls.held import held


@pytest.fixture(params=["on the disk", "in memory"])
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """``/dev/shm`` is no device: a project may lie there."""
    if request.param == "on the disk":
        yield tmp_path
    else:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            yield Path(folder)


@pytest.fixture(params=[True, False], ids=["by descriptor", "by path"])
def prefix(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(bubblewrap, "takes", lambda program, option: request.param)
    for name in ("app", "other"):
        (tmp_path / name).mkdir()
    return ["/usr/bin/bwrap", "--bind", str(tmp_path / "app"), str(tmp_path / "app"), "--"]


def test_the_project_that_was_looked_at_is_bound(prefix: list[str], tmp_path: Path) -> None:
    with held(prefix, {str(tmp_path / "app"): (tmp_path / "app").stat().st_ino}) as (words, fds):
        assert "--seccomp" in words and fds
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fds[0])


def test_one_that_was_exchanged_stops_the_start(prefix: list[str], tmp_path: Path) -> None:
    own = {str(tmp_path / "app"): (tmp_path / "app").stat().st_ino}
    (tmp_path / "app").rename(tmp_path / "away")
    (tmp_path / "other").rename(tmp_path / "app")
    with pytest.raises(UserError, match="was replaced"), held(prefix, own):
        pytest.fail("it was bound")


def test_without_walls_nothing_is_held() -> None:
    with held([]) as (words, fds):
        assert (words, fds) == ([], ())


def run(program: bytes, architecture: int, number: int) -> int:
    """What the kernel would make of the filter: a classic BPF machine of the three instructions that it has."""
    code = [struct.unpack("=HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    data, accumulator, at = {0: number, 4: architecture}, 0, 0
    for _ in range(1000):
        operation, yes, no, value = code[at]
        if operation == 0x20:
            accumulator = data[value]
        elif operation == 0x15:
            at += yes if accumulator == value else no
        else:
            return int(value)
        at += 1
    raise AssertionError("the filter does not end")


@pytest.mark.parametrize("architecture", calls.REFUSED)
def test_keyrings_do_not_exist_and_every_other_call_does(architecture: int) -> None:
    refused = set(calls.REFUSED[architecture])
    for number in {*range(600), *refused}:
        answer = run(calls.program(), architecture, number)
        assert answer == (0x00050000 | 38 if number in refused else 0x7FFF0000), number


def test_an_architecture_that_is_not_known_is_left_alone() -> None:
    assert run(calls.program(), 0x12345678, 250) == 0x7FFF0000
    assert len(calls.program()) // 8 < 4096, "the most that the kernel takes"


def test_this_machines_is_known() -> None:
    known = {
        "x86_64": 0xC000003E,
        "aarch64": 0xC00000B7,
        "riscv64": 0xC00000F3,
        "ppc64le": 0xC0000015,
        "s390x": 0x80000016,
    }
    assert known[platform.machine()] in calls.REFUSED
