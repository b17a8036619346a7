"""The commands a person types, against real workers, with and without a supervisor."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol.layout import Layout
from bridge.session.managed import ManagedSession
from bridge.session.states import SessionState
from stages import forked
from stages.backstage import ADA, Backstage, backstage, folder_of_a_stage
from stages.support import ROOT, awaited, scripted_claude, until
from supervisor import locks, places, state_directory
from supervisor.operator import ending, session_list
from supervisor.sessions import session_logs
from supervisor.sessions.store import Store
from supervisor.workers import trees

KEYS = [
    *("session", "thread", "directory", "state", "worker_pid", "child_pid", "started", "last_activity", "messages"),
    *("cost_usd", "input_tokens", "output_tokens", "rss_bytes", "cpu_percent", "attached", "contained"),
    *("title", "channel", "owner", "beside"),
]


def write_config(stage: Backstage) -> Path:
    """One that `run` would start with."""
    path, token = stage.folder / "config.toml", stage.folder / "token"
    if not path.exists():
        token.touch(0o600)
        token.write_text("a token")
        lines = [
            f'[discord]\ntoken_file = "{token}"\napi_base = "http://127.0.0.1:1"',
            "[access]\nusers = [111]",
            f'[[channels]]\nid = 222\ndirectory = "{stage.project}"',
            f"[claude]\ncommand = {json.dumps(scripted_claude())}",
            f'[state]\ndirectory = "{stage.layout.state}"',
        ]
        path.write_text("\n".join(lines))
    return path


async def threadbridge(stage: Backstage, *args: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--config", str(write_config(stage)), *args]
    return await asyncio.to_thread(forked.run, arguments, os.environ, ROOT)


async def listed(stage: Backstage) -> list[dict[str, object]]:
    done = await threadbridge(stage, "list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@awaited
async def test_list_tells_of_a_session_that_waits_for_a_decision() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        await stage.asks(session)
        (line,) = await listed(stage)
        assert list(line) == KEYS
        assert line["state"] == "awaiting"
        assert line["thread"] == session.thread_id
        assert line["worker_pid"] == stage.worker_pid(session)
        assert Path(f"/proc/{line['child_pid']}").exists()
        assert int(str(line["rss_bytes"])) > 10_000_000
        table = (await threadbridge(stage, "list")).stdout
        assert "awaiting" in table
        assert str(session.thread_id) in table


@awaited
async def test_list_tells_the_truth_without_a_supervisor() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("sleep 1\nsay done")
            await until(lambda: stage.live(session).is_processing, "a running turn")
        log = stage.layout.session(session.session_id).log
        await until(lambda: b"TurnEnded" in log.read_bytes(), "the end of the turn")
        (line,) = await listed(stage)
        assert (line["state"], line["attached"]) == ("idle", False)
        assert float(str(line["cost_usd"])) > 0
        done = await threadbridge(stage, "kill", "--all")
        assert done.returncode == 0, done.stderr
        (line,) = await listed(stage)
        assert (line["state"], line["worker_pid"], line["rss_bytes"]) == ("ended", None, 0)
        async with stage.running():
            await until(lambda: stage.manager.row(session.session_id).ended_at, "the mark is obeyed")
            dormant = SessionState.DORMANT
            await until(lambda: stage.live(session).state is dormant, "its log, told by a worker that does no more")
            await until(lambda: not stage.worker_pid(session), "the end of that worker")
        assert log.read_bytes().count(b"ChildStarted") == 1, "nothing that was stopped is resurrected"


async def busy_with_orphans(stage: Backstage) -> ManagedSession:
    """A session whose child left processes that fled their parents by setsid and double forks."""
    flight = "(setsid sh -c '(setsid sleep 321 &) ; sleep 321' &) ; touch fled.txt"
    session = stage.session(f"run {flight}\nrun touch never.txt")
    stage.manager.decide(await stage.asks(session), "allowed", ADA)
    await until((stage.project / "fled.txt").exists, "the flight")
    await until(lambda: stage.live(session).requests, "the second request")
    return session


@pytest.mark.parametrize("containment", ["project", "none"])
def test_kill_leaves_nothing_of_a_session_not_even_what_fled(containment: str) -> None:
    @awaited
    async def play() -> None:
        async with backstage(containment=containment) as stage:
            session = await busy_with_orphans(stage)
            tree = trees.tree_of(stage.worker_pid(session), trees.marked([session.session_id])[session.session_id])
            assert len(tree) >= 4, "worker, child and the two that fled"
            done = await threadbridge(stage, "kill", session.session_id[:8])
            assert done.returncode == 0, done.stderr
            assert "nothing of it is left" in done.stdout
            assert not [process for process in tree if process.is_running()]
            await until(lambda: stage.manager.row(session.session_id).ended_at, "the supervisor heard of it")

    play()


@awaited
async def test_kill_ends_even_a_worker_that_hangs() -> None:
    async with backstage(containment="none") as stage:
        session = stage.session("hang hard")
        await until(lambda: stage.live(session).child_pid, "a child")
        pid = stage.worker_pid(session)
        os.kill(pid, 19)
        trees.LADDER_DEADLINE_S, usual = 0.3, trees.LADDER_DEADLINE_S
        try:
            assert await asyncio.to_thread(trees.end, session.session_id, pid) == []
        finally:
            trees.LADDER_DEADLINE_S = usual
        assert trees.marked([session.session_id])[session.session_id] == []


@awaited
async def test_a_target_that_is_no_session_is_said_and_fails() -> None:
    async with backstage() as stage:
        one, two = stage.session("say one"), stage.session("say two")
        await stage.settles(one)
        await stage.settles(two)
        for target in ("123456789012345678", "zzz", "fffffffffff"):
            done = await threadbridge(stage, "kill", target)
            assert done.returncode != 0
            assert f"there is no session '{target}'" in done.stderr
        by_thread = await threadbridge(stage, "kill", str(one.thread_id))
        assert by_thread.returncode == 0, by_thread.stderr
        assert (await threadbridge(stage, "kill")).returncode != 0


@awaited
async def test_log_shows_the_records_and_follows_them() -> None:
    async with backstage() as stage:
        session = stage.session("say Hello there")
        await stage.settles(session)
        shown = await threadbridge(stage, "log", session.session_id)
        assert "TextWritten" in shown.stdout
        assert "Hello there" in shown.stdout
        lines = (await threadbridge(stage, "log", str(session.thread_id), "--json")).stdout.splitlines()
        assert json.loads(lines[0])["event"]["kind"] == "SessionCreated"
        argv = [sys.executable, "-m", "supervisor.operator.cli", "--config", str(write_config(stage))]
        following = await asyncio.create_subprocess_exec(
            *argv, "log", "--follow", session.session_id, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert following.stdout
        stage.prompt(session, "say once more")
        seen = ""
        while "once more" not in seen:
            seen = (await asyncio.wait_for(following.stdout.readline(), 15)).decode()
        following.terminate()
        await following.wait()


# --- check -------------------------------------------------------------------------------------------

SOMEBODY_ELSES = "deadbeef-0000-4000-8000-000000000001"


@contextlib.contextmanager
def marked_process(session_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """What a session leaves behind when its worker dies and something fled from it."""
    process = subprocess.Popen(["sleep", "300"], env={**os.environ, trees.MARK: session_id})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def waiting_worker(session_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that never hears its start message, and so never takes its lock."""
    reading, writing = os.pipe()
    argv = [sys.executable, "-I", "-m", "worker", "--session", session_id, "--start-fd", str(reading)]
    worker = subprocess.Popen(argv, pass_fds=(reading,), cwd="/")
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        os.close(reading)
        os.close(writing)


