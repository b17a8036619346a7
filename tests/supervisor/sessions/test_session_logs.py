"""Logs as the supervisor reads them beside the worker: what is newer than it is, is no damage."""

from pathlib import Path

from bridge.protocol import events as e
from supervisor.sessions import session_logs
from worker.log import EventLog

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)


def with_newer(path: Path) -> bytes:
    """A log of five records whose third is of a kind that nobody knows here."""
    log = EventLog(path, clock=lambda: 1.0)
    for event in (CREATED, e.PromptTaken(5), e.Noticed("TAKEN OUT"), e.PromptDone(5), e.PromptDone(6)):
        log.append(event)
    log.close()
    data = path.read_bytes().replace(b'"kind":"Noticed","text":"TAKEN OUT"', b'"kind":"FromTheFuture","of":[1,2]')
    path.write_bytes(data)
    return data


def test_a_record_of_a_newer_version_is_counted_and_what_follows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with_newer(path)
    assert [record.seq for record in session_logs.read_log(path)] == [1, 2, 3, 4, 5]
    assert session_logs.damage(path) == ""
    assert session_logs.beginning(path)


def test_a_worker_goes_on_behind_it_and_leaves_it_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    data = with_newer(path)
    log = EventLog(path)
    assert (log.last, log.damage) == (5, "")
    log.append(e.PromptDone(7))
    assert [record.seq for record in log.read(after=2)] == [3, 4, 5, 6]
    log.close()
    assert path.read_bytes().startswith(data)
    assert list(tmp_path.glob("*damaged*")) == []
