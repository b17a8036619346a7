"""Messages of people: each is handled once, in order, and none is missed.

    live (gateway) ──▶ caught up? ──yes──▶ handle, and move the cursor in the same transaction
                           │ no
                           ▼
                         held ◀── until the read-back (REST, after the cursor) has come to its end

A live message is handled within the call that brings it, so arrival order needs no queue and no await can
reorder. The cursor of a channel that is being read back is moved by the read-back alone. A place whose history cannot
be read is heard live all the same, behind a gap (``supervisor.sessions.gaps``). A message that could not be handled (a
full disk) makes its channel one that is read back, and so is tried again.

An edit or a deletion of a message that Claude has not taken up changes what Claude gets. What happened while we did
not listen is seen by looking: every message that waits is fetched again after a connection was made.

No nextcord in here: a message's JSON is the same on the gateway and from REST, but for the author's roles,
which REST leaves out (then the member is fetched; nobody's roles are the default).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping

import msgspec

from bridge.routing.channel import Channel
from bridge.routing.places import unfit_in_words
from bridge.routing.router import BridgeRouter
from bridge.session.managed import ManagedSession
from bridge.session.rights import Rights
from supervisor.discord.asking import Reading
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import GuildShown, Message, PlaceShown, Typing, WithId, glimpse, read
from supervisor.discord.snowflakes import snowflake
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.amendments import Amendments
from supervisor.threads.behind import Behind
from supervisor.threads.channel_words import ChannelWords, Tell
from supervisor.threads.gone import is_gone
from supervisor.threads.handling import Handling
from supervisor.threads.heard_texts import HeardTexts
from supervisor.threads.old_threads import OldThreads
from supervisor.threads.our_places import OurPlaces
from supervisor.threads.read_back import ReadBack
from supervisor.threads.sick_store import SickStore
from supervisor.threads.store_well import until_well

RETRY_MIN_S, RETRY_MAX_S = 1.0, 30.0
FIRST_CONNECTION_S = 600.0
"""A server that we see first so long after the start is one that we were brought into since."""
CLOCK_STEP_S = 0.001
"""An id of Discord's tells its time no finer."""
UNLISTED_READ_BACK_S = 7 * 86400.0
"""A thread that the guild does not list (archived) is read back when its session was active this recently, and whenever
something waits in it: nobody answers a card in a thread that is gone."""

log = logging.getLogger(__name__)


