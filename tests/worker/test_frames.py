import json

import msgspec
import pytest

from bridge.protocol import events as e
from worker import control_frames as cf
from worker import frames as f
from worker import lines_out


def test_a_frame_is_read_with_its_type_anywhere_in_the_line() -> None:
    frame = f.read_frame(b'{"result":"' + b"x" * 2_000_000 + b'","unknown":{"a":[1]},"type":"result"}')
    assert frame and frame.type == "result" and frame.result and len(frame.result) == 2_000_000


@pytest.mark.parametrize("line", [b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"a":}', b"\xff\xfe", b"[" * 300_000])
def test_a_line_that_is_no_object_is_no_frame(line: bytes) -> None:
    assert f.read_frame(line) is None


def test_a_field_of_an_odd_type_does_not_cost_the_others() -> None:
    frame = f.read_frame(b'{"type":"result","num_turns":"x","usage":5,"errors":["a",5,"b"],"total_cost_usd":0.5}')
    assert frame
    assert (frame.num_turns, frame.errors, frame.total_cost_usd) == (0, ["a", "b"], 0.5)
    assert f.part(frame.usage, f.Usage) == f.Usage()


def test_half_of_a_character_becomes_the_replacement_character() -> None:
    frame = f.read_frame(b'{"type":"x","description":"a\\ud83d b","summary":"\\ude00","result":"\\ud83d\\ude00"}')
    assert frame
    assert (frame.description, frame.summary, frame.result) == ("a\ufffd b", "\ufffd", "😀")


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    frame = f.read_frame(b'{"type":"system","description":"caf\xe9"}')
    assert frame and frame.description == "caf\ufffd"


def test_a_suggestion_is_read_whole_or_not_at_all() -> None:
    odd = b'{"type":"addRules","behavior":"allow","rules":[{"toolName":"Bash","ruleContent":5}]}'
    good = b'{"type":"addRules","behavior":"allow","rules":[{"toolName":"Bash","ruleContent":"ls"}]}'
    ask = f.part(msgspec.Raw(b'{"tool_name":"Bash","permission_suggestions":[%s,%s]}' % (odd, good)), cf.Ask)
    assert ask.tool_name == "Bash"
    assert [s.rules for s in ask.permission_suggestions] == [(cf.Rule("Bash", "ls"),)]


def test_the_text_of_a_result_is_its_string_or_its_blocks() -> None:
    assert f.text_of(msgspec.Raw(b'"plain"')) == "plain"
    assert f.text_of(msgspec.Raw(b'[{"type":"text","text":"a"},{"type":"image","source":{}}]')) == "a\n[image]"
    assert f.text_of(msgspec.Raw(b"null")) == f.text_of(msgspec.Raw(b"")) == ""
    assert f.text_of(msgspec.Raw(b'{"new":1}')) == '{"new":1}'


@pytest.mark.parametrize("text", ["a\nb", "\u2028", '"}\n{"type":"x"}', "\x00", "❤"])
def test_what_we_write_is_one_line_of_json(text: str) -> None:
    prompt = e.PromptAccepted(5, "u", text, 42, "ada")
    for line in (
        lines_out.user_message(prompt, text),
        lines_out.answer(text, {"message": text}),
        lines_out.refusal(text, text),
    ):
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        assert json.loads(line)
