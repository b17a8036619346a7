"""Every recorded transcript through the stream, and exactly which lines go out."""

import json
from collections import Counter
from itertools import cycle
from typing import Any

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from stages.replay import CLAUDE_ID, GENERATION, NAMES, PLAN_ON_DISK, Replay, blocks_of, transcript, was_killed
from worker.steps import DeltaRead, EndChild, ImagesReturned, Line, Step
from worker.stream import MOST_OPEN, Stream
from worker.texts import TEXT_KEPT_CHARS
from worker.tools import OUTPUT_KEPT_BYTES

OUTCOMES: dict[str, list[tuple[str, str]]] = {
    "b3_deny_interrupt": [("interrupted", "")],
    "c4_parallel_reads_interrupt": [("interrupted", ""), ("completed", "")],
    "f1_interrupt_stream": [("interrupted", ""), ("completed", "")],
    "f2_interrupt_bash_sleep": [("interrupted", ""), ("completed", "")],
    "f3_interrupt_pending_perm": [("interrupted", ""), ("completed", "")],
    "g3_priority_now": [("interrupted", ""), ("completed", "")],
    "g4_interrupt_with_queue": [("interrupted", ""), ("completed", ""), ("interrupted", "")],
    "k10_404_model": [("failed", "model_not_found"), ("completed", "")],
    "k1_401": [("failed", "authentication_failed"), ("completed", "")],
    "k20_no_such_host": [("failed", "connection_failed")],
    "k21_unified_ratelimit_oauth": [("completed", ""), ("failed", "usage_limit_reached")],
    "l1_max_turns": [("failed", "max_turns"), ("failed", "max_turns")],
    "l2_max_budget": [("failed", "max_budget_usd"), ("failed", "max_budget_usd")],
    "o4_end_session_midtool": [("interrupted", "")],
    "v_no_api_key": [("failed", "authentication_failed")],
}
"""Of those transcripts in which not every turn is completed."""


def turns(name: str) -> list[tuple[int, ...]]:
    return [turn.prompt_ids for turn in Replay(name).events(e.TurnEnded)]


@pytest.mark.parametrize("name", NAMES)
def test_every_turn_of_a_transcript_ends_once_unless_it_was_killed(name: str) -> None:
    replay = Replay(name)
    turn_events = [r.event for r in replay.records if isinstance(r.event, e.TurnStarted | e.TurnEnded)]
    if was_killed(name):
        assert isinstance(turn_events.pop(), e.TurnStarted) and replay.stream.in_turn
    assert all(isinstance(event, e.TurnStarted) for event in turn_events[::2])
    assert all(isinstance(event, e.TurnEnded) for event in turn_events[1::2])
    assert len(turn_events) % 2 == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_child_of_a_transcript_would_be_ended_for_its_mode(name: str) -> None:
    assert not Replay(name).condemned


@pytest.mark.parametrize("name", NAMES)
def test_every_turn_has_the_outcome_that_the_protocol_notes_say(name: str) -> None:
    ended = [(turn.outcome, turn.error) for turn in Replay(name).events(e.TurnEnded)]
    assert ended == OUTCOMES.get(name, [("completed", "")] * len(ended))


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_call_starts_and_finishes_once(name: str) -> None:
    replay = Replay(name)
    started = Counter(tool.tool_use_id for tool in replay.events(e.ToolStarted))
    assert started == Counter(block["id"] for _, block in blocks_of(name, "assistant") if block["type"] == "tool_use")
    finished = Counter(tool.tool_use_id for tool in replay.events(e.ToolFinished))
    if was_killed(name):
        assert finished <= started
    else:
        assert finished == started


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_are_the_text_blocks_that_claude_wrote(name: str) -> None:
    written = [text.text for text in Replay(name).events(e.TextWritten)]
    said = [
        block["text"]
        for line, block in blocks_of(name, "assistant")
        if block["type"] == "text" and block["text"].strip() and "error" not in line
    ]
    assert written == said


@pytest.mark.parametrize("name", NAMES)
def test_the_deltas_of_a_block_are_the_beginning_of_its_text(name: str) -> None:
    replay = Replay(name)
    streamed: dict[str, str] = {}
    for item in replay.happened:
        if isinstance(item, DeltaRead):
            streamed[item.block] = streamed.get(item.block, "") + item.text
    written = {text.block: text.text for text in replay.events(e.TextWritten)}
    withdrawn = {block for event in replay.events(e.TextWithdrawn) for block in event.blocks}
    for block, text in streamed.items():
        assert block in withdrawn or was_killed(name) or written[block] == text