async def checked(stage: Backstage, *args: str) -> tuple[int, dict[str, dict[str, object]]]:
    """(exit code, the findings by their kind)."""
    done = await threadbridge(stage, "check", "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, {finding["kind"]: finding for finding in json.loads(done.stdout)}


async def one_ended_session(stage: Backstage) -> ManagedSession:
    async with stage.running():
        session = stage.session("say hello")
        await stage.settles(session)
    os.close(state_directory.prepare(stage.layout))
    done = await threadbridge(stage, "kill", "--all")
    assert done.returncode == 0, done.stderr
    return session


@awaited
async def test_check_of_a_healthy_place_finds_nothing_wrong() -> None:
    async with backstage() as stage:
        os.close(state_directory.prepare(stage.layout))
        session = stage.session("say hello")
        await stage.settles(session)
        code, found = await checked(stage)
        assert code == 0
        assert [kind for kind, finding in found.items() if finding["is_wrong"]] == []
    async with folder_of_a_stage() as empty:
        empty.layout.sessions.rmdir()
        empty.layout.sockets.rmdir()
        empty.layout.state.rmdir()
        done = await threadbridge(empty, "check")
        assert done.returncode == 1
        assert f"there is no state directory: looked at {empty.layout.state}" in done.stderr
        assert "or set it up: threadbridge setup" in done.stderr


@awaited
async def test_check_says_in_a_line_who_holds_the_sessions_of_the_running_supervisor_to_their_limits() -> None:
    async with folder_of_a_stage() as stage:
        lock = state_directory.prepare(stage.layout)
        try:
            words = (await threadbridge(stage, "check")).stdout
        finally:
            os.close(lock)
        (line,) = [line for line in words.splitlines() if line.startswith("limits: ")]
        assert ("the kernel holds" in line) != ("each worker counts once a second" in line)
        assert "limits: " not in (await threadbridge(stage, "check")).stdout


@awaited
async def test_check_finds_strays_and_ends_those_of_our_sessions_only() -> None:
    async with folder_of_a_stage() as stage:
        session = await one_ended_session(stage)
        with marked_process(session.session_id) as ours, marked_process(SOMEBODY_ELSES) as others:
            code, found = await checked(stage)
            assert code == 1
            assert (found["stray"]["session"], found["stray"]["pids"]) == (session.session_id, [ours.pid])
            words = (await threadbridge(stage, "check")).stdout
            assert "threadbridge check --end-strays" in words
            assert str(others.pid) not in words
            code, found = await checked(stage, "--end-strays")
            assert (code, "stray" in found) == (0, False)
            assert ours.wait(5) == -9
            assert others.poll() is None


@awaited
async def test_restore_says_which_sessions_still_run_from_the_state_before_and_how_they_are_ended() -> None:
    async with folder_of_a_stage() as stage:
        session = await one_ended_session(stage)
        file, back = str(stage.folder / "backup"), str(stage.folder / "back")
        assert (await threadbridge(stage, "backup", file)).returncode == 0
        with marked_process(session.session_id) as ours, marked_process(SOMEBODY_ELSES) as others:
            done = await threadbridge(stage, "--state", back, "restore", file)
            assert f"1 of its sessions still run, from the state before (pids {ours.pid})." in done.stdout
            assert done.returncode == 0 and f"--state {back} check --end-strays" in done.stdout
            await threadbridge(stage, "--state", back, "check", "--end-strays")
            assert ours.wait(5) == -9 and others.poll() is None
        done = await threadbridge(stage, "--state", f"{back}2", "restore", file)
        assert "files are back; start the bridge.\nWhat was allowed for longer" in done.stdout


@awaited
async def test_kill_all_ends_strays_too_also_of_sessions_that_the_store_does_not_know() -> None:
    async with folder_of_a_stage() as stage:
        session = await one_ended_session(stage)
        for path in stage.layout.state.glob("threadbridge.db*"):
            path.unlink()
        with marked_process(session.session_id) as ours, marked_process(SOMEBODY_ELSES) as others:
            done = await threadbridge(stage, "kill", "--all")
            assert done.returncode == 0, done.stderr
            assert ours.wait(5) == -9
            assert others.poll() is None


@awaited
async def test_a_worker_that_stopped_before_it_took_its_lock_is_found_and_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_list, "WORKER_STARTS_S", 0.1)
    async with folder_of_a_stage() as stage:
        session = await one_ended_session(stage)
        with waiting_worker(session.session_id) as worker:
            found = await until(lambda: session_list.strays(stage.layout, [session.session_id]), "the stray")
            assert [process.pid for process in found[session.session_id]] == [worker.pid]
            worker.send_signal(signal.SIGSTOP)
            assert ending.end_strays(stage.layout) == {session.session_id: ending.Ended()}
            assert worker.wait(5) == -9


