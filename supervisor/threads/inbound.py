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
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from bridge.discord import PAGE_MESSAGES, MessageFlag
from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession, Ignore, PromptSession, Refuse, Whisper
from bridge.routing.channel import Channel
from bridge.routing.needs import TALK
from bridge.routing.places import unfit_in_words
from bridge.routing.router import BridgeRouter, MessageSeen
from bridge.session.managed import ManagedSession
from bridge.session.rights import Grant, Rights
from supervisor.discord.asking import Reading
from supervisor.discord.errors import ChannelGone, Forbidden, MessageGone, Refused
from supervisor.discord.guilds import NOWHERE, Guilds, Where
from supervisor.discord.message import (
    POST_TYPES,
    attachments_of,
    is_quote_unknown,
    quote_of,
    with_quote,
)
from supervisor.discord.shapes import (
    Deletion,
    Edit,
    GuildShown,
    Member,
    Message,
    PlaceShown,
    Unreadable,
    WithId,
    glimpse,
    person_of,
    read,
)
from supervisor.sessions.gaps import CLOSED, TRIES_BEFORE_LIVE, Gap, in_words
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.quiet import Quiet
from supervisor.threads.restored import Known, answered_before, before_our_own

RETRY_MIN_S, RETRY_MAX_S = 1.0, 30.0
REFUSAL_PERIOD_S = 60.0
"""Of what a person wrote that cannot be a prompt: how soon the same is said again."""
RECENT_KEPT = 2048
ATTEMPTS = 3
UNLISTED_READ_BACK_S = 7 * 86400.0
"""A thread that the guild does not list (archived) is read back when its session was active this recently."""

UNREADABLE = "Discord sent this message in a form that the bridge cannot read. Write it again, please."
THREAD_DELETED = "its thread was deleted"
CHANNEL_DELETED = "its channel was deleted"


log = logging.getLogger(__name__)


def _is_from_person(message: Message) -> bool:
    return message.type in POST_TYPES and not message.author.bot and message.webhook_id is None


def message_seen(
    message: Message, bot_id: int, guild_id: int, member: Member | None, where: Where = NOWHERE
) -> MessageSeen:
    return MessageSeen(
        message_id=message.id,
        channel_id=message.channel_id,
        parent_id=0,  # a configured id is a channel's; a thread is found by its session
        guild_id=guild_id,
        author=person_of(message.author, member, guild_id),
        text=without_mention(message.content, bot_id, where.own_role),
        is_from_person=_is_from_person(message),
        mentions_bot=any(user.id == bot_id for user in message.mentions) or where.own_role in message.mention_roles,
        quote=quote_of(message, bot_id),
        is_forward=bool(message.message_snapshots),
        is_voice=bool(message.flags & MessageFlag.IS_VOICE_MESSAGE),
        attachments=attachments_of(message),
        is_post=message.type in POST_TYPES and message.author.id != bot_id,
        place=where.place,
        parent=where.parent,
    )


def without_mention(text: str, bot_id: int, own_role: int = 0) -> str:
    """The text without the bot's own mention, which is an address and not part of what is asked."""
    return re.sub(rf"<@(?:!?{bot_id}|&{own_role})>[ \t]?", "", text).strip()


def edited_text(message: Edit, bot_id: int) -> str | None:
    """The prompt that the message is now; None: it is none any more. A file without words still is one."""
    text = without_mention(message.content or "", bot_id)
    if not (text or message.attachments or message.message_snapshots):
        return None
    return with_quote(quote_of(message, bot_id), text)


