"""Prompts that are still open: which message joins one, and when one is closed (the rule: ``bridge.routing.bursts``).

The inbox says which are open, so a restart finds them again. They are closed when they could be delivered, not before
all is heard that was written meanwhile: while Discord is away, or something is still to be read back, the next part may
lie there. That is waited for ``PATIENCE_S``, no longer.
"""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from bridge.protocol import commands as c
from bridge.protocol.events import Part
from bridge.routing import bursts
from bridge.routing.actions import PromptSession
from bridge.session.managed import ManagedSession
from supervisor.sessions.channels_table import ClosedBurst
from supervisor.sessions.rows import Sessions
from supervisor.sessions.store_health import STORE_LOOK_S, StoreError

PATIENCE_S = 20.0


class Open(msgspec.Struct, frozen=True):
    """An open prompt, and whose."""

    session_id: str
    prompt: c.Prompt


class Bursts:
    """Of all sessions. ``window_s`` is asked each time; 0: every message is a prompt of its own."""

    def __init__(self, sessions: Sessions, window_s: Callable[[], float]) -> None:
        self._sessions = sessions
        self._window = window_s
        self._hears = False
        self._silent_since = sessions.clock()
        self._with_open = {i for i in sessions.store.sessions_with_wishes() if self._open_in(i)}
        """Sessions with an open prompt, and perhaps some without."""
        self._to_tell = set(self._with_open)
        self._wake = asyncio.Event()
        sessions.changes.hear_listening(self._listening)

    @property
    def window_s(self) -> float:
        """Seconds; 0: every message is a prompt of its own."""
        return self._window()

    def begun(self, prompt: c.Prompt, channel_id: int) -> c.Prompt:
        """The prompt of a message that others may join."""
        return bursts.opened(prompt, channel_id, self._sessions.clock()) if self.window_s else prompt

    def note(self, session_id: str) -> None:
        """The session may have an open prompt, or one that is open for longer."""
        self._with_open.add(session_id)
        self._to_tell.add(session_id)
        self._wake.set()

    def joined_by(self, channel_id: int, author_id: int, message_id: int) -> tuple[str, int] | None:
        """(session, prompt) of the open prompt that this message is a part of; 0: it came too late, and is the next."""
        if not self.window_s:
            return None
        newest = self._newest(channel_id, author_id)
        if newest is None or not bursts.belongs(newest.prompt, message_id, self.window_s):
            return self._too_late_for(channel_id, author_id, message_id)
        return newest.session_id, newest.prompt.prompt_id

    def _too_late_for(self, channel_id: int, author_id: int, message_id: int) -> tuple[str, int] | None:
        last = self._sessions.store.closed_burst(channel_id, author_id)
        if last is None or not bursts.follows_closely(last.first, last.last, message_id, self.window_s):
            return None
        row = self._sessions.rows.get(last.session_id)
        return (last.session_id, 0) if row and row.ended_at is None else None

    def join(self, action: PromptSession, channel_id: int) -> None:
        """Within the caller's transaction, in which ``action.joins`` is open."""
        open_now = {prompt.prompt_id: prompt for prompt in self._open_in(action.session_id)}
        part = Part(action.prompt_id, channel_id, action.text)
        prompt = bursts.joined(open_now[action.joins], part, action.attachments, self._sessions.clock())
        self._sessions.store.change_wish(action.session_id, prompt)

    def typed(self, channel_id: int, author_id: int) -> None:
        """Somebody types there. Raises StoreError."""
        newest = self._newest(channel_id, author_id)
        if newest is None or newest.prompt.is_typed or self._sessions.clock() >= self._due_at(newest.prompt):
            return
        with self._sessions.transaction():
            typed = msgspec.structs.replace(newest.prompt, is_typed=True)
            self._sessions.store.change_wish(newest.session_id, typed)
        self.note(newest.session_id)

    def closed(self, session_id: str, prompt: c.Prompt) -> c.Prompt | None:
        """As it may be delivered; None while others may join it. Raises StoreError."""
        if not bursts.is_open(prompt):
            return prompt
        if self._sessions.clock() < self._due_at(prompt):
            self.note(session_id)
            return None
        session = self._sessions.rows[session_id].session
        closed = bursts.closed(prompt, session.place_of(prompt.prompt_id))
        with self._sessions.transaction():
            self._sessions.store.change_wish(session_id, closed)
            self._note_closed(session, prompt)
        return closed

    def _note_closed(self, session: ManagedSession, prompt: c.Prompt) -> None:
        """If its last message stands in the channel, the next one may too. Within the caller's transaction."""
        if prompt.parts and prompt.parts[-1].channel_id == session.channel_id:
            note = ClosedBurst(session.session_id, prompt.parts[0].message_id, prompt.parts[-1].message_id)
            self._sessions.store.keep_closed_burst(session.channel_id, prompt.author_id, note)

    async def run(self) -> None:
        """Tell who delivers when a prompt is to be closed, until cancelled."""
        while True:
            self._wake.clear()
            try:
                wait_s = self._tell_due()
            except StoreError:
                wait_s = STORE_LOOK_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)

    def _tell_due(self) -> float | None:
        """Seconds until the next one is due; None when none will be."""
        now, waits = self._sessions.clock(), list[float]()
        for session_id in sorted(self._to_tell):
            due_at = min(map(self._due_at, self._open_in(session_id)), default=None)
            if due_at is None:
                self._with_open.discard(session_id)
            if due_at is None or due_at <= now:
                self._to_tell.discard(session_id)
                self._sessions.changes.wished(session_id)
            else:
                waits.append(due_at - now)
        return min(waits, default=None)

    def _newest(self, place_id: int, author_id: int) -> Open | None:
        """The author's last prompt in the thread, or of those with which they begin one in the channel, if open."""
        known = [self._sessions.get_session(session_id) for session_id in self._with_open]
        found = [
            self._newest_of(s, author_id, place_id) for s in known if s and place_id in (s.thread_id, s.channel_id)
        ]
        return max((one for one in found if one), key=lambda one: one.prompt.parts[-1].message_id, default=None)

    def _newest_of(self, session: ManagedSession, author_id: int, place_id: int) -> Open | None:
        inbox = [item.command for item in self._sessions.store.inbox(session.session_id)]
        mine = [one for one in inbox if isinstance(one, c.Prompt) and one.author_id == author_id]
        if not mine or not bursts.is_open(mine[-1]) or not mine[-1].parts:
            return None
        began_in = mine[-1].parts[0].channel_id
        is_here = place_id in (session.thread_id, began_in) or mine[-1].prompt_id == session.thread_id
        return Open(session.session_id, mine[-1]) if is_here else None

    def _open_in(self, session_id: str) -> list[c.Prompt]:
        inbox = [item.command for item in self._sessions.store.inbox(session_id)]
        return [one for one in inbox if isinstance(one, c.Prompt) and bursts.is_open(one)]

    def _due_at(self, prompt: c.Prompt) -> float:
        """Unix seconds from which on it may be closed; at once, when the clock was set back meanwhile."""
        now, closes_at = self._sessions.clock(), bursts.closes_at(prompt, self.window_s)
        if prompt.heard_at > now:
            return now
        silent_since = min(max(prompt.heard_at, self._silent_since), now)
        return closes_at if self._hears else max(closes_at, silent_since + PATIENCE_S)

    def _listening(self, hears: bool) -> None:
        """Whether all that people write is heard, from now on."""
        if hears == self._hears:
            return
        if not hears:
            self._silent_since = self._sessions.clock()
        self._hears = hears
        self._to_tell |= self._with_open
        self._wake.set()
