"""What is said, where people look, of what Discord will not do; and of a place that is gone.

A thread or channel that is gone ends the session.
"""

import logging
from collections.abc import Callable

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from bridge.text import escape, one_line
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store
from supervisor.threads.gone import CHANNEL_DELETED, end_in_deleted_thread, is_gone
from supervisor.threads.kept_thread import KeptThread, now
from supervisor.threads.refusals import PROMISE, TROUBLE, TROUBLE_KEY, Again, GiveUp, in_words
from supervisor.threads.writes import Write

OVER = f"-# {TROUBLE}"
"""How they begin when the session is over and something is missing in its thread."""

_log = logging.getLogger(__name__)


class Complaints:
    """Of all sessions: each has one post for them in its channel.

    ``lacks``: whether a server has no such channel; None: not known.
    """

    def __init__(self, store: Store, manager: SessionManager, lacks: Callable[[int, int], bool | None]) -> None:
        self._lacks = lacks
        self._store = store
        self._manager = manager

    def refused(self, thread: KeptThread, write: Write, session: ManagedSession, error: RemoteError) -> None:
        """``supervisor.threads.refusals`` says what is next; here it is said where people look."""
        row = write.row
        sent = thread.troubles.post(row, editing=write.action == "edit")
        step = thread.troubles.refused(write.action, row, error, now())
        _log.warning("session %s: post %r was refused: %s; next: %s", row.session_id, row.key, error, step)
        if write.action == "thread":
            self._manager.delivery.place_refused(session.session_id)
        match step:
            case GiveUp():
                self._give_up(write, session, error)
            case Again(is_said=True) if row.desired.where == "thread":
                words = in_words(write.action, sent, error)
                cannot = "make a thread in" if write.action == "thread" else "write in"
                where = f"<#{session.channel_id}>" if write.action == "thread" else session.url()
                self._complain(session, f"{TROUBLE} I cannot {cannot} {where}: {words}. {PROMISE}")
            case _:
                pass

    def _give_up(self, write: Write, session: ManagedSession, error: RemoteError) -> None:
        """There is no place for it (any more)."""
        if write.action == "thread":
            self._give_up_posts(session)
            if self._manager.row(session.session_id).ended_at is None:
                self._manager.destroy_session(session.session_id, "no thread could be made for it", has_place=False)
            self._say_in_channel(session, f"{TROUBLE} I cannot make a thread here: {escape(one_line(str(error), 300))}")
        elif write.row.desired.where == "thread":
            self._give_up_posts(session)
            if self._manager.row(session.session_id).ended_at is None:
                self._end(session)
        else:
            with self._store.transaction():
                self._store.give_up(write.row.id)

    def _end(self, session: ManagedSession) -> None:
        """Before the server was shown the read-back finds out what is gone, once it is."""
        match self._lacks(session.guild_id, session.channel_id):
            case True:
                self._manager.destroy_session(session.session_id, CHANNEL_DELETED, has_place=False)
            case False:
                end_in_deleted_thread(self._manager, session.session_id)
            case None:
                _log.info("session %s: its thread is gone; once the server is shown it ends", session.session_id)

    def _give_up_posts(self, session: ManagedSession) -> None:
        with self._store.transaction():
            for row in self._store.unsettled_posts(session.session_id):
                if row.desired.where == "thread":
                    self._store.give_up(row.id)

    def _complain(self, session: ManagedSession, text: str) -> None:
        """Of a session that is over nothing is promised."""
        is_over = self._manager.row(session.session_id).ended_at is not None
        self._say_in_channel(session, self._words_since(session, text, is_shown=False) if is_over else text)

    def _say_in_channel(self, session: ManagedSession, text: str) -> None:
        """Once: it is one post, whatever happens again."""
        self._manager.show(session.session_id, TROUBLE_KEY, Post(text, where="channel"))

    def bring_up_to_date(self, session: ManagedSession, *, is_shown: bool) -> bool:
        """``is_shown``: all is. Whether the words in the channel said otherwise until now."""
        if not is_shown and self._manager.row(session.session_id).ended_at is None:
            return False
        said = self._store.post(session.session_id, TROUBLE_KEY)
        if said is None or not (words := self._words_since(session, said.desired.content, is_shown=is_shown)):
            return False
        self._say_in_channel(session, words)
        return True

    def _words_since(self, session: ManagedSession, said: str, *, is_shown: bool) -> str:
        """What is the case since it was said; empty for the same."""
        is_promise, row = said.startswith(TROUBLE) and said.endswith(PROMISE), self._manager.row(session.session_id)
        is_deleted = is_gone(self._manager, session.session_id)
        if is_shown and not is_deleted and (is_promise or said.startswith(OVER)):
            return f"-# ✓ I can write in {session.url()} again."
        if row.ended_at is None or not is_promise:
            return ""
        rest = "" if is_deleted else " What is missing there comes once I can."
        could_not = said.removesuffix(PROMISE).removeprefix(TROUBLE).replace("I cannot", "I could not", 1)
        return f"{OVER}{could_not}The session is over ({escape(one_line(row.end_reason, 200))}).{rest}"
