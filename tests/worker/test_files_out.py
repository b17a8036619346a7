"""A file that Claude sends: a copy on the disk, then the log, and only then Claude hears of it."""

from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.protocol.limits import Limits
from stages.support import awaited
from worker import sending
from worker.child_view import NO_WALLS
from worker.files_out import FilesOut
from worker.log import LogWriteError
from worker.mcp import SendFile
from worker.steps import FileOffered
from worker.stored import Stored

OFFERED = FileOffered("r1", SendFile(1, "a.txt", "look"))


class Sender:
    def __init__(self, root: Path) -> None:
        self.paths = Layout(root / "state").session("one")
        self.project = root / "project"
        self.project.mkdir()
        (self.project / "a.txt").write_text("its text")
        where = sending.places(str(self.project), self.paths.folder, self.paths.scratch, self.paths.sent, ())
        stored = Stored(self.paths, Limits())
        self.files = FilesOut(str(self.project), NO_WALLS, lambda: where, stored)

    @property
    def copies(self) -> list[str]:
        return [path.read_text() for path in self.paths.sent.glob("*")]


@awaited
async def test_the_copy_is_whole_when_the_log_is_told_and_claude_hears_of_it_after_that(tmp_path: Path) -> None:
    sender, seen = Sender(tmp_path), list[tuple[e.AnyEvent, list[str]]]()

    def record(event: e.AnyEvent) -> e.Record:
        seen.append((event, sender.copies))
        return e.Record("g", 1, 0.0, event)

    answer = await sender.files.send(OFFERED, record)
    ((event, copies),) = seen
    assert isinstance(event, e.FileSent) and (event.name, event.caption) == ("a.txt", "look")
    assert copies == ["its text"] and b"on its way" in answer


@awaited
async def test_what_the_log_did_not_take_is_not_answered(tmp_path: Path) -> None:
    def record(_: e.AnyEvent) -> e.Record:
        raise LogWriteError(28, "No space left on device")

    with pytest.raises(LogWriteError):
        await Sender(tmp_path).files.send(OFFERED, record)
