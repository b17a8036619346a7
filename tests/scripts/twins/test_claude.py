"""The scripted claude behaves as the recorded one did."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

type Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "scripts/twins/claude/program.py"
TRANSCRIPTS = ROOT / "tests/data/transcripts"
DEADLINE_S = 10.0
STREAMING = (
    *("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
    *("--include-partial-messages", "--permission-prompt-tool", "stdio"),
)


class Claude:
    """A scripted claude on a socketpair, as a worker would run it."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.cwd = home / "work"
        self.cwd.mkdir(parents=True, exist_ok=True)
        self.frames: list[Json] = []
        self.bad_lines: list[bytes] = []
        self._ours, theirs = socket.socketpair()
        self._rest = bytearray()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-S", "-E", str(PROGRAM), *STREAMING, *arguments],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            cwd=self.cwd,
            env={"HOME": str(home), "PATH": os.environ["PATH"], **environment},
        )
        theirs.close()

    def send(self, line: Json) -> None:
        self._ours.sendall(json.dumps(line).encode() + b"\n")

    def send_raw(self, line: bytes) -> None:
        self._ours.sendall(line)

    def prompt(self, *steps: str, **fields: object) -> str:
        """Sends a prompt; returns its uuid."""
        number = str(fields.pop("uuid", uuid.uuid4()))
        message = {"role": "user", "content": "\n".join(steps)}
        self.send({"type": "user", "uuid": number, "message": message, "parent_tool_use_id": None, **fields})
        return number

    def request(self, subtype: str, **fields: object) -> Json:
        """Sends a control request and returns the answer."""
        number = f"r{len(self.frames)}"
        self.send({"type": "control_request", "request_id": number, "request": {"subtype": subtype, **fields}})
        found = self.until(lambda f: f["type"] == "control_response" and f["response"]["request_id"] == number)
        answer: Json = found[-1]["response"]
        return answer

    def answer(self, ask: Json, **response: object) -> None:
        body = {"subtype": "success", "request_id": ask["request_id"], "response": response}
        self.send({"type": "control_response", "response": body})

    def allow(self, ask: Json, **fields: object) -> None:
        self.answer(ask, behavior="allow", updatedInput=ask["request"]["input"], **fields)

    def until(self, wanted: Callable[[Json], bool]) -> list[Json]:
        """The frames from here up to the first wanted one."""
        first, deadline = len(self.frames), time.monotonic() + DEADLINE_S
        looked_at = first
        while True:
            for position in range(looked_at, len(self.frames)):
                if wanted(self.frames[position]):
                    found = self.frames[first : position + 1]
                    self._unread(position + 1)
                    return found
            looked_at = len(self.frames)
            assert self._receive(deadline), f"the stream ended: {[kind(f) for f in self.frames[first:]]}"

    def until_ask(self) -> Json:
        return self.until(lambda frame: frame["type"] == "control_request")[-1]

    def until_result(self) -> Json:
        return self.until(lambda frame: frame["type"] == "result")[-1]

    def until_end(self) -> int:
        """Reads to the end; returns the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._receive(deadline):
            pass
        return self.process.wait(DEADLINE_S)

    def close_stdin(self) -> None:
        self._ours.shutdown(socket.SHUT_WR)

    def stderr(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self._ours.close()

    def _unread(self, position: int) -> None:
        """Frames that came in the same piece are left for the next `until`."""
        self._rest = bytearray(b"".join(json.dumps(f).encode() + b"\n" for f in self.frames[position:])) + self._rest
        del self.frames[position:]

    def _receive(self, deadline: float) -> bool:
        if b"\n" not in self._rest and not self._more(deadline):
            return False
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            try:
                self.frames.append(json.loads(line))
            except ValueError:
                self.bad_lines.append(bytes(line))
        return True

    def _more(self, deadline: float) -> bool:
        assert select.select([self._ours], [], [], max(0, deadline - time.monotonic()))[0], (
            f"nothing came: {[kind(frame) for frame in self.frames[-8:]]}"
        )
        piece = self._ours.recv(1 << 20)
        self._rest += piece
        return bool(piece)


type Start = Callable[..., Claude]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Claude] = []

    def starts(*arguments: str, **environment: str) -> Claude:
        running.append(Claude(tmp_path, *arguments, **environment))
        return running[-1]

    yield starts
    for claude in running:
        claude.end()


def kind(frame: Json) -> str:
    """A frame's type, as precise as it matters for the order."""
    if frame["type"] == "stream_event":
        return f"stream_event/{frame['event']['type']}"
    if frame["type"] == "command_lifecycle":
        return f"lifecycle/{frame['state']}"
    return "/".join([frame["type"], *([frame["subtype"]] if "subtype" in frame else [])])


