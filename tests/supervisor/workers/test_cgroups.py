"""How the service's cgroup is divided: on a folder that looks like the kernel's, with its files."""

import os
from pathlib import Path

import pytest

from supervisor.workers import cgroups


class Unit:
    """A unit's cgroup, and what a process in it reads of itself."""

    def __init__(self, folder: Path) -> None:
        self.base = folder / "mounted/system.slice/threadbridge.service"
        (self.base / "supervisor").mkdir(parents=True)
        (self.base / "supervisor/cpu.weight").touch()
        self.write(controllers="cpu memory pids io", subtree_control="", procs="")
        self.proc = folder / "self"
        self.proc.mkdir()
        self.is_in("/system.slice/threadbridge.service/supervisor")
        other = "24 1 0:22 / /proc rw - proc proc rw\n"
        mounted = f"30 23 0:26 / {folder / 'mounted'} rw,nosuid - cgroup2 cgroup2 rw\n"
        (self.proc / "mountinfo").write_text(other + mounted)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.base / f"cgroup.{name}").write_text(text)

    def is_in(self, path: str) -> None:
        (self.proc / "cgroup").write_text(f"4:memory:/elsewhere\n0::{path}\n")


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    """The kernel's own part: what is written as +name is on."""

    def switch_on(base: Path, name: str) -> None:
        with (base / "cgroup.subtree_control").open("a") as file:
            file.write(f"{name} ")

    monkeypatch.setattr(cgroups, "_switch_on", switch_on)
    return Unit(tmp_path)


def test_where_systemd_gave_us_a_part_the_kernel_holds_the_limits(unit: Unit) -> None:
    found = cgroups.prepare(unit.proc)
    assert found == cgroups.Cgroup(str(unit.base), controllers=("memory", "pids", "cpu"))
    assert (unit.base / "supervisor/cpu.weight").read_text() == str(cgroups.OUR_CPU_WEIGHT)
    assert "the kernel holds each session" in cgroups.in_words(found)


def test_a_users_own_unit_is_divided_just_so(unit: Unit) -> None:
    users = "/user.slice/user-1000.slice/user@1000.service/app.slice/threadbridge.service"
    base = unit.base.parents[1] / users[1:]
    base.parent.mkdir(parents=True)
    unit.base.rename(base)
    unit.is_in(f"{users}/supervisor")
    assert cgroups.prepare(unit.proc).directory == str(base)


def test_a_supervisor_in_the_units_own_cgroup_never_divides_it(unit: Unit) -> None:
    unit.is_in("/system.slice/threadbridge.service")
    found = cgroups.prepare(unit.proc)
    assert not found.directory and "DelegateSubgroup=supervisor" in found.why
    assert not (unit.base / "cgroup.subtree_control").read_text()
    assert "each worker counts" in cgroups.in_words(found)


def test_without_a_controller_or_without_version_2_it_says_so(unit: Unit) -> None:
    unit.write(controllers="hugetlb")
    assert "no controller" in cgroups.prepare(unit.proc).why
    (unit.proc / "mountinfo").write_text("")
    assert "version 2" in cgroups.prepare(unit.proc).why


def test_what_the_kernel_does_not_hold_is_named(unit: Unit) -> None:
    unit.write(controllers="pids")
    assert "not memory and cpu" in cgroups.in_words(cgroups.prepare(unit.proc))


def test_processes_of_an_older_version_are_moved_aside_because_the_kernel_would_refuse(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit.write(procs="71\n72\n")
    moved: list[str] = []
    write = Path.write_text

    def written(path: Path, text: str) -> int:
        if path == unit.base / "earlier/cgroup.procs":
            moved.append(text)
            unit.write(procs="")
            return len(text)
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", written)
    assert cgroups.prepare(unit.proc).directory
    assert moved == ["71", "72"]


def test_what_dead_workers_left_is_removed_and_what_lives_stays(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("session-0123", "session-4567", "other"):
        (unit.base / name).mkdir()
    (unit.base / "session-4567/alive").touch()  # as the kernel refuses to remove what is not empty
    cgroups.prepare(unit.proc)
    assert sorted(path.name for path in unit.base.iterdir() if path.is_dir()) == ["other", "session-4567", "supervisor"]


def test_one_that_cannot_be_divided_says_why(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(base: Path) -> None:
        raise PermissionError(13, "Permission denied", str(base))

    monkeypatch.setattr(cgroups, "_empty", refused)
    assert "Permission denied" in cgroups.prepare(unit.proc).why


def test_the_one_of_this_very_process_is_found_or_its_absence_said() -> None:
    found = cgroups.of_supervisor(os.getpid())
    assert bool(found.directory) != bool(found.why)
