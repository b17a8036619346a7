"""Which messages of one person are one prompt.

People write in bursts: a picture, then what it is about; half a sentence, then the other half. Each message is kept by
itself, as a part of the *open* prompt that waits in the inbox; Claude gets it once it is closed.

    message ──▶ OPEN ──nothing more came for a window (or, while they type, for longer)──▶ closed ──▶ the worker
                 ▲ └─another one of theirs──┐
                 └──────────────────────────┘

What belongs together follows from the messages' ids, which tell the milliseconds in which Discord took them, and from
whether their author was seen typing in between; so a message that is told late, twice, or read back after a restart
leads to the same. When a prompt is closed follows from when its last message came to *us*: no timer is kept, the clock
is asked when something could be delivered. It is closed in the store before it is sent, so whatever dies afterwards,
nothing joins what may be on its way.

A message of a channel that comes when its prompt is closed (Discord held it back, or nobody could read it before) is
the next prompt of the same thread: half a sentence makes no thread of its own.

A reply, a mention of the bot and a text that begins with ``/`` begin a prompt of their own, and nothing joins the last.
Other people's messages in between are theirs, and change nothing.
"""

import msgspec

from bridge.discord_numbers import ID_TIME_SHIFT
from bridge.protocol import commands as c
from bridge.protocol.events import Attachment, Part
from bridge.routing.seen import MessageSeen

LATE_S = 0.25
"""So much later than others a message may come to us."""
TYPING = 3.0
"""How much longer is waited for who types: so many windows."""
MOST_PARTS = 16
MOMENT_S = 8.0
"""So long it can be said that a text is no answer; that or the window, whichever is longer."""
LONGEST_S = 20.0
"""From the first of them to the last."""


def between_s(earlier: int, later: int) -> float:
    """Seconds between two messages, by their ids."""
    return ((later >> ID_TIME_SHIFT) - (earlier >> ID_TIME_SHIFT)) / 1000


def stands_alone(message: MessageSeen) -> bool:
    """A command in a person's own words: nothing is to be put before or behind it."""
    return message.text.startswith("/") and not message.attachments


def begins(message: MessageSeen) -> bool:
    """Whether it is the first of its prompt, however closely it follows another one."""
    return stands_alone(message) or message.is_reply or message.mentions_bot


def follows(before: MessageSeen, message: MessageSeen, window_s: float) -> bool:
    """Whether it may have been a part of the other one's prompt, of which only the messages are left."""
    is_same = before.author.user_id == message.author.user_id and not (begins(message) or stands_alone(before))
    return is_same and 0 <= between_s(before.message_id, message.message_id) <= window_s * TYPING


def is_open(prompt: c.Prompt) -> bool:
    return prompt.heard_at > 0


def opened(prompt: c.Prompt, channel_id: int, now: float) -> c.Prompt:
    """A message's prompt, for others to join. ``now`` in Unix seconds."""
    first = Part(prompt.prompt_id, channel_id, prompt.text)
    return msgspec.structs.replace(prompt, parts=(first,), heard_at=now)


def belongs(prompt: c.Prompt, message_id: int, window_s: float) -> bool:
    """Whether this message of its author's is a part of it."""
    if not (is_open(prompt) and prompt.parts) or len(prompt.parts) >= MOST_PARTS:
        return False
    first, last = prompt.parts[0].message_id, prompt.parts[-1].message_id
    return first < message_id < last or follows_closely(first, last, message_id, _reach_s(prompt, window_s))


def follows_closely(first: int, last: int, message_id: int, reach_s: float) -> bool:
    """Whether, by the ids of a prompt's first and last messages, this one goes on with it."""
    return 0 <= between_s(last, message_id) <= reach_s and between_s(first, message_id) <= LONGEST_S


def joined(prompt: c.Prompt, part: Part, attachments: tuple[Attachment, ...], now: float) -> c.Prompt:
    """The prompt with one more message, which came to us at ``now``, perhaps behind one that was written later."""
    parts = tuple(sorted((*prompt.parts, part), key=lambda one: one.message_id))
    files = tuple(msgspec.structs.replace(a, message_id=part.message_id) for a in attachments)
    return msgspec.structs.replace(
        prompt,
        parts=parts,
        text=text_of(parts),
        attachments=(*prompt.attachments, *files),
        heard_at=now,
        is_typed=False,
    )


def text_of(parts: tuple[Part, ...]) -> str:
    return "\n\n".join(filter(None, (part.text for part in parts)))


def amended(parts: tuple[Part, ...], message_id: int, text: str | None) -> tuple[Part, ...]:
    """The parts after one of them was edited, or deleted (None)."""
    changed = (msgspec.structs.replace(p, text=text or "") if p.message_id == message_id else p for p in parts)
    return tuple(part for part in changed if text is not None or part.message_id != message_id)


def files_left(prompt: c.Prompt, parts: tuple[Part, ...]) -> tuple[Attachment, ...]:
    """The prompt's files, without those of messages that are gone."""
    left = {part.message_id for part in parts}
    return tuple(a for a in prompt.attachments if (a.message_id or prompt.prompt_id) in left)


def closes_at(prompt: c.Prompt, window_s: float) -> float:
    """Unix seconds from which on nothing joins it."""
    at = prompt.heard_at + _reach_s(prompt, window_s) + LATE_S if window_s else prompt.heard_at
    return max(at, prompt.heard_at + MOMENT_S) if prompt.answer_to else at


def closed(prompt: c.Prompt, place_id: int) -> c.Prompt:
    """As a worker gets it. One message is no burst, if it was written where one is looked for (``place_id``)."""
    is_plain = [(part.message_id, part.channel_id) for part in prompt.parts] == [(prompt.prompt_id, place_id)]
    return msgspec.structs.replace(prompt, parts=() if is_plain else prompt.parts, heard_at=0.0, is_typed=False)


def _reach_s(prompt: c.Prompt, window_s: float) -> float:
    return window_s * (TYPING if prompt.is_typed else 1)
