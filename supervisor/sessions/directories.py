"""Directories outside the project in which Claude works without asking: rules, of which each child is told.

Where one is told is no decision of its own: the rules that hold say what is wanted, and a child that was told something
else is told anew. So a revoked rule, one whose time is up, and one whose giver lost the right end the same way.
"""

from collections.abc import Collection, Sequence

import msgspec

from bridge.protocol import commands as c
from bridge.render import directories as told
from bridge.session.permission import PermissionRequest, Person
from bridge.session.rules import Term
from supervisor.sessions.child_directories import ChildDirectories
from supervisor.sessions.decisions import Decisions


class Directories(Decisions, ChildDirectories):
    """Of all sessions."""

    def allow_in(self, decisions: Sequence[tuple[PermissionRequest, c.Decide]], person: Person, term: Term) -> bool:
        """Besides these decisions, of one request and its equals, allow work in the directories that Claude suggests
        with it; Claude hears of them before. Whether the first of the decisions is the first of its request.
        """
        request, _ = decisions[0]
        session_id = request.name.session_id
        session = self.rows[session_id].session
        with self.transaction():
            if not isinstance(self.request_of(request.name), PermissionRequest):
                return False
            rule = self.rules.add(session, request.event, term, person, opens=True)
            self.store.desire(session_id, f"rule:{rule.rule_id}", told.announced(rule, term, session.thread_id))
            self.tell(session)
            kept = told.kept(rule.directories, term)
            for one, decision in decisions:
                self._settle(one, msgspec.structs.replace(decision, kept=kept))
        self.changed(session_id)
        self.tell_directories()
        return True

    def has_room_for(self, session_id: str, directories: Collection[str], *, in_channel: bool) -> bool:
        """Whether the session's Claude (``in_channel``: each of the channel's) can be told of these, too."""
        one = self.rows[session_id].session
        all_there = [other for other in self.active_sessions() if other.channel_id == one.channel_id]
        return all(self.rules.has_room_for(each, directories) for each in (all_there if in_channel else [one]))

    def revoke_rule(self, rule_id: str, channel_id: int, session_id: str, person: Person) -> bool:
        is_revoked = super().revoke_rule(rule_id, channel_id, session_id, person)
        self.tell_directories()
        return is_revoked

    def tell_directories(self) -> None:
        """Children that run are told what holds now; one that begins is told by its start, and one that did not take a
        directory back is ended.
        """
        for session in self.get_all_sessions():
            if not session.child_pid:
                continue
            if not self.is_told(session):
                with self.transaction():
                    self.tell(session)
                self.changes.wished(session.session_id)
            elif self.rules.not_taken_back(session):
                with self.transaction():
                    is_ended = self.end_unyielding(session)
                if is_ended:
                    self.changes.wished(session.session_id)
