"""What of Claude's login a session gets: the access token, and nothing that could renew it.

The CLI keeps its login in ``.credentials.json``. A session's copy has no refresh token: two sessions that renewed would
spend one refresh token twice, and the loser's login would be dead (docs/claude-protocol.md, "Login files"). The same
holds for the logins of remote MCP servers: a session that renewed one could not write it back. What is copied is a
list.
"""

from collections.abc import Mapping

import msgspec

from bridge.protocol.errors import UNREADABLE

_COPIED = ("accessToken", "expiresAt", "scopes", "subscriptionType", "rateLimitTier")
_MCP = "mcpOAuth"
_COPIED_OF_SERVER = ("serverName", "serverUrl", "clientId", "accessToken", "expiresAt", "scope")
_OTHER_LOGINS = (
    *("CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"),
)
_OFF = frozenset({"", "0", "false", "no", "off"})
AUTHENTICATION_FAILED = "authentication_failed"
"""The field's own code of a request that was refused with 401 (docs/claude-protocol.md, "API failures")."""
GO_ON = (
    "[Threadbridge] Claude's login expired in the middle of your last turn, and is renewed now: go"
    " on from where you were."
)
GOES_ON = "🔑 Claude's login had expired in the middle of this turn. It is renewed, and Claude goes on by itself."
NOT_RENEWED = (
    "🔑 Claude's login has expired and could not be renewed; a Claude that has no other answers nothing now. On the"
    " host, run `claude` and log in (without a network it is tried again by itself). What was refused goes on then."
)


class Login(msgspec.Struct, frozen=True):
    """A session's copy. ``expires_at``: in Unix seconds; 0 when it has no end that is known."""

    data: bytes
    expires_at: float
    subscription: str = ""
    has_ended: bool = False
    """The CLI empties the token of a login whose refresh token is refused (docs/claude-protocol.md, "Login files")."""


def copy_of(credentials: bytes, *, mcp_logins: bool = False) -> Login | None:
    """None when there is no login of Claude's in it. Raises ValueError for what is no such file (half of one)."""
    try:
        whole = msgspec.json.decode(credentials, type=dict[str, object])
    except UNREADABLE as error:
        raise ValueError(str(error)) from None
    own = whole.get("claudeAiOauth")
    if not isinstance(own, dict) or not _is_login(own):
        return None
    kept: dict[str, object] = {"claudeAiOauth": _part(own, _COPIED)}
    if mcp_logins and isinstance(servers := whole.get(_MCP), dict):
        kept[_MCP] = {name: _part(login, _COPIED_OF_SERVER) for name, login in servers.items() if _is_login(login)}
    expires = own.get("expiresAt")
    seconds = expires / 1000 if isinstance(expires, int | float) and not isinstance(expires, bool) else 0.0
    plan = str(own.get("subscriptionType") or "")
    return Login(msgspec.json.encode(kept), seconds, plan, has_ended=not own["accessToken"])


def _is_login(stored: object) -> bool:
    return isinstance(stored, dict) and isinstance(stored.get("accessToken"), str)


def _part(stored: dict[str, object], keys: tuple[str, ...]) -> dict[str, object]:
    return {key: stored[key] for key in keys if key in stored}


def needs_no_file(environment: Mapping[str, str]) -> bool:
    """Whether Claude, started with it, logs in otherwise: a token or key of its own, or another provider."""
    return any(environment.get(name, "").lower() not in _OFF for name in _OTHER_LOGINS)


USAGE_MARKS = (95, 80)
"""Percents of one of the login's usage limits at which that is said, the highest first."""


def usage_mark(percent: int) -> int:
    """The highest of them that is reached; 0: none."""
    return next((mark for mark in USAGE_MARKS if mark <= percent), 0)