class Inbound:
    """``tell(channel_id, post, nonce)`` says something in a channel, some time soon; nothing waits for it.

    ``guilds`` knows who we are, and what the servers show us.
    """

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: Reading,
        rights: Rights,
        channels: Mapping[int, Channel],
        tell: Tell,
        guilds: Guilds,
    ) -> None:
        self._manager = manager
        self._guilds = guilds
        self._started_at = manager.clock()
        self._behind = behind = Behind(manager.clock, manager.changes)
        self._places = places = OurPlaces(manager, rights, channels, guilds)
        heard = HeardTexts(self._started_at)
        self.words = words = ChannelWords(manager, tell)
        self._handling = Handling(manager, router, guilds, places, behind, heard, words)
        self._amendments = Amendments(manager, router, rest, guilds, places, behind, heard)
        self._read_back = ReadBack(manager, rest, guilds, places, behind, self._handling, tell)
        self._was_well = False
        self.old_threads = OldThreads(rest, self._read_back.gone, self._is_in_server_of)
        self.runs = (self.run, self.old_threads.run, words.run, SickStore(manager, words).run)

    @property
    def behind(self) -> int:
        """How many channels and threads are still to be read back."""
        return len(self._behind)

    @property
    def behind_since(self) -> float | None:
        """Unix seconds since when something is to be read back; None while nothing is."""
        return self._behind.since

    @property
    def caught_up_at(self) -> float | None:
        """Unix seconds since when nothing is to be read back; None while something is."""
        return self._behind.caught_up_at

    @property
    def gaps(self) -> int:
        """In how many channels and threads something was missed that cannot be read (yet)."""
        return len(self._behind.gaps)

    def is_ours(self, channel_id: int) -> bool:
        """A configured channel, or a session's thread."""
        return self._places.is_ours(channel_id)

    def channels_added(self, channel_ids: Iterable[int]) -> None:
        """They are configured while we run: what was written there before is not for us."""
        self._places.channels_added(channel_ids)

    # --- what the gateway tells ----------------------------------------------------------------------

    def edited(self, data: object) -> None:
        """A MESSAGE_UPDATE. Never raises."""
        self._amendments.edited(data)

    def deleted(self, data: object) -> None:
        """A MESSAGE_DELETE or MESSAGE_DELETE_BULK. Never raises."""
        self._amendments.deleted(data)

    def typed(self, data: object) -> None:
        """A TYPING_START. Raises msgspec.ValidationError, StoreError."""
        typing = read(data, Typing)
        if self._places.is_ours(typing.channel_id):
            self._manager.bursts.typed(typing.channel_id, typing.user_id)

    def live(self, data: object) -> None:
        """A MESSAGE_CREATE. Never raises."""
        try:
            message = read(data, Message)
        except msgspec.ValidationError as error:
            log.warning("a message that cannot be read: %s", error)
            self._live_unreadable(data)
        else:
            self._handling.live(message)

    def _live_unreadable(self, data: object) -> None:
        """Enough may be readable to tell who wrote it. A place that is read back meets it there."""
        seen = glimpse(data)
        if (
            seen.id
            and self._places.is_ours(seen.channel_id)
            and not self._behind.holds(seen.channel_id)
            and not seen.is_from_bot
        ):
            try:
                self._handling.unreadable(seen.channel_id, seen)
            except StoreError as error:
                log.info("that message %s cannot be read is said later: %s", seen.id, error)
                self._behind.add(seen.channel_id, surely=True)
                self._behind.wake.set()

    def guild_seen(self, data: object) -> None:
        """A GUILD_CREATE: whatever has messages newer than its cursor is read back. Raises msgspec.ValidationError."""
        guild = read(data, GuildShown)
        listed = {channel.id: channel for channel in (*guild.channels, *guild.threads)}
        for channel_id in self._places.channels.keys() & listed.keys():
            self._places.is_in(channel_id, guild.id)
            if (place := self._guilds.where(guild.id, channel_id).place) and unfit_in_words(place):
                continue  # nothing begins there, and some have no messages at all
            newest = listed[channel_id].last_message_id or 0
            if not (cursor := self._manager.cursor(channel_id)):
                self._heard_first(channel_id, newest)
            elif newest > cursor:
                self._behind.add(channel_id, surely=True)
        for session in self._manager.get_all_sessions():
            if session.guild_id == guild.id and self._manager.waiting.messages(session.session_id):
                self._amendments.look_at(session.session_id)
            if session.guild_id == guild.id:
                self._seen_in_guild(session, listed.get(session.thread_id))
        self._behind.wake.set()

    def _seen_in_guild(self, session: ManagedSession, listed: PlaceShown | None) -> None:
        if self._is_behind(session, listed):
            self._behind.add(session.thread_id, surely=listed is not None)
        elif not listed and self._sleeps(session.session_id):
            self.old_threads.sleeps(session.thread_id)

    def _is_in_server_of(self, thread_id: int) -> bool:
        session = self._manager.session_of_thread(thread_id)
        return session is not None and session.guild_id in self._guilds.names

    def _sleeps(self, session_id: str) -> bool:
        return self._manager.row(session_id).ended_at is None and self._manager.has_thread(session_id)

    def _heard_first(self, channel_id: int, newest: int) -> None:
        """What was said before our first start is not for us; what was said since, before we were connected, is."""
        begun = snowflake(self._started_at + CLOCK_STEP_S)
        is_young = self._manager.clock() - self._started_at < FIRST_CONNECTION_S
        if newest > begun and is_young:
            self._manager.handled(channel_id, begun)
            self._behind.add(channel_id, surely=True)
        else:
            self._manager.handled(channel_id, newest or 1)

    def place_gone(self, data: object) -> None:
        """A CHANNEL_DELETE or THREAD_DELETE. Raises msgspec.ValidationError."""
        self._read_back.place_gone(read(data, WithId).id)

    def _is_behind(self, session: ManagedSession, listed: PlaceShown | None) -> bool:
        if is_gone(self._manager, session.session_id):
            return False
        if listed:
            return (listed.last_message_id or 0) > self._places.cursor(session.thread_id)
        recent = session.last_activity > time.time() - UNLISTED_READ_BACK_S
        waits = session.turn or session.requests or self._manager.waiting.all(session.session_id)
        return bool(recent or waits) and self._manager.has_thread(session.session_id)

    # --- reading back --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read back what is behind, until cancelled."""
        retry_s = RETRY_MIN_S
        while True:
            await self._until_woken()
            self._behind.wake.clear()
            while True:
                whole = await self._read_back.try_all()
                self._behind.look_whether_caught_up()
                if await self._amendments.look_again() and whole:
                    retry_s = RETRY_MIN_S
                elif self._behind or not self._amendments.is_sure:
                    await self._pause(retry_s)
                    retry_s = min(retry_s * 2, RETRY_MAX_S)
                if not (self._behind or not self._amendments.is_sure):
                    break

    async def _pause(self, longest_s: float) -> None:
        """Where the store takes nothing, only until it does again; not twice running, for it may take little."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                if self._manager.store.health.problem and not self._was_well:
                    await until_well(self._manager.store, self._manager.clock)
                    self._was_well = True
                    return
                await asyncio.sleep(longest_s)
        self._was_well = False

    async def _until_woken(self) -> None:
        """Or until a gap is to be tried again."""
        due = min((gap.not_before for gap in self._behind.gaps.values()), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._behind.wake.wait()