@pytest.mark.parametrize("name", NAMES)
def test_no_request_stays_open_unless_the_child_was_killed(name: str) -> None:
    replay = Replay(name)
    asked = len(replay.events(e.PermissionRequested))
    settled = len(replay.events(e.PermissionResolved)) + len(replay.events(e.PermissionWithdrawn))
    assert asked - settled == len(replay.stream.open_requests())
    assert was_killed(name) or asked == settled


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_done_or_cancelled_once_its_turn_is_over(name: str) -> None:
    replay = Replay(name)
    over = [p.prompt_id for p in replay.events(e.PromptDone)] + [p.prompt_id for p in replay.events(e.PromptCancelled)]
    assert len(over) == len(set(over))
    never_read = {"i1_resume_missing", "i1_session_id_reuse", "t_badflag"}
    assert was_killed(name) or name in never_read or not replay.stream.open_prompts


NOISE = [
    b"",
    b"null",
    b"[]",
    b'[{"type":"result"}]',
    b"42",
    b'"result"',
    b"this is not json",
    b'{"type":"result","usage":5,"num_turns":"x"}',
    b'{"type":"never_seen","subtype":"before","message":{"content":[1]}}',
    b'{"type":7}',
    b'{"type":null,"subtype":"success"}',
    b'{"type":["result"]}',
    b'{"type":"assistant","message":5}',
    b'{"type":"assistant","message":{"content":{"text":"no list"}}}',
    b'{"type":"assistant","message":{"content":[7,null,{"type":5,"text":6}]}}',
    b'{"type":"user","message":null}',
    b'{"type":"user","message":{"role":"user","content":[[],{"type":"tool_reslut","tool_use_id":{}}]}}',
    b'{"type":"stream_event","event":"message_stop"}',
    b'{"type":"stream_event","event":{"type":"never_seen","index":"0"}}',
    b'{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","x":[]}}}',
    b'{"type":"system","subtype":"never_seen","status":{}}',
    b'{"type":"system","subtype":["init"]}',
    b'{"type":"command_lifecycle","command_uuid":5,"state":"started"}',
    b'{"type":"command_lifecycle","command_uuid":"11111111-2222-4333-8444-555555555555","state":"completed"}',
    b'{"type":"control_cancel_request","request_id":{"a":1}}',
    b'{"type":"control_response","response":null}',
    b'{"type":"control_response","response":{"subtype":"success","request_id":"tb999"}}',
    b'{"type":"control_request","request":{"subtype":"can_use_tool"}}',
    b'{"type":"keep_alive"}',
    b'{"type":"caf\xff\xfe"}',
    b'{"type":"x","deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("name", NAMES)
def test_frames_never_seen_before_change_nothing(name: str) -> None:
    quiet = Replay(name)
    noise = cycle(NOISE[:-1])
    noisy = Replay(name, lambda: [next(noise) for _ in range(4)])
    assert noisy.happened == quiet.happened


def test_a_frame_nested_without_end_changes_nothing() -> None:
    assert Replay("a_plain_two_turns", lambda: NOISE[-1:]).happened == Replay("a_plain_two_turns").happened


# --- single transcripts ------------------------------------------------------------------------------


def test_a_resume_of_nothing_is_told_as_a_failed_resume_and_no_turn() -> None:
    replay = Replay("i1_resume_missing")
    (failed,) = replay.events(e.ResumeFailed)
    assert failed.claude_id == CLAUDE_ID
    assert failed.reason.startswith("No conversation found")
    assert not replay.events(e.TurnStarted) and not replay.events(e.ClaudeIdentified)


def test_a_child_without_a_login_says_so_with_the_code_of_the_field() -> None:
    (turn,) = Replay("v_no_api_key").events(e.TurnEnded)
    assert turn.error == "authentication_failed" and turn.reason.startswith("Not logged in")


def test_the_childs_start_tells_its_version_and_whether_it_is_logged_in() -> None:
    (started,) = Replay("a_plain_two_turns").events(e.ChildStarted)
    assert (started.pid, started.version, started.logged_in, started.resumed) == (4321, "2.1.330", True, False)
    assert Replay("i1_resume").events(e.ChildStarted)[0].resumed


def test_retries_are_told_as_they_happen() -> None:
    retries = [(r.attempt, r.error, r.status) for r in Replay("k4_529_x3_then_ok").events(e.ApiRetried)]
    assert retries == [(n, "overloaded", 529) for n in (1, 2, 3)]
    assert [(r.error, r.status) for r in Replay("k20_no_such_host").events(e.ApiRetried)] == [("unknown", None)]


@pytest.mark.parametrize("name", ["k8_reset_midstream", "k9_sse_error_midstream"])
def test_a_block_that_claude_abandons_is_withdrawn_before_the_new_text(name: str) -> None:
    replay = Replay(name)
    (withdrawn,) = replay.events(e.TextWithdrawn)
    first = next(item.block for item in replay.happened if isinstance(item, DeltaRead))
    assert withdrawn.blocks == (first,)
    order = [type(r.event) for r in replay.records if isinstance(r.event, e.TextWithdrawn | e.TextWritten)]
    assert order[:2] == [e.TextWithdrawn, e.TextWritten]


def test_an_interrupted_text_that_was_written_is_not_withdrawn() -> None:
    replay = Replay("f1_interrupt_stream")
    assert not replay.events(e.TextWithdrawn)
    assert replay.events(e.TextWritten)[0].text == "word " * 10


def test_messages_during_text_are_merged_into_one_turn_that_serves_both() -> None:
    assert turns("g1_queue_during_text") == [(1,), (2, 3)]


def test_a_message_during_a_tool_call_is_folded_into_the_running_turn() -> None:
    replay = Replay("g2_queue_during_tool")
    assert turns("g2_queue_during_tool") == [(1, 2)]
    names = [type(r.event).__name__ for r in replay.records if getattr(r.event, "prompt_id", None) == 2]
    assert names == ["PromptAccepted", "PromptQueued", "PromptTaken", "PromptDone"]


def test_a_later_message_has_a_turn_of_its_own() -> None:
    assert turns("g3_priority_later") == [(1,), (2,)]
    assert turns("g3_priority_now") == [(1,), (2,)]
    assert turns("t3_two_messages_at_once") == [(1,), (2,)]


def test_a_withdrawn_message_is_cancelled_and_what_is_queued_survives_an_interrupt() -> None:
    assert turns("g4_interrupt_with_queue") == [(1,), (2,), (4,)]
    assert [p.prompt_id for p in Replay("g4_interrupt_with_queue").events(e.PromptCancelled)] == [3, 1, 5, 4]


def test_clear_changes_claudes_id_to_the_one_that_can_be_resumed() -> None:
    replay = Replay("m_slash_commands")
    identified = [event.claude_id for event in replay.events(e.ClaudeIdentified)]
    first, last = (
        [line["session_id"] for kind, line in transcript("m_slash_commands") if is_init(kind, line)][i] for i in (0, -1)
    )
    assert identified == [first, last]
    costs = [turn.total_cost_usd for turn in replay.events(e.TurnEnded)]
    assert costs[6] == 0.0032 and costs[7] == 0.0


def is_init(kind: str, line: Any) -> bool:
    return kind == "out" and isinstance(line, dict) and line.get("subtype") == "init"


def test_a_local_command_shows_its_text_once() -> None:
    replay = Replay("m_slash_commands")
    assert all(not turn.result for turn in replay.events(e.TurnEnded))


def test_a_turn_that_a_background_task_starts_has_an_origin_and_no_prompts() -> None:
    for name in ("n1_subagent", "n3_background_bash"):
        first, second = Replay(name).events(e.TurnStarted)
        assert first == e.TurnStarted((1,))
        assert second == e.TurnStarted((), "task-notification")


def test_a_subagents_request_after_the_result_outlives_the_turns() -> None:
    replay = Replay("n6_bg_subagent_ask_while_idle")
    events = [type(r.event) for r in replay.records]
    asked, withdrawn = events.index(e.PermissionRequested), events.index(e.PermissionWithdrawn)
    ends = [i for i, event in enumerate(events) if event is e.TurnEnded]
    assert ends[0] < asked < ends[1] < withdrawn
    assert replay.events(e.PermissionRequested)[0].agent_id


def test_two_requests_can_be_open_and_are_answered_in_any_order() -> None:
    replay = Replay("c3_parallel_reads")
    asked = [r.seq for r in replay.records if isinstance(r.event, e.PermissionRequested)]
    assert [event.seq for event in replay.events(e.PermissionResolved)] == asked[::-1]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("c4_parallel_reads_interrupt", "Claude took it back"),
        ("f3_interrupt_pending_perm", "Claude took it back"),
        ("n6_bg_subagent_ask_while_idle", "Claude took it back"),
        ("o_eof_perm", "the turn ended"),
    ],
)
def test_a_request_that_claude_takes_back_is_withdrawn(name: str, why: str) -> None:
    (withdrawn,) = Replay(name).events(e.PermissionWithdrawn)
    assert withdrawn.reason == why


