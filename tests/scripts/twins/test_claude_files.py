"""The scripted claude's files: what it says that it was given, and the host's tool that it calls."""

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

type Json = dict[str, Any]

PROGRAM = Path(__file__).resolve().parents[3] / "scripts/twins/claude/program.py"
ARGUMENTS = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
    *("--include-partial-messages", "--permission-prompt-tool", "stdio"),
    *("--allowedTools", "mcp__threadbridge__send_file"),
)
DEADLINE_S = 10.0


class Claude:
    """A scripted claude with one SDK server of ours."""

    def __init__(self, home: Path) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE_S)
        self._lines = ours.makefile("rwb")
        self._ours = ours
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(PROGRAM), *ARGUMENTS, "--add-dir", str(home / "given")],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            cwd=home,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
        )
        theirs.close()
        request = {"subtype": "initialize", "hooks": None, "sdkMcpServers": ["threadbridge"]}
        self.send({"type": "control_request", "request_id": "h1", "request": request})

    def send(self, line: Json) -> None:
        self._lines.write(json.dumps(line).encode() + b"\n")
        self._lines.flush()

    def prompt(self, content: str | list[Json]) -> None:
        message = {"role": "user", "content": content}
        self.send({"type": "user", "uuid": "u", "message": message, "parent_tool_use_id": None})

    def frames(self) -> Iterator[Json]:
        for line in self._lines:
            yield json.loads(line)

    def asked(self, method: str) -> Json:
        """The next message to our server with this method."""
        for frame in self.frames():
            if frame["type"] == "control_request" and frame["request"]["message"]["method"] == method:
                return frame
        raise AssertionError(method)

    def answer(self, asked: Json, result: Json) -> None:
        rpc = {"jsonrpc": "2.0", "id": asked["request"]["message"].get("id"), "result": result}
        response = {"subtype": "success", "request_id": asked["request_id"], "response": {"mcp_response": rpc}}
        self.send({"type": "control_response", "response": response})

    def result(self) -> str:
        return next(str(frame["result"]) for frame in self.frames() if frame["type"] == "result")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self._ours.close()


@pytest.fixture
def claude(tmp_path: Path) -> Iterator[Claude]:
    (tmp_path / "given").mkdir()
    started = Claude(tmp_path)
    yield started
    started.end()


def test_the_hosts_server_is_greeted_as_the_real_one_greets_it(claude: Claude) -> None:
    for method in ("initialize", "notifications/initialized", "tools/list"):
        assert claude.asked(method)["request"]["server_name"] == "threadbridge"


def test_the_hosts_tool_is_called_without_asking_and_its_words_are_the_result(claude: Claude) -> None:
    claude.prompt("send file notes.txt | A caption\nsay sent")
    call = claude.asked("tools/call")
    params = call["request"]["message"]["params"]
    assert (params["name"], params["arguments"]) == ("send_file", {"path": "notes.txt", "caption": "A caption"})
    claude.answer(call, {"content": [{"type": "text", "text": "on its way"}], "isError": False})
    told = next(frame for frame in claude.frames() if frame["type"] == "user")
    assert told["message"]["content"][0]["content"] == "on its way"
    assert claude.result() == "sent"


def test_it_says_which_blocks_and_files_it_was_given_and_reads_them(claude: Claude, tmp_path: Path) -> None:
    (tmp_path / "given/a b.csv").write_bytes(b"1,2")
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"pixels").decode()}
    text = f"show what I sent\n\n[The person attached a file:\n- a b.csv: it lies at {tmp_path}/given/a b.csv]"
    claude.prompt([{"type": "image", "source": source}, {"type": "text", "text": text}])
    said = claude.result()
    assert "image image/png 6 bytes" in said
    assert f"file {tmp_path}/given/a b.csv 3 bytes" in said