@awaited
async def test_check_finds_a_worker_that_the_store_does_not_know_and_list_tells_of_it() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("say hello")
            await stage.settles(session)
            pid = stage.worker_pid(session)
        for path in stage.layout.state.glob("threadbridge.db*"):
            path.unlink()
        Store(stage.layout.database).close()
        code, found = await checked(stage)
        assert code == 1
        assert (found["unknown_worker"]["session"], found["unknown_worker"]["pids"]) == (session.session_id, [pid])
        (line,) = await listed(stage)
        assert (line["session"], line["worker_pid"], line["state"]) == (session.session_id, pid, "idle")
        assert (await threadbridge(stage, "kill", "--all")).returncode == 0
        assert stage.worker_pid(session) == 0


@awaited
async def test_check_finds_damage_and_open_doors_and_says_what_to_do() -> None:
    async with folder_of_a_stage() as stage:
        session = await one_ended_session(stage)
        with stage.layout.session(session.session_id).log.open("ab") as log:
            log.write(b"no record\n")
        stage.layout.state.chmod(0o755)
        stale = stage.layout.sockets / "0123456789ab-01234567.sock"
        stale.touch()
        stage.layout.database.write_bytes(b"not a database" * 1000)
        code, found = await checked(stage)
        assert code == 1
        assert {"log_damaged", "exposed", "store_damaged"} <= found.keys()
        assert not found["stale_socket"]["is_wrong"]
        assert all(finding["todo"] for finding in found.values())
        assert (await listed(stage))[0]["session"] == session.session_id, "the log still tells"


