"""One session takes too much: it is ended and told why, goes on with the next message, and no other waits for it.

The figures are of a machine with two cores. Every bomb here is bounded in count and in time by itself, so that a test
that fails leaves nothing that grows, and only what a test's own session started is ever ended.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.limits import Limits
from bridge.session.managed import ManagedSession
from stages.backstage import Backstage, backstage
from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited, until
from supervisor.sessions import session_logs
from supervisor.workers import cgroups
from supervisor.workers.starts import Surroundings
from twins.discord.model import Channel, Message
from worker.rank import NICENESS, OOM_SCORE

MB = 1 << 20
BOMB_PROCESSES = 2000
BOMB = f"""
import os, sys, time
busy = "busy" in sys.argv
end = time.monotonic() + (6 if busy else 30)
for _ in range({BOMB_PROCESSES}):
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            while time.monotonic() < end:
                time.sleep(0 if busy else 1)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
time.sleep(end - time.monotonic())
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
    return [record.event for record in session_logs.read_log(path) if isinstance(record.event, kind)]


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


@pytest.mark.parametrize("containment", ["project", "none"])
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
        ours, workers = (Path(f"/proc/{pid}/oom_score_adj").read_text() for pid in ("self", stage.worker_pid(session)))
        assert ours == workers


# --- the kernel's limits -----------------------------------------------------------------------------


@pytest.fixture
def unit() -> Iterator[str]:
    """A cgroup of version 2 with all controllers on, as systemd gives one; empty where this machine has none."""
    mounts = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    mounted = [Path(words[4]) for words in mounts if words[words.index("-") + 1] == "cgroup2"]
    base = mounted[0] / f"threadbridge-test-{os.getpid()}" if mounted else Path("/nonexistent")
    try:
        base.mkdir()
        for name in cgroups.CONTROLLERS:
            (base / "cgroup.subtree_control").write_text(f"+{name}")
        yield str(base)
    except OSError as error:
        print(f"no kernel limits on this machine, so the workers' own are tried: {error}")
        yield ""
    finally:
        if base.exists():
            base.rmdir()


@awaited
async def test_where_there_are_controllers_the_kernel_holds_a_session_and_elsewhere_its_worker(unit: str) -> None:
    limits = Limits(memory_bytes=200 * MB, tasks=300, cpu_weight=50)
    async with backstage(around=Surroundings(cgroup=unit), limits=limits) as stage:
        hungry, bomb = script(stage.project, HUNGRY), stage.project / "forks.py"
        bomb.write_text(BOMB)
        session = await runs(stage, f"python3 {hungry} 400\nrun python3 {bomb}")
        told = await until(lambda: notices(stage, session), "the end of the tool")
        assert "limits.memory" in told[0] and ("the kernel ended" in told[0]) == bool(unit)
        assert stage.manager.decide(await stage.asks(session), "allowed")
        (ended,) = await until(lambda: exits(stage, session), "the child's end", deadline_s=30)
        assert "limits.tasks" in ended.reason and running(bomb) == 0
        if unit:
            assert any("the kernel refuses" in text for text in notices(stage, session))
        await until(lambda: not list(Path(unit or "/nonexistent").glob("session-*")), "the cgroup is removed")


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
        ended = await until(lambda: exits(stage, session), "the child's end", deadline_s=60.0)
        assert "limits.stored" in ended[0].reason and "1 MB" in ended[0].reason
        stage.prompt(session, "say never said")
        again = await until(lambda: exits(stage, session)[1:], "the refusal", deadline_s=60.0)
        assert "is not started" in again[0].reason and again[0].is_final
        await until(lambda: any("is not started" in post for post in stage.posts(session)), "the words in the thread")
        size = stage.layout.session(session.session_id).log.stat().st_size
        assert size < 8 * MB


@awaited
async def test_a_tmp_that_takes_too_much_ends_the_child_and_the_next_begins_with_an_empty_one() -> None:
    async with backstage(limits=Limits(private_bytes=20 * MB)) as stage:
        session = await runs(stage, "head -c 40M /dev/zero > /tmp/full; sleep 20")
        ended = await until(lambda: exits(stage, session), "the child's end")
        assert "limits.private" in ended[0].reason
        inside = stage.layout.session(session.session_id).inside
        await until(lambda: not list((inside / "tmp").glob("*")), "an empty /tmp")
        stage.prompt(session, "say it goes on")
        await until(lambda: any("it goes on" in post for post in stage.posts(session)), "the next turn")


