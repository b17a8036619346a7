"""What becomes of a prompt that was sent during a turn: whether it waits, and for what.

Where the bot may react, a prompt that waits has a reaction, which is set and taken away and never changed; only below
the newest one stands a small post, with the buttons, and when Claude takes it up nothing of that is left. Where it may
not (``supervisor.threads.reactions``), each has its post, which then says what became of it.
"""

from typing import Literal

from bridge.protocol.events import When
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import TypedButton, WhenButton

WAITS = "\N{CLOCK FACE THREE OCLOCK}"
"""Discord takes emoji alone, and the mark in our posts is none."""
_WAITS: dict[When, str] = {
    "next": "to Claude, who takes it up at the next step or after this turn.",
    "later": "to Claude, who takes it up when this turn is over.",
    "now": "to Claude, who stops what it does and takes this up first.",
}
_BUTTONS: dict[When, str] = {"next": "At the next step", "later": "After this turn", "now": "Now"}


def key_of(prompt_id: int) -> str:
    """Of the post that says what became of the prompt."""
    return f"mark:{prompt_id}"


def reaction_key(prompt_id: int) -> str:
    """Of the mark on the prompt's own message."""
    return f"wait:{prompt_id}"


def reaction(prompt_id: int, *, waits: bool, in_channel: bool = False) -> Post:
    """On the prompt itself. One that was never set is not taken away."""
    where: Literal["thread", "channel"] = "channel" if in_channel else "thread"
    return Post(reaction=WAITS, reply_to=prompt_id, where=where, is_over=not waits, optional=not waits)


def waiting(session_id: str, prompt_id: int, when: When, *, is_edited: bool, is_newest: bool = True) -> Post:
    """Claude has it in its queue. The buttons choose another time."""
    what = "The new text is sent" if is_edited else "Sent"
    buttons = choices(session_id, prompt_id, when)
    return _mark(prompt_id, f"◷ {what} {_WAITS[when]}", buttons, is_over=not is_newest)


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


def is_of_decider(mark: Post) -> bool:
    """Whether it says that the message decided what Claude asked."""
    decided = (answered(0, is_plan=False), answered(0, is_plan=True), is_reason(0))
    return mark.content in [one.content for one in decided]


def no_answer(prompt_id: int, *, too_late: bool) -> Post:
    """``too_late``: what it answered was over by then."""
    why = "It answers nothing any more: a" if too_late else "A"
    return _mark(prompt_id, f"◷ {why} message for Claude.")


def choices(session_id: str, prompt_id: int, when: When, number: int = 0) -> tuple[Button, ...]:
    """The other times. ``number``: of the prompt, where several stand in one list."""
    before = f"{number}: " if number else ""
    return tuple(
        Button(f"{before}{label}", WhenButton(session_id, prompt_id, other).custom_id())
        for other, label in _BUTTONS.items()
        if when not in (other, "now")
    )


def taken(prompt_id: int) -> Post:
    return _mark(prompt_id, "✓ Claude took this up.", is_over=True)


def stopped(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Claude stopped before this was done.")


def ended(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ The session was ended before Claude took this up.")


def deleted(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Deleted: not sent to Claude.", is_over=True)


def edited(prompt_id: int) -> Post:
    return _mark(prompt_id, "✎ Edited: Claude gets the new text.")


def said_too_late(prompt_id: int, what: str, *, has_decided: bool = False) -> dict[str, Post]:
    """In a post of its own: the mark may be over, and is not shown again; and one for each ``what`` (``too_late``): it
    was read what the first one says, and nobody is told of an edit above.
    """
    post = decided_before(prompt_id, what) if has_decided else too_late(prompt_id, what)
    return {f"late:{prompt_id}:{what.rpartition(' ')[2]}": post}


def too_late(prompt_id: int, what: str) -> Post:
    """``what``: "it was edited", "it was deleted", "the button was pressed"."""
    return _mark(prompt_id, f"✓ Claude took this up before {what}: too late.")


def decided_before(prompt_id: int, what: str) -> Post:
    """``what``: as in ``too_late``."""
    return _mark(prompt_id, f"✓ What Claude asked was decided with this before {what}: too late.")


def not_allowed_any_more(prompt_id: int) -> Post:
    return _mark(prompt_id, "✗ Not sent to Claude: who wrote it no longer has the right **talk** here.")


def fate_unknown(prompt_id: int) -> Post:
    return _mark(prompt_id, "? What became of this is not known: the session's log was lost.")


def _mark(prompt_id: int, text: str, buttons: tuple[Button, ...] = (), *, is_over: bool = False) -> Post:
    return Post(f"-# {text}", buttons=buttons, reply_to=prompt_id, silent=True, is_over=is_over)
