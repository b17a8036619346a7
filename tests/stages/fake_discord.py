"""A Discord in memory for the outbox, with its limits and scripted failures, under a clock that jumps."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from bridge.render.posts import Post
from supervisor.discord.errors import Archived, ChannelGone, Found, MessageGone, Unavailable
from supervisor.discord.pace import Pace, Priority

LATENCY_S = 0.02
NONCE_KEPT_S = 300.0
EPOCH = 1_800_000_000.0


def unix_time() -> float:
    return EPOCH + asyncio.get_running_loop().time()


class FakeMessage(msgspec.Struct, eq=False):
    id: int
    channel_id: int
    post: Post
    nonce: str
    made_at: float
    deleted: bool = False
    contents: list[str] = []


class Call(msgspec.Struct, frozen=True):
    at: float
    what: str
    channel_id: int
    content: str = ""
    nonce: str = ""


class _Window(msgspec.Struct):
    """Five requests in five seconds, from the first of them on."""

    began: float = float("-inf")
    used: int = 0

    def take(self, now: float) -> tuple[int, dict[str, str]]:
        if now >= self.began + 5.0:
            self.began, self.used = now, 0
        status = 429 if self.used >= 5 else 200
        self.used += status == 200
        after = f"{self.began + 5.0 - now:.3f}"
        headers = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": str(5 - self.used), "Via": "1.1 fake"}
        return status, headers | {"X-RateLimit-Reset-After": after, "X-RateLimit-Bucket": "b", "Retry-After": after}


class FakeDiscord:
    """``calls`` are all requests that arrived. ``fail`` and ``lose`` script the next ones."""

    def __init__(self, *channels: int) -> None:
        self.channels = set(channels)
        self.archived: set[int] = set()
        self.messages: list[FakeMessage] = []
        self.calls: list[Call] = []
        self.members: list[tuple[int, int]] = []
        self.too_many = 0
        self.keeps_nonces_in_history = False
        self.pace = Pace(lambda: asyncio.get_running_loop().time())
        self._windows: defaultdict[tuple[str, int], _Window] = defaultdict(_Window)
        self._failures: defaultdict[str, deque[Exception]] = defaultdict(deque)
        self._lost: defaultdict[str, int] = defaultdict(int)
        self._next_id = 10**18 + 10**6

    # --- looking

    def shown(self, channel_id: int) -> list[str]:
        return [m.post.content for m in self.messages if m.channel_id == channel_id and not m.deleted]

    def made(self, channel_id: int) -> list[FakeMessage]:
        return [m for m in self.messages if m.channel_id == channel_id]

    def count(self, what: str) -> int:
        return sum(call.what == what for call in self.calls)

    # --- trouble

    def fail(self, what: str, *errors: Exception) -> None:
        """The next calls of this name do nothing and raise these."""
        self._failures[what].extend(errors)

    def lose(self, what: str, times: int = 1) -> None:
        """The next calls of this name are done, and their answers are lost."""
        self._lost[what] += times

    def delete(self, message: FakeMessage) -> None:
        message.deleted = True

    # --- supervisor.discord.Discord

    def wait_s(self, write: Literal["create", "edit"], channel_id: int, priority: Priority) -> float:
        return self.pace.wait_s(write, channel_id, priority)

    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = Priority.TEXT) -> Found:
        await self._arrive("create", channel_id, priority, Call(_now(), "create", channel_id, post.content, nonce))
        with self._answering("create"):
            old = next((m for m in self.messages if m.nonce == nonce and _now() - m.made_at < NONCE_KEPT_S), None)
            if old and old.deleted:
                raise MessageGone("Unknown Message")
            message = old or self.somebody_posts(channel_id, post, nonce)
            self.archived.discard(channel_id)
        return Found(message.id, message.post.content, nonce)

    def somebody_posts(self, channel_id: int, post: Post, nonce: str = "") -> FakeMessage:
        self._next_id += 1
        message = FakeMessage(self._next_id, channel_id, post, nonce, _now(), contents=[post.content])
        self.messages.append(message)
        return message

    async def edit(self, channel_id: int, message_id: int, post: Post, priority: Priority = Priority.TEXT) -> None:
        await self._arrive("edit", channel_id, priority, Call(_now(), "edit", channel_id, post.content))
        if channel_id in self.archived:
            raise Archived("Thread is archived")
        with self._answering("edit"):
            message = next((m for m in self.messages if m.id == message_id and not m.deleted), None)
            if message is None:
                raise MessageGone("Unknown Message")
            message.post = post
            message.contents.append(post.content)

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> bool:
        await self._arrive("thread", channel_id, Priority.URGENT, Call(_now(), "thread", channel_id, name))
        with self._answering("thread"):
            is_known = message_id in self.channels
            self.channels.add(message_id)
        return is_known

    async def add_member(self, thread_id: int, user_id: int) -> None:
        self.members.append((thread_id, user_id))

    async def unarchive(self, thread_id: int) -> None:
        await self._arrive("unarchive", thread_id, Priority.URGENT, Call(_now(), "unarchive", thread_id))
        self.archived.discard(thread_id)

    async def own_messages(self, channel_id: int, after: int) -> list[Found]:
        await self._arrive("history", channel_id, Priority.END, Call(_now(), "history", channel_id))
        return [
            Found(m.id, m.post.content, m.nonce if self.keeps_nonces_in_history else "", m.post.reply_to)
            for m in self.messages
            if m.channel_id == channel_id and m.id > after and not m.deleted
        ]

    async def typing(self, channel_id: int) -> None:
        await self._arrive("typing", channel_id, Priority.COSMETIC, Call(_now(), "typing", channel_id))

    async def _arrive(self, what: str, channel_id: int, priority: Priority, call: Call) -> None:
        """Pace, latency, limits, scripted failures: what every request goes through."""
        async with self.pace.slot(what, channel_id, priority) as slot:
            await asyncio.sleep(LATENCY_S)
            self.calls.append(call)
            status, headers = self._windows[what, channel_id].take(_now())
            slot.report(status, headers)
            if status == 429:
                self.too_many += 1
                raise Unavailable("You are being rate limited.", float(headers["Retry-After"]))
        if self._failures[what]:
            raise self._failures[what].popleft()
        if channel_id not in self.channels:
            raise ChannelGone("Unknown Channel")

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        yield
        if self._lost[what]:
            self._lost[what] -= 1
            raise Unavailable("no answer")


def _now() -> float:
    return asyncio.get_running_loop().time()