def recorded(name: str) -> list[Json]:
    lines = [json.loads(text) for text in (TRANSCRIPTS / f"{name}.jsonl").read_text().splitlines()]
    return [line["line"] for line in lines if line["dir"] == "out"]


def text_of(frames: list[Json]) -> str:
    deltas = [frame["event"].get("delta", {}) for frame in frames if frame["type"] == "stream_event"]
    return "".join(delta.get("text", "") for delta in deltas)


def lifecycle(frames: list[Json]) -> list[tuple[str, str]]:
    return [(f["command_uuid"], f["state"]) for f in frames if f["type"] == "command_lifecycle"]


# --- against the recordings --------------------------------------------------------------------------------


def play_allow(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "run touch made.txt && echo done", "say All done.")
    claude.allow(claude.until_ask())


def play_deny(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "run touch made.txt && echo done", "say All done.")
    claude.answer(claude.until_ask(), behavior="deny", message="No.")


def play_deny_interrupt(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "run touch made.txt && echo done", "say All done.")
    claude.answer(claude.until_ask(), behavior="deny", message="No.", interrupt=True)


def play_write(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "write hello.txt hi", "say All done.")
    claude.allow(claude.until_ask())


def play_question(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "question Which colour? | Red | Blue", "say All done.")
    ask = claude.until_ask()
    answers = {"Which colour?": "Blue"}
    claude.answer(ask, behavior="allow", updatedInput={**ask["request"]["input"], "answers": answers})


def play_parallel(claude: Claude) -> None:
    claude.prompt("say Using a tool.", "parallel read /etc/hostname /etc/os-release", "say Both read.")
    first, second = claude.until_ask(), claude.until_ask()
    claude.allow(second)
    claude.until(lambda frame: frame["type"] == "user")
    claude.allow(first)


def play_401(claude: Claude) -> None:
    claude.prompt("retry 401", "fail 401")


@pytest.mark.parametrize(
    ("name", "play"),
    [
        ("b1_allow", play_allow),
        ("b2_deny", play_deny),
        ("b3_deny_interrupt", play_deny_interrupt),
        ("b6_write_allow", play_write),
        ("d1_ask_single", play_question),
        ("c3_parallel_reads", play_parallel),
        ("k1_401", play_401),
    ],
)
def test_the_frames_come_in_the_recorded_order_with_the_recorded_fields(
    name: str, play: Callable[[Claude], None], start: Start
) -> None:
    claude = start()
    seen = whole_conversation(claude, play)
    expected = recorded(name)[: len(seen)]
    assert [kind(frame) for frame in seen] == [kind(frame) for frame in expected]
    for ours, theirs in zip(seen, expected, strict=True):
        missing = theirs.keys() - ours.keys() - _TIMINGS
        assert not missing, f"{kind(theirs)} lacks {missing}"
    assert seen[-1]["state"] == expected[-1]["state"]


# Of a result's many durations the scripted one gives only `duration_ms`.
_TIMINGS = {
    *("ttft_ms", "ttft_stream_ms", "time_to_request_ms", "first_content_frame_ms", "request_sent_wall_ms"),
    *("first_request_input_tokens", "first_request_cache_read_input_tokens"),
}


def whole_conversation(claude: Claude, play: Callable[[Claude], None]) -> list[Json]:
    seen: list[Json] = []
    until = claude.until

    def noted(wanted: Callable[[Json], bool]) -> list[Json]:
        found = until(wanted)
        seen.extend(found)
        return found

    claude.until = noted  # type: ignore[method-assign]
    claude.request("initialize", hooks=None)
    play(claude)
    claude.until_result()
    claude.until(lambda frame: frame["type"] == "command_lifecycle")
    return seen


