"""Short posts about the session itself, and what Claude is told when nobody decides."""

from bridge.render.posts import Post
from bridge.render.text import duration, escape, one_line

REASON_CHARS = 900  # escaped, it may be twice as long, and is still one post


def killed() -> Post:
    return Post("■ This session was ended on the host (`threadbridge kill`). Write here to wake it.")


def fresh_start() -> Post:
    return Post("Started fresh: Claude remembers nothing of before in this thread.")


def worker_failed(reason: str) -> Post:
    return Post(
        f"⚠ This session's worker cannot run: {escape(one_line(reason, REASON_CHARS))}\n"
        "-# What was waiting is dropped. When it is mended on the host, write here again."
    )


def expired(timeout_s: float) -> str:
    """Told to Claude, who should neither wait nor look for a way round."""
    return (
        f"Nobody answered this permission request within {duration(timeout_s)}; the person is probably away."
        " Do not try to reach the same thing another way. Say what you would need, and end your turn."
    )
