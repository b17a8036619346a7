"""`threadbridge status`: what users notice is told first, and only that makes it fail."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.support import ROOT
from supervisor import state_directory
from supervisor.assembly import session_manager
from supervisor.operator import health_file, status
from supervisor.operator.health_file import Health, HealthFile
from supervisor.operator.status import Status, Waiting
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.threads.refusals import TROUBLE, TROUBLE_KEY

NOW = 1_000_000.0
WELL = Status(
    well=True,
    troubles=(),
    notes=(),
    supervisor_pid=7,
    version="0.2.0",
    uptime_s=3600.0,
    config="/c.toml",
    state="/state",
    discord="connected to Discord",
    discord_back_s=3000.0,
    behind=0,
    identifies_left=100,
    sessions={"idle": 2},
    prompts=Waiting(),
    posts=Waiting(),
    requests=Waiting(),
    unattached=(),
    disk_free=10**12,
    told_s=1.0,
)
TOLD = Health(pid=7, version="0.2.0", started_at=NOW - 3600, at=NOW - 1, discord_back_at=NOW - 3000)


@pytest.mark.parametrize(
    ("seen", "told", "words"),
    [
        ({"supervisor_pid": 0}, {}, "no supervisor runs"),
        ({"told_s": 100.0}, {}, "the supervisor (pid 7) has said nothing for 1 min 40 s"),
        (
            {"told_s": 8.0, "is_unwritten": True},
            {},
            "can write nothing to the state's disk; what it says of itself is 8 s",
        ),
        ({"told_s": None, "is_unwritten": True}, {}, "the supervisor (pid 7) can write nothing to the state's disk"),
        ({}, {"store": "the store /x does not work now: it is locked"}, "it is locked; what people write waits"),
        ({"away_s": 61.0}, {"discord_back_at": None, "discord": "Discord is away (x)"}, "Discord is away (x)"),
        (
            {},
            {"unusable": 1, "discord": "connected; it shows us no channel 5"},
            "it shows us no channel 5; `threadbridge check`",
        ),
        ({"unread": ("0123456789ab",)}, {}, "what waits in 1 sessions (01234567) cannot be read by this version"),
        ({"barred": ("I cannot write in x", "y")}, {}, "the bridge says: I cannot write in x (2 threads in all)"),
        ({"prompts": Waiting(2, 300.0)}, {}, "2 prompts wait for Claude, the oldest for 5 min"),
        ({"posts": Waiting(3, 300.0)}, {}, "3 posts are not in Discord yet"),
        ({"disk_free": 1000}, {}, "only 1000 B are free"),
    ],
)
def test_each_thing_that_users_notice_is_a_trouble(
    seen: dict[str, object], told: dict[str, object], words: str
) -> None:
    (trouble,) = status._troubles(msgspec.structs.replace(WELL, **seen), msgspec.structs.replace(TOLD, **told))
    assert words in trouble


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({}, {}),
        ({"prompts": Waiting(1, 30.0), "posts": Waiting(5, 3.0), "requests": Waiting(1, 9999.0)}, {}),
        ({"away_s": 10.0}, {"discord_back_at": None}),
        ({"told_s": 20.0}, {}),
        ({}, {"trouble": "access: wrong", "later": ("claude.command",), "gaps": 1}),
        ({"unattached": (5,), "identifies_left": 1}, {}),
        ({"away_s": 10.0}, {"discord_back_at": None, "unusable": 1}),
    ],
)
def test_what_hinders_nobody_is_none(seen: dict[str, object], told: dict[str, object]) -> None:
    assert status._troubles(msgspec.structs.replace(WELL, **seen), msgspec.structs.replace(TOLD, **told)) == []


def test_a_wrong_configuration_and_few_connections_left_are_notes() -> None:
    notes = status._notes(
        msgspec.structs.replace(WELL, identifies_left=3), msgspec.structs.replace(TOLD, trouble="access: wrong")
    )
    assert "access: wrong" in notes[0]
    assert "3 connections are left" in notes[1]


def test_the_reason_stands_first() -> None:
    told = status.in_words(msgspec.structs.replace(WELL, troubles=("Discord is away",), notes=("a note",)))
    assert told.splitlines()[:2] == ["NOT WELL: Discord is away", "note: a note"]
    assert status.in_words(WELL).splitlines()[0] == "well"


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (
            {"discord": "connected to Discord, reading back", "away_s": 52.0},
            "not yet: connected to Discord, reading back",
        ),
        ({"told_s": None, "version": ""}, "not yet: the supervisor is just starting, or of a version that tells less"),
    ],
)
def test_what_is_no_trouble_yet_is_not_said_to_be_well(seen: dict[str, object], line: str) -> None:
    assert status.in_words(msgspec.structs.replace(WELL, **seen)).splitlines()[0].startswith(line)


def test_how_long_discord_is_away_counts_and_not_how_long_the_supervisor_runs(tmp_path: Path, lock: int) -> None:
    clock = Clock()
    file = HealthFile(Layout(tmp_path), lock, clock, clock)

    def since(back_at: float | None, after_s: float) -> float | None:
        clock.now += after_s
        file.say(Health(discord_back_at=back_at))
        told = health_file.last(Layout(tmp_path))
        assert told
        return status._away_since(told)

    assert [since(None, 0), since(None, 30), since(131.0, 1), since(None, 600), since(None, 5)] == [
        *(100.0, 100.0, None, 731.0, 731.0)
    ]


WRITES = """
import resource, sys
from pathlib import Path
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from supervisor import state_directory
from supervisor.operator.health_file import Health, HealthFile
layout = Layout(Path(sys.argv[1]))
file = HealthFile(layout, state_directory.prepare(layout))
for number, size in enumerate((-1, 0, -1)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, -1))
    file.say(Health(reads=number))
    print(flush=True)
    input()