# --- turns -------------------------------------------------------------------------------------------------


def test_an_allowed_command_really_runs_and_its_output_is_the_tool_result(start: Start) -> None:
    claude = start()
    claude.prompt("run echo hi > made.txt; cat made.txt")
    claude.allow(claude.until_ask())
    result = claude.until(lambda frame: frame["type"] == "user")[-1]
    assert result["message"]["content"][0]["content"] == "hi"
    assert (claude.cwd / "made.txt").read_text() == "hi\n"


def test_a_changed_input_is_what_runs(start: Start) -> None:
    claude = start()
    claude.prompt("run touch asked.txt")
    claude.answer(claude.until_ask(), behavior="allow", updatedInput={"command": "touch changed.txt"})
    claude.until_result()
    assert [path.name for path in claude.cwd.iterdir()] == ["changed.txt"]


def test_an_answer_that_makes_no_sense_is_a_denial(start: Start) -> None:
    claude = start()
    claude.prompt("run touch asked.txt")
    claude.answer(claude.until_ask(), behavior="perhaps")
    assert len(claude.until_result()["permission_denials"]) == 1
    assert not (claude.cwd / "asked.txt").exists()


def test_a_rule_that_was_added_is_not_asked_about_again(start: Start) -> None:
    claude = start()
    claude.prompt("run touch asked.txt", "run touch asked.txt")
    ask = claude.until_ask()
    claude.allow(ask, updatedPermissions=ask["request"]["permission_suggestions"][:1])
    rest = claude.until(lambda frame: frame["type"] == "result")
    assert "control_request" not in [frame["type"] for frame in rest]


def test_a_long_stream_has_exactly_so_many_characters_and_takes_its_time(start: Start) -> None:
    claude = start()
    began = time.monotonic()
    claude.prompt("stream 3000 chars over 0.3 s as fence python")
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert time.monotonic() - began > 0.25
    assert len(text_of(frames)) == 3000
    assert text_of(frames).startswith("```python\n")
    assert text_of(frames).endswith("\n```")
    assert frames[-1]["result"] == text_of(frames)


def test_a_prompt_without_directives_gets_a_friendly_answer_that_tells_them(start: Start) -> None:
    claude = start()
    claude.prompt("Good morning!")
    assert "`say Hello there`" in claude.until_result()["result"]


def test_cost_is_cumulative_and_tokens_are_per_turn(start: Start) -> None:
    claude = start()
    results = []
    for _ in range(2):
        claude.prompt("say four")
        results.append(claude.until_result())
    assert results[1]["total_cost_usd"] == pytest.approx(2 * results[0]["total_cost_usd"])
    assert [result["usage"]["input_tokens"] for result in results] == [100, 100]
    assert [result["result_index"] for result in results] == [0, 1]


def test_withdrawn_text_is_abandoned_and_the_rest_comes_instead(start: Start) -> None:
    claude = start()
    claude.prompt("withdraw half an answer", "say finally")
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert [f["abandoned_blocks"]["from_block_index"] for f in frames if "abandoned_blocks" in f] == [0]
    assert frames[-1]["result"] == "finally"


def test_a_plan_is_asked_about_with_its_text_and_leaves_plan_mode(start: Start) -> None:
    claude = start("--permission-mode", "plan")
    claude.prompt("plan # Plan\\n1. do it")
    ask = claude.until_ask()
    assert ask["request"]["input"]["plan"] == "# Plan\n1. do it"
    assert Path(ask["request"]["input"]["planFilePath"]).read_text() == "# Plan\n1. do it"
    claude.allow(ask)
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert [f["permissionMode"] for f in frames if f.get("subtype") == "status" and "permissionMode" in f] == [
        "default"
    ]


def test_session_states_are_told_when_they_are_wanted(start: Start) -> None:
    claude = start(CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS="1")
    claude.prompt("run touch asked.txt")
    before = claude.until(lambda frame: frame["type"] == "control_request")
    claude.allow(before[-1])
    after = claude.until(lambda frame: frame.get("state") == "idle")
    states = [f["state"] for f in before + after if f.get("subtype") == "session_state_changed"]
    assert states == ["running", "requires_action", "running", "idle"]


