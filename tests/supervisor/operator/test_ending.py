"""``kill`` of several: what the end of one meets does not keep the others alive, and is said."""

import errno
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession, session_from
from supervisor import private_files, state_directory
from supervisor.operator import cli, ending
from supervisor.sessions.sessions_table import SessionRow
from supervisor.workers import trees

IDS = ("aaaaaaaa-1", "bbbbbbbb-2", "cccccccc-3")
NOBODY = 2**22 + 1
"""A pid that no process can have: above Linux's PID_MAX_LIMIT (include/linux/threads.h, 64 bit)."""


def session(session_id: str, folder: Path) -> ManagedSession:
    return session_from(e.SessionCreated(session_id, 1, 7, 222, str(folder), 111), 1.0)


@contextmanager
def marked_process(session_id: str) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-S", "-c", "input()"]
    with subprocess.Popen(argv, env={trees.MARK: session_id}, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


class Three:
    """Three sessions, with a process each."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.layout = Layout(folder)
        state_directory.prepare(self.layout)
        self.rows = [SessionRow(session(i, folder), ThreadView(), None, "", fresh=False, attached=0) for i in IDS]
        self.processes = [stack.enter_context(marked_process(i)) for i in IDS]


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Three]:
    with ExitStack() as stack:
        made = Three(tmp_path / "state", stack)
        monkeypatch.setattr(ending, "running", lambda _: made.rows)
        monkeypatch.setattr(ending, "known", lambda _: made.rows)
        monkeypatch.setattr(trees, "KILL_DEADLINE_S", 0.2)
        yield made


def killed(three: Three) -> tuple[int, str]:
    done = CliRunner().invoke(cli.cli, ["--state", str(three.layout.state), "kill", "--all"])
    return done.exit_code, f"{done.output}{done.exception or ''}"


def test_a_mark_that_cannot_be_written_keeps_no_process_alive_and_is_said(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = three.layout.session(IDS[1]).stop_mark

    def writes(path: Path, data: bytes, *, durable: bool = False) -> None:
        if path == full:
            raise OSError(errno.ENOSPC, "No space left on device")
        private_files.write_private(path, data, durable=durable)

    monkeypatch.setattr(ending, "write_private", writes)
    code, said = killed(three)
    assert [process.wait(5) for process in three.processes] == [-9, -9, -9]
    assert "could not be noted (No space left on device): a supervisor may start it again" in said
    assert code == 1 and "1 sessions may be started again" in said
    assert all(three.layout.session(i).stop_mark.exists() for i in (IDS[0], IDS[2]))


def test_what_the_end_of_a_session_met_is_said_also_where_it_left_strays(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writes(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ending, "write_private", writes)
    monkeypatch.setattr(trees, "end", lambda *_: [NOBODY])
    assert killed(three)[1].count(f"{NOBODY} (it ended just now); that it is to stay ended could not be noted") == 3
    assert [process.wait(5) for process in three.processes] == [-9, -9, -9], "as strays"


def test_a_bell_that_cannot_be_rung_ends_them_all_the_same(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    def rings(_: Layout) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(state_directory, "ring", rings)
    code, said = killed(three)
    assert (code, said.count("ended; nothing of it is left")) == (0, 3)


def refused_for(pid: int, sends: Callable[..., None]) -> Callable[..., None]:
    def send(self: psutil.Process, *signal: int) -> None:
        if self.pid == pid:
            raise psutil.AccessDenied(pid)
        sends(self, *signal)

    return send


def test_a_process_of_another_user_is_named_with_its_owner_and_the_others_end(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = three.processes[0]
    for name in ("suspend", "kill", "terminate", "send_signal"):
        monkeypatch.setattr(psutil.Process, name, refused_for(foreign.pid, getattr(psutil.Process, name)))
    code, said = killed(three)
    owner = psutil.Process(foreign.pid).username()
    assert f"could not end {foreign.pid} (it is {owner}'s; end it as that user or as root)" in said
    assert [process.wait(5) for process in three.processes[1:]] == [-9, -9]
    assert code == 1 and "1 processes are still there" in said


def test_a_process_that_waits_in_the_kernel_is_said_to_wait_there(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = three.processes[2].pid
    for name in ("suspend", "kill", "terminate", "send_signal"):
        monkeypatch.setattr(psutil.Process, name, lambda *_: None)
    monkeypatch.setattr(psutil.Process, "status", lambda _: psutil.STATUS_DISK_SLEEP)
    ended = ending.end(three.layout, three.rows[2])
    assert ended.in_words() == (
        f"could not end {stuck} (it waits in the kernel, for a disk or a network share, and ends when that answers)"
    )


def test_a_process_that_is_gone_by_then_is_said_to_be() -> None:
    with marked_process("dddddddd-4") as process:
        pass
    assert trees.why_there(process.pid) == "it ended just now"
