"""Edits and deletions of messages that Claude has not taken up: they change what Claude gets.

Of one that Claude took up, or that decided what Claude asked, it is said once that an edit comes too late, and a
deletion while its turn runs.

What happened while we did not listen is seen by looking: every message that waits is fetched again after a connection
was made.
"""

import logging

import msgspec

from bridge.render import marks
from bridge.routing.needs import TALK
from bridge.routing.router import BridgeRouter
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Reading
from supervisor.discord.beside_text import is_quote_unknown
from supervisor.discord.errors import ChannelGone, Forbidden, MessageGone, Refused
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Deletion, Edit, person_of, read
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.behind import Behind
from supervisor.threads.heard_texts import HeardTexts
from supervisor.threads.message_seen import edited_text, is_edit_of_a_person
from supervisor.threads.our_places import OurPlaces

log = logging.getLogger(__name__)


class Amendments:
    """``is_sure``: nothing that waits is to be fetched again."""

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: Reading,
        guilds: Guilds,
        places: OurPlaces,
        behind: Behind,
        heard: HeardTexts,
    ) -> None:
        self._manager = manager
        self._router = router
        self._rest = rest
        self._guilds = guilds
        self._places = places
        self._behind = behind
        self._heard = heard
        self._unsure: set[str] = set()

    @property
    def is_sure(self) -> bool:
        return not self._unsure

    def look_at(self, session_id: str) -> None:
        """What waits in the session is fetched again soon."""
        self._unsure.add(session_id)
        self._behind.wake.set()

    def edited(self, data: object) -> None:
        """A MESSAGE_UPDATE. Never raises."""
        try:
            message = read(data, Edit)
        except msgspec.ValidationError as error:
            log.warning("an edit that cannot be read: %s", error)
            return
        if message.content is None or message.edited_timestamp is None:
            return
        self._behind.edit(message.channel_id, message.id, message.content)
        session = self._session_of(message.channel_id, message.id)
        if session is None or not is_edit_of_a_person(message):
            return
        if message.id in self._manager.waiting.messages(session.session_id):
            self._edited_in_time(session, message)
        elif self._is_over(session.session_id, message.id) and self._heard.is_another(message):
            if self._may_still_talk(session, message):
                self._say_too_late(session, message.id, "it was edited")
        else:
            return
        self._heard.note(message, session.session_id)

    def _is_over(self, session_id: str, message_id: int) -> bool:
        """Claude took it up, or it decided what Claude asked."""
        waiting, typed = self._manager.waiting, self._manager.delivery.typed
        return waiting.was_taken_up(session_id, message_id) or typed.has_decided(session_id, message_id)

    def _edited_in_time(self, session: ManagedSession, message: Edit) -> None:
        may_talk = self._may_still_talk(session, message)
        if may_talk or self._lacks_roles(session, message):
            if is_quote_unknown(message) or not may_talk:
                self.look_at(session.session_id)
            else:
                self._amend(session, message.id, edited_text(message, self._guilds.bot_id))

    def _session_of(self, channel_id: int, message_id: int) -> ManagedSession | None:
        known = self._places.session_of(channel_id, message_id)
        return known or self._manager.get_session(self._heard.session_of(message_id))

    def _say_too_late(self, session: ManagedSession, message_id: int, what: str) -> None:
        """In the thread, where Claude's answer stands."""
        try:
            has_decided = self._manager.delivery.typed.has_decided(session.session_id, message_id)
            for key, post in marks.said_too_late(message_id, what, has_decided=has_decided).items():
                self._manager.show(session.session_id, key, post)
        except StoreError as error:
            log.warning("that message %s came too late for what became of it is told nobody: %s", message_id, error)

    def deleted(self, data: object) -> None:
        """A MESSAGE_DELETE or MESSAGE_DELETE_BULK. Never raises."""
        try:
            gone = read(data, Deletion)
        except msgspec.ValidationError as error:
            log.warning("a deletion that cannot be read: %s", error)
            return
        for message_id in (*gone.ids, gone.id):
            self._behind.forget(gone.channel_id, message_id)
            if session := self._session_of(gone.channel_id, message_id):
                if self._serves_turn(session, message_id):
                    self._say_too_late(session, message_id, "it was deleted")
                else:
                    self._amend(session, message_id, None)

    def _serves_turn(self, session: ManagedSession, message_id: int) -> bool:
        """Claude works with what it said."""
        has_decided = self._manager.delivery.typed.has_decided(session.session_id, message_id)
        return message_id in self._manager.waiting.taken_up(session.session_id) or bool(session.turn and has_decided)

    def _lacks_roles(self, session: ManagedSession, message: Edit) -> bool:
        """Discord did not tell them with it, and they can matter."""
        assert message.author
        return message.member is None and self._places.talk(session.thread_id).depends_on_roles(message.author.id)

    def _may_still_talk(self, session: ManagedSession, message: Edit) -> bool:
        assert message.author
        return not self._router.lacks_in(session, TALK, person_of(message.author, message.member, session.guild_id))

    def _amend(self, session: ManagedSession, message_id: int, text: str | None) -> None:
        """An edit that leaves nothing (None) is a deletion. What could not be stored is looked at again."""
        try:
            self._manager.waiting.amend(session.session_id, message_id, text)
        except Exception:
            log.exception("an edit or deletion of message %s could not be handled; it is looked at again", message_id)
            self.look_at(session.session_id)

    async def look_again(self) -> bool:
        """Fetch what waits in the sessions that we are not sure of. Whether all of it could be."""
        whole = True
        for session_id in sorted(self._unsure):
            try:
                for message_id, channel_id in self._manager.waiting.messages(session_id).items():
                    await self._compare(session_id, channel_id, message_id)
                self._unsure.discard(session_id)
            except (ChannelGone, Forbidden, Refused) as error:
                log.warning("session %s: what waits cannot be fetched again: %s", session_id, error)
                self._unsure.discard(session_id)
            except Exception as error:
                log.info("session %s: what waits is fetched again later: %s", session_id, error)
                whole = False
        return whole

    async def _compare(self, session_id: str, channel_id: int, message_id: int) -> None:
        """One message that waits, with what it says on Discord now."""
        session = self._manager.get_session(session_id)
        assert session
        try:
            message = read(await self._rest.message(channel_id, message_id), Edit)
        except MessageGone:
            self._manager.waiting.amend(session_id, message_id, None)
            return
        if not message.edited_timestamp or message.content is None or not is_edit_of_a_person(message):
            return
        if self._lacks_roles(session, message) and not self._may_still_talk(session, message):
            assert message.author
            found = await self._rest.member(session.guild_id, message.author.id)
            message = msgspec.structs.replace(message, member=found)
        if self._may_still_talk(session, message):
            self._manager.waiting.amend(session_id, message_id, edited_text(message, self._guilds.bot_id))
