"""The state directory: whose it is, which version, and that only one supervisor has it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.protocol.errors import LocalError, UserError
from bridge.protocol.layout import Layout
from stages.support import ROOT
from supervisor import state_directory
from supervisor.private_files import write_private

SECOND = """
import sys
from pathlib import Path
from bridge.protocol.errors import UserError
from bridge.protocol.errors import LocalError
from bridge.protocol.layout import Layout
from supervisor import state_directory
try:
    state_directory.prepare(Layout(Path(sys.argv[1])))
except UserError as error:
    print(error)
"""


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def prepared(layout: Layout) -> None:
    os.close(state_directory.prepare(layout))


def test_a_new_state_directory_is_ours_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "new/state")
    prepared(layout)
    for folder in (layout.state, layout.sessions, layout.sockets):
        assert mode_of(folder) == 0o700
    assert state_directory.exposed(layout) == []


def test_what_was_left_open_to_others_is_shut(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    prepared(layout)
    layout.database.write_bytes(b"")
    for path, mode in ((layout.state, 0o755), (layout.sessions, 0o777), (layout.database, 0o644)):
        path.chmod(mode)
    assert set(state_directory.exposed(layout)) == {layout.state, layout.sessions, layout.database}
    prepared(layout)
    assert state_directory.exposed(layout) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to somebody else")
def test_a_state_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    prepared(layout)
    os.chown(layout.state, 65534, 65534)
    with pytest.raises(UserError, match="belongs to the user with the id 65534"):
        state_directory.prepare(layout)


def test_a_second_supervisor_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    lock = state_directory.prepare(layout)
    try:
        argv = [sys.executable, "-c", SECOND, str(layout.state)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=20)
    finally:
        os.close(lock)
    assert f"another supervisor (pid {os.getpid()}) runs on the state directory" in done.stdout


def test_a_state_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(tmp_path)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("may not mount here")
    else:
        tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match=r"state.directory: .* cannot be used: (Read-only|Permission)"):
            state_directory.prepare(Layout(tmp_path / "state"))
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(tmp_path)], check=True)
        else:
            tmp_path.chmod(0o700)


@pytest.mark.parametrize(("text", "words"), [("2", "version 2"), ("not ours", "holds no version")])
def test_a_directory_of_another_layout_is_refused(tmp_path: Path, text: str, words: str) -> None:
    layout = Layout(tmp_path / "state")
    prepared(layout)
    (layout.state / "version").write_text(text)
    with pytest.raises(UserError, match=words):
        state_directory.prepare(layout)


def test_a_directory_from_before_there_were_versions_is_of_the_first(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    prepared(layout)
    (layout.state / "version").unlink()
    prepared(layout)
    assert (layout.state / "version").read_text() == f"{state_directory.LAYOUT_VERSION}\n"


def test_endpoints_of_workers_that_are_gone_are_swept(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    prepared(layout)
    dead = layout.sockets / "0123456789ab-01234567.sock"
    dead.touch()
    assert state_directory.stale_sockets(layout) == [dead]
    prepared(layout)
    assert not dead.exists()


def test_a_private_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write_private(path, b"old")
    path.chmod(0o644)
    write_private(path, b"new", durable=True)
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_the_bell_may_be_rung_by_many_at_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: state_directory.ring(layout), range(64)))
    before = state_directory.rung(layout)
    state_directory.ring(layout)
    assert state_directory.rung(layout) > before > 0


def test_that_another_directory_stands_in_its_place_is_said_without_its_path(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    state_directory.prepare(layout)
    known = state_directory.place(layout)
    state_directory.check_place(layout, known)
    layout.state.rename(tmp_path / "moved")
    with pytest.raises(LocalError, match="was moved, removed or replaced") as raised:
        state_directory.check_place(layout, known)
    assert str(tmp_path) not in str(raised.value)
