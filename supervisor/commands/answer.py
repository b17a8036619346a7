"""What an interaction is answered with, and what a command's options say."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from bridge.discord_numbers import CHOICE_CHARS, CONTENT_CHARS, MOST_CHOICES, AnswerType, MessageFlag
from bridge.render.posts import Post, payload
from bridge.text import clip, one_line
from supervisor.discord.shapes import Interaction

NOT_KEPT = (
    "The bridge can keep nothing at the moment (its disk may be full; its log says why), so nothing was done. Please"
    " try again in a while."
)


class Answer(msgspec.Struct, frozen=True):
    """The first answer, and what takes longer: ``later`` gives what the answer becomes."""

    kind: int
    data: dict[str, Any] | None = None
    later: Callable[[], Awaitable[dict[str, Any] | Post]] | None = None


def answer_in_words(text: str) -> Answer:
    """Words that only this person sees."""
    return answer_with(Post(text))


def answer_with(post: Post, *, to_all: bool = False) -> Answer:
    without_previews = 0 if post.embed else MessageFlag.SUPPRESS_EMBEDS
    return Answer(
        AnswerType.MESSAGE, {**payload(post), "flags": without_previews | (0 if to_all else MessageFlag.EPHEMERAL)}
    )


def answer_again(post: Post, words: str = "") -> Answer:
    """What only this person sees, in place of what they pressed in; ``words`` above it."""
    return Answer(AnswerType.UPDATE, payload(below(words, post), editing=True))


def below(words: str, post: Post) -> Post:
    content = clip("\n".join(filter(None, (words, post.content))), CONTENT_CHARS)
    return msgspec.structs.replace(post, content=content)


def answer_later(work: Callable[[], Awaitable[dict[str, Any] | Post]]) -> Answer:
    """What only this person sees, once it is there."""
    return Answer(AnswerType.DEFERRED_MESSAGE, {"flags": MessageFlag.EPHEMERAL}, work)


def answer_choices(choices: Iterable[tuple[str, str]] = ()) -> Answer:
    """What fits what somebody types, as (label, value): as many, and as much of a label, as Discord takes."""
    named = [{"name": one_line(label, CHOICE_CHARS), "value": value} for label, value in choices]
    return Answer(AnswerType.CHOICES, {"choices": named[:MOST_CHOICES]})


def option(asked: Interaction, name: str) -> str:
    """The text that a command's option was given; empty when it was not."""
    options = asked.data.get("options")
    given = [one for one in options if isinstance(one, dict)] if isinstance(options, list) else []
    return next((str(one.get("value", "")) for one in given if one.get("name") == name), "")
