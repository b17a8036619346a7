"""What lies on the disk: a session's log, the note beside it, and the journal, after any damage."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import get_args

from bridge.journal import entries as j
from bridge.journal.chain import BadLineError, Head, chained, decoded, faults
from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.protocol.layout import JOURNAL, Layout, short_id
from bridge.protocol.records import encode_record
from lab.fuzz.edge import Edge, hold, nothing_logged_with_a_traceback
from lab.fuzz.stage import new_store
from lab.fuzz.values import one_of
from supervisor.assembly import session_manager
from supervisor.operator.audit import as_json, as_line
from supervisor.sessions import session_logs
from supervisor.sessions.journal import Journal
from supervisor.sessions.recall import recall
from supervisor.sessions.store import Store
from worker.history import History
from worker.log import Acked, EventLog

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
GENERATION = "0123456789abcdef"
EVENTS = get_args(e.AnyEvent)
ENTRIES = get_args(j.AnyEntry.__value__)


class Logs(Edge):
    name = "logs"
    clean = "RemoteError, BadLineError; what cannot be read is cut off and said, and the log goes on"

    def made(self, random: Random) -> bytes:
        if random.random() < 0.35:
            return chained(Head(), 1.0, [one_of(random, ENTRIES) for _ in range(random.randint(1, 6))])[0]
        events = [e.SessionCreated(SESSION, 1000, 7, 222, "/srv", 111)]
        events += [one_of(random, EVENTS) for _ in range(random.randint(0, 8))]
        seqs = sorted(random.sample(range(1, 40), len(events))) if random.random() < 0.2 else range(1, 1 + len(events))
        records = [e.Record(GENERATION, seq, 1.0, event) for seq, event in zip(seqs, events, strict=True)]
        return b"".join(encode_record(one)[1] for one in records)

    def feed(self, data: bytes, folder: Path) -> None:
        _event_log(data, folder / "log.jsonl")
        _note(data, folder / "acked")
        with nothing_logged_with_a_traceback():
            _recalled(data, folder / "state")
        _journal(data, folder)


def _event_log(data: bytes, path: Path) -> None:
    """A worker opens it, goes on, and another one opens it again."""
    path.write_bytes(data)
    log = EventLog(path, lambda: 2.0)
    try:
        before = list(log.read())
        hold(all(a.seq < b.seq for a, b in pairwise(before)), "records out of their order")
        hold(len({one.generation for one in before}) < 2, "records of two generations in one log")
        History.of(before)
        new = log.append(e.Noticed("went on"))
    finally:
        log.close()
    log = EventLog(path, lambda: 2.0)
    try:
        hold(not log.damage, "a mended log is damaged")
        hold([*before, new] == list(log.read()), "a log that was gone on with is another one")
        hold([new] == list(log.read(new.seq - 1)), "what follows a record is not found")
    finally:
        log.close()


def _note(data: bytes, path: Path) -> None:
    path.write_bytes(data[:200])
    acked = Acked(path, GENERATION)
    acked.raise_to(max(acked.seq, 0) + 1)


def _recalled(data: bytes, folder: Path) -> None:
    layout = Layout(folder)
    paths = layout.session(SESSION)
    hold(paths.folder.name == short_id(SESSION), "another folder")
    paths.folder.mkdir(parents=True)
    paths.log.write_bytes(data)
    session_logs.beginning(paths.log)
    session_logs.read_log(paths.log)
    session_logs.damage(paths.log)
    paths.acked.write_bytes(f"{GENERATION} {len(data) % 5}\n".encode())
    for _ in range(2):
        store = Store(layout.database) if layout.database.exists() else new_store(layout.database)
        try:
            manager = session_manager(store, lambda: 3.0)
            recall(layout, manager)
            hold(len(manager.get_all_sessions()) <= 1, "two sessions of one log")
        finally:
            store.close()


def _journal(data: bytes, folder: Path) -> None:
    for line in data.split(b"\n"):
        try:
            if one := decoded(line):
                as_line(one), as_json(one)
        except BadLineError:
            continue
    list(faults(data.splitlines(), [Head(2, "a" * 64)]))
    with suppress(RemoteError):
        Head.parse(data[:5200].decode(errors="replace"))
    store, path = new_store(folder / "store"), folder / JOURNAL
    try:
        path.write_bytes(data)
        Journal(path, store, lambda: 3.0).append([j.JournalBroken(what="tried")])
        again = Journal(path, store, lambda: 3.0)
        hold(again.head == Journal(path, store, lambda: 3.0).head, "a journal that was mended is broken")
    finally:
        store.close()