def test_only_the_one_rule_is_suggested_and_never_a_mode() -> None:
    (asked,) = Replay("b5_allow_always").events(e.PermissionRequested)
    assert len(asked.rules) == 1
    assert asked.rules[0].tool == "Bash" and asked.rules[0].content
    assert not Replay("b6_write_allow").events(e.PermissionRequested)[0].rules


def test_a_tool_call_without_a_result_at_the_turns_end_has_an_unknown_outcome() -> None:
    (finished,) = Replay("l2_max_budget").events(e.ToolFinished)
    assert finished.unknown


def test_ending_the_session_in_mid_tool_ends_the_turn_as_interrupted() -> None:
    replay = Replay("o4_end_session_midtool")
    assert replay.lines[-1]["request"] == {"subtype": "end_session"}
    assert [type(r.event) for r in replay.records[-3:]] == [e.ToolFinished, e.TurnEnded, e.PromptCancelled]


def test_settings_are_answered_with_what_claude_said() -> None:
    answers = {a.command_id: (a.value, a.error) for a in Replay("h1_control_requests").events(e.ConfigureAccepted)}
    assert answers["h2"] == ("plan", "")
    assert "bypassPermissions" not in answers["h3"][0] and answers["h8"][1].startswith("Cannot set permission mode")
    assert [m.permission_mode for m in Replay("h1_control_requests").events(e.ModeChanged)][-1] == "default"


