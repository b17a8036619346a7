"""Claude's control requests: who is asked, and what is answered at once (docs/claude-protocol.md, "Control requests").

Every one is answered, or Claude would wait for ever: permissions by a person (``worker.asks``), messages to the MCP
server that we are by its tools, all else by a refusal in words.
"""

import re

from bridge.protocol import events as e
from bridge.text import clip, one_line
from worker import control_frames as cf
from worker import frames as f
from worker import lines_out, mcp
from worker.asks import Asks
from worker.steps import FileOffered, Line, PushAsked, Step

_REQUEST_ID = re.compile(rb'"request_id":\s*"([0-9A-Za-z_.:-]{1,100})"')


class ClaudeRequests:
    """``places``: in words, whence Claude may send files. ``remote``: the URL to which it may ask us to push, or ""."""

    def __init__(self, asks: Asks, places: str, remote: str) -> None:
        self._asks = asks
        self._places = places
        self._remote = remote

    def asked(self, frame: f.Frame) -> list[Step]:
        ask = f.part(frame.request, cf.Ask)
        request_id = frame.request_id or ""
        if not request_id:
            return []  # nobody could be answered
        if ask.subtype == "mcp_message":
            return [self._of_mcp(request_id, f.part(frame.request, cf.McpMessage))]
        if ask.subtype == "elicitation":
            told = _declined(f.part(frame.request, cf.Elicitation))
            return [told, Line(lines_out.refusal(request_id, "nobody can be asked this here"))]
        if ask.subtype != "can_use_tool":
            return [Line(lines_out.refusal(request_id, f"this host does not answer {ask.subtype}"))]
        if self._remote and ask.tool_name == mcp.PUSH_ALLOWED:
            return [Line(lines_out.answer(request_id, {"behavior": "allow", "updatedInput": ask.input}))]
        return self._asks.asked(request_id, ask)

    def _of_mcp(self, request_id: str, told: cf.McpMessage) -> Step:
        """A message to the server that we are; each wants an answer."""
        if told.server_name != mcp.SERVER:
            return Line(lines_out.refusal(request_id, f"this host has no server {told.server_name!r}"))
        answer = mcp.respond(told.message, self._places, self._remote)
        if isinstance(answer, mcp.SendFile):
            return FileOffered(request_id, answer)
        if isinstance(answer, mcp.PushBranch):
            if self._asks.claim_push(request_id, answer.call_id):
                return PushAsked(request_id, answer)
            answer = mcp.told(answer.call_id, f"{mcp.NOT_PUSHED}one push at a time.", is_error=True)
        return Line(lines_out.mcp_answer(request_id, answer))


def refusal_of(head: bytes) -> Line | None:
    """The answer to a request of which only the beginning was read; None when it is no request."""
    if (found := _REQUEST_ID.search(head)) and b'"control_request"' in head:
        return Line(lines_out.refusal(found[1].decode(), "the request was too long to be shown"))
    return None


def _declined(asked: cf.Elicitation) -> e.Noticed:
    """What an MCP server asked the person for: that it was not answered, and what it was."""
    fields = ", ".join(asked.requested_schema.properties) if asked.requested_schema else ""
    wanted = f" (at {asked.url})" if asked.url else f" (wanted: {fields})" if fields else ""
    return e.Noticed(
        f"The MCP server {one_line(asked.mcp_server_name, 80) or 'without a name'} asked you something, which cannot be"
        f" answered here and was declined: “{one_line(asked.message, 400)}”{clip(wanted, 300)}"
    )
