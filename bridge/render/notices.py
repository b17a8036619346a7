"""Short posts about the session itself, and what Claude is told when nobody decides."""

from bridge.render.posts import Post
from bridge.render.text import duration, escape, one_line

REASON_CHARS = 900  # escaped, it may be twice as long, and is still one post


def killed() -> Post:
    return Post("■ This session was ended on the host (`threadbridge kill`). Write here to wake it.")


def fresh_start() -> Post:
    return Post("Started fresh: Claude remembers nothing of before in this thread.")


def log_lost(*, whole: bool) -> Post:
    """The session's log on the disk is gone, or the end of it. What is shown in the thread was shown from it."""
    if whole:
        what = "This session's log is gone from the host's disk, and begins anew."
    else:
        what = "The end of this session's log is gone from the host's disk."
    return Post(
        f"⚠ {what} What was running or waiting then is not known any more: if an answer is missing, ask again."
        "\n-# Open permission requests are withdrawn; their buttons decide nothing."
    )


def edited(prompt_id: int) -> Post:
    return _mark(prompt_id, "✎ Edited: Claude gets the new text.")


def deleted(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Deleted: not sent to Claude.")


def too_late(prompt_id: int, *, deleted: bool) -> Post:
    what = "deleted" if deleted else "edited"
    return _mark(prompt_id, f"✓ Claude took this up before it was {what}: too late.")


def fate_unknown(prompt_id: int) -> Post:
    return _mark(prompt_id, "? What became of this is not known: the session's log was lost.")


def _mark(prompt_id: int, text: str) -> Post:
    """What became of a prompt, below it."""
    return Post(f"-# {text}", reply_to=prompt_id, silent=True)


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