# --- the handling ------------------------------------------------------------------------------------


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
        tell: Callable[[int, Post, str], None],
        guilds: Guilds,
    ) -> None:
        self._guilds = guilds
        self._quiet = Quiet()
        self._manager = manager
        self._router = router
        self._rest = rest
        self._rights = rights
        self._channels = channels
        self._tell = tell
        self._held: dict[int, list[Message]] = {}
        self._recent: dict[int, None] = {}
        self._failures: dict[int, int] = {}
        self._unread: dict[int, int] = {}
        self._gaps: dict[int, Gap] = {}
        self._surely_behind: set[int] = set()
        self._guild_of: dict[int, int] = {}
        self._unsure: set[str] = set()
        self._wake = asyncio.Event()
        self._caught_up_at: float | None = 0.0

    @property
    def behind(self) -> int:
        """How many channels and threads are still to be read back."""
        return len(self._held)

    @property
    def caught_up_at(self) -> float | None:
        """Unix seconds since when nothing is to be read back; None while something is."""
        return None if self._held else self._caught_up_at

    @property
    def gaps(self) -> int:
        """In how many channels and threads something was missed that cannot be read (yet)."""
        return len(self._gaps)

    def guild_of(self, channel_id: int) -> int:
        """The guild of a configured channel; 0 while no guild has shown it."""
        return self._guild_of.get(channel_id, 0)

    def channels_added(self, channel_ids: Iterable[int]) -> None:
        """They are configured while we run: what was written there before is not for us."""
        for channel_id in channel_ids:
            if place := self._guilds.place(channel_id):
                self._guild_of[channel_id] = place.guild_id
            with suppress(StoreError):
                if (newest := self._guilds.newest(channel_id)) > self._manager.cursor(channel_id):
                    self._manager.handled(channel_id, newest)

    # --- what the gateway tells ----------------------------------------------------------------------

    def live(self, data: object) -> None:
        """A MESSAGE_CREATE. Never raises."""
        try:
            message = read(data, Message)
        except msgspec.ValidationError as error:
            log.warning("a message that cannot be read: %s", error)
            self._live_unreadable(data)
        else:
            self._live(message)

    def _live_unreadable(self, data: object) -> None:
        """Enough may be readable to tell who wrote it. A place that is read back meets it there."""
        seen = glimpse(data)
        if seen.id and self.is_ours(seen.channel_id) and seen.channel_id not in self._held and not seen.is_from_bot:
            try:
                self._unreadable(seen.channel_id, seen)
            except StoreError as error:
                log.warning("that message %s cannot be read is told nobody: %s", seen.id, error)

    def _live(self, message: Message) -> None:
        if message.channel_id in self._held:
            self._held[message.channel_id].append(message)
            return
        if self._waits_for_roles(message):
            self._is_behind_now(message.channel_id, surely=True)
            self._wake.set()
            return
        try:
            self._handle_once(message, message.guild_id, message.member)
        except Exception as error:
            self._failed(message, error)
            if gap := self._gaps.get(message.channel_id):
                gap.not_before = 0.0
            else:
                self._hold(message.channel_id)
            self._wake.set()

    def edited(self, data: object) -> None:
        """A MESSAGE_UPDATE. Never raises."""
        try:
            message = read(data, Edit)
        except msgspec.ValidationError as error:
            log.warning("an edit that cannot be read: %s", error)
            return
        if message.content is None or message.edited_timestamp is None:
            return
        held = self._held.get(message.channel_id, [])
        for place, one in enumerate(held):
            if one.id == message.id:
                held[place] = msgspec.structs.replace(one, content=message.content)
        if (session := self._session_of(message.channel_id, message.id)) is None or not _is_persons(message):
            return
        may_talk = self._may_still_talk(session, message)
        if may_talk or self._lacks_roles(session, message):
            if is_quote_unknown(message) or not may_talk:
                self._unsure.add(session.session_id)
                self._wake.set()
            else:
                self._amend(session, message.id, edited_text(message, self._guilds.bot_id))

    def deleted(self, data: object) -> None:
        """A MESSAGE_DELETE or MESSAGE_DELETE_BULK. Never raises."""
        try:
            gone = read(data, Deletion)
        except msgspec.ValidationError as error:
            log.warning("a deletion that cannot be read: %s", error)
            return
        for message_id in (*gone.ids, gone.id):
            held = self._held.get(gone.channel_id, [])
            held[:] = [one for one in held if one.id != message_id]
            if session := self._session_of(gone.channel_id, message_id):
                self._amend(session, message_id, None)

    def _session_of(self, channel_id: int, message_id: int) -> ManagedSession | None:
        """Whose prompt the message may be: it was written in the session's thread, or the thread was made from it."""
        if session := self._manager.session_of_thread(channel_id):
            return session
        starter = self._manager.session_of_thread(message_id)
        return starter if starter and starter.channel_id == channel_id else None

    def _talk(self, channel_id: int) -> Grant:
        """Who may talk in the channel, or in the thread's."""
        session = self._manager.session_of_thread(channel_id)
        return self._rights.access(session.channel_id if session else channel_id).talk

    def _waits_for_roles(self, message: Message) -> bool:
        """A new message that Discord told without its author's roles, though they matter: it is read back."""
        is_new = self.is_ours(message.channel_id) and message.id not in self._recent
        is_told = message.member is not None or not _is_from_person(message)
        return is_new and not is_told and self._talk(message.channel_id).depends_on_roles(message.author.id)

    def _lacks_roles(self, session: ManagedSession, message: Edit) -> bool:
        """Discord did not tell them with it, and they can matter."""
        assert message.author
        return message.member is None and self._talk(session.thread_id).depends_on_roles(message.author.id)

    def _may_still_talk(self, session: ManagedSession, message: Edit) -> bool:
        assert message.author
        return not self._router.lacks_in(session, TALK, person_of(message.author, message.member, session.guild_id))

    def _amend(self, session: ManagedSession, message_id: int, text: str | None) -> None:
        """An edit that leaves nothing (None) is a deletion. What could not be stored is looked at again."""
        try:
            self._manager.waiting.amend(session.session_id, message_id, text)
        except Exception:
            log.exception("an edit or deletion of message %s could not be handled; it is looked at again", message_id)
            self._unsure.add(session.session_id)
            self._wake.set()

    def guild_seen(self, data: object) -> None:
        """A GUILD_CREATE: whatever has messages newer than its cursor is read back. Raises msgspec.ValidationError."""
        guild = read(data, GuildShown)
        listed = {channel.id: channel for channel in (*guild.channels, *guild.threads)}
        for channel_id in self._channels.keys() & listed.keys():
            self._guild_of[channel_id] = guild.id
            if (place := self._guilds.where(guild.id, channel_id).place) and unfit_in_words(place):
                continue  # nothing begins there, and some have no messages at all
            newest = listed[channel_id].last_message_id or 0
            if not (cursor := self._manager.cursor(channel_id)):
                self._manager.handled(channel_id, newest or 1)  # what was said before our first start is not for us
            elif newest > cursor:
                self._is_behind_now(channel_id, surely=True)
        for session in self._manager.get_all_sessions():
            if session.guild_id == guild.id and self._manager.waiting.messages(session.session_id):
                self._unsure.add(session.session_id)
            if session.guild_id == guild.id and self._is_behind(session, listed.get(session.thread_id)):
                self._is_behind_now(session.thread_id, surely=session.thread_id in listed)
        self._wake.set()

    def _is_behind_now(self, channel_id: int, *, surely: bool) -> None:
        """Live messages wait for the read-back; where that is known not to work it is tried beside them."""
        if surely:
            self._surely_behind.add(channel_id)
        if gap := self._gaps.get(channel_id):
            gap.not_before = 0.0
        else:
            self._hold(channel_id)

    def _hold(self, channel_id: int) -> None:
        self._held.setdefault(channel_id, [])
        self._caught_up_at = None

    def _look_whether_caught_up(self) -> None:
        if not self._held and self._caught_up_at is None:
            self._caught_up_at = self._manager.clock()
            self._manager.changes.caught_up()

    def place_gone(self, data: object) -> None:
        """A CHANNEL_DELETE or THREAD_DELETE. Raises msgspec.ValidationError."""
        self.channel_deleted(read(data, WithId).id)

    def channel_deleted(self, channel_id: int) -> None:
        """A channel or a thread: its sessions end, and there is nowhere left to say so."""
        if channel_id in self._channels:
            log.warning("the configured channel %s was deleted", channel_id)
        for session in self._manager.active_sessions():
            if session.thread_id == channel_id:
                self._manager.destroy_session(session.session_id, THREAD_DELETED)
            elif session.channel_id == channel_id:
                self._manager.destroy_session(session.session_id, CHANNEL_DELETED)
        self._held.pop(channel_id, None)
        self._gaps.pop(channel_id, None)
        self._look_whether_caught_up()

    def _is_behind(self, session: ManagedSession, listed: PlaceShown | None) -> bool:
        if self._manager.row(session.session_id).end_reason in (THREAD_DELETED, CHANNEL_DELETED):
            return False
        if listed:
            return (listed.last_message_id or 0) > self._cursor(session.thread_id)
        recent = session.last_activity > time.time() - UNLISTED_READ_BACK_S
        return recent and self._manager.has_thread(session.session_id)

    def _cursor(self, channel_id: int) -> int:
        """A thread's messages all come after the one that it was made from, whose id it has."""
        return self._manager.cursor(channel_id) or channel_id

    # --- one message ---------------------------------------------------------------------------------

    def _handle_once(self, message: Message, guild_id: int, member: Member | None) -> None:
        if message.id in self._recent:
            return
        if not self.is_ours(message.channel_id):
            self._handle_elsewhere(message, guild_id, member)
            return
        if self._manager.cursors.is_handled(message.channel_id, message.id):
            self._manager.handled(message.channel_id, message.id)
            return
        if member is not None:
            self._manager.delivery.note(guild_id, message.author.id, frozenset(member.roles))
        seen = message_seen(
            message, self._guilds.bot_id, guild_id, member, self._guilds.where(guild_id, message.channel_id)
        )
        if self._failures.get(message.id, 0) >= ATTEMPTS:
            self._refuse(
                seen, "This message could not be handled here; the bridge's log says why. Please send it again."
            )
        elif message.thread and message.thread.owner_id == self._guilds.bot_id and message.channel_id in self._channels:
            self._begun_before(seen)
        else:
            self._act(seen)
        self._failures.pop(message.id, None)
        self._recent[message.id] = None
        while len(self._recent) > RECENT_KEPT:
            del self._recent[next(iter(self._recent))]

    def _handle_elsewhere(self, message: Message, guild_id: int, member: Member | None) -> None:
        """Most are none of our business. Never raises: nothing there is to be tried again, and no cursor moves."""
        try:
            where = self._guilds.where(guild_id, message.channel_id)
            is_below = bool(where.place and where.place.parent_id in self._channels)
            seen = message_seen(message, self._guilds.bot_id, guild_id, member, where)
            action = self._router.handle_message(seen) if is_below or seen.mentions_bot or not guild_id else None
            if isinstance(action, Whisper):
                self._whisper(seen, action)
        except Exception:
            log.exception("message %s, which is not in a place of ours, could not be looked at", message.id)

    def is_ours(self, channel_id: int) -> bool:
        """A configured channel, or a session's thread."""
        return channel_id in self._channels or self._manager.session_of_thread(channel_id) is not None

    def _begun_before(self, seen: MessageSeen) -> None:
        """A thread of ours hangs on it: it was a prompt of an earlier state, which this store does not know."""
        action = self._router.handle_message(seen)
        if isinstance(action, CreateSession) and self._manager.session_of_thread(seen.message_id) is None:
            log.warning("message %s has a thread that this store does not know; it is not asked again", seen.message_id)
            self._manager.adopt_thread(action, handled_in=seen.channel_id)
        else:
            self._act(seen)

    def _act(self, seen: MessageSeen) -> None:
        match self._router.handle_message(seen):
            case CreateSession() as action:
                self._manager.create_session(action, handled_in=seen.channel_id)
            case PromptSession() as action:
                self._manager.prompt(
                    action.session_id,
                    action.prompt_id,
                    action.text,
                    action.author,
                    handled_in=seen.channel_id,
                    attachments=action.attachments,
                )
            case Refuse(text):
                self._refuse(seen, text)
            case Whisper() as action:
                self._manager.handled(seen.channel_id, seen.message_id)
                self._whisper(seen, action)
            case Ignore():
                self._manager.handled(seen.channel_id, seen.message_id)
            case action:
                raise AssertionError(f"a message cannot lead to {action}")

    def _refuse(self, seen: MessageSeen, text: str) -> None:
        """Say why it is no prompt, to the same person only once a minute."""
        self._manager.handled(seen.channel_id, seen.message_id)
        if self._quiet.may_say(seen.author.user_id, seen.channel_id, text, REFUSAL_PERIOD_S):
            self._say_quietly(seen, text)

    def _whisper(self, seen: MessageSeen, whisper: Whisper) -> None:
        if self._quiet.may_say(seen.author.user_id, seen.channel_id, whisper.text or whisper.noted, whisper.period_s):
            log.info("not answered: %s", whisper.noted)
            if whisper.text:
                self._say_quietly(seen, whisper.text)

    def _say_quietly(self, seen: MessageSeen, text: str) -> None:
        """Where it was written: silent, and pinging nobody."""
        post = Post(text, reply_to=seen.message_id, silent=True)
        if session := self._manager.session_of_thread(seen.channel_id):
            self._manager.show(session.session_id, f"refused:{seen.message_id}", post)
        else:
            self._tell(seen.channel_id, post, f"r{seen.message_id}")

    # --- reading back --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read back what is behind, until cancelled."""
        retry_s = RETRY_MIN_S
        while True:
            await self._until_woken()
            self._wake.clear()
            while True:
                whole = await self._pass()
                self._look_whether_caught_up()
                if await self._look_again() and whole:
                    retry_s = RETRY_MIN_S
                elif self._held or self._unsure:
                    await asyncio.sleep(retry_s)
                    retry_s = min(retry_s * 2, RETRY_MAX_S)
                if not (self._held or self._unsure):
                    break

    async def _until_woken(self) -> None:
        """Or until a gap is to be tried again."""
        due = min((gap.not_before for gap in self._gaps.values()), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._wake.wait()

    async def _pass(self) -> bool:
        """Try each channel that is behind once. Whether all of them came to their end."""
        whole = True
        due = [channel_id for channel_id, gap in self._gaps.items() if gap.not_before <= _now()]
        for channel_id in sorted({*self._held, *due}, key=lambda i: i not in self._channels):
            try:
                await self._catch_up(channel_id)
            except ChannelGone:
                self.channel_deleted(channel_id)
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
        if channel_id not in self._gaps:
            if not isinstance(error, Forbidden) and self._unread[channel_id] < TRIES_BEFORE_LIVE:
                return False
            log.warning("channel %s cannot be read back: %s; it is live again, and tried beside it", channel_id, error)
            self._gaps[channel_id] = Gap(0.0)
            self._manager.cursors.open_gap(channel_id)
            self._release(channel_id, set())
        gap = self._gaps[channel_id]
        gap.failed(_now())
        if channel_id in self._surely_behind and gap.is_to_be_said(error):
            gap.is_said = self._say_of_gap(channel_id, in_words(error, self._cursor(channel_id)), "g")
        return True

    def _is_read(self, channel_id: int, done: set[int]) -> None:
        """The read-back came to its end."""
        self._unread.pop(channel_id, None)
        self._surely_behind.discard(channel_id)
        with self._manager.transaction():
            self._manager.cursors.close_gap(channel_id)
        if (gap := self._gaps.pop(channel_id, None)) and gap.is_said:
            self._say_of_gap(channel_id, CLOSED, "c")
        self._release(channel_id, done)

    def _say_of_gap(self, channel_id: int, text: str, mark: str) -> bool:
        """In the thread (where the end of it takes the place of its beginning) or channel. Whether it is noted."""
        post = Post(text, silent=True)
        try:
            if session := self._manager.session_of_thread(channel_id):
                self._manager.show(session.session_id, "gap", post)
            else:
                self._tell(channel_id, post, f"{mark}{self._cursor(channel_id)}")
        except StoreError:
            return False
        return True

    async def _look_again(self) -> bool:
        """Fetch what waits in the sessions that we are not sure of. Whether all of it could be."""
        whole = True
        for session_id in sorted(self._unsure):
            try:
                for prompt_id in self._manager.waiting.messages(session_id):
                    await self._compare(session_id, prompt_id)
                self._unsure.discard(session_id)
            except (ChannelGone, Forbidden, Refused) as error:
                log.warning("session %s: what waits cannot be fetched again: %s", session_id, error)
                self._unsure.discard(session_id)
            except Exception as error:
                log.info("session %s: what waits is fetched again later: %s", session_id, error)
                whole = False
        return whole

    async def _compare(self, session_id: str, prompt_id: int) -> None:
        """One message that waits, with what it says on Discord now."""
        session = self._manager.get_session(session_id)
        assert session
        channel_id = session.channel_id if prompt_id == session.thread_id else session.thread_id
        try:
            message = read(await self._rest.message(channel_id, prompt_id), Edit)
        except MessageGone:
            self._manager.waiting.amend(session_id, prompt_id, None)
            return
        if not message.edited_timestamp or message.content is None or not _is_persons(message):
            return
        if self._lacks_roles(session, message) and not self._may_still_talk(session, message):
            assert message.author
            found = await self._rest.member(session.guild_id, message.author.id)
            message = msgspec.structs.replace(message, member=found)
        if self._may_still_talk(session, message):
            self._manager.waiting.amend(session_id, prompt_id, edited_text(message, self._guilds.bot_id))

    async def _catch_up(self, channel_id: int) -> None:
        after = self._cursor(channel_id) if channel_id not in self._channels else self._manager.cursor(channel_id)
        found = await self._read_all(channel_id, after)
        messages = [message for one in found if (message := self._readable(channel_id, one)) is not None]
        answered = before_our_own(messages, self._guilds.bot_id, self._known_posts(channel_id, messages))
        for message in messages:
            if message.id in answered:
                with self._manager.cursors.in_order(channel_id):
                    self._manager.handled(channel_id, message.id)
            else:
                await self._handle_read_back(message)
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
        if (session := self._manager.session_of_thread(channel_id)) is None or channel_id in self._channels:
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

    def _readable(self, channel_id: int, found: Message | Unreadable) -> Message | None:
        """One that makes no sense holds nothing up; who wrote it hears of it."""
        if isinstance(found, Message):
            return found
        log.warning("message %s in channel %s cannot be read", found.id, channel_id)
        if found.id and not self._manager.cursors.is_handled(channel_id, found.id):
            self._unreadable(channel_id, found)
        return None

    def _unreadable(self, channel_id: int, seen: Unreadable) -> None:
        with self._manager.cursors.in_order(channel_id):
            self._manager.handled(channel_id, seen.id)
        if seen.is_from_bot:
            return
        post = Post(UNREADABLE, reply_to=seen.id, silent=True)
        if session := self._manager.session_of_thread(channel_id):
            self._manager.show(session.session_id, f"refused:{seen.id}", post)
        else:
            self._tell(channel_id, post, f"r{seen.id}")

    async def _handle_read_back(self, message: Message) -> None:
        guild_id = self._guild_id(message.channel_id)
        try:
            member = await self._member(message, guild_id)
            with self._manager.cursors.in_order(message.channel_id):
                self._handle_once(message, guild_id, member)
        except RemoteError:
            raise
        except Exception as error:
            self._failed(message, error)
            raise

    def _failed(self, message: Message, error: Exception) -> None:
        """It will be read back. A store that takes nothing now is no fault of the message's, and waited for."""
        if isinstance(error, StoreError):
            log.info("message %s waits: %s", message.id, error)
            return
        log.error("message %s could not be handled; it will be read back", message.id, exc_info=error)
        self._failures[message.id] = self._failures.get(message.id, 0) + 1

    def _release(self, channel_id: int, done: set[int]) -> None:
        """From here on the channel is live again; what arrived meanwhile comes first."""
        for message in self._held.pop(channel_id, []):
            if message.id not in done:
                self._live(message)

    async def _member(self, message: Message, guild_id: int) -> Member | None:
        """The author's roles, if they can matter."""
        if not _is_from_person(message) or not self._talk(message.channel_id).depends_on_roles(message.author.id):
            return None
        return await self._rest.member(guild_id, message.author.id)

    def _guild_id(self, channel_id: int) -> int:
        session = self._manager.session_of_thread(channel_id)
        return session.guild_id if session else self.guild_of(channel_id)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_persons(message: Edit) -> bool:
    return message.author is not None and not message.author.bot
