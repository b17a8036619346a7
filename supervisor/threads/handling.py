"""What one message leads to: handled once, in order of arrival, and said where it is no prompt.

A message that could not be handled (a full disk) makes its channel one that is read back, and so is tried again.
"""

import logging
from contextlib import suppress

from bridge.newest import note_newest
from bridge.render import plain_commands
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession, Ignore, OfferCommand, PromptSession, Refuse, Whisper
from bridge.routing.bursts import follows
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import MessageSeen
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Member, Message, Unreadable
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.behind import Behind
from supervisor.threads.channel_words import ChannelWords
from supervisor.threads.heard_texts import HeardTexts
from supervisor.threads.message_seen import is_from_person, message_seen, seen_by
from supervisor.threads.our_places import OurPlaces
from supervisor.threads.quiet import Quiet

REFUSAL_PERIOD_S = 60.0
"""Of what a person wrote that cannot be a prompt: how soon the same is said again."""
RECENT_KEPT = 2048
ATTEMPTS = 3
WAITS_SAID_AFTER = 4
"""Tries of one message that the store did not take, with growing pauses: some seconds after it came."""
WAITS_PERIOD_S = 600.0
WAITS = (
    "⚠ The bridge can keep nothing at the moment (its disk may be full; its log says why). What is written here and in"
    " the threads below waits, and is taken up by itself when that is over."
)

UNREADABLE = "Discord sent this message in a form that the bridge cannot read. Write it again, please."

log = logging.getLogger(__name__)


