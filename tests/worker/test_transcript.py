import json
import os
from pathlib import Path

from worker.transcript import path_of, uuids_taken


def transcript(tmp_path: Path, *lines: dict[str, str] | bytes) -> Path:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines))
    return path


def test_a_uuid_in_a_queue_operation_alone_was_not_taken(tmp_path: Path) -> None:
    queued = {"type": "queue-operation", "operation": "enqueue", "content": "u5"}
    assert uuids_taken(transcript(tmp_path, queued), ["u5"]) == frozenset()
    assert uuids_taken(transcript(tmp_path, queued, {"type": "user", "uuid": "u5"}), ["u5"]) == {"u5"}


def test_merged_prompts_were_all_taken_when_the_last_one_stands_there(tmp_path: Path) -> None:
    path = transcript(tmp_path, {"type": "user", "uuid": "u6"})
    assert uuids_taken(path, ["u5", "u6", "u7"]) == {"u5", "u6"}


def test_without_a_transcript_nothing_was_taken(tmp_path: Path) -> None:
    assert uuids_taken(None, ["u5"]) == uuids_taken(transcript(tmp_path), ["u5"]) == frozenset()
    assert uuids_taken(transcript(tmp_path, {"type": "user", "uuid": "u5"}), []) == frozenset()


def test_a_line_that_cannot_be_read_counts_as_taken_for_a_prompt_must_not_run_twice(tmp_path: Path) -> None:
    for torn in (
        b'{"type":"user","uuid":"u5","message":{"ro',
        b'{"type":"user","uuid":"u5","x":"\xff"}\n',
        b"u5 \xff\n",
    ):
        assert uuids_taken(transcript(tmp_path, torn), ["u5"]) == {"u5"}


def test_the_transcript_is_found_in_whichever_project_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "-srv-app"
    folder.mkdir(parents=True)
    (folder / "abc.jsonl").touch()
    assert path_of("abc", tmp_path) == folder / "abc.jsonl"
    assert path_of("other", tmp_path) is None


def test_what_stands_in_the_place_of_a_transcript_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "holes").touch()
    os.truncate(tmp_path / "holes", 1 << 33)
    for name in ("pipe", "link"):
        assert uuids_taken(tmp_path / name, ["u1"]) == frozenset()