@awaited
async def test_a_sessions_own_tmp_outlives_a_pause_and_is_gone_when_the_session_is_ended() -> None:
    async with backstage() as stage:
        session = await runs(stage, "echo kept > /tmp/note; echo gone > ~/note")
        await stage.settles(session)
        inside = stage.layout.session(session.session_id).inside
        assert (inside / "tmp/note").exists() and (inside / "home/note").exists()
        stage.manager.hibernate_idle(0.0)
        await until(lambda: not stage.worker_pid(session), "the pause")
        assert (inside / "tmp/note").read_text() == "kept\n" and not (inside / "home/note").exists()
        stage.prompt(session, "say awake")
        await stage.settles(session, 2)
        stage.manager.destroy_session(session.session_id, "ended")
        await until(lambda: not stage.worker_pid(session), "the end")
        assert not (inside / "tmp/note").exists()


# --- output ------------------------------------------------------------------------------------------

FLOOD_MB = 400
"""Of the 10 GB that a child may pour out; what is kept of them must not depend on how many there are."""
MOST_WORKER_MB = 250
MOST_LOG_MB = 2


def peak_mb(pid: int) -> int:
    """The most memory that a process ever had."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


@pytest.mark.parametrize("kind", ["lines", "blocks", "one line", "stderr"])
@awaited
async def test_output_that_never_comes_whole_fills_neither_the_workers_memory_nor_the_log(kind: str) -> None:
    async with backstage() as stage:
        session = stage.session(f"flood {FLOOD_MB} MB of {kind}\nsay the end of it")
        await stage.settles(session)
        assert any("the end of it" in post for post in stage.posts(session))
        assert peak_mb(stage.worker_pid(session)) < MOST_WORKER_MB
        assert stage.layout.session(session.session_id).log.stat().st_size < MOST_LOG_MB * MB


@awaited
async def test_a_tool_that_prints_without_end_leaves_16_kib_in_the_log() -> None:
    async with backstage() as stage:
        session = await runs(stage, f"head -c {FLOOD_MB // 4}M /dev/zero | tr '\\0' x")
        await stage.settles(session)
        assert peak_mb(stage.worker_pid(session)) < MOST_WORKER_MB
        assert stage.layout.session(session.session_id).log.stat().st_size < MOST_LOG_MB * MB


# --- another's card ----------------------------------------------------------------------------------

CALM = 3
BETWEEN_S = 0.7
CARD_DEADLINE_S = 2.0


async def asks(house: Playhouse, thread: Channel) -> Message:
    """The card; other posts have buttons, too."""

    def look() -> Message | None:
        return next((post for post in house.posts(thread) if "Allow" in buttons(post)), None)

    return await house.until(look, f"a card in {thread.name!r}")


async def wait_for_a_card(house: Playhouse, thread: Channel) -> float:
    """In seconds, from a person's message in a thread to the card that Claude's question makes there."""
    asked = time.monotonic()
    await house.you.says(thread.id, "run touch made.txt")
    await asks(house, thread)
    return time.monotonic() - asked


WILD = {
    "nothing": "say calm as well",
    "a bomb of 2,000 processes that compute": "run python3 bomb.py busy",
    "a disk that is written full": "run for n in 1 2 3; do head -c 300M /dev/zero > full.bin; done",
    "a tool's output without end": "run yes | head -c 300M",
    "lines": "flood 500 MB of lines",
    "blocks": "flood 500 MB of blocks",
    "texts": "flood 500 MB of texts",
    "words": "flood 2 MB of words",
    "stderr": "flood 500 MB of stderr",
}
"""What one session does while another is waited for. A twentieth of 10 GB of output, because more takes longer and
changes nothing; no disk is really filled; the bomb is of 2,000 processes, and those of it that compute hinder the rest.
"""


@pytest.mark.parametrize("what", WILD)
@awaited
async def test_another_sessions_card_comes_within_two_seconds(what: str) -> None:
    async with playhouse() as house:
        (house.project / "bomb.py").write_text(BOMB)
        calm = [await house.starts(f"say ready {number}") for number in range(CALM)]
        for thread in calm:  # each has its own limit of posts at Discord's, so one is asked once
            await house.done(thread)
        wild = await house.starts(WILD[what])
        if WILD[what].startswith("run"):
            await house.press(await asks(house, wild), "Allow")
        waits = []
        for thread in calm:
            waits.append(await wait_for_a_card(house, thread))
            await asyncio.sleep(BETWEEN_S)  # what the wild one does takes its time
        print(f"{what}: {[f'{one:.2f}' for one in waits]} {os.getloadavg()[0]}")
        assert max(waits) < CARD_DEADLINE_S, [f"{one:.2f}" for one in waits]
