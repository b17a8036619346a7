"""Who is invited to talk in one session's thread."""

import uuid

from bridge.journal import entries as j
from bridge.render import notices
from bridge.session.permission import Person
from supervisor.sessions.lookup import Lookup


class Invitations(Lookup):
    """Of all sessions."""

    def invited(self, session_id: str) -> frozenset[int]:
        """The user ids of those who may talk in this session's thread only."""
        return self.store.invited(session_id)

    def invite(self, session_id: str, user_id: int, by: Person) -> bool:
        """Whether they were not invited yet."""
        return self._note_invited(session_id, self.invited(session_id) | {user_id}, by)

    def uninvite(self, session_id: str, user_id: int, by: Person) -> bool:
        """Whether they were invited. What they wrote and Claude has not taken up is dropped at its delivery."""
        return self._note_invited(session_id, self.invited(session_id) - {user_id}, by)

    def _note_invited(self, session_id: str, users: frozenset[int], by: Person) -> bool:
        before = self.invited(session_id)
        if users == before:
            return False
        with self.transaction():
            channel_id = self.rows[session_id].session.channel_id
            self.sessions.note(j.PeopleInvited(session_id, channel_id, by.user_id, users=tuple(sorted(users))))
            self.store.keep_invited(session_id, users)
            key = f"invited:{uuid.uuid4().hex}"
            self.store.desire(session_id, key, notices.invited(users - before, before - users, by.user_id))
        self.changed(session_id)
        return True