"""


def test_that_nothing_can_be_written_is_told_without_a_disk(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    argv = [sys.executable, "-c", WRITES, str(layout.state)]
    seen: list[tuple[bool, int]] = []
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        for _ in range(3):
            process.stdout.readline()
            told = health_file.read(layout)
            assert told and told.pid == process.pid
            seen.append((health_file.is_unwritten(layout), told.reads))
            process.stdin.write("\n")
            process.stdin.flush()
    assert seen == [(False, 0), (True, 0), (False, 2)]
    assert not health_file.is_unwritten(layout), "nobody holds the lock"


HANGS = """
import sys, time
from pathlib import Path
from bridge.protocol.layout import Layout
from supervisor import state_directory
from supervisor.operator.health_file import Health, HealthFile
layout = Layout(Path(sys.argv[1]))
lock = state_directory.prepare(layout)
HealthFile(layout, lock, lambda: time.time() + 3600.0).say(Health(discord_back_at=1.0))
print(flush=True)
input()
"""


def test_a_supervisor_that_hangs_is_said_to_after_the_clock_was_set_back_by_an_hour(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HANGS, str(tmp_path / "state")]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        seen = status.look(Layout(tmp_path / "state"), time.time(), lambda: time.monotonic() + 100.0)
        process.stdin.write("\n")
    assert (seen.told_s or 0.0) >= 100.0 and seen.uptime_s >= 100.0
    assert "has said nothing for 1 min 4" in status.in_words(seen).splitlines()[0]


@pytest.mark.parametrize(
    ("passed_at", "passed", "age_s"),
    [(50.0, 57.0, 7.0), (None, 57.0, 10.0), (50.0, 3.0, 10.0)],
    ids=["the monotonic clock", "an earlier version", "another start of the machine"],
)
def test_how_old_its_words_are(passed_at: float | None, passed: float, age_s: float) -> None:
    assert health_file.age_s(Health(at=1000.0, passed_at=passed_at), 1010.0, passed) == age_s


def test_a_clock_that_is_set_makes_nothing_that_the_supervisor_tells_of_itself_longer_or_shorter(
    tmp_path: Path, lock: int
) -> None:
    wall, monotonic = Clock(), Clock()
    file = HealthFile(Layout(tmp_path), lock, wall, monotonic)
    file.say(Health())
    for clock, by in ((wall, -5000.0), (wall, 90.0), (monotonic, 90.0)):
        clock.now += by
    file.say(Health(reads=1))
    told = health_file.last(Layout(tmp_path))
    assert told and told.away_since
    assert (told.at - told.away_since, told.at - told.started_at) == (90.0, 90.0)


def test_without_a_supervisor_and_without_anything_it_says_so(tmp_path: Path) -> None:
    seen = status.look(Layout(tmp_path), NOW)
    assert (seen.well, seen.supervisor_pid, seen.sessions) == (False, 0, {})
    assert "no supervisor runs" in status.in_words(seen).splitlines()[0]


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    """A descriptor, as of a supervisor's lock."""
    with (tmp_path / "lock").open("w+b") as file:
        yield file.fileno()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_a_dead_supervisor_left_is_not_believed(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    lock = state_directory.prepare(layout)
    HealthFile(layout, lock).say(Health(discord="connected"))
    os.close(lock)
    assert layout.health.stat().st_mode & 0o777 == 0o600
    assert health_file.read(layout) is None


def test_it_is_written_when_it_changed_and_now_and_then_anyway(tmp_path: Path, lock: int) -> None:
    clock = Clock()
    file = HealthFile(Layout(tmp_path), lock, clock, clock)
    path = Layout(tmp_path).health

    def written(discord: str, after_s: float) -> bool:
        clock.now += after_s
        before = path.read_bytes() if path.exists() else b""
        file.say(Health(discord=discord))
        return path.read_bytes() != before

    assert written("here", 1)
    assert not written("here", 1)
    assert written("away", 1)
    assert not written("away", 3)
    assert written("away", health_file.EVERY_S)


def test_a_disk_that_takes_nothing_ends_nobody(tmp_path: Path, lock: int) -> None:
    HealthFile(Layout(tmp_path / "gone"), lock).say(Health(discord="x"))


def test_a_file_of_another_version_or_none_is_no_reason_to_fail(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for text in (b"", b"[]", b'{"pid": "x"}', b'{"pid": 1, "newer": true}'):
        layout.health.write_bytes(text)
        assert health_file.read(layout) is None


@pytest.mark.parametrize(
    ("seen", "told", "words"),
    [
        ({"older": (41, 42)}, {}, "workers that another version started: 41, 42"),
        ({}, {"apart_s": 3600.0}, "clock is 1 h ahead of Discord's"),
        ({}, {"apart_s": -3600.0}, "clock is 1 h behind Discord's"),
        ({"sessions": {"idle": 70, "busy": 10, "ended": 99}, "most_sessions": 100}, {}, "80 sessions run, and 100 can"),
        ({"disk_free": 2**29}, {}, "512 MiB are free where the state is"),
        ({"limited_s": (60.0, 600.0)}, {}, "usage limit ended a turn in 2 sessions; free in 10 min"),
    ],
)
def test_what_comes_near_is_a_note(seen: dict[str, object], told: dict[str, object], words: str) -> None:
    changed = msgspec.structs.replace(WELL, **seen), msgspec.structs.replace(TOLD, **told)
    (note,) = status._notes(*changed)
    assert words in note
    assert status._troubles(*changed) == []


def test_the_heartbeat_and_how_far_it_is_behind_are_shown() -> None:
    words = status.in_words(msgspec.structs.replace(WELL, heartbeat_s=12.0, behind_s=3.0))
    assert "heartbeat answered 12 s ago; behind for 3 s; 100 connections" in words


@pytest.mark.parametrize(
    ("key", "post", "is_barred"),
    [
        ("notice", Post("still to be shown"), True),
        ("reaction", Post(reaction="✅", reply_to=5), False),
        ("thread", Post(thread_name="its new name"), False),
        ("thread_deleted", Post("that is for the channel", where="channel"), False),
    ],
)
def test_what_was_said_of_a_thread_counts_while_a_message_waits_in_it(
    tmp_path: Path, key: str, post: Post, *, is_barred: bool
) -> None:
    layout = Layout(tmp_path)
    with closing(Store(layout.database)) as store:
        manager = session_manager(store)
        session_id = manager.create_session(
            CreateSession(10**18, 9, Channel(5, "/srv"), Person(1, "Ada", 9), "", "a name")
        ).session_id
        manager.show(session_id, TROUBLE_KEY, Post(f"{TROUBLE} I cannot write in x", where="channel"))
        for number, row in enumerate(store.unsettled_posts(session_id)):
            store.note_shown(row.id, 100 + number, row.desired)
        manager.destroy_session(session_id, "ended by Ada")
        for row in store.unsettled_posts(session_id):
            store.note_shown(row.id, 200, row.desired)
        assert status.look(layout, NOW).barred == ()
        store.desire(session_id, key, post)
        assert status.look(layout, NOW).barred == (("I cannot write in x",) if is_barred else ())


def test_what_cannot_be_read_of_the_budget_for_connections_ends_no_command(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with closing(Store(layout.database)) as store:
        store.remember(Fact.IDENTIFY_BUDGET, "{")
    assert status.look(layout, NOW).identifies_left == 1, "to wait for a connection is better than a reset token"
