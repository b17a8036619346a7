"""What the log says once at the start, and that *ready* is said only when a session could begin."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.claude_version import ClaudeVersion
from bridge.routing.channel import Channel
from lab.configured import configuration
from stages.support import awaited, until
from supervisor.assembly import session_manager
from supervisor.config_in_force import Settings
from supervisor.discord.survey import Survey, Trouble
from supervisor.operator import start_report
from supervisor.operator.start_report import StartReport
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.workers.claude_cli import ClaudeCli, VersionCheck

TWO = {222: Channel(222, "/srv/a"), 223: Channel(223, "/srv/b")}
NEW, OLD = VersionCheck("claude", ClaudeVersion(2, 1, 330)), VersionCheck("claude", ClaudeVersion(2, 1, 197))
WELL = Survey(("Discord: the bot 'B'", "channel #a"), (), 2)


class Reported:
    """One report, and what it left."""

    def __init__(
        self,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
        answer: VersionCheck = NEW,
        refusal: str = "",
        channels: dict[int, Channel] = TWO,
    ) -> None:
        self._records = caplog.records
        self.store = Store(folder / "db")
        self.cli = ClaudeCli(("claude",), {})
        self.cli.answer = answer
        self.was_back = asyncio.Event()
        self.found = WELL
        config = configuration(folder, channels=channels)
        manager = session_manager(self.store)
        self.report = StartReport(Settings(config), manager, self.cli, self.was_back, self._survey, self._try_walls)
        self.refusal = refusal
        self.trials = 0

    def _try_walls(self) -> str:
        self.trials += 1
        return self.refusal

    async def _survey(self) -> Survey:
        return self.found

    async def run(self, found: Survey = WELL) -> None:
        """To the last word of the first look."""
        self.found = found
        self.was_back.set()
        running = asyncio.create_task(self.report.run())
        await until(lambda: running.done() or self.has_said(), "the last word")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        self.store.close()

    def has_said(self) -> bool:
        return any("ready" in record.getMessage() for record in self._records)


def last(caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    record = caplog.records[-1]
    return record.levelname, record.getMessage()


@pytest.fixture(autouse=True)
def all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@awaited
async def test_ready_is_the_last_word_after_what_was_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await Reported(tmp_path, caplog, NEW).run()
    assert last(caplog) == ("INFO", "ready")
    assert "the bot 'B'" in caplog.text
    assert "containment: project; it was tried, and works" in caplog.text


@awaited
async def test_before_discord_is_there_nothing_is_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reported = Reported(tmp_path, caplog, NEW)
    running = asyncio.create_task(reported.report.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert "ready" not in caplog.text
    reported.was_back.set()
    await running
    assert last(caplog) == ("INFO", "ready")
    reported.store.close()


@awaited
async def test_with_a_claude_that_is_too_old_it_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await Reported(tmp_path, caplog, OLD).run()
    assert last(caplog) == ("ERROR", "not ready: Claude Code is too old")


@awaited
async def test_where_claude_cannot_be_shut_in_it_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await Reported(tmp_path, caplog, NEW, "no bubblewrap").run()
    assert last(caplog) == ("ERROR", "not ready: Claude cannot be shut in")
    assert "no bubblewrap" in caplog.text


@awaited
async def test_a_start_tries_the_walls_once_and_each_later_look_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = Reported(tmp_path, caplog, NEW, "no bubblewrap")
    await reported.run()
    assert reported.trials == 1
    monkeypatch.setattr(start_report, "LOOK_AGAIN_S", 0.0)
    reported = Reported(tmp_path, caplog, NEW, "no bubblewrap")
    reported.was_back.set()
    running = asyncio.create_task(reported.report.run())
    await until(lambda: reported.trials > 1, "another trial")
    reported.refusal = ""
    await running
    assert last(caplog) == ("INFO", "ready")
    reported.store.close()


@awaited
async def test_uncontained_channels_need_no_walls_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free = {222: Channel(222, "/srv/a", containment="none")}
    await Reported(tmp_path, caplog, NEW, "no bubblewrap", free).run(Survey((), (), 1))
    assert last(caplog) == ("INFO", "ready")
    assert "containment: none" in caplog.text


@awaited
async def test_what_is_wrong_with_an_id_is_warned_of_and_kept_for_check(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = Survey((), (Trouble(223, "the id 223 is a forum", "give another"),), 1, 100.0)
    reported = Reported(tmp_path, caplog, NEW)
    await reported.run(found)
    assert last(caplog) == ("INFO", "ready, in 1 of 2 channels")
    assert "the id 223 is a forum: give another" in caplog.text
    store = Store(tmp_path / "db")
    assert msgspec.json.decode(store.fact(Fact.SURVEY), type=Survey) == found
    store.close()


@awaited
async def test_without_a_channel_for_sessions_it_is_not_ready(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await Reported(tmp_path, caplog, NEW).run(Survey((), (), 0))
    assert last(caplog) == ("ERROR", "not ready: no configured channel can have sessions")


@awaited
async def test_once_it_is_mended_it_is_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_report, "LOOK_AGAIN_S", 0.0)
    reported = Reported(tmp_path, caplog, OLD)
    reported.was_back.set()
    running = asyncio.create_task(reported.report.run())
    await until(reported.has_said, "that it is not ready")
    reported.cli.answer = NEW
    await running
    words = [record.getMessage() for record in caplog.records if "ready" in record.getMessage()]
    assert words == ["not ready: Claude Code is too old", "ready"]
    assert caplog.text.count("the bot 'B'") == 1
    reported.store.close()
