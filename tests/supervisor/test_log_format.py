"""How the log is written: priorities for systemd, one entry for a traceback, no secret, and not the same for hours."""

import io
import logging
import os
import sys
from pathlib import Path

import pytest

from supervisor.log_format import Folded, Lines, is_journal
from supervisor.log_place import LogPlace, of_this_process, parse, unit_in
from supervisor.operator.logs_command import journalctl

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.secretsecretsecretsecretsecret"


def record(level: int, message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("supervisor.main", level, __file__, 1, message, args, info)


def raised() -> ValueError:
    try:
        raise ValueError(f"nobody reads {TOKEN}")
    except ValueError as error:
        return error


def test_under_systemd_each_entry_is_one_line_with_its_priority() -> None:
    lines = Lines(for_journal=True)
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    assert [lines.format(record(level, "x"))[:3] for level in levels] == ["<7>", "<6>", "<4>", "<3>", "<2>"]
    told = lines.format(record(logging.ERROR, "it\nfailed", error=raised()))
    assert "\n" not in told
    assert "Traceback" in told


def test_elsewhere_a_line_has_its_time_and_level() -> None:
    told = Lines(for_journal=False).format(record(logging.WARNING, "%s is away", "Discord"))
    assert told[4] == told[7] == "-"
    assert told.endswith(" WARNING supervisor.main: Discord is away")


def test_a_secret_stands_in_no_line_and_in_no_traceback() -> None:
    for for_journal in (True, False):
        lines = Lines(for_journal=for_journal, secrets=[TOKEN, "", "short"])
        told = lines.format(record(logging.ERROR, "token %s, short", TOKEN, error=raised()))
        assert TOKEN not in told
        assert told.count("[secret]") == 2
        assert "short" in told, "what is as short as that may be a word"


def test_only_a_stream_that_is_the_journals_is_written_for_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        found = os.fstat(file.fileno())
        assert is_journal(file, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(file, {"JOURNAL_STREAM": "1:2"})
        assert not is_journal(file, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
    assert not is_journal(sys.stderr, {"JOURNAL_STREAM": "garbage"})


def test_the_same_for_hours_is_said_at_once_and_then_now_and_then() -> None:
    folded = Folded(period_s=600.0)
    said = [words for second in range(0, 3600, 30) if (words := folded.words("no network", float(second)))]
    assert said[0] == "no network"
    assert said[1] == "no network (20 times more since it was said last)"
    assert len(said) == 6
    assert folded.words("refused", 3600.0) == "refused"
    assert folded.words("no network", 3601.0) == "no network", "another reason came in between"


@pytest.mark.parametrize(
    ("cgroup", "word"),
    [
        ("0::/system.slice/threadbridge.service", "unit:threadbridge.service"),
        ("0::/system.slice/threadbridge.service/supervisor", "unit:threadbridge.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/tb.service/supervisor", "user-unit:tb.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope", ""),
        ("0::/user.slice/user-1000.slice/session-3.scope", ""),
        ("", ""),
    ],
)
def test_the_unit_is_told_by_the_cgroup(cgroup: str, word: str) -> None:
    assert unit_in(cgroup) == word


def test_a_log_in_a_file_is_told_by_its_path(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        assert of_this_process(file, {}) == f"file:{tmp_path}/log"
    assert of_this_process(io.StringIO(), {}) == ""


def test_the_journal_is_asked_for_the_unit() -> None:
    place = parse("user-unit:tb.service")
    assert place == LogPlace(unit="tb.service", is_users=True)
    assert place
    assert " ".join(journalctl(place, 5, follow=True)) == "journalctl --user --unit tb.service --lines 5 --follow"
    assert (parse(""), parse("file:"), parse("what:x")) == (None, None, None)
