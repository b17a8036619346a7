"""What was written while we did not listen, read after the cursor of each place that is behind."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from bridge.discord_numbers import PAGE_MESSAGES
from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Reading
from supervisor.discord.errors import ChannelGone, Forbidden
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Member, Message, Unreadable
from supervisor.sessions.gaps import CLOSED, TRIES_BEFORE_LIVE, Gap, in_words
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.behind import Behind
from supervisor.threads.gone import end_sessions_of, is_gone
from supervisor.threads.handling import Handling
from supervisor.threads.message_seen import is_from_person
from supervisor.threads.our_places import OurPlaces
from supervisor.threads.restored import Known, answered_before, before_our_own

log = logging.getLogger(__name__)


class ReadBack:
    """``tell(channel_id, post, nonce)`` says something in a channel, some time soon; nothing waits for it."""

    def __init__(
        self,
        manager: SessionManager,
        rest: Reading,
        guilds: Guilds,
        places: OurPlaces,
        behind: Behind,
        handling: Handling,
        tell: Callable[[int, Post, str], None],
    ) -> None:
        self._manager = manager
        self._rest = rest
        self._guilds = guilds
        self._places = places
        self._behind = behind
        self._handling = handling
        self._tell = tell
        self._unread: dict[int, int] = {}

    def place_gone(self, channel_id: int) -> None:
        """A channel or a thread was deleted. Raises StoreError."""
        if channel_id in self._places.channels:
            log.warning("the configured channel %s was deleted", channel_id)
        end_sessions_of(self._manager, channel_id)
        self._behind.drop(channel_id)

    async def gone(self, place_id: int) -> None:
        """Of a thread that is no more it is asked whether its whole channel is none. Raises StoreError."""
        session = self._manager.session_of_thread(place_id)
        if session and not is_gone(self._manager, session.session_id) and await self._has_no_channel(session):
            self.place_gone(session.channel_id)
        self.place_gone(place_id)

    async def _heard_gone(self, place_id: int) -> bool:
        try:
            await self.gone(place_id)
        except StoreError as error:
            log.info("that %s is gone is taken in later: %s", place_id, error)
            return False
        return True

    async def _has_no_channel(self, session: ManagedSession) -> bool:
        """None that there is; one that is only hidden from us is one."""
        if self._guilds.place(session.channel_id):
            return False
        with suppress(RemoteError):
            return await self._rest.is_gone(session.channel_id)
        return False

    async def try_all(self) -> bool:
        """Try each channel that is behind once. Whether all of them came to their end."""
        whole = True
        due = [channel_id for channel_id, gap in self._behind.gaps.items() if gap.not_before <= _now()]
        for channel_id in sorted({*self._behind.places, *due}, key=lambda i: i not in self._places.channels):
            try:
                await self._catch_up(channel_id)
            except ChannelGone:
                whole = await self._heard_gone(channel_id) and whole
            except StoreError as error:
                log.info("channel %s is read back later: %s", channel_id, error)
                whole = False
            except RemoteError as error:
                log.info("channel %s is read back later: %s", channel_id, error)
                whole = self._cannot_read(channel_id, error) and whole
            except Exception:
                log.exception("channel %s is read back later", channel_id)
                whole = False
        return whole

    def _cannot_read(self, channel_id: int, error: RemoteError) -> bool:
        """Whether the place is live again all the same, with a gap."""
        self._unread[channel_id] = self._unread.get(channel_id, 0) + 1
        if channel_id not in self._behind.gaps:
            if not isinstance(error, Forbidden) and self._unread[channel_id] < TRIES_BEFORE_LIVE:
                return False
            log.warning("channel %s cannot be read back: %s; it is live again, and tried beside it", channel_id, error)
            self._behind.gaps[channel_id] = Gap(0.0)
            self._manager.cursors.open_gap(channel_id)
            self._release(channel_id, set())
        gap = self._behind.gaps[channel_id]
        gap.failed(_now())
        if self._behind.is_surely(channel_id) and gap.is_to_be_said(error):
            gap.is_said = self._say_of_gap(channel_id, in_words(error, self._places.cursor(channel_id)), "g")
        return True

    def _is_read(self, channel_id: int, done: set[int]) -> None:
        """The read-back came to its end."""
        self._unread.pop(channel_id, None)
        with self._manager.transaction():
            self._manager.cursors.close_gap(channel_id)
        if (gap := self._behind.is_read(channel_id)) and gap.is_said:
            self._say_of_gap(channel_id, CLOSED, "c")
        self._release(channel_id, done)

    def _say_of_gap(self, channel_id: int, text: str, mark: str) -> bool:
        """In the thread (where the end of it takes the place of its beginning) or channel. Whether it is noted."""
        post = Post(text, silent=True)
        try:
            if session := self._manager.session_of_thread(channel_id):
                self._manager.show(session.session_id, "gap", post)
            else:
                self._tell(channel_id, post, f"{mark}{self._places.cursor(channel_id)}")
        except StoreError:
            return False
        return True

    async def _catch_up(self, channel_id: int) -> None:
        after = self._places.cursor(channel_id)
        found = await self._read_all(channel_id, after)
        messages = [one for one in found if isinstance(one, Message)]
        answered = before_our_own(messages, self._guilds.bot_id, self._known_posts(channel_id, messages))
        for one in found:
            if isinstance(one, Unreadable):
                self._unreadable(channel_id, one)
            elif one.id in answered:
                with self._manager.cursors.in_order(channel_id):
                    self._manager.handled(channel_id, one.id)
            else:
                await self._handle_read_back(one)
        if answered and (session := self._manager.session_of_thread(channel_id)):
            log.warning("thread %s: %d messages were answered by a later state", channel_id, len(answered))
            self._manager.show(session.session_id, f"answered:{max(answered)}", answered_before(len(answered)))
        self._is_read(channel_id, {message.id for message in messages})

    async def _read_all(self, channel_id: int, after: int) -> list[Message | Unreadable]:
        """Oldest first. A page that leads no further is the last one, however full."""
        found: list[Message | Unreadable] = []
        while True:
            page = sorted(await self._rest.messages_after(channel_id, after, PAGE_MESSAGES), key=lambda one: one.id)
            found += page
            newest = max((one.id for one in page), default=0)
            if len(page) < PAGE_MESSAGES or newest <= after:
                return found
            after = newest

    def _known_posts(self, channel_id: int, messages: Sequence[Message]) -> Known | None:
        """None: nothing can be told of this place, for others post here too, or all is known by their threads."""
        if (session := self._manager.session_of_thread(channel_id)) is None or channel_id in self._places.channels:
            return None
        store = self._manager.store
        mine = [message.id for message in messages if message.author.id == self._guilds.bot_id]
        history = store.post(session.session_id, "history")
        unsettled = store.unsettled_posts(session.session_id)
        return Known(
            frozenset(message_id for message_id in mine if store.post_of_message(message_id)),
            sum(row.message_id is None and row.attempted_at is not None for row in unsettled),
            (history.message_id or 0) if history else 0,
        )

    def _unreadable(self, channel_id: int, found: Unreadable) -> None:
        """One that makes no sense holds nothing up; who wrote it hears of it."""
        log.warning("message %s in channel %s cannot be read", found.id, channel_id)
        if found.id and not self._manager.cursors.is_handled(channel_id, found.id):
            self._handling.unreadable(channel_id, found)

    async def _handle_read_back(self, message: Message) -> None:
        guild_id = self._places.guild_id(message.channel_id)
        try:
            member = await self._member(message, guild_id)
            with self._manager.cursors.in_order(message.channel_id):
                self._handling.handle(message, guild_id, member)
        except RemoteError:
            raise
        except Exception as error:
            self._handling.failed(message, error)
            raise

    async def _member(self, message: Message, guild_id: int) -> Member | None:
        """The author's roles, if they can matter."""
        if not is_from_person(message) or not self._places.talk(message.channel_id).depends_on_roles(message.author.id):
            return None
        return await self._rest.member(guild_id, message.author.id)

    def _release(self, channel_id: int, done: set[int]) -> None:
        for message in self._behind.release(channel_id):
            if message.id not in done:
                self._handling.live(message)


def _now() -> float:
    return asyncio.get_running_loop().time()
