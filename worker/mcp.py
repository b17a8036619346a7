"""The tool that we offer Claude, over the CLI's SDK MCP channel: JSON-RPC in, JSON-RPC out. No I/O.

The CLI carries a server's messages in ``control_request mcp_message`` when it was started with CONFIG and its
initialize request names the server (PROTOCOL.md section 14). *Observed*, 2.1.330: without ``anthropic/alwaysLoad`` the
tool is only found by searching for tools; an allow rule on the command line (ALLOWED) holds in an untrusted folder
and in every permission mode that was tried, and nobody is asked.
"""

import msgspec

SERVER = "threadbridge"
TOOL = "send_file"
ALLOWED = f"mcp__{SERVER}__{TOOL}"
CONFIG = msgspec.json.encode({"mcpServers": {SERVER: {"type": "sdk", "name": SERVER}}}).decode()
PROTOCOL_VERSION = "2025-06-18"
"""Of the Model Context Protocol; the CLI's own is taken when it tells one."""
CAPTION_CHARS = 1000

_INVALID_REQUEST, _NO_SUCH_METHOD, _INVALID_PARAMS = -32600, -32601, -32602

type CallId = int | str
type Answer = dict[str, object]


class SendFile(msgspec.Struct, frozen=True):
    """A call of the tool, to be answered by ``told``."""

    call_id: CallId
    path: str
    caption: str = ""


class _Rpc(msgspec.Struct):
    method: str = ""
    id: CallId | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class _Initialize(msgspec.Struct):
    protocolVersion: str = PROTOCOL_VERSION  # noqa: N815 - the protocol's name


class _Arguments(msgspec.Struct):
    path: str
    caption: str = ""


class _Call(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


def respond(message: bytes | msgspec.Raw, places: str) -> Answer | SendFile:
    """The answer to one message, or the call that is to be carried out first.

    ``places``: in words, where a file may lie.
    """
    try:
        rpc = msgspec.json.decode(message, type=_Rpc)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _error(None, _INVALID_REQUEST, "this is no request that can be read")
    if rpc.id is None:
        return {"jsonrpc": "2.0", "result": {}}  # a notification; the CLI wants some answer all the same
    match rpc.method:
        case "initialize":
            return _result(rpc.id, _initialized(rpc.params))
        case "ping":
            return _result(rpc.id, {})
        case "tools/list":
            return _result(rpc.id, {"tools": [_tool(places)]})
        case "tools/call":
            return _called(rpc.id, rpc.params)
        case method:
            return _error(rpc.id, _NO_SUCH_METHOD, f"there is no method {method!r}")


def told(call_id: CallId, words: str, *, is_error: bool = False) -> Answer:
    """What came of a call, for Claude."""
    return _result(call_id, {"content": [{"type": "text", "text": words}], "isError": is_error})


def _called(call_id: CallId, params: msgspec.Raw) -> Answer | SendFile:
    """Wrong arguments are told as the tool's own error, so that the model reads them and tries again."""
    try:
        call = msgspec.json.decode(params, type=_Call)
        if call.name != TOOL:
            return _error(call_id, _INVALID_PARAMS, f"there is no tool {call.name!r}")
        given = msgspec.json.decode(call.arguments, type=_Arguments)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return told(call_id, f"The arguments do not fit: {error}", is_error=True)
    return SendFile(call_id, given.path, given.caption[:CAPTION_CHARS])


def _initialized(params: msgspec.Raw) -> Answer:
    try:
        version = msgspec.json.decode(params, type=_Initialize).protocolVersion
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        version = PROTOCOL_VERSION
    return {
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": SERVER, "version": "1"},
    }


def _tool(places: str) -> Answer:
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


def _result(call_id: CallId, result: Answer) -> Answer:
    return {"jsonrpc": "2.0", "id": call_id, "result": result}


def _error(call_id: CallId | None, code: int, words: str) -> Answer:
    return {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": words}}
