"""``/invite`` and ``/uninvite``: who may talk in one thread, besides those who may in its channel."""

from bridge.protocol.errors import UserError
from bridge.routing.needs import MANAGE, TALK
from bridge.routing.router import BridgeRouter
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.commands.answer import Answer, answer_in_words, option
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager


class Invitations:
    def __init__(self, manager: SessionManager, router: BridgeRouter) -> None:
        self._manager = manager
        self._router = router

    def run(self, asked: Interaction, person: Person) -> Answer:
        """Raises UserError outside of a session's thread, and for who may not invite there."""
        session = self._session(asked)
        if words := self._lacks(session, person):
            raise UserError(words)
        user_id = _user_of(asked)
        if asked.data.get("name") == "invite":
            return answer_in_words(self._invite(session, user_id, person))
        is_changed = self._manager.uninvite(session.session_id, user_id, person)
        gone = f"<@{user_id}> may not write to Claude in this thread any more."
        return answer_in_words(gone if is_changed else f"<@{user_id}> was not invited into this thread.")

    def _invite(self, session: ManagedSession, user_id: int, person: Person) -> str:
        """Nothing else comes with it, so what it gives is said."""
        if not self._manager.invite(session.session_id, user_id, person):
            return f"<@{user_id}> is invited already."
        return f"<@{user_id}> may write to Claude in this thread now, and nowhere else. `/uninvite` takes it back."

    def _session(self, asked: Interaction) -> ManagedSession:
        if session := self._manager.session_of_thread(asked.channel_id):
            return session
        raise UserError("There is no session of Claude's here. People are invited into a session's thread.")

    def _lacks(self, session: ManagedSession, person: Person) -> str:
        """An owner who may not talk in the channel any more gives nothing on."""
        is_owner = person.user_id == session.owner_id
        if is_owner and not self._router.lacks(TALK, person, session.guild_id, session.channel_id):
            return ""
        words = self._router.lacks_in(session, MANAGE, person)
        if not words or not session.owner_id:
            return words
        return f"{words} The session's owner, <@{session.owner_id}>, may do it too."


def _user_of(asked: Interaction) -> int:
    """Raises UserError for a bot, and for what is nobody's id."""
    given = option(asked, "person")
    resolved = (asked.data.get("resolved") or {}).get("users") or {}
    if not (given.isascii() and given.isdecimal()):
        raise UserError("Choose a person of this server.")
    if isinstance(user := resolved.get(given), dict) and user.get("bot"):
        raise UserError("Bots cannot be invited: Claude hears people only.")
    return int(given)
