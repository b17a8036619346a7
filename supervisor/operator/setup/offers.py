"""The channels that a person is offered, and what they choose of them."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bridge.discord_numbers import Permission
from bridge.routing.permissions import Overwrite, granted, missing
from bridge.routing.places import FITTING
from bridge.text import one_line

MOST_NAME = 40


class Server(msgspec.Struct, frozen=True):
    """One that the bot is in. ``permissions``: the bot's, before what channels say."""

    id: int
    name: str = ""
    permissions: int = 0


class Shown(msgspec.Struct, frozen=True):
    """A channel as a server lists it."""

    id: int
    type: int = 0
    name: str | None = None
    position: int = 0
    permission_overwrites: tuple[Overwrite, ...] = ()


class Offer(msgspec.Struct, frozen=True):
    """A channel in which sessions could begin. ``missing``: what the bot may not do there, by Discord's names."""

    channel_id: int
    name: str
    server: str
    missing: tuple[str, ...] = ()
    may_react: bool = True


class ChoiceError(ValueError):
    """What was typed names no channel; the text says which word."""


def offers(server: Server, channels: Iterable[Shown], roles: Sequence[int], bot_id: int) -> Iterator[Offer]:
    """As Discord orders them. ``roles``: the bot's in that server."""
    for channel in sorted(channels, key=lambda channel: (channel.position, channel.id)):
        if channel.type in FITTING:
            bits = granted(server.permissions, channel.permission_overwrites, server.id, roles, bot_id)
            yield Offer(
                channel.id, channel.name or "", server.name, missing(bits), bool(bits & Permission.ADD_REACTIONS)
            )


def listed(offered: Sequence[Offer], configured: Iterable[int]) -> list[str]:
    """A numbered line for each."""
    known = set(configured)
    return [f"  {n:>3}  {_line(offer, known)}" for n, offer in enumerate(offered, 1)]


def chosen(text: str, offered: Sequence[Offer]) -> list[Offer]:
    """By number, id or name, several with commas or spaces between them. Raises ChoiceError."""
    words = [word for word in re.split(r"[,\s]+", text.strip()) if word]
    return list(dict.fromkeys(_named(word, offered) for word in words))


def _line(offer: Offer, configured: set[int]) -> str:
    name = one_line(f"#{offer.name}", MOST_NAME)
    notes = ["configured already"] if offer.channel_id in configured else []
    if offer.missing:
        notes.append(f"the bot lacks {', '.join(offer.missing)}")
    return f"{name}  ({one_line(offer.server, MOST_NAME)}{''.join(f'; {note}' for note in notes)})"


def _named(word: str, offered: Sequence[Offer]) -> Offer:
    if word.isdecimal() and 1 <= int(word) <= len(offered):
        return offered[int(word) - 1]
    name = word.removeprefix("#").casefold()
    found = [offer for offer in offered if word == str(offer.channel_id) or offer.name.casefold() == name]
    if not found:
        raise ChoiceError(f"{word!r} is none of these")
    if len(found) > 1:
        raise ChoiceError(f"there are several channels {word!r}: give the number")
    return found[0]
