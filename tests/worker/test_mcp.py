"""JSON-RPC to the server that the worker is for Claude's CLI; pure."""

import json
from typing import Any

import pytest

from worker import mcp

PLACES = "/srv/app or in your scratch folder /state/scratch"


def ask(method: str, params: object = None, call_id: int | str | None = 1, remote: str = "") -> Any:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": method}
    if call_id is not None:
        message["id"] = call_id
    if params is not None:
        message["params"] = params
    return mcp.respond(json.dumps(message).encode(), PLACES, remote)


def test_the_handshake_is_answered_in_the_version_that_the_cli_speaks() -> None:
    answer = ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x"}}, 0)
    assert (answer["id"], answer["result"]["protocolVersion"]) == (0, "2025-11-25")
    assert answer["result"]["serverInfo"]["name"] == "threadbridge"
    assert "tools" in answer["result"]["capabilities"]


def test_a_notification_is_answered_with_nothing_in_it() -> None:
    assert ask("notifications/initialized", call_id=None) == {"jsonrpc": "2.0", "result": {}}


def test_the_one_tool_is_listed_with_the_places_and_always_loaded() -> None:
    (tool,) = ask("tools/list")["result"]["tools"]
    assert tool["name"] == "send_file"
    assert PLACES in tool["description"]
    assert tool["_meta"] == {"anthropic/alwaysLoad": True}
    assert tool["inputSchema"]["required"] == ["path"]


def test_a_ping_is_answered() -> None:
    assert ask("ping", call_id="a-text") == {"jsonrpc": "2.0", "id": "a-text", "result": {}}


@pytest.mark.parametrize("method", ["server/discover", "resources/list", "prompts/list", ""])
def test_a_method_that_is_not_known_is_refused_with_its_code(method: str) -> None:
    assert ask(method)["error"]["code"] == -32601


def test_a_call_is_handed_out_with_its_id_path_and_caption() -> None:
    call = ask("tools/call", {"name": "send_file", "arguments": {"path": "a.png", "caption": "Look"}, "_meta": {}}, 7)
    assert call == mcp.SendFile(7, "a.png", "Look")


def test_a_caption_is_cut_to_its_limit() -> None:
    call = ask("tools/call", {"name": "send_file", "arguments": {"path": "a", "caption": "x" * 5000}})
    assert len(call.caption) == mcp.CAPTION_CHARS


@pytest.mark.parametrize("arguments", [{}, {"path": 5}, {"path": None}, [], "a.png"])
def test_arguments_that_do_not_fit_are_told_as_the_tools_own_error(arguments: object) -> None:
    answer = ask("tools/call", {"name": "send_file", "arguments": arguments})
    assert answer["result"]["isError"] is True
    assert "arguments" in answer["result"]["content"][0]["text"]


def test_another_tool_is_refused() -> None:
    assert ask("tools/call", {"name": "rm", "arguments": {}})["error"]["code"] == -32602


@pytest.mark.parametrize("message", [b"", b"[]", b"5", b'{"id": {}}', b"\xff", b'[{"method":"ping","id":1}]'])
def test_what_is_no_request_is_refused_and_breaks_nothing(message: bytes) -> None:
    answer = mcp.respond(message, PLACES)
    assert isinstance(answer, dict)
    assert answer["error"] == {"code": -32600, "message": "this is no request that can be read"}


def test_the_outcome_of_a_call_is_told_in_a_text_block() -> None:
    answer = mcp.told(3, "Not sent: it is empty.", is_error=True)
    assert answer["result"] == {"content": [{"type": "text", "text": "Not sent: it is empty."}], "isError": True}


def test_a_push_is_offered_only_where_there_is_a_remote_and_names_it() -> None:
    _, push = ask("tools/list", remote="git@h:app")["result"]["tools"]
    assert push["name"] == "git_push" and "git@h:app" in push["description"]
    call = {"name": "git_push", "arguments": {"branch": "main"}}
    assert ask("tools/call", call)["error"]["code"] == -32602


def test_a_push_is_handed_out_with_the_tool_use_that_it_belongs_to() -> None:
    arguments = {"branch": "main", "to": "next", "force_with_lease": True}
    call = {"name": "git_push", "arguments": arguments, "_meta": {"claudecode/toolUseId": "toolu_1"}}
    assert ask("tools/call", call, 7, "git@h:app") == mcp.PushBranch(7, "main", "next", True, "toolu_1")
    odd = {"name": "git_push", "arguments": {"branch": "main"}, "_meta": [1]}
    assert ask("tools/call", odd, 7, "git@h:app") == mcp.PushBranch(7, "main")


@pytest.mark.parametrize("arguments", [{}, {"branch": 5}, {"branch": "a", "force_with_lease": "yes"}, []])
def test_a_push_with_wrong_arguments_is_told_so(arguments: object) -> None:
    answer = ask("tools/call", {"name": "git_push", "arguments": arguments}, 7, "git@h:app")
    assert answer["result"]["isError"]
