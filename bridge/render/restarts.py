"""Cards of a session that cannot go on as it was: what a person must decide before Claude is started."""

from bridge.render.decided import REASON_CHARS
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import to_go_on, to_start_fresh
from bridge.text import escape, one_line

RESUME = "resume:"
"""What the keys of the cards begin with that offer a fresh start."""


def resume_failed_card(session_id: str, reason: str) -> Post:
    """Claude cannot resume; a person chooses to begin anew."""
    return Post(
        content=f"Claude cannot resume this conversation: {escape(one_line(reason, REASON_CHARS))}\n"
        "A fresh start keeps this thread and its directory, but Claude remembers nothing of before.",
        buttons=(Button("Start fresh", to_start_fresh(session_id), "primary"),),
        urgent=True,
    )


def project_replaced_card(session_id: str, reason: str) -> Post:
    """Another directory stands in the place of the session's; a person says whether Claude works there."""
    return Post(
        content=f"Claude was not started: {escape(one_line(reason, REASON_CHARS))}\n"
        "If you did that yourself, *Go on here* lets Claude work in it. If not, look at it first.",
        buttons=(Button("Go on here", to_go_on(session_id), "primary"),),
        urgent=True,
    )


def project_settled_card(reason: str, verdict: str) -> Post:
    """The same without its button."""
    return Post(f"Claude was not started: {escape(one_line(reason, REASON_CHARS))}\n-# {verdict}")


def resume_settled_card(reason: str, verdict: str) -> Post:
    """The same without its button."""
    return Post(f"Claude could not resume this conversation: {escape(one_line(reason, REASON_CHARS))}\n-# {verdict}")