# --- messages during a turn --------------------------------------------------------------------------------


def test_messages_sent_during_text_are_merged_into_one_turn(start: Start) -> None:
    claude = start()
    claude.prompt("stream 200 chars over 0.3 s")
    claude.until(lambda frame: kind(frame) == "stream_event/content_block_delta")
    uuids = [claude.prompt("say one"), claude.prompt("say two")]
    claude.until_result()
    assert claude.until_result()["user_message_uuids"] == uuids


def test_a_message_sent_during_a_tool_is_folded_into_the_turn(start: Start) -> None:
    claude = start()
    first = claude.prompt("sleep 0.4", "say slept")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    second = claude.prompt("say and heard you")
    frames = claude.until(lambda frame: frame.get("state") == "completed" and frame["command_uuid"] == first)
    assert lifecycle(frames) == [
        *[(second, "queued"), (second, "started"), (second, "completed"), (first, "completed")]
    ]
    (result,) = [frame for frame in frames if frame["type"] == "result"]
    assert result["user_message_uuids"] == [first, second]
    assert result["result"] == "and heard you"


def test_an_urgent_message_ends_the_turn_after_the_tool(start: Start) -> None:
    claude = start()
    first = claude.prompt("sleep 0.2", "say never said")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    claude.prompt("say urgent", priority="now")
    assert claude.until_result()["terminal_reason"] == "aborted_tools"
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert (first, "cancelled") in lifecycle(frames)
    assert frames[-1]["result"] == "urgent"


def test_the_same_uuid_twice_is_dropped(start: Start) -> None:
    claude = start()
    claude.prompt("say once", uuid="5474f4dc-d1e3-48dd-9e5a-a751435b128b")
    claude.prompt("say twice", uuid="5474f4dc-d1e3-48dd-9e5a-a751435b128b")
    claude.close_stdin()
    assert claude.until_end() == 0
    assert [frame["result"] for frame in claude.frames if frame["type"] == "result"] == ["once"]


# --- interrupts and endings --------------------------------------------------------------------------------


def test_an_interrupt_during_text_keeps_the_partial_text(start: Start) -> None:
    claude = start()
    prompt = claude.prompt("stream 3000 chars over 60 s")
    claude.until(lambda frame: kind(frame) == "stream_event/content_block_delta")
    waiting = claude.prompt("say after")
    claude.until(lambda frame: kind(frame) == "lifecycle/queued")
    assert claude.request("interrupt")["response"] == {"still_queued": [waiting]}
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert [kind(frame) for frame in frames] == [
        *["assistant", "user", "stream_event/content_block_stop", "stream_event/message_delta"],
        *["stream_event/message_stop", "result/error_during_execution"],
    ]
    assert frames[0]["aborted"] is True
    assert frames[-1]["terminal_reason"] == "aborted_streaming"
    assert (prompt, "cancelled") in lifecycle(claude.until(lambda frame: frame["type"] == "result"))


def test_an_interrupt_can_cancel_what_waits(start: Start) -> None:
    claude = start()
    claude.prompt("stream 3000 chars over 60 s")
    waiting = claude.prompt("say never said")
    claude.until(lambda frame: kind(frame) == "stream_event/content_block_delta")
    answer = claude.request("interrupt", cancel_queued=True)
    assert answer["response"] == {"still_queued": [], "cancelled": [waiting]}


def test_an_interrupt_withdraws_the_open_ask_first(start: Start) -> None:
    claude = start()
    claude.prompt("run touch asked.txt")
    ask = claude.until_ask()
    claude.send({"type": "control_request", "request_id": "h2", "request": {"subtype": "interrupt"}})
    frames = claude.until(lambda frame: frame["type"] == "result")
    withdrawn = next(f for f in frames if f["type"] == "control_cancel_request")
    assert withdrawn == {"type": "control_cancel_request", "request_id": ask["request_id"]}
    assert frames[-1]["terminal_reason"] == "aborted_tools"
    assert [kind(f) for f in frames if f["type"].startswith("control")] == [
        *["control_cancel_request", "control_response"]
    ]


