"""One session takes too much: it is ended and told why, goes on with the next message, and no other waits for it.

The figures are of a machine with two cores. Every bomb here is bounded in count and in time by itself, so that a test
that fails leaves nothing that grows, and only what a test's own session started is ever ended.
"""

import os
from pathlib import Path

import pytest

from bridge import events as e
from bridge.limits import Limits
from bridge.session import ManagedSession
from processes.backstage import Backstage, backstage
from supervisor import logs
from support import awaited, until
from worker.rank import NICENESS, OOM_SCORE

MB = 1 << 20
BOMB_PROCESSES = 2000
BOMB = f"""
import os, sys, time
end = time.monotonic() + 30
for _ in range({BOMB_PROCESSES}):
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            while time.monotonic() < end:
                time.sleep(0 if "busy" in sys.argv else 1)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
time.sleep(30)
"""
"""Each leaves its parent and its process group: who walks from the tool downwards, or signals a group, misses it."""
HUNGRY = """
import sys, time
held = bytearray(int(sys.argv[1]) << 20)
held[::4096] = b"x" * len(held[::4096])
print("full", flush=True)
time.sleep(30)
"""


def events[E: e.Event](stage: Backstage, session: ManagedSession, kind: type[E]) -> list[E]:
    """Those of its log, in their order."""
    path = stage.layout.session(session.session_id).log
    return [record.event for record in logs.read_log(path) if isinstance(record.event, kind)]


def exits(stage: Backstage, session: ManagedSession) -> list[e.ChildExited]:
    return events(stage, session, e.ChildExited)


def notices(stage: Backstage, session: ManagedSession) -> list[str]:
    return [event.text for event in events(stage, session, e.Noticed)]


def running(script: Path) -> int:
    """How many processes run this very file."""
    count = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                count += os.fsencode(script) in (folder / "cmdline").read_bytes()
            except OSError:
                continue
    return count


def script(folder: Path, text: str) -> Path:
    path = folder / "bomb.py"
    path.write_text(text)
    return path


async def runs(stage: Backstage, command: str) -> ManagedSession:
    """A session whose Claude was allowed to run it."""
    session = stage.session(f"run {command}")
    assert stage.manager.decide(await stage.asks(session), "allowed")
    return session


@pytest.mark.parametrize("containment", ["required", "none"])
@awaited
async def test_a_bomb_of_2000_processes_is_ended_and_the_session_goes_on(containment: str) -> None:
    async with backstage(containment, limits=Limits(tasks=300)) as stage:
        bomb = script(stage.project, BOMB)
        session = await runs(stage, f"python3 {bomb}")
        (ended,) = await until(lambda: exits(stage, session), "the child's end", deadline_s=30)
        assert "processes and threads" in ended.reason and "limits.tasks" in ended.reason and "300" in ended.reason
        assert not ended.is_final
        assert running(bomb) == 0
        await until(lambda: any("limits.tasks" in post for post in stage.posts(session)), "the words in the thread")
        stage.prompt(session, "say still here")
        await until(lambda: any("still here" in post for post in stage.posts(session)), "the next turn")


@awaited
async def test_a_tool_that_takes_too_much_memory_is_ended_and_claudes_turn_goes_on() -> None:
    async with backstage(limits=Limits(memory_bytes=200 * MB)) as stage:
        hungry = script(stage.project, HUNGRY)
        session = await runs(stage, f"python3 {hungry} 400\nsay and on it goes")
        await stage.settles(session)
        (told,) = notices(stage, session)
        assert "python" in told and "200 MB" in told and "limits.memory" in told
        assert running(hungry) == 0 and not exits(stage, session)
        assert any("and on it goes" in post for post in stage.posts(session))


@awaited
async def test_when_all_tools_together_are_too_much_the_child_is_ended() -> None:
    async with backstage(limits=Limits(memory_bytes=200 * MB)) as stage:
        hungry = script(stage.project, HUNGRY)
        many = " & ".join([f"setsid python3 {hungry} 120"] * 4)
        session = await runs(stage, f"{many} & sleep 30")
        await until(lambda: exits(stage, session) or notices(stage, session), "the end")
        await until(lambda: running(hungry) <= 1, "no more than fits")


@awaited
async def test_the_child_is_nice_and_the_first_that_a_machine_without_memory_ends() -> None:
    async with backstage() as stage:
        session = await runs(stage, "cat /proc/self/oom_score_adj; cut -d ' ' -f 19 /proc/self/stat")
        await stage.settles(session)
        outputs = [event.output for event in events(stage, session, e.ToolFinished)]
        assert outputs == [f"{OOM_SCORE}\n{os.nice(0) + NICENESS}"]
        assert Path(f"/proc/{stage.worker_pid(session)}/oom_score_adj").read_text().strip() == "0"


# --- what is stored ----------------------------------------------------------------------------------


@awaited
async def test_a_file_that_has_no_room_is_refused_in_words_for_claude_and_nothing_of_it_is_kept() -> None:
    async with backstage(limits=Limits(stored_bytes=3 * MB)) as stage:
        for name in ("one.bin", "two.bin"):
            (stage.project / name).write_bytes(os.urandom(2 * MB))
        session = stage.session("send file one.bin\nsend file two.bin")
        await stage.settles(session)
        assert [sent.name for sent in events(stage, session, e.FileSent)] == ["one.bin"]
        refused = [f.output for f in events(stage, session, e.ToolFinished) if f.is_error]
        assert refused and "2 MB" in refused[0] and "3 MB" in refused[0] and "limits.stored" in refused[0]
        assert len(list(stage.layout.session(session.session_id).sent.iterdir())) == 1


@awaited
async def test_a_log_that_grows_beyond_its_quota_ends_the_child_and_no_other_is_started_before_there_is_room() -> None:
    async with backstage(limits=Limits(stored_bytes=MB)) as stage:
        session = stage.session("\n".join(["stream 250000 chars"] * 8 + ["sleep 20"]))
        ended = await until(lambda: exits(stage, session), "the child's end")
        assert "limits.stored" in ended[0].reason and "1 MB" in ended[0].reason
        stage.prompt(session, "say never said")
        again = await until(lambda: exits(stage, session)[1:], "the refusal")
        assert "is not started" in again[0].reason and again[0].is_final
        await until(lambda: any("is not started" in post for post in stage.posts(session)), "the words in the thread")
        size = stage.layout.session(session.session_id).log.stat().st_size
        assert size < 8 * MB