# --- exactly which lines go out ----------------------------------------------------------------------

BASH_INPUT = '{"command":"touch a && echo \\u00e9",  "description":"x", "timeout":1e3}'
SUGGESTIONS = (
    '[{"type":"setMode","mode":"acceptEdits","destination":"session"},'
    '{"type":"addRules","rules":[{"toolName":"Bash","ruleContent":"touch a"}],"behavior":"allow",'
    '"destination":"localSettings"},{"type":"addDirectories","directories":["/srv"],"destination":"session"}]'
)


def ask(stream: Stream, tool: str, tool_input: str, suggestions: str = "[]", request_id: str = "r1") -> list[Step]:
    return stream.receive(
        (
            f'{{"type":"control_request","request_id":"{request_id}","request":{{"subtype":"can_use_tool",'
            f'"tool_name":"{tool}","input":{tool_input},"permission_suggestions":{suggestions},"tool_use_id":"t1"}}}}'
        ).encode()
    )


def asked_bash(suggestions: str = SUGGESTIONS) -> Stream:
    """A stream with a request open under seq 7."""
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (requested,) = ask(stream, "Bash", BASH_INPUT, suggestions)
    assert isinstance(requested, e.PermissionRequested)
    assert requested.tool_input == BASH_INPUT and requested.digest == digest_of(BASH_INPUT)
    stream.named("r1", 7)
    return stream


def decision(verdict: e.Verdict, *, always: bool = False, reason: str = "", digest: str = "") -> c.Decide:
    return c.Decide(GENERATION, 7, digest or digest_of(BASH_INPUT), verdict, always, 42, "ada", reason)


def only_line(steps: list[Step]) -> bytes:
    (line,) = [step.data for step in steps if isinstance(step, Line)]
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    json.loads(line)
    return line


def test_the_line_of_a_prompt() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    line = only_line(
        stream.prompt(e.PromptAccepted(5, "0f0f0f0f-0000-4000-8000-000000000000", "/clear\n@file ❤", 42, "ada"))
    )
    assert json.loads(line) == {
        "type": "user",
        "uuid": "0f0f0f0f-0000-4000-8000-000000000000",
        "client_composed": True,
        "message": {"role": "user", "content": "/clear\n@file ❤"},
        "parent_tool_use_id": None,
    }


def test_an_allow_repeats_the_input_byte_by_byte_in_the_exact_envelope() -> None:
    steps = asked_bash().decide(decision("allowed"))
    assert steps[0] == e.PermissionResolved(7, "allowed", False, 42, "ada", "")
    assert (
        only_line(steps)
        == (
            '{"type":"control_response","response":{"subtype":"success","request_id":"r1",'
            f'"response":{{"behavior":"allow","updatedInput":{BASH_INPUT}}}}}}}\n'
        ).encode()
    )


def test_always_sends_back_the_one_rule_for_this_session_only() -> None:
    steps = asked_bash().decide(decision("allowed", always=True))
    assert isinstance(steps[0], e.PermissionResolved) and steps[0].always
    rules = [{"toolName": "Bash", "ruleContent": "touch a"}]
    update = {"type": "addRules", "rules": rules, "behavior": "allow", "destination": "session"}
    assert json.loads(only_line(steps))["response"]["response"]["updatedPermissions"] == [update]


@pytest.mark.parametrize(
    "suggestions",
    [
        "[]",
        "null",
        "5",
        '[{"type":"setMode","mode":"acceptEdits"}]',
        '[{"type":"addRules","rules":[{"toolName":"Bash","ruleContent":["touch a"]}],"behavior":"allow"}]',
        '[{"type":"addRules","rules":[{"tool":"Bash"}],"behavior":"allow"}]',
        '[{"type":"addRules","rules":[{"toolName":"Bash"}],"behavior":"deny"}]',
    ],
)
def test_always_without_a_rule_that_we_know_whole_is_a_plain_allow(suggestions: str) -> None:
    stream = asked_bash(suggestions)
    assert not stream.open_requests()[0].request.rules
    steps = stream.decide(decision("allowed", always=True))
    assert isinstance(steps[0], e.PermissionResolved) and not steps[0].always
    assert json.loads(only_line(steps))["response"]["response"].keys() == {"behavior", "updatedInput"}