class Handling:
    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        guilds: Guilds,
        places: OurPlaces,
        behind: Behind,
        heard: HeardTexts,
        words: ChannelWords,
    ) -> None:
        self._manager = manager
        self._router = router
        self._guilds = guilds
        self._places = places
        self._behind = behind
        self._heard = heard
        self._words = words
        self._quiet = Quiet()
        self._recent: dict[int, None] = {}
        self._failures: dict[int, int] = {}
        self._waits: dict[int, int] = {}
        """How often the store did not take each message that waits for it."""
        self._adopted: dict[int, MessageSeen] = {}
        """By its channel, the last message that an earlier state answered."""

    def live(self, message: Message) -> None:
        """Within the call that brings it. Never raises."""
        if self._behind.holds(message.channel_id):
            self._behind.keep(message)
        elif self._waits_for_roles(message):
            self._behind.add(message.channel_id, surely=True)
            self._behind.wake.set()
        else:
            try:
                self.handle(message, message.guild_id, message.member)
            except Exception as error:
                self.failed(message, error)
                self._behind.add(message.channel_id)
                self._behind.wake.set()

    def _waits_for_roles(self, message: Message) -> bool:
        """A new message that Discord told without its author's roles, though they matter: it is read back."""
        is_new = self._places.is_ours(message.channel_id) and message.id not in self._recent
        is_told = message.member is not None or not is_from_person(message)
        return is_new and not is_told and self._places.talk(message.channel_id).depends_on_roles(message.author.id)

    def handle(self, message: Message, guild_id: int, member: Member | None) -> None:
        if message.id in self._recent:
            return
        if not self._places.is_ours(message.channel_id):
            self._handle_elsewhere(message, guild_id, member)
            return
        if self._manager.cursors.is_handled(message.channel_id, message.id):
            self._manager.handled(message.channel_id, message.id)
            return
        if member is not None:
            self._manager.delivery.note(guild_id, message.author.id, frozenset(member.roles))
        seen = seen_by(self._guilds, message, guild_id, member)
        if self._failures.get(message.id, 0) >= ATTEMPTS:
            self._refuse(
                seen, "This message could not be handled here; the bridge's log says why. Please send it again."
            )
        elif self._has_our_thread(message):
            self._begun_before(seen)
        elif self._goes_with_adopted(seen):
            self._manager.handled(seen.channel_id, seen.message_id)
        else:
            self._act(seen)
        self._note_text(message)
        self._failures.pop(message.id, None)
        self._waits.pop(message.id, None)
        note_newest(self._recent, message.id, None, RECENT_KEPT)

    def _note_text(self, message: Message) -> None:
        """Of a prompt; what cannot be looked up is not noted."""
        with suppress(StoreError):
            session = self._places.session_of(message.channel_id, message.id)
            if session and message.id in self._manager.waiting.messages(session.session_id):
                self._heard.note(message, session.session_id)

    def _say_that_it_waits(self, message: Message) -> None:
        """In the channel, also of what stands in a thread: there a post that the store does not know would be taken
        for an answer of a later state.
        """
        count = self._waits[message.id] = self._waits.get(message.id, 0) + 1
        session = self._manager.session_of_thread(message.channel_id)
        channel_id = session.channel_id if session else message.channel_id
        if count >= WAITS_SAID_AFTER and self._quiet.may_say(0, channel_id, WAITS, WAITS_PERIOD_S):
            self._words.tell(channel_id, Post(WAITS, silent=True), f"w{message.id}")

    def _handle_elsewhere(self, message: Message, guild_id: int, member: Member | None) -> None:
        """Most are none of our business. Never raises: nothing there is to be tried again, and no cursor moves."""
        try:
            where = self._guilds.where(guild_id, message.channel_id)
            is_below = bool(where.place and where.place.parent_id in self._places.channels)
            seen = message_seen(message, self._guilds.bot_id, guild_id, member, where)
            action = self._router.handle_message(seen) if is_below or seen.mentions_bot or not guild_id else None
            if isinstance(action, Whisper) and self._is_due(seen, action) and action.text:
                self._words.tell(seen.channel_id, _quiet_post(seen.message_id, action.text), f"r{seen.message_id}")
        except Exception:
            log.exception("message %s, which is not in a place of ours, could not be looked at", message.id)

    def _has_our_thread(self, message: Message) -> bool:
        is_ours = message.thread is not None and message.thread.owner_id == self._guilds.bot_id
        return is_ours and message.channel_id in self._places.channels

    def _begun_before(self, seen: MessageSeen) -> None:
        """A thread of ours hangs on it: it was a prompt of an earlier state, which this store does not know."""
        action = self._router.handle_message(seen, is_prompt=True)
        if isinstance(action, CreateSession) and self._manager.session_of_thread(seen.message_id) is None:
            log.warning("message %s has a thread that this store does not know; it is not asked again", seen.message_id)
            self._manager.adopt_thread(action, handled_in=seen.channel_id)
            self._adopted[seen.channel_id] = seen
        else:
            self._act(seen, is_prompt=True)

    def _goes_with_adopted(self, seen: MessageSeen) -> bool:
        """It has no thread of its own, and followed closely on a message with one: it was a part of that prompt."""
        before = self._adopted.get(seen.channel_id)
        if not before or not follows(before, seen, self._manager.bursts.window_s):
            return False
        self._adopted[seen.channel_id] = seen
        return True

    def _act(self, seen: MessageSeen, *, is_prompt: bool = False) -> None:
        match self._router.handle_message(seen, is_prompt=is_prompt):
            case CreateSession() as action:
                self._manager.create_session(action, handled_in=seen.channel_id)
            case PromptSession() as action:
                self._manager.hear(action, handled_in=seen.channel_id)
            case OfferCommand(name):
                post = plain_commands.offered(name, seen.message_id, seen.author.user_id)
                self._answer(seen.channel_id, seen.message_id, plain_commands.key_of(seen.message_id), post)
            case Refuse(text):
                self._refuse(seen, text)
            case Whisper() as action:
                self._whisper(seen, action)
            case Ignore():
                self._manager.handled(seen.channel_id, seen.message_id)
            case action:
                raise AssertionError(f"a message cannot lead to {action}")

    def _refuse(self, seen: MessageSeen, text: str) -> None:
        """Say why it is no prompt, to the same person only once a minute."""
        self._whisper(seen, Whisper(text, text, REFUSAL_PERIOD_S))

    def _whisper(self, seen: MessageSeen, whisper: Whisper) -> None:
        if not self._is_due(seen, whisper):
            self._manager.handled(seen.channel_id, seen.message_id)
            return
        try:
            self._answer_quietly(seen.channel_id, seen.message_id, whisper.text)
        except StoreError:
            self._quiet.forget(*_what(seen, whisper))
            raise

    def _is_due(self, seen: MessageSeen, whisper: Whisper) -> bool:
        is_due = self._quiet.may_say(*_what(seen, whisper), whisper.period_s)
        if is_due:
            log.info("not answered: %s", whisper.noted)
        return is_due

    def _answer_quietly(self, channel_id: int, message_id: int, text: str) -> None:
        """No ``text``: nothing is said."""
        post = _quiet_post(message_id, text) if text else None
        self._answer(channel_id, message_id, f"refused:{message_id}", post)

    def _answer(self, channel_id: int, message_id: int, key: str, post: Post | None) -> None:
        """The cursor moves with what is said, or not at all: words that could not be kept are said when it is tried
        again.
        """
        session, nonce = self._manager.session_of_thread(channel_id), f"r{message_id}"
        with self._manager.transaction():
            self._manager.handled(channel_id, message_id)
            if session and post:
                self._manager.show(session.session_id, key, post)
            elif post:
                self._words.keep(channel_id, post, nonce)
        if post and not session:
            self._words.tell(channel_id, post, nonce)

    def unreadable(self, channel_id: int, seen: Unreadable) -> None:
        with self._manager.cursors.in_order(channel_id):
            self._answer_quietly(channel_id, seen.id, "" if seen.is_from_bot else UNREADABLE)

    def failed(self, message: Message, error: Exception) -> None:
        """It will be read back. A store that takes nothing now is no fault of the message's, and waited for."""
        if isinstance(error, StoreError):
            log.info("message %s waits: %s", message.id, error)
            self._say_that_it_waits(message)
            return
        log.error("message %s could not be handled; it will be read back", message.id, exc_info=error)
        self._failures[message.id] = self._failures.get(message.id, 0) + 1


def _what(seen: MessageSeen, whisper: Whisper) -> tuple[int, int, str]:
    """The same, if it is said again."""
    return seen.author.user_id, seen.channel_id, whisper.text or whisper.noted


def _quiet_post(message_id: int, text: str) -> Post:
    """Where it was written: silent, and pinging nobody."""
    return Post(text, reply_to=message_id, silent=True)
