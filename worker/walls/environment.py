"""The child's environment."""

import re
from collections.abc import Mapping

from bridge.protocol.errors import UserError
from bridge.protocol.start import is_forbidden_for_child
from worker.walls.wish import Level

_ALLOWED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TERM|COLORTERM|TZ|XDG_.*"
    r"|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|(?i:https?_proxy|all_proxy|no_proxy)"
    r"|ANTHROPIC_.*|CLAUDE_CODE_.*|CLAUDE_CONFIG_DIR|DISABLE_TELEMETRY|DISABLE_ERROR_REPORTING|DO_NOT_TRACK"
    # Logins for Claude on Bedrock and Vertex.
    r"|AWS_.*|GOOGLE_.*|CLOUD_ML_REGION|VERTEX_.*"
)
# Not SSH_AUTH_SOCK: with the agent's keys `ssh localhost` may lead out. The configuration may name it.

# If we were started from inside a Claude session: who that was, its sockets and tokens (names in the binary).
_ANOTHER_SESSIONS = re.compile(
    r"CLAUDE_CODE_.*(SESSION|SOCKET|MESSAGING|BRIDGE|ENTRYPOINT|SSE_PORT|DESCRIPTOR|RESUME|CHILD|REMOTE).*"
)
# These lead programs to places below $HOME that are not there at the level ``project``; its own are at their defaults.
_NOT_IN_A_PRIVATE_HOME = re.compile(r"XDG_(CACHE|CONFIG|DATA|STATE|BIN)_HOME|XDG_(DATA|CONFIG)_DIRS")
# The CLI makes its peer sockets below these (docs/claude-protocol.md, "Peer sockets"). The configuration may move them,
# and then the worker covers the new places; ours are none of the child's business.
_NOT_INHERITED = re.compile(r"TMPDIR|CLAUDE_CODE_TMPDIR|XDG_RUNTIME_DIR")


def child_environment(
    own: Mapping[str, str], added: Mapping[str, str], session_id: str, level: Level = "home"
) -> dict[str, str]:
    """The child's whole environment, from ours (``own``) and the configuration's (``added``).

    THREADBRIDGE_SESSION is the mark by which strays are found. Raises UserError when ``added`` names a
    variable that would give the child a secret, or lead it out of its containment.
    """
    for key in added:
        if is_forbidden_for_child(key):
            raise UserError(f"[claude] environment: {key} cannot be given to Claude; remove it")
    return {
        **{key: value for key, value in own.items() if _inherited(key, level)},
        **added,
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
        "THREADBRIDGE_SESSION": session_id,
    }


def _inherited(key: str, level: Level) -> bool:
    if level == "project" and _NOT_IN_A_PRIVATE_HOME.fullmatch(key):
        return False
    refused = is_forbidden_for_child(key) or _NOT_INHERITED.fullmatch(key) or _ANOTHER_SESSIONS.fullmatch(key)
    return bool(_ALLOWED.fullmatch(key)) and not refused