def test_an_interrupt_kills_the_running_command(start: Start) -> None:
    claude = start()
    claude.prompt("run sleep 60 & echo $! > pid; wait")
    claude.allow(claude.until_ask())
    pid = read_when_there(claude.cwd / "pid")
    claude.request("interrupt")
    assert claude.until_result()["terminal_reason"] == "aborted_tools"
    wait_until(lambda: is_gone(pid))


def test_end_session_ends_the_process(start: Start) -> None:
    claude = start()
    claude.prompt("sleep 60")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    assert "response" not in claude.request("end_session")
    assert claude.until_end() == 1


def test_sigterm_ends_it_with_143_and_no_result(start: Start) -> None:
    claude = start()
    claude.prompt("sleep 60")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    claude.process.send_signal(signal.SIGTERM)
    assert claude.until_end() == 143
    assert "result" not in [frame["type"] for frame in claude.frames]


def test_sigint_ends_it_with_0_after_a_result(start: Start) -> None:
    claude = start()
    claude.prompt("sleep 60")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    claude.process.send_signal(signal.SIGINT)
    assert claude.until_end() == 0
    assert claude.frames[-2]["terminal_reason"] == "aborted_tools"


def test_a_deaf_hang_outlives_sigterm(start: Start) -> None:
    claude = start()
    claude.prompt("say listening", "hang hard")
    claude.until(lambda frame: frame["type"] == "assistant")
    wait_until(lambda: ignores(claude.process.pid, signal.SIGTERM))
    claude.process.send_signal(signal.SIGTERM)
    claude.process.send_signal(signal.SIGKILL)
    assert claude.until_end() == -signal.SIGKILL


def test_the_end_of_stdin_lets_the_turn_finish_and_fails_its_asks(start: Start) -> None:
    claude = start()
    claude.prompt("run touch asked.txt", "say went on alone")
    claude.until_ask()
    claude.close_stdin()
    assert claude.until_end() == 0
    assert claude.frames[-2]["result"] == "went on alone"
    assert not (claude.cwd / "asked.txt").exists()


def test_a_line_that_is_no_json_kills_it(start: Start) -> None:
    claude = start()
    claude.send_raw(b"this is not json\n")
    assert claude.until_end() == 1
    assert "Error parsing streaming input line (type=unknown, 16 chars): SyntaxError" in claude.stderr()


def test_it_dies_and_talks_nonsense_on_command(start: Start) -> None:
    claude = start()
    claude.prompt("unknown frame", "malformed", "stderr last words", "die 3")
    assert claude.until_end() == 3
    assert "frame_from_the_future" in [frame["type"] for frame in claude.frames]
    assert claude.bad_lines == [b"this line is not JSON"]
    assert claude.stderr() == "last words\n"


# --- subagents ---------------------------------------------------------------------------------------------


def test_a_subagent_asks_after_the_result_and_its_end_starts_a_turn(start: Start) -> None:
    claude = start()
    claude.prompt("subagent ask touch sub.txt after 0.1 s", "say Launched.")
    assert claude.until_result()["result"] == "Launched."
    ask = claude.until_ask()
    claude.allow(ask)
    frames = claude.until(lambda frame: frame["type"] == "result")
    assert ask["request"]["agent_id"]
    assert frames[-1]["origin"]["kind"] == "task-notification"
    assert "user_message_uuids" not in frames[-1]
    assert (claude.cwd / "sub.txt").exists()


def test_an_interrupt_while_idle_kills_a_subagent_that_asks(start: Start) -> None:
    claude = start()
    claude.prompt("subagent ask touch sub.txt after 0 s", "say Launched.")
    claude.until_result()
    claude.until_ask()
    claude.send({"type": "control_request", "request_id": "h2", "request": {"subtype": "interrupt"}})
    frames = claude.until(lambda frame: frame["type"] == "user" and "agent_id" in frame)
    recorded_order = [kind(frame) for frame in recorded("n6_bg_subagent_ask_while_idle")[-7:-1]]
    assert [kind(frame) for frame in frames if frame["type"] != "command_lifecycle"] == recorded_order


# --- sessions ----------------------------------------------------------------------------------------------


