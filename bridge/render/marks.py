"""The small post below a prompt that was sent during a turn: whether it waits, and for what."""

from bridge.protocol.events import When
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import TypedButton, WhenButton

_WAITS: dict[When, str] = {
    "next": "to Claude, who takes it up at the next step or after this turn.",
    "later": "to Claude, who takes it up when this turn is over.",
    "now": "to Claude, who stops what it does and takes this up first.",
}
_BUTTONS: dict[When, str] = {"next": "At the next step", "later": "After this turn", "now": "Now"}


def waiting(session_id: str, prompt_id: int, when: When, *, is_edited: bool) -> Post:
    """Claude has it in its queue. The buttons choose another time."""
    what = "The new text is sent" if is_edited else "Sent"
    buttons = tuple(
        Button(label, WhenButton(session_id, prompt_id, other).custom_id())
        for other, label in _BUTTONS.items()
        if when not in (other, "now")
    )
    return _mark(prompt_id, f"◷ {what} {_WAITS[when]}", buttons)


def answers(session_id: str, prompt_id: int, *, is_reason: bool, is_plan: bool) -> Post:
    """What is written while something is asked is held for a moment, in which another meaning can be chosen."""
    if is_reason:
        button = Button("Deny with this as the reason", TypedButton("because", session_id, prompt_id).custom_id())
        return _mark(prompt_id, "◷ A message for Claude, sent in a moment. Claude waits for a permission.", (button,))
    button = Button("Not an answer", TypedButton("plain", session_id, prompt_id).custom_id())
    what = "what to change in Claude’s plan" if is_plan else "the answer to Claude’s question"
    return _mark(prompt_id, f"↳ Taken as {what}, in a moment.", (button,))


def answered(prompt_id: int, *, is_plan: bool) -> Post:
    what = "what to change in the plan" if is_plan else "the answer to the question"
    return _mark(prompt_id, f"✓ Claude gets this as {what}.")


def is_reason(prompt_id: int) -> Post:
    return _mark(prompt_id, "✓ Denied, with this as the reason.")


def no_answer(prompt_id: int, *, too_late: bool) -> Post:
    """``too_late``: what it answered was over by then."""
    why = "It answers nothing any more: a" if too_late else "A"
    return _mark(prompt_id, f"◷ {why} message for Claude.")


def taken(prompt_id: int) -> Post:
    return _mark(prompt_id, "✓ Claude took this up.")


def stopped(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Claude stopped before this was done.")


def deleted(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Deleted: not sent to Claude.")


def edited(prompt_id: int) -> Post:
    return _mark(prompt_id, "✎ Edited: Claude gets the new text.")


def too_late(prompt_id: int, what: str) -> Post:
    """``what``: "it was edited", "it was deleted", "the button was pressed"."""
    return _mark(prompt_id, f"✓ Claude took this up before {what}: too late.")


def not_allowed_any_more(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Not sent to Claude: who wrote it no longer has the right **talk** here.")


def fate_unknown(prompt_id: int) -> Post:
    return _mark(prompt_id, "? What became of this is not known: the session's log was lost.")


def _mark(prompt_id: int, text: str, buttons: tuple[Button, ...] = ()) -> Post:
    return Post(f"-# {text}", buttons=buttons, reply_to=prompt_id, silent=True)
