"""The shapes of the control channel: what Claude asks of us, and what it answers (docs/claude-protocol.md, "Control
requests"). They are read as far as they fit (``worker.tolerant_json``).
"""

from typing import Literal

import msgspec

from worker.frames import EMPTY
from worker.tolerant_json import Whole


class Rule(msgspec.Struct):
    toolName: str = ""  # noqa: N815 - the CLI's name
    ruleContent: str | None = None  # noqa: N815 - the CLI's name


class Suggestion(Whole):
    """A rule that lost a field would allow more than was suggested."""

    type: str = ""
    rules: tuple[Rule, ...] = ()
    behavior: str = ""
    mode: str = ""
    directories: tuple[str, ...] = ()


class Server(msgspec.Struct):
    name: str = ""


class Ask(msgspec.Struct):
    """The ``request`` of a control_request."""

    subtype: str = ""
    tool_name: str = ""
    input: msgspec.Raw = EMPTY
    description: str = ""
    tool_use_id: str = ""
    agent_id: str | None = None
    permission_suggestions: list[Suggestion] = []
    blocked_path: str | None = None
    decision_reason: str | None = None
    mcp_server: Server | None = None


class Schema(msgspec.Struct):
    properties: dict[str, msgspec.Raw] = {}


class Elicitation(msgspec.Struct):
    """The ``request`` of a control_request ``elicitation``: an MCP server asks the person for something."""

    mcp_server_name: str = ""
    message: str = ""
    url: str | None = None
    requested_schema: Schema | None = None


class McpMessage(msgspec.Struct):
    """The ``request`` of a control_request ``mcp_message``; ``message`` is JSON-RPC."""

    server_name: str = ""
    message: msgspec.Raw = EMPTY


class Account(msgspec.Struct):
    tokenSource: str | None = None  # noqa: N815 - the CLI's name
    apiKeySource: str | None = None  # noqa: N815 - the CLI's name

    @property
    def is_logged_in(self) -> bool:
        return any((source or "none") != "none" for source in (self.tokenSource, self.apiKeySource))


class Plan(msgspec.Struct):
    exists: bool = False
    content: str | None = None


class Cancelled(msgspec.Struct):
    """The answer to ``cancel_async_message``."""

    cancelled: bool = False


class AllCancelled(msgspec.Struct):
    """The answer to ``interrupt`` with ``cancel_queued``: the uuids that were given back."""

    cancelled: list[str] = []


class OfferedModel(msgspec.Struct):
    value: str = ""
    displayName: str = ""  # noqa: N815
    description: str = ""
    supportedEffortLevels: list[str] | None = None  # noqa: N815


class OfferedCommand(msgspec.Struct):
    name: str = ""
    description: str = ""
    argumentHint: str = ""  # noqa: N815


class Initialized(msgspec.Struct):
    """The answer to ``initialize``."""

    account: Account = msgspec.field(default_factory=Account)
    models: list[OfferedModel] = []
    commands: list[OfferedCommand] = []
    claude_code_version: str = ""
    current_permission_mode: str = ""


class Title(msgspec.Struct):
    """The answer to ``generate_session_title``."""

    title: str = ""


class ControlResponse(msgspec.Struct):
    subtype: Literal["success", "error"] | str = ""
    request_id: str = ""
    response: msgspec.Raw = EMPTY
    error: str = ""
