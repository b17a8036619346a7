"""Which failures of tools are told to be a closed door, and by which key it opens."""

from pathlib import Path

import pytest

from worker.closed import MOST_TOLD, Closed

HOME = "/home/ada"
THERE = {Path(HOME, name) for name in (".ssh", ".npmrc", ".config/gh", ".tool/config.toml", ".cache/x")}


def closed(*is_open: str) -> Closed:
    return Closed(HOME, THERE.__contains__, {Path(HOME, name) for name in is_open}.__contains__)


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("git@github.com: Permission denied (publickey).\nfatal: Could not read", "~/.ssh"),
        ("To get started with GitHub CLI, please run:  gh auth login", "~/.config/gh"),
        ("npm error code E401\nnpm error Unable to authenticate", "~/.npmrc"),
        ("npm ERR! code ENEEDAUTH", "~/.npmrc"),
        (f"open {HOME}/.tool/config.toml: no such file or directory", "~/.tool/config.toml"),
        (f"Error: ENOENT, open '{HOME}/.tool/config.toml'", "~/.tool/config.toml"),
    ],
)
def test_a_closed_door_is_told_by_its_key(output: str, name: str) -> None:
    told = closed().told_of(output)
    assert f'readable = ["{name}"]' in told


@pytest.mark.parametrize(
    "output",
    [
        "",
        "1 failed, 3 passed",
        f"cat: {HOME}/.nothing: No such file or directory",
        f"rm: {HOME}/.tool/config.toml removed",
        "Unable to locate credentials",
    ],
)
def test_what_is_not_there_outside_either_is_no_closed_door(output: str) -> None:
    assert closed().told_of(output) == ""


def test_what_is_open_is_not_told() -> None:
    assert closed(".ssh").told_of("Permission denied (publickey)") == ""


def test_each_is_told_once_and_not_too_many() -> None:
    door = closed()
    assert door.told_of("Permission denied (publickey)") and not door.told_of("Permission denied (publickey)")
    many = Closed(HOME, lambda path: True, lambda path: False)
    told = [many.told_of(f"{HOME}/.f{number}: No such file or directory") for number in range(20)]
    assert sum(map(bool, told)) == MOST_TOLD


@pytest.mark.parametrize("lead", ["Not pushed: ", "Perhaps pushed: ", '[{"type":"text","text":"Not pushed: '])
def test_a_push_that_failed_outside_is_no_closed_door(lead: str) -> None:
    assert closed().told_of(f"{lead}main was not pushed: git@h: Permission denied (publickey).") == ""
