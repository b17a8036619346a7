"""Images that Claude reads are shown to the person, once for each state of the file."""

import json
from pathlib import Path

from bridge.protocol import events as e
from worker.read_images import ReadImages


def reads(looking: ReadImages, path: Path, *, agent: str = "", is_error: bool = False, tool: str = "Read") -> str:
    started = e.ToolStarted("t1", tool, json.dumps({"file_path": str(path)}), agent_id=agent)
    assert looking.image_of(started) == ""
    return looking.image_of(e.ToolFinished("t1", is_error, ""))


def test_an_image_that_was_read_is_shown_once_and_again_when_it_changed(tmp_path: Path) -> None:
    looking, chart = ReadImages(), tmp_path / "chart.PNG"
    chart.write_bytes(b"one")
    assert reads(looking, chart) == str(chart)
    assert reads(looking, chart) == ""
    chart.write_bytes(b"other")
    assert reads(looking, chart) == str(chart)


def test_what_is_no_image_or_failed_or_a_subagents_is_not_shown(tmp_path: Path) -> None:
    looking, chart, code = ReadImages(), tmp_path / "chart.png", tmp_path / "a.py"
    chart.write_bytes(b"one")
    code.write_text("x")
    assert reads(looking, code) == reads(looking, chart, is_error=True) == reads(looking, chart, agent="a1") == ""
    assert reads(looking, chart, tool="Grep") == reads(looking, tmp_path / "gone.png") == ""


def test_what_claude_sent_by_itself_is_not_shown_a_second_time(tmp_path: Path) -> None:
    looking, chart = ReadImages(), tmp_path / "chart.png"
    chart.write_bytes(b"one")
    looking.sent(chart)
    assert reads(looking, chart) == ""


def test_a_read_without_an_end_is_forgotten_with_its_turn(tmp_path: Path) -> None:
    looking, chart = ReadImages(), tmp_path / "chart.png"
    chart.write_bytes(b"one")
    looking.image_of(e.ToolStarted("t1", "Read", json.dumps({"file_path": str(chart)})))
    looking.image_of(e.TurnEnded("interrupted"))
    assert looking.image_of(e.ToolFinished("t1", is_error=False, output="")) == ""
    assert looking.image_of(e.ToolStarted("t1", "Read", "{")) == ""
