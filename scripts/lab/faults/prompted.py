"""What a person says under faults: one prompt, in one message or two, and what it tells Claude to do."""

from collections.abc import Collection

import msgspec

from twins.discord.model import Message

STREAM_CHARS, STREAM_S = 480, 1.5


class Prompted(msgspec.Struct, eq=False):
    """One prompt. `deleted`: taken back before anybody could see it. `moderated`: deleted by somebody, at any time.

    `rest`: what its author wrote right behind the first message. Where that came too late, it was a prompt by itself.
    """

    mark: str
    message: Message
    deleted: bool = False
    moderated: bool = False
    rest: list[Message] = []

    @property
    def messages(self) -> list[Message]:
        return [self.message, *self.rest]

    def is_in(self, ids: Collection[object]) -> bool:
        return any(message.id in ids for message in self.messages)


def script(mark: str, file: str) -> tuple[str, ...]:
    """What Claude is told to do, in two halves."""
    return (
        f"say «{mark}a»\nstream {STREAM_CHARS} chars over {STREAM_S} s",
        f"run echo {mark} >> {file}\nsay «{mark}z» done with it",
    )
