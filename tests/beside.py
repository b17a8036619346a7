"""Tests in processes of their own, beside those of this run and told as its own: `--beside ARGUMENTS`, once for each.

What waits is tried by several processes at once, which tell each result when it is there; so each of them reads all
the tests first, and for a test that takes a millisecond the telling takes longer than the test. Those are run beside,
where the others leave a processor idle (sched(7), SCHED_IDLE): a processor that has one of them counts as free for who
wakes, so that what measures how soon something comes is not hindered. They write down what came of them, and when all
else is done it is told here, as if they had been tried here (pytest's documentation, "Reporting hooks").
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from worker.prctl import die_with_parent

ENDED_WELL = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
SHOWN_CHARS = 3000


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("beside", __doc__)
    group.addoption("--beside", action="append", default=[], metavar="ARGUMENTS", help="try these meanwhile, and tell")
    group.addoption("--results", type=Path, help="what one that runs beside writes them into")


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("results"):
        die_with_parent(os.getppid())
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        config.pluginmanager.register(Writing(config, path))


class Writing:
    """Each report, as a line."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._lines = path.open("w")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._write(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(report)

    def _write(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        told = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._lines.write(json.dumps(told) + "\n")

    def pytest_unconfigure(self) -> None:
        self._lines.close()


class Beside:
    """One such process; it ends when we do."""

    def __init__(self, arguments: str, folder: Path) -> None:
        self._results, self._log = folder / "results", folder / "log"
        self._argv = [sys.executable, "-m", "pytest", *shlex.split(arguments), "--results", str(self._results)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def tell(self, session: pytest.Session) -> None:
        """Once it has ended. Raises pytest.UsageError when it did not come to its end."""
        code = self._process.wait()
        lines = self._results.read_text().splitlines() if self._results.exists() else []
        reports = [json.loads(line) for line in lines]
        session.testscollected += sum(report.get("when") == "teardown" for report in reports)
        for report in reports:
            _tell(session.config, report)
        if code not in ENDED_WELL:
            said = self._log.read_text()[-SHOWN_CHARS:]
            raise pytest.UsageError(f"what ran beside ended with {code}: {shlex.join(self._argv)}\n{said}")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def _tell(config: pytest.Config, told: dict[str, Any]) -> None:
    report = config.hook.pytest_report_from_serializable(config=config, data=told)
    if isinstance(report, pytest.TestReport):
        config.hook.pytest_runtest_logreport(report=report)
    else:
        config.hook.pytest_collectreport(report=report)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    wanted = session.config.getoption("beside")
    if not wanted or hasattr(session.config, "workerinput"):
        return (yield)
    running = list[Beside]()
    with tempfile.TemporaryDirectory(prefix="beside-") as folder:
        try:
            for number, arguments in enumerate(wanted):
                (place := Path(folder, str(number))).mkdir()
                running.append(Beside(arguments, place))
            result = yield
            for one in running:
                one.tell(session)
            return result
        finally:
            for one in running:
                one.end()