@awaited
async def test_a_state_of_a_newer_version_is_refused_by_what_must_understand_it() -> None:
    async with folder_of_a_stage() as stage:
        (stage.layout.state / "version").write_text("99\n")
        for command in (["list"], ["check"]):
            done = await threadbridge(stage, *command)
            assert done.returncode == 1
            assert "install the newer Threadbridge again" in done.stderr


@pytest.mark.parametrize("newer", ["the layout", "the store", "a wish"])
def test_kill_works_on_what_a_newer_version_wrote(newer: str) -> None:
    @awaited
    async def play() -> None:
        async with backstage() as stage:
            session = stage.session("run touch never.txt")
            await stage.asks(session)
            make_newer(stage, newer)
            done = await threadbridge(stage, "kill", session.session_id[:8])
            assert done.returncode == 0, done.stderr
            assert "nothing of it is left" in done.stdout
            assert stage.worker_pid(session) == 0
            make_older(stage)

    play()


def make_newer(stage: Backstage, what: str) -> None:
    with contextlib.closing(sqlite3.connect(stage.layout.database)) as store:
        if what == "the store":
            store.execute("PRAGMA user_version = 99")
        elif what == "a wish":
            command = b'{"kind":"Teleport","to":"Mars"}'
            store.execute(
                "INSERT INTO inbox (session_id, key, command, created_at) SELECT session_id, 'new', ?, 1 FROM sessions",
                (command,),
            )
        store.commit()
    if what == "the layout":
        (stage.layout.state / "version").write_text("99\n")


def make_older(stage: Backstage) -> None:
    with contextlib.closing(sqlite3.connect(stage.layout.database)) as store:
        store.execute("PRAGMA user_version = 1")
        store.execute("DELETE FROM inbox WHERE key = 'new'")
        store.commit()


@awaited
async def test_kill_all_leaves_sessions_alone_that_sleep_or_are_ended() -> None:
    async with backstage() as stage:
        asleep, awake, ended = stage.session(""), stage.session("run touch x.txt"), stage.session("")
        await stage.asks(awake)
        stage.manager.destroy_session(ended.session_id, "over")
        done = await threadbridge(stage, "kill", "--all")
        assert done.returncode == 0, done.stderr
        assert awake.session_id in done.stdout
        await until(lambda: stage.manager.row(awake.session_id).ended_at, "its end")
        for session in (asleep, ended):
            assert session.session_id not in done.stdout
            assert not stage.layout.session(session.session_id).stop_mark.exists()
        assert stage.manager.row(asleep.session_id).ended_at is None
        again = await threadbridge(stage, "kill", "--all")
        assert again.returncode == 0
        assert f"Nothing runs in {stage.layout.state}" in again.stdout