def test_a_denial_carries_its_reason_and_never_ends_the_turn() -> None:
    line = json.loads(only_line(asked_bash().decide(decision("denied", reason="not here", always=True))))
    assert line["response"]["response"] == {"behavior": "deny", "message": "not here"}
    bare = json.loads(only_line(asked_bash().decide(decision("denied"))))
    assert bare["response"]["response"]["message"]


def test_an_expired_request_is_denied_with_what_the_supervisor_says() -> None:
    steps = asked_bash().decide(decision("expired", reason="nobody answered"))
    assert isinstance(steps[0], e.PermissionResolved) and steps[0].verdict == "expired"
    assert json.loads(only_line(steps))["response"]["response"] == {"behavior": "deny", "message": "nobody answered"}


def test_a_decision_on_another_input_is_refused_and_the_request_stays_open() -> None:
    stream = asked_bash()
    (refused,) = stream.decide(decision("allowed", digest=digest_of("{}")))
    assert isinstance(refused, e.DecisionRefused) and refused.decided_by == 42
    assert [asked.seq for asked in stream.open_requests()] == [7]
    assert only_line(stream.decide(decision("allowed")))


def test_the_second_decision_is_refused_and_sends_nothing() -> None:
    stream = asked_bash()
    stream.decide(decision("allowed"))
    assert [type(step) for step in stream.decide(decision("denied"))] == [e.DecisionRefused]


def test_a_decision_after_claude_took_the_request_back_is_refused() -> None:
    stream = asked_bash()
    (withdrawn,) = stream.receive(b'{"type":"control_cancel_request","request_id":"r1"}')
    assert withdrawn == e.PermissionWithdrawn(7, "Claude took it back")
    assert [type(step) for step in stream.decide(decision("allowed"))] == [e.DecisionRefused]


def test_an_ask_without_an_input_can_be_allowed_and_the_line_is_still_json() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (asked,) = stream.receive(
        b'{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Odd"}}'
    )
    assert isinstance(asked, e.PermissionRequested) and asked.tool_input == "{}"
    stream.named("r1", 7)
    line = json.loads(only_line(stream.decide(decision("allowed", digest=asked.digest))))
    assert line["response"]["response"] == {"behavior": "allow"}


def test_an_ask_with_an_odd_field_is_still_asked() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (asked,) = stream.receive(
        b'{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash",'
        b'"input":{"command":"ls"},"description":["new"],"blocked_path":{},"mcp_server":"name","agent_id":7}}'
    )
    assert isinstance(asked, e.PermissionRequested)
    assert (asked.tool, asked.tool_input, asked.agent_id) == ("Bash", '{"command":"ls"}', "")


def test_what_is_shown_of_a_broken_text_is_what_would_run() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (asked,) = ask(stream, "Bash", '{"command":"echo \\ud83d"}')
    assert isinstance(asked, e.PermissionRequested)
    stream.named("r1", 7)
    line = json.loads(only_line(stream.decide(decision("allowed", digest=asked.digest))))
    assert line["response"]["response"]["updatedInput"] == json.loads(asked.tool_input) == {"command": "echo \ufffd"}


def test_a_plan_that_is_not_in_the_call_is_read_before_it_is_shown() -> None:
    replay = Replay("e1_plan_approve")
    subtypes = [line["request"]["subtype"] for line in replay.lines if line["type"] == "control_request"]
    assert subtypes == ["initialize", "get_plan"]
    (asked,) = replay.events(e.PermissionRequested)
    assert json.loads(asked.tool_input) == {"plan": PLAN_ON_DISK}
    assert replay.lines[-1]["response"]["response"] == {"behavior": "allow"}


def test_a_plan_in_the_call_is_shown_at_once() -> None:
    replay = Replay("e5_plan_file")
    (asked,) = replay.events(e.PermissionRequested)
    assert json.loads(asked.tool_input)["plan"]
    assert all(line["request"]["subtype"] != "get_plan" for line in replay.lines if line["type"] == "control_request")


def plan_answer(asked: list[Step]) -> bytes:
    answer = {
        "subtype": "success",
        "request_id": json.loads(only_line(asked))["request_id"],
        "response": {"content": "p"},
    }
    return json.dumps({"type": "control_response", "response": answer}).encode()


