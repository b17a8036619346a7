"""What of Claude's login a session gets: the access token, and nothing that could renew it.

The CLI keeps its login in ``.credentials.json``. A session's copy has no refresh token: two sessions that renewed would
spend one refresh token twice, and the loser's login would be dead (*observed*, 2.1.330). What is copied is a list.
"""

import msgspec

_COPIED = ("accessToken", "expiresAt", "scopes", "subscriptionType", "rateLimitTier")
_MCP = "mcpOAuth"
AUTHENTICATION_FAILED = "authentication_failed"
"""The field's own code of a request that was refused with 401 (*observed*, 2.1.330)."""
GO_ON = (
    "[Threadbridge] Claude's login expired in the middle of your last turn, and is renewed now: go"
    " on from where you were."
)
GOES_ON = "🔑 Claude's login had expired in the middle of this turn. It is renewed, and Claude goes on by itself."


class Login(msgspec.Struct, frozen=True):
    """A session's copy. ``expires_at``: in Unix seconds; 0 when it has no end that is known."""

    data: bytes
    expires_at: float
    subscription: str = ""


def copy_of(credentials: bytes, *, mcp_logins: bool = False) -> Login | None:
    """None when there is no login of Claude's in it. Raises ValueError for what is no such file (half of one)."""
    try:
        whole = msgspec.json.decode(credentials, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    own = whole.get("claudeAiOauth")
    if not isinstance(own, dict) or not isinstance(own.get("accessToken"), str):
        return None
    kept: dict[str, object] = {"claudeAiOauth": {key: own[key] for key in _COPIED if key in own}}
    if mcp_logins and _MCP in whole:
        kept[_MCP] = whole[_MCP]
    expires = own.get("expiresAt")
    seconds = expires / 1000 if isinstance(expires, int | float) and not isinstance(expires, bool) else 0.0
    return Login(msgspec.json.encode(kept), seconds, str(own.get("subscriptionType") or ""))
