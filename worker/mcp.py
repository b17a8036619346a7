"""The tools that we offer Claude, over the CLI's SDK MCP channel: JSON-RPC in, JSON-RPC out. No I/O.

The CLI carries a server's messages in ``control_request mcp_message`` when it was started with CONFIG and its
initialize request names the server (docs/claude-protocol.md, "SDK MCP channel"). Without ``anthropic/alwaysLoad`` the
tool is only found by searching for tools; an allow rule on the command line (ALLOWED) holds in an untrusted folder
and in every permission mode that was tried, and nobody is asked. So for ``git_push`` the worker asks by itself;
in the mode plan the CLI asks all the same, because it changes something, and is let, so that there is one card.
"""

import msgspec

from bridge.protocol.errors import UNREADABLE

SERVER = "threadbridge"
TOOL = "send_file"
PUSH = "git_push"
ALLOWED = f"mcp__{SERVER}__{TOOL}"
PUSH_ALLOWED = f"mcp__{SERVER}__{PUSH}"
CONFIG = msgspec.json.encode({"mcpServers": {SERVER: {"type": "sdk", "name": SERVER}}}).decode()
NOT_PUSHED, PERHAPS_PUSHED = "Not pushed: ", "Perhaps pushed: "
"""How the answer to a push begins that did not come about, or whose outcome nobody knows."""
PROTOCOL_VERSION = "2025-06-18"
"""Of the Model Context Protocol; the CLI's own is taken when it tells one."""
CAPTION_CHARS = 1000

_INVALID_REQUEST, _NO_SUCH_METHOD, _INVALID_PARAMS = -32600, -32601, -32602

type CallId = int | str
type JsonObject = dict[str, object]


class SendFile(msgspec.Struct, frozen=True):
    """A call of the tool, to be answered by ``told``."""

    call_id: CallId
    path: str
    caption: str = ""


class PushBranch(msgspec.Struct, frozen=True):
    """A call of ``git_push``. ``to``: the remote's branch; "": of the same name."""

    call_id: CallId
    branch: str
    to: str = ""
    force_with_lease: bool = False
    tool_use_id: str = ""


class _Rpc(msgspec.Struct):
    method: str = ""
    id: CallId | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class _Initialize(msgspec.Struct):
    protocolVersion: str = PROTOCOL_VERSION  # noqa: N815 - the protocol's name


class _Arguments(msgspec.Struct):
    path: str
    caption: str = ""


class _PushArguments(msgspec.Struct):
    branch: str
    to: str = ""
    force_with_lease: bool = False


class _Meta(msgspec.Struct):
    """The CLI names the tool use that a call belongs to (docs/claude-protocol.md, "SDK MCP channel")."""

    tool_use_id: str = msgspec.field(default="", name="claudecode/toolUseId")


class _Call(msgspec.Struct):
    name: str
    meta: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"{}"), name="_meta")
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


def respond(message: bytes | msgspec.Raw, places: str, remote: str = "") -> JsonObject | SendFile | PushBranch:
    """The answer to one message, or the call that is to be carried out first.

    ``places``: in words, where a file may lie. ``remote``: where pushes go; "": that tool is not offered.
    """
    try:
        rpc = msgspec.json.decode(message, type=_Rpc)
    except UNREADABLE:
        return _error(None, _INVALID_REQUEST, "this is no request that can be read")
    if rpc.id is None:
        return {"jsonrpc": "2.0", "result": {}}  # a notification; the CLI wants some answer all the same
    match rpc.method:
        case "initialize":
            return _result(rpc.id, _initialized(rpc.params))
        case "ping":
            return _result(rpc.id, {})
        case "tools/list":
            return _result(rpc.id, {"tools": [_tool(places), *([_push_tool(remote)] if remote else [])]})
        case "tools/call":
            return _called(rpc.id, rpc.params, may_push=bool(remote))
        case method:
            return _error(rpc.id, _NO_SUCH_METHOD, f"there is no method {method!r}")


def told(call_id: CallId, words: str, *, is_error: bool = False) -> JsonObject:
    """What came of a call, for Claude."""
    return _result(call_id, {"content": [{"type": "text", "text": words}], "isError": is_error})


def _called(call_id: CallId, params: msgspec.Raw, *, may_push: bool) -> JsonObject | SendFile | PushBranch:
    """Wrong arguments are told as the tool's own error, so that the model reads them and tries again."""
    try:
        call = msgspec.json.decode(params, type=_Call)
        if call.name == PUSH and may_push:
            wanted = msgspec.json.decode(call.arguments, type=_PushArguments)
            return PushBranch(call_id, wanted.branch, wanted.to, wanted.force_with_lease, _tool_use_of(call.meta))
        if call.name != TOOL:
            return _error(call_id, _INVALID_PARAMS, f"there is no tool {call.name!r}")
        given = msgspec.json.decode(call.arguments, type=_Arguments)
    except UNREADABLE as error:
        return told(call_id, f"The arguments do not fit: {error}", is_error=True)
    return SendFile(call_id, given.path, given.caption[:CAPTION_CHARS])


def _tool_use_of(meta: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(meta, type=_Meta).tool_use_id
    except UNREADABLE:
        return ""


def _initialized(params: msgspec.Raw) -> JsonObject:
    try:
        version = msgspec.json.decode(params, type=_Initialize).protocolVersion
    except UNREADABLE:
        version = PROTOCOL_VERSION
    return {
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": SERVER, "version": "1"},
    }


def _tool(places: str) -> JsonObject:
    return {
        "name": TOOL,
        "title": "Send a file to the person",
        "description": (
            "Give the person a file. They talk to you from Discord, often on a phone, and see none of your files: use"
            " this for whatever they should look at or keep (a picture or chart that you made, a report, a log, an"
            f" archive). Images are shown in the thread. The file must be a regular file of at most 10 MB in {places}."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "The file: absolute, or from the project directory"},
                "caption": {"type": "string", "description": "A line that stands above the file (optional)"},
            },
            "required": ["path"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False},
        "_meta": {"anthropic/alwaysLoad": True},
    }


def _push_tool(remote: str) -> JsonObject:
    return {
        "name": PUSH,
        "title": "Push a branch",
        "description": (
            f"Push a branch of this repository to {remote}, which you have no keys for. The person is shown the commits"
            " and decides; then the push is made outside, with their keys. Hooks do not run, and nothing of this"
            " repository's configuration counts. Commit first. Use this instead of the command git push."
        ),
        "inputSchema": {
            "type": "object",
            "properties": {
                "branch": {"type": "string", "description": "The local branch's name, without refs/heads/"},
                "to": {"type": "string", "description": "The remote's branch (default: of the same name)"},
                "force_with_lease": {
                    "type": "boolean",
                    "description": "Replace what the remote's branch has, where it is not in this branch's history",
                },
            },
            "required": ["branch"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True},
        "_meta": {"anthropic/alwaysLoad": True},
    }


def _result(call_id: CallId, result: JsonObject) -> JsonObject:
    return {"jsonrpc": "2.0", "id": call_id, "result": result}


def _error(call_id: CallId | None, code: int, words: str) -> JsonObject:
    return {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": words}}