@awaited
async def test_a_setting_alone_wakes_nobody_so_kill_all_leaves_that_session_alone() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            asleep, waits = stage.session(""), stage.session("")
            stage.manager.configure(asleep.session_id, "c1", "model", "opus")
        store = Store(stage.layout.database)
        with store.transaction():
            store.wish(waits.session_id, c.Prompt(5, "go", ADA.user_id, "Ada"), 1.0)
        store.close()
        assert [row.session.session_id for row in session_list.running(stage.layout)] == [waits.session_id]


@awaited
async def test_whether_anything_waits_is_asked_of_the_store_once() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            for _ in range(20):
                stage.session("")
        opened: list[Path] = []

        def seen(path: Path, *, read_only: bool) -> Store:
            opened.append(path)
            return Store(path, read_only=read_only)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session_list, "Store", seen)
            assert session_list.running(stage.layout) == []
        assert len(opened) <= 2


def test_a_worker_that_is_told_nothing_refuses_in_words() -> None:
    argv = [sys.executable, "-I", "-m", "worker", "--session", "x"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "required" in done.stderr and "Traceback" not in done.stderr


def test_a_configuration_that_was_found_and_is_broken_is_said(tmp_path: Path) -> None:
    (tmp_path / ".config/threadbridge").mkdir(parents=True)
    (tmp_path / ".config/threadbridge/config.toml").write_text("[state\n")
    os.close(state_directory.prepare(Layout(tmp_path / ".local/state/threadbridge")))
    done = anywhere(tmp_path, "list")
    assert "going on without the configuration" in done.stderr and "is not TOML" in done.stderr
    assert "Traceback" not in done.stderr


@awaited
async def test_kill_reads_no_log_but_its_beginning() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("say hello")
            await stage.settles(session)
            stage.manager.destroy_session(session.session_id, "over")
            await until(lambda: not stage.worker_pid(session), "its end")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session_logs, "read_log", lambda *_, **__: pytest.fail("a log was read"))
            assert session_list.running(stage.layout) == []
            assert session_list.find(stage.layout, session.session_id[:8]).session.session_id == session.session_id


# --- where the state is ------------------------------------------------------------------------------


AS_ANOTHER = """
import os, sys
# The interpreter itself may be out of the other user's reach: all is imported before.
from supervisor.operator import checkup, cli, ending, session_list, preflight
from supervisor.sessions import session_logs
os.setgroups([]), os.setgid(65534), os.setuid(65534)
cli.main()
"""


def anywhere(home: Path, *args: str, as_another: bool = False) -> subprocess.CompletedProcess[str]:
    """A command as a person types it, with no configuration: in an environment of its own, maybe as another user."""
    how = ["-c", AS_ANOTHER] if as_another else ["-m", "supervisor.operator.cli"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home)}
    argv = [sys.executable, *how, *args]
    return subprocess.run(argv, cwd="/", env=environment, capture_output=True, text=True, timeout=60, check=False)


@awaited
async def test_the_commands_find_the_state_of_the_service_that_runs(tmp_path: Path) -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        await stage.asks(session)
        runtime = tmp_path / "run"
        runtime.mkdir()
        lock = locks.take(stage.layout.supervisor_lock)
        assert lock is not None
        try:
            places.leave_note(stage.layout, {"XDG_RUNTIME_DIR": str(runtime)})
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HOME", str(tmp_path))
                patch.setattr(places, "_may_hold", lambda note: note.pid == os.getpid())
                found = places.candidates({"HOME": str(tmp_path)}, tmp_path)
        finally:
            os.close(lock)
        assert found[0] == stage.layout.state
        assert places.choose(found) == stage.layout.state


