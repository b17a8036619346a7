"""Who hears that something changed; made before everything else, so that nothing is set later.

    wished      something waits for a session's worker: a prompt, a decision, an end   processes, downlink, attachments
    posted      something is to be shown in a session's thread                         the outbox, names, reactions
    streamed    Claude writes on; many times a second, and no row is another yet       the outbox alone
    caught up   all that was written while we did not listen is read back              who tells since when we are back
    listening   whether all that people write is heard now                             who waits for the next message

Nothing is told but the session's id: whoever hears it comes and looks, and looking twice is harmless.
"""

from collections.abc import Callable

type Listener = Callable[[str], None]
"""Gets the id of a session. Called within the caller's step, so it only wakes a loop."""


class Changes:
    """A part that looks after sessions adds its own ear when it is made."""

    def __init__(self) -> None:
        self._hear_wishes: list[Listener] = []
        self._hear_posts: list[Listener] = []
        self._hear_text: list[Listener] = []
        self._hear_caught_up: list[Callable[[], None]] = []
        self._hear_listening: list[Callable[[bool], None]] = []

    def hear_wishes(self, listener: Listener) -> None:
        self._hear_wishes.append(listener)

    def hear_posts(self, listener: Listener) -> None:
        self._hear_posts.append(listener)

    def hear_text(self, listener: Listener) -> None:
        self._hear_text.append(listener)

    def hear_caught_up(self, listener: Callable[[], None]) -> None:
        self._hear_caught_up.append(listener)

    def hear_listening(self, listener: Callable[[bool], None]) -> None:
        self._hear_listening.append(listener)

    def wished(self, session_id: str) -> None:
        for listener in self._hear_wishes:
            listener(session_id)

    def posted(self, session_id: str) -> None:
        for listener in self._hear_posts:
            listener(session_id)

    def streamed(self, session_id: str) -> None:
        for listener in self._hear_text:
            listener(session_id)

    def changed(self, session_id: str) -> None:
        """Both."""
        self.wished(session_id)
        self.posted(session_id)

    def caught_up(self) -> None:
        for listener in self._hear_caught_up:
            listener()

    def listening(self, hears: bool) -> None:
        for listener in self._hear_listening:
            listener(hears)