def test_a_session_can_be_resumed_with_its_id_and_its_cost(start: Start) -> None:
    number = str(uuid.uuid4())
    first = start("--session-id", number)
    prompt = first.prompt("say first")
    spent = first.until_result()["total_cost_usd"]
    first.close_stdin()
    assert first.until_end() == 0
    second = start("--resume", number)
    second.prompt("say again", uuid=prompt)
    second.prompt("say second")
    frames = second.until(lambda frame: frame["type"] == "result")
    assert frames[0] == {
        **frames[0],
        "type": "command_lifecycle",
        "command_uuid": prompt,
        "state": "completed",
    }
    assert frames[-1]["session_id"] == number
    assert frames[-1]["result"] == "second"
    assert frames[-1]["total_cost_usd"] > spent


def test_the_transcript_names_taken_merged_and_folded_prompts_as_the_real_one_does(start: Start) -> None:
    number = str(uuid.uuid4())
    claude = start("--session-id", number)
    taken = claude.prompt("sleep 0.3", "stream 200 chars over 0.3 s")
    claude.until(lambda frame: kind(frame) == "stream_event/message_stop")
    folded = claude.prompt("say folded")
    claude.until(lambda frame: kind(frame) == "stream_event/message_start")
    claude.prompt("say merged")
    last = claude.prompt("say last")
    claude.until_result()
    claude.until_result()
    (path,) = claude.cwd.parent.glob(f".claude/projects/*/{number}.jsonl")
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    assert [line["uuid"] for line in lines if line["type"] == "user"] == [taken, last]
    assert [line["attachment"]["source_uuid"] for line in lines if "attachment" in line] == [folded]


def test_resuming_an_unknown_session_fails_as_recorded(start: Start) -> None:
    claude = start("--resume", "85386a71-63b4-406f-9729-fa93825a7630")
    assert claude.until_end() == 1
    (expected,) = recorded("i1_resume_missing")
    assert claude.frames == [{**expected, "uuid": claude.frames[0]["uuid"]}]
    assert "No conversation found with session ID" in claude.stderr()


def test_a_session_id_in_use_is_refused(start: Start) -> None:
    number = str(uuid.uuid4())
    first = start("--session-id", number)
    first.prompt("say first")
    first.until_result()
    assert start("--session-id", number).until_end() == 1


def test_clear_changes_the_session_id_and_resets_the_cost(start: Start) -> None:
    claude = start()
    claude.prompt("say something")
    before = claude.until_result()["session_id"]
    claude.prompt("/clear")
    frames = claude.until(lambda frame: frame["type"] == "result")
    reset = next(frame for frame in frames if frame["type"] == "conversation_reset")
    assert reset["session_id"] == before
    assert frames[-1]["session_id"] == reset["new_conversation_id"] != before
    assert frames[-1]["total_cost_usd"] == 0


def test_a_composed_slash_command_is_plain_text(start: Start) -> None:
    claude = start()
    claude.prompt("/clear", client_composed=True)
    assert claude.until_result()["num_turns"] == 1


def test_an_unknown_option_is_refused_in_the_words_of_the_real_one(start: Start) -> None:
    claude = start("--no-such-flag")
    assert claude.until_end() == 1
    assert claude.stderr() == "error: unknown option '--no-such-flag'\n"


def test_it_tells_its_version_and_that_it_is_logged_in() -> None:
    version = subprocess.check_output([sys.executable, "-S", "-E", str(PROGRAM), "--version"], text=True)
    status = subprocess.check_output([sys.executable, "-S", "-E", str(PROGRAM), "auth", "status"], text=True)
    assert version == "2.1.330 (Claude Code)\n"
    assert json.loads(status)["loggedIn"] is True


def test_nothing_slow_is_imported_at_the_start() -> None:
    listing = subprocess.run(
        [sys.executable, "-S", "-E", "-X", "importtime", str(PROGRAM), "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    imported = {line.rpartition("|")[2].strip() for line in listing.splitlines()}
    assert not imported & {"asyncio", "subprocess", "dataclasses", "pathlib", "uuid", "tempfile"}


# --- helpers -----------------------------------------------------------------------------------------------


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.005)


def read_when_there(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text().strip() != "")
    return int(path.read_text())


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def ignores(pid: int, number: int) -> bool:
    mask = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("SigIgn"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)