def test_a_note_of_a_supervisor_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    os.close(state_directory.prepare(layout))
    runtime = tmp_path / "run"
    runtime.mkdir()
    places.leave_note(layout, {"RUNTIME_DIRECTORY": str(runtime)})
    assert layout.state not in places.candidates({"HOME": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize("command", [["list"], ["check"], ["kill", "--all"], ["log", "abc"]])
def test_without_any_state_each_command_names_where_it_looked_and_fails(tmp_path: Path, command: list[str]) -> None:
    done = anywhere(tmp_path, *command)
    if not Path("/var/lib/threadbridge").exists():
        assert done.returncode == 1
        assert "there is no state directory: looked at" in done.stderr
        assert "/var/lib/threadbridge" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["list"], ["check"], ["kill", "--all"], ["kill", "abc"], ["log", "abc"]])
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user, and so root")
def test_another_user_is_told_whose_state_it_is(command: list[str]) -> None:
    @awaited
    async def play() -> None:
        async with folder_of_a_stage() as stage:
            os.close(state_directory.prepare(stage.layout))
            argv = ["--state", str(stage.layout.state), *command]
            done = await asyncio.to_thread(lambda: anywhere(Path("/nonexistent"), *argv, as_another=True))
            assert done.returncode == 1
            assert str(stage.layout.state) in done.stderr
            assert "Traceback" not in done.stderr

    play()


@pytest.mark.skipif(os.geteuid() != 0, reason="root looks at another user's state")
@awaited
async def test_root_finds_nothing_wrong_with_another_users_state_and_leaves_nothing_of_its_own() -> None:
    async with folder_of_a_stage() as stage:
        os.close(state_directory.prepare(stage.layout))
        Store(stage.layout.database).close()
        for path in (stage.layout.state, *stage.layout.state.rglob("*")):
            os.chown(path, 65534, 65534)
            path.chmod(0o700 if path.is_dir() else 0o600)
        code, found = await checked(stage)
        assert (code, [kind for kind, finding in found.items() if finding["is_wrong"]]) == (0, [])
        state_directory.ring(stage.layout)
        assert {path.stat().st_uid for path in stage.layout.state.rglob("*")} == {65534}


# --- run: what it refuses ----------------------------------------------------------------------------


def run_config(stage: Backstage) -> str:
    lines = [
        '[discord]\napi_base = "http://127.0.0.1:1/api/v10"',
        "[access]\nusers = [111]",
        f'[[channels]]\nid = 222\ndirectory = "{stage.project}"',
        f'[claude]\ncommand = ["{sys.executable}"]',
        f'[state]\ndirectory = "{stage.layout.state}"',
    ]
    path = stage.folder / "run.toml"
    path.write_text("\n".join(lines))
    return str(path)


def refused_run(stage: Backstage) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "supervisor.operator.cli", "run", "--config", run_config(stage)]
    environment = {**os.environ, "DISCORD_TOKEN": "none"}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@awaited
async def test_run_refuses_a_damaged_store_with_words_and_for_good() -> None:
    async with folder_of_a_stage() as stage:
        stage.layout.database.write_bytes(b"not a database" * 1000)
        done = await asyncio.to_thread(refused_run, stage)
        assert done.returncode == 78, done.stderr
        assert "move it away and start again" in done.stderr
        assert "Traceback" not in done.stderr


@awaited
async def test_a_second_supervisor_is_refused() -> None:
    async with folder_of_a_stage() as stage:
        lock = state_directory.prepare(stage.layout)
        try:
            done = await asyncio.to_thread(refused_run, stage)
        finally:
            os.close(lock)
        assert done.returncode == 78, done.stderr
        assert f"another supervisor (pid {os.getpid()})" in done.stderr


@awaited
async def test_run_ends_for_now_when_somebody_has_the_store_locked() -> None:
    async with folder_of_a_stage() as stage:
        os.close(state_directory.prepare(stage.layout))
        store = Store(stage.layout.database)
        with store.transaction():
            done = await asyncio.to_thread(refused_run, stage)
        store.close()
        assert done.returncode == 75, done.stderr
        assert "another program has it locked" in done.stderr
        assert "Traceback" not in done.stderr


@awaited
async def test_list_of_an_empty_place_is_empty() -> None:
    async with folder_of_a_stage() as stage:
        assert await listed(stage) == []
        assert "There are no sessions" in (await threadbridge(stage, "list")).stdout


@pytest.mark.parametrize(
    ("command", "heavy"),
    [("cli", ("nextcord", "zmq", "aiohttp", "sqlite3", "wcwidth")), ("session_list", ("nextcord", "zmq", "aiohttp"))],
)
def test_a_command_loads_only_what_it_needs(command: str, heavy: tuple[str, ...]) -> None:
    loads = f"import sys; from supervisor.operator import {command}"
    code = f"{loads}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
