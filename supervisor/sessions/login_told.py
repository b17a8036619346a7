"""What sessions hear of Claude's login: that it is renewed, so that what was refused goes on, or that it is not.

A turn that was refused is not run again: its prompt stands in Claude's transcript, so Claude is told to go on. Each
session goes on by itself at most once for one expiry, whatever becomes of that; *for which* stands in the store, in the
transaction of the prompt. Only sessions that have the login from us: others log in otherwise.
"""

from collections.abc import Mapping
from contextlib import suppress

from bridge.protocol.login import AUTHENTICATION_FAILED, GO_ON, GOES_ON, NOT_RENEWED
from bridge.render.posts import Post
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.states import SessionState
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

EARLY_S = 60.0
"""So much sooner than by our clock a token may be refused: the API's clock may be ahead."""


class LoginTold:
    """``channels`` by id, as the configuration has them. Nothing here raises: a store that is sick is asked again."""

    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel]) -> None:
        self._manager = manager
        self._channels = channels

    def renewed(self, expired_at: float) -> None:
        """There is a new token; the one before expired then (Unix seconds). May be told several times."""
        with suppress(StoreError):
            for session in self._sessions():
                if session.last_error == AUTHENTICATION_FAILED and session.last_error_at >= expired_at - EARLY_S:
                    self._go_on(session, str(expired_at))

    def not_renewed(self, expired_at: float) -> None:
        """Where people are: in the threads of Claudes that run."""
        with suppress(StoreError):
            for session in self._sessions():
                if session.state is not SessionState.DORMANT:
                    self._manager.show(session.session_id, f"login-expired:{expired_at}", Post(NOT_RENEWED))

    def _sessions(self) -> list[ManagedSession]:
        return [session for session in self._manager.active_sessions() if self._has_it(session)]

    def _has_it(self, session: ManagedSession) -> bool:
        channel = self._channels.get(session.channel_id)
        return channel is None or channel.containment == "project"

    def _go_on(self, session: ManagedSession, expiry: str) -> None:
        manager, session_id = self._manager, session.session_id
        if session.turn or manager.has_work(session_id) or manager.store.login_told(session_id) == expiry:
            return
        with manager.transaction():
            manager.store.keep_login_told(session_id, expiry)
            manager.goes_on(session_id, GO_ON, Post(GOES_ON))
        manager.changed(session_id)