def test_a_plan_that_claude_takes_back_while_it_is_read_is_not_shown() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    answer = plan_answer(ask(stream, "ExitPlanMode", "{}"))
    stream.receive(b'{"type":"control_cancel_request","request_id":"r1"}')
    assert stream.receive(answer) == []


def test_a_plan_whose_turn_ended_while_it_was_read_is_not_shown() -> None:
    stream = in_turn()
    answer = plan_answer(ask(stream, "ExitPlanMode", "{}"))
    stream.receive(b'{"type":"result","subtype":"success","num_turns":1}')
    assert stream.receive(answer) == []


@pytest.mark.parametrize("subtype", ["hook_callback", "mcp_message", "elicitation", "oauth_token_refresh", ""])
def test_a_control_request_that_we_do_not_know_is_refused(subtype: str) -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    request = {"type": "control_request", "request_id": "r9", "request": {"subtype": subtype}}
    response = json.loads(only_line(stream.receive(json.dumps(request).encode())))["response"]
    assert (response["subtype"], response["request_id"]) == ("error", "r9")
    assert response["error"]


def test_an_interrupt_drops_what_is_queued_unless_told_otherwise() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    for keep in (True, False):
        line = json.loads(only_line(stream.interrupt(keep_queued=keep)))
        assert line["request"] == {"subtype": "interrupt", "cancel_queued": not keep}


def test_an_unknown_setting_is_answered_without_asking_claude() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (answered,) = stream.configure(c.Configure("c1", "colour", "red"))
    assert isinstance(answered, e.ConfigureAccepted) and answered.error


# --- frames that do not fit --------------------------------------------------------------------------


def in_turn() -> Stream:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    stream.prompt(e.PromptAccepted(5, "u5", "go", 42, "ada"))
    steps = stream.receive(b'{"type":"command_lifecycle","command_uuid":"u5","state":"started"}')
    assert steps == [e.TurnStarted((5,)), e.PromptTaken(5)]
    return stream


@pytest.mark.parametrize(
    "odd",
    [
        '"usage":5',
        '"num_turns":"x"',
        '"duration_ms":null',
        '"errors":"none"',
        '"user_message_uuids":{}',
        '"origin":7',
        '"total_cost_usd":"free"',
        '"terminal_reason":["completed"]',
        '"is_error":"no"',
        '"result":{"new":"shape"}',
        '"api_error":500',
        '"result":"half an emoji \\ud83d"',
    ],
)
def test_a_result_with_an_odd_field_still_ends_the_turn(odd: str) -> None:
    stream = in_turn()
    steps = stream.receive(f'{{"type":"result","subtype":"success",{odd}}}'.encode())
    assert [type(step) for step in steps] == [e.TurnEnded] and not stream.in_turn
    assert isinstance(steps[0], e.TurnEnded) and steps[0].outcome == "completed"


def test_an_error_result_is_a_failure_even_where_its_flag_is_odd() -> None:
    steps = in_turn().receive(b'{"type":"result","subtype":"error_max_turns","is_error":1,"errors":["too many"]}')
    assert isinstance(steps[0], e.TurnEnded)
    assert (steps[0].outcome, steps[0].error, steps[0].reason) == ("failed", "max_turns", "too many")


def test_going_idle_without_a_result_ends_the_turn_as_failed() -> None:
    stream = in_turn()
    ended, *_ = stream.receive(b'{"type":"system","subtype":"session_state_changed","state":"idle"}')
    assert isinstance(ended, e.TurnEnded) and (ended.outcome, ended.error) == ("failed", "no_result")
    assert stream.receive(b'{"type":"system","subtype":"session_state_changed","state":"idle"}') == []


def test_a_tool_result_with_half_a_character_still_finishes_the_tool() -> None:
    stream = in_turn()
    stream.receive(
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}]}}'
    )
    line = b'{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"cut \\ud83d"}]}}'
    (finished,) = stream.receive(line)
    assert isinstance(finished, e.ToolFinished) and finished.output == "cut \ufffd"


def test_blocks_that_do_not_fit_do_not_hide_those_that_do() -> None:
    steps = in_turn().receive(
        b'{"type":"assistant","uuid":"a1","message":{"id":5,"content":'
        b'[{"type":"new","text":null},null,{"type":"text","text":"hello","is_error":"?"}]}}'
    )
    assert steps == [e.TextWritten("a1", "hello")]


def test_a_long_tool_result_is_capped_and_its_digest_kept() -> None:
    stream = in_turn()
    text = "é" * OUTPUT_KEPT_BYTES
    block = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": text}]}
    (finished,) = stream.receive(json.dumps({"type": "user", "message": {"content": [block]}}).encode())
    assert isinstance(finished, e.ToolFinished)
    assert len(finished.output.encode()) == OUTPUT_KEPT_BYTES == finished.output_bytes // 2
    assert finished.output_digest == digest_of(text)


