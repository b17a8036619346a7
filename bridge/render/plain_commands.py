"""What is said below a message that is one of our commands, and of what became of it."""

from bridge.render.posts import Button, Post
from bridge.session.custom_ids import TellButton
from bridge.text import escape, one_line

WHY_CHARS = 300


def key_of(message_id: int) -> str:
    return f"plain:{message_id}"


def offered(name: str, message_id: int, author_id: int) -> Post:
    said = f"-# Claude did not get this: `/{name}` is a command of this bridge. Type `/`, and pick it from the list."
    return _post(said, message_id, (_button(message_id, author_id),))


def failed(why: str, message_id: int, author_id: int) -> Post:
    """It can be tried again."""
    words = f"-# ⚠ Not sent: {escape(one_line(why, WHY_CHARS))}. Try again in a while."
    return _post(words, message_id, (_button(message_id, author_id),))


def sent(message_id: int) -> Post:
    return _post("-# ✓ Sent to Claude.", message_id)


def not_sent(why: str, message_id: int) -> Post:
    return _post(f"-# ✗ Not sent to Claude: {one_line(why, WHY_CHARS)}", message_id)


def _button(message_id: int, author_id: int) -> Button:
    return Button("Send it to Claude", TellButton(message_id, author_id).custom_id())


def _post(text: str, message_id: int, buttons: tuple[Button, ...] = ()) -> Post:
    return Post(text, buttons=buttons, reply_to=message_id, silent=True)
