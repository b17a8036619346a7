"""Who has a secret in memory lets nobody of the same user read it, before anything else (``prctl(2)``)."""

import pytest

from bridge.protocol.start import WorkerStart
from lab.configured import configuration
from supervisor import log_format, main
from supervisor import prctl as supervisors
from supervisor.workers import cgroups
from supervisor.workers.cgroups import Cgroup
from worker import prctl as workers
from worker import process


class ReachedError(Exception):
    """The call that is waited for was the first."""


def reached() -> None:
    raise ReachedError


def test_a_worker_is_not_dumpable_before_it_is_told_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_start(_fd: int) -> WorkerStart:
        raise AssertionError("it knows its key already")

    monkeypatch.setattr(process, "read_start", read_start)
    monkeypatch.setattr(workers, "undumpable", reached)
    with pytest.raises(ReachedError):
        process.run(-1)


def test_a_supervisor_is_not_dumpable_before_it_does_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(log_format, "set_up", lambda *_: None)

    def prepare() -> Cgroup:
        raise AssertionError("it is at work already")

    monkeypatch.setattr(cgroups, "prepare", prepare)
    monkeypatch.setattr(supervisors, "undumpable", reached)
    with pytest.raises(ReachedError):
        main.run(configuration(tmp_path_factory.mktemp("state")), "a.b.c")
