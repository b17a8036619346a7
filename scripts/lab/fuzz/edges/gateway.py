"""What the gateway tells, event by event, and what is read back after it.

Each line of an input is [event, data]; the event READ BACK gives what REST answers to the next read-back.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from bridge.render.posts import Post
from lab.fuzz.edge import Edge, hold, nothing_logged_with_a_traceback
from lab.fuzz.stage import ADA, APPLICATION, BOB, BOT, CHANNEL, EVE, GUILD, ROLE, THREAD, Stage, stage
from supervisor.assembly import ears
from supervisor.config_in_force import Settings
from supervisor.discord.alone import Nonces
from supervisor.discord.errors import Found, Refused
from supervisor.discord.shapes import Member, Message, Unreadable, message_of
from supervisor.reload import Reload

READ_BACK = "READ BACK"
READS_AT_MOST = 50


class Payloads(Edge):
    name = "gateway"
    clean = "msgspec.ValidationError, which is logged in a line; the person hears of a message that cannot be read"

    def made(self, random: Random) -> bytes:
        events = [_event(random) for _ in range(random.randint(1, 6))]
        return "\n".join(json.dumps(one) for one in events).encode()

    def feed(self, data: bytes, folder: Path) -> None:
        with stage(folder) as on, nothing_logged_with_a_traceback():
            asyncio.run(_heard(on, data))


def _message(random: Random) -> dict[str, Any]:
    author = random.choice((ADA, ADA, ADA, BOB, EVE, BOT))
    member = {"roles": [str(ROLE)] if author == BOB else [], "nick": None}
    message = {
        "id": str(random.randint(1001, 1006)),
        "channel_id": str(random.choice((THREAD, THREAD, CHANNEL, 333))),
        "guild_id": str(GUILD),
        "author": {"id": str(author), "username": "u", "bot": author == BOT},
        "content": random.choice(("hi", "", f"<@{BOT}> hi", "x" * 2000)),
        "type": random.choice((0, 0, 0, 19, 7)),
        "mentions": random.choice(([], [{"id": str(BOT)}])),
    }
    extras = {
        "member": member,
        "attachments": [{"id": "1", "filename": "a.png", "size": 5, "url": "https://cdn.discordapp.com/a"}],
        "referenced_message": random.choice((None, {"content": "c", "author": {"id": "5", "username": "eve"}})),
        "message_snapshots": [{"message": {"content": "forwarded", "embeds": [{"title": "t"}]}}],
        "edited_timestamp": "2026-01-01T00:00:00Z",
        "thread": {"owner_id": str(BOT)},
        "flags": 8192,
        "nonce": "n",
    }
    return message | {
        name: value for name, value in extras.items() if random.random() < (0.7 if name == "member" else 0.2)
    }


def _guild() -> dict[str, Any]:
    channel = {"id": str(CHANNEL), "type": 0, "name": "general", "last_message_id": "1003"}
    thread = {"id": str(THREAD), "type": 11, "parent_id": str(CHANNEL), "last_message_id": "1004"}
    roles = [{"id": str(ROLE), "name": "claude", "tags": {"bot_id": str(BOT)}}]
    return {"id": str(GUILD), "name": "g", "channels": [channel], "threads": [thread], "roles": roles}


def _event(random: Random) -> list[Any]:
    name = random.choice(
        ("MESSAGE_CREATE",) * 4 + ("MESSAGE_UPDATE",) * 2 + (READ_BACK,) * 2 + ("GUILD_CREATE",) * 2
        + ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "THREAD_DELETE", "CHANNEL_DELETE", "READY", "RESUMED", "ready")
        + ("GUILD_UPDATE", "GUILD_DELETE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_LIST_SYNC", "GUILD_ROLE_UPDATE")
        + ("GUILD_ROLE_DELETE", "INTERACTION_CREATE", "disconnect")
    )  # fmt: skip
    ids = {"id": str(random.choice((THREAD, CHANNEL, GUILD, 1001))), "guild_id": str(GUILD), "channel_id": str(THREAD)}
    data: Any = {
        READ_BACK: [_message(random) for _ in range(random.choice((0, 1, 3, 100)))],
        "GUILD_CREATE": _guild(),
        "GUILD_UPDATE": _guild(),
        "READY": {"application": {"id": str(APPLICATION)}, "user": {"id": str(BOT), "username": "b"}},
        "THREAD_LIST_SYNC": {"guild_id": str(GUILD), "threads": _guild()["threads"]},
        "GUILD_ROLE_UPDATE": {"guild_id": str(GUILD), "role": _guild()["roles"][0]},
        "GUILD_ROLE_DELETE": {"guild_id": str(GUILD), "role_id": str(ROLE)},
        "MESSAGE_DELETE_BULK": {"channel_id": str(THREAD), "ids": ["1001", "1002"]},
    }.get(name, _message(random) if name.startswith("MESSAGE_") else ids)
    return [name, data]


async def _heard(on: Stage, data: bytes) -> None:
    rest = _Rest()
    made = ears(Reload(Settings(on.config)), on.manager, rest, "t")
    made.guilds.bot_id = BOT
    told: list[Any] = []
    async with made.errands.running():
        for line in data.split(b"\n"):
            try:
                event, payload = json.loads(line)
            except (ValueError, TypeError, RecursionError):
                continue
            told.append(payload)
            if event == READ_BACK:
                rest.holds, rest.reads = payload if isinstance(payload, list) else [payload], 0
                made.inbound._behind.add(THREAD, surely=True)
                await made.inbound._read_back.try_all()
                await made.inbound._amendments.look_again()
            elif isinstance(event, str):
                made.gateway.hear(event, payload)
    _only_of_who_may(on, told)


def _only_of_who_may(on: Stage, told: Sequence[Any]) -> None:
    """A prompt is a message of somebody who may talk, and is there once."""
    prompts = on.prompts()
    hold(len({one.prompt_id for one in prompts}) == len(prompts), "a message is a prompt twice")
    text = json.dumps(told)
    for one in prompts:
        if one.prompt_id != THREAD:
            hold(one.author_id == ADA or str(ROLE) in text, f"a prompt of {one.author_id}, who may not talk")


class _Rest:
    """A channel that holds what it was told to hold, whoever asks for what."""

    token_trouble = ""

    def __init__(self) -> None:
        self.nonces = Nonces()
        self.holds: list[Any] = []
        self.reads = 0

    def hold(self, _words: str) -> None: ...

    def age_s(self, _discord_id: int) -> float:
        return 0.0

    async def rename(self, _thread_id: int, _name: str) -> None: ...

    async def messages_after(self, _channel_id: int, _after: int, limit: int = 100) -> list[Message | Unreadable]:
        self.reads += 1
        hold(self.reads < READS_AT_MOST, "a read-back goes on for ever")
        return [message_of(json.dumps(one).encode()) for one in self.holds[:limit]]

    async def message(self, _channel_id: int, message_id: int) -> Message:
        found = message_of(json.dumps(self.holds[0]).encode()) if self.holds else Unreadable()
        if isinstance(found, Unreadable):
            raise Refused(f"message {message_id} makes no sense to us")
        return found

    async def member(self, _guild_id: int, _user_id: int) -> Member | None:
        return Member()

    async def look_up[T](self, route: str, kind: type[T], **ids: int) -> T | None:
        return None

    async def is_gone(self, _place_id: int) -> bool:
        return False

    async def create(self, _channel_id: int, _post: Post, nonce: str, _priority: object = None) -> Found:
        return Found(9999, "", nonce)

    async def delete(self, _channel_id: int, _message_id: int) -> None: ...

    async def answer_interaction(self, *_: object) -> None: ...

    async def edit_interaction_answer(self, *_: object) -> None: ...

    async def bulk_put_commands(self, *_: object) -> None: ...