def test_a_task_that_ends_during_a_turn_still_names_the_turn_that_it_starts() -> None:
    stream = in_turn()
    stream.receive(b'{"type":"system","subtype":"task_notification","task_id":"k1","status":"completed"}')
    stream.receive(b'{"type":"result","subtype":"success","num_turns":1}')
    assert stream.receive(b'{"type":"system","subtype":"init"}') == []
    working = b'{"type":"system","subtype":"status","status":"requesting"}'
    assert stream.receive(working) == [e.TurnStarted((), "task-notification")]


def test_an_ask_with_bytes_that_are_no_text_is_asked_with_what_would_run() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (asked,) = stream.receive(
        b'{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash",'
        b'"input":{"command":"echo \xff"}}}'
    )
    assert isinstance(asked, e.PermissionRequested)
    assert asked.tool_input == '{"command":"echo \ufffd"}'


def test_a_text_without_end_is_kept_as_far_as_anybody_reads_and_streams_no_further() -> None:
    stream = in_turn()
    text = "x" * (TEXT_KEPT_CHARS + 500)
    stream.receive(b'{"type":"stream_event","event":{"type":"message_start","message":{"id":"m1"}}}')
    stream.receive(b'{"type":"stream_event","event":{"type":"content_block_start","index":0}}')
    streamed = ""
    for at in range(0, len(text), 100_000):
        delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text[at : at + 100_000]}}
        for step in stream.receive(json.dumps({"type": "stream_event", "event": delta}).encode()):
            assert isinstance(step, DeltaRead)
            streamed += step.text
    block = {"type": "text", "text": text}
    (written,) = stream.receive(json.dumps({"type": "assistant", "message": {"content": [block]}}).encode())
    assert isinstance(written, e.TextWritten) and written.text.startswith(streamed) and written.block == "m1:0"
    assert len(streamed) == TEXT_KEPT_CHARS and written.text.endswith("500 more characters here)")


def test_when_a_limit_resets_is_told_as_a_moment_and_only_by_the_turn_that_it_ended() -> None:
    completed, failed = Replay("k21_unified_ratelimit_oauth").events(e.TurnEnded)
    assert (completed.resets_at, failed.resets_at) == (0.0, 1795369274.0)


@pytest.mark.parametrize("reason", ["prompt_too_long", "blocking_limit", "image_error"])
def test_the_terminal_reason_counts_where_the_api_only_says_that_the_request_was_invalid(reason: str) -> None:
    stream = in_turn()
    stream.receive(b'{"type":"assistant","error":"invalid_request","message":{"content":[]}}')
    result = {"type": "result", "subtype": "success", "is_error": True, "num_turns": 1, "terminal_reason": reason}
    ended = [step for step in stream.receive(json.dumps(result).encode()) if isinstance(step, e.TurnEnded)]
    assert [turn.error for turn in ended] == [reason]


def called(stream: Stream, tool: str, content: object, **fields: str) -> list[object]:
    """The images that come of a tool's result."""
    use = {"type": "tool_use", "id": "t1", "name": tool, "input": {}}
    stream.receive(json.dumps({"type": "assistant", "message": {"content": [use]}, **fields}).encode())
    result = {"type": "tool_result", "tool_use_id": "t1", "content": content}
    steps = stream.receive(json.dumps({"type": "user", "message": {"content": [result]}}).encode())
    return [step for step in steps if isinstance(step, ImagesReturned)]


def test_the_images_that_a_servers_tool_returns_are_told_in_both_of_their_shapes() -> None:
    api = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    mcp = {"type": "image", "mimeType": "image/png", "data": "BBBB"}
    content = [{"type": "text", "text": "two"}, api, mcp, {"type": "image", "data": "no base64!"}, {"type": "image"}]
    assert called(in_turn(), "mcp__browser__shot", content) == [
        ImagesReturned("mcp__browser__shot", (b"\0\0\0", b"\x04\x10A"))
    ]


def test_no_images_are_told_of_read_which_are_files_nor_of_a_subagents_tools_nor_of_text() -> None:
    content = [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}]
    assert called(in_turn(), "Read", content) == []
    assert called(in_turn(), "mcp__browser__shot", content, parent_tool_use_id="t0") == []
    assert called(in_turn(), "mcp__browser__shot", "text") == called(in_turn(), "mcp__browser__shot", 5) == []


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        ({"requested_schema": {"properties": {"user": {}, "token": {}}}}, "“Log in please” (wanted: user, token)"),
        ({"mode": "url", "url": "https://a.example/x"}, "“Log in please” (at https://a.example/x)"),
        ({"requested_schema": 5}, "“Log in please”"),
    ],
)
def test_what_a_server_asks_the_person_is_declined_with_a_word(request_fields: dict[str, object], words: str) -> None:
    asked = {"subtype": "elicitation", "mcp_server_name": "github", "message": "Log in\nplease", **request_fields}
    line = json.dumps({"type": "control_request", "request_id": "r1", "request": asked}).encode()
    told, answer = in_turn().receive(line)
    assert isinstance(told, e.Noticed) and told.text.startswith("The MCP server github asked you something")
    assert told.text.endswith(words)
    assert isinstance(answer, Line) and b'"error"' in answer.data and b'"r1"' in answer.data


