"""Claude's API was not there (overloaded, failing, out of reach), and Claude Code gave up: it is gone on by itself.

Claude Code tries for minutes; then its turn fails. It is taken up again after a while, each time a longer one, so
often and no more; whoever writes begins that anew, and *Cancel* ends it.
"""

from bridge.protocol import events as e
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import ResetButton

PAUSES_S = (120.0, 300.0, 900.0, 1800.0, 3600.0)
"""Before each time that it is taken up."""
_ERRORS = ("overloaded", "server_error", "connection_failed")
LATEST_S = 86400.0
"""So long after it was due it is not taken up by itself any more: the bridge stood still, or the log is a backup's."""
TOO_LATE = "— That was more than a day ago, so Claude waits for you: write here to let it go on."
GONE_ON = "✓ Claude was told to go on."


def is_one(ended: e.TurnEnded) -> bool:
    """Of a turn that somebody asked for; a limit whose end nobody tells passes as well."""
    has_passing = ended.error in _ERRORS or (ended.error == "rate_limit" and not ended.resets_at)
    return ended.outcome == "failed" and has_passing and bool(ended.prompt_ids)


def pause_s(count: int) -> float | None:
    """Before the next time, after so many turns that ended so; None: no more."""
    return PAUSES_S[count - 1] if count <= len(PAUSES_S) else None


def waits(session_id: str, at: float, count: int) -> Post:
    """``at`` in Unix seconds."""
    words = f"◷ Claude goes on by itself <t:{int(at)}:R> (try {count} of {len(PAUSES_S)})."
    return _card(words, Button("Cancel", ResetButton("off", session_id).custom_id()))


def given_up() -> Post:
    return _card(
        f"— That was {len(PAUSES_S) + 1} times in a row, so Claude waits for you: write here to let it try again."
    )


def cancelled(who: str) -> str:
    """``who``: as ``people.named`` has it."""
    return f"— Cancelled by {who}: write here to let Claude go on."


def _card(words: str, *buttons: Button) -> Post:
    return Post(f"-# {words}", buttons=buttons, silent=True, urgent=True)