# --- lines that were too long to be read -------------------------------------------------------------


def test_a_request_that_was_too_long_is_refused_by_its_id_so_that_claude_goes_on() -> None:
    head = b'{"type":"control_request","request_id":"r-1","request":{"subtype":"can_use_tool","input":{"content":"xx'
    told, line = in_turn().dropped(head, 70_000_000)
    assert isinstance(told, e.Noticed) and "70 MB" in told.text
    assert isinstance(line, Line)
    assert json.loads(line.data)["response"] == {
        "subtype": "error",
        "request_id": "r-1",
        "error": "the request was too long to be shown",
    }


def test_a_long_line_that_asks_nothing_is_told_and_no_more() -> None:
    for kind in ("assistant", "user", "stream_event", "system", "result"):
        (told,) = in_turn().dropped(f'{{"type":"{kind}","message":{{"request_id":"r"'.encode(), 70_000_000)
        assert isinstance(told, e.Noticed)


def test_a_long_line_that_may_have_been_a_request_interrupts_the_turn() -> None:
    for head in (b'{"request":{"subtype":"can_use_tool"', b'{"type":"control_request","request":{"input":"xx', b""):
        _, line = in_turn().dropped(head, 70_000_000)
        assert isinstance(line, Line) and json.loads(line.data)["request"]["subtype"] == "interrupt"
        assert len(Stream(1, claude_id=CLAUDE_ID, resuming=False).dropped(head, 70_000_000)) == 1


@pytest.mark.parametrize(
    ("name", "costs"),
    [
        ("i1_first", [0.0008]),
        ("i1_resume", [0.0008]),
        ("i1_fork", [0.0008]),
        ("i2_kill_midstream_resume", [0.0008]),
        ("n1_subagent", [0.0024, 0.0016]),
        ("l2_max_budget", [0.8, 0.0]),
    ],
)
def test_each_turn_says_what_it_cost_itself(name: str, costs: list[float]) -> None:
    assert [turn.cost_usd for turn in Replay(name).events(e.TurnEnded)] == pytest.approx(costs)


# --- more at one time than anybody could follow -----------------------------------------------------


@pytest.mark.parametrize("kind", ["tools", "questions", "tasks"])
def test_a_child_that_opens_more_and_more_and_closes_nothing_is_ended(kind: str) -> None:
    stream = in_turn()

    def opened(number: int) -> list[Step]:
        call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {}}
        ask = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "ls"}}
        line = {
            "tools": {"type": "assistant", "message": {"content": [call]}},
            "questions": {"type": "control_request", "request_id": f"r{number}", "request": ask},
            "tasks": {"type": "system", "subtype": "task_started", "task_id": f"b{number}", "task_type": "local_bash"},
        }[kind]
        return stream.receive(json.dumps(line).encode())

    assert not [s for n in range(MOST_OPEN) for s in opened(n) if isinstance(s, EndChild)]
    (ended,) = [step for step in opened(MOST_OPEN) if isinstance(step, EndChild)]
    assert "1,000" in ended.why


# --- directories outside the project -----------------------------------------------------------------


def test_suggested_directories_are_told_with_the_request_and_go_back_with_no_answer() -> None:
    stream = asked_bash()
    assert stream.open_requests()[0].request.directories == ("/srv",)
    steps = stream.decide(decision("allowed"))
    assert json.loads(only_line(steps))["response"]["response"].keys() == {"behavior", "updatedInput"}


def directories_in(line: bytes) -> object:
    request = json.loads(line)["request"]
    assert request["subtype"] == "apply_flag_settings"
    return request["settings"]["permissions"]["additionalDirectories"]


@pytest.mark.parametrize("paths", [[], ["/srv/a"], ["/srv/a", "/srv/b"]])
def test_directories_are_a_setting_so_that_they_can_be_taken_back(paths: list[str]) -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    steps = stream.configure(c.Configure("c1", "directories", json.dumps(paths)))
    assert directories_in(only_line(steps)) == paths


def test_a_directory_behind_a_link_is_not_told() -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    steps = stream.configure(c.Configure("c1", "directories", '["/srv/a","/srv/b"]'), frozenset({"/srv/a"}))
    assert directories_in(only_line(steps)) == ["/srv/b"]
