"""What of a session's inbox may go to its worker now; asked anew each time that something is delivered.

    a prompt whose thread Discord does not let us make    kept, and nobody works for it, until there is a thread
    a prompt of somebody who may not talk any more        dropped, and said below it
    a prompt of somebody whose roles are not known        kept until they were fetched; those behind it too
    a decision of somebody who may not decide any more    dropped, and said; the request is open again
    a decision of somebody whose roles are not known      kept until they were fetched
    anything else                                         goes

Whether somebody may was asked when they wrote or clicked; hours may lie between that and the delivery. Roles that
Discord told within ``FRESH_S`` are believed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from bridge.protocol import commands as c
from bridge.protocol.answers import key_of
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.errors import RemoteError
from bridge.render import marks, notices
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.session.rights import Access, Policy, Right
from supervisor.sessions.invited import invited_in
from supervisor.sessions.rows import Sessions
from supervisor.sessions.store import InboxRow
from supervisor.sessions.store_health import StoreError

FRESH_S = 60.0
RETRY_S = 5.0
NO_PLACE = "no_place:"
"""The beginning of the facts that name the sessions whose thread cannot be made now."""

log = logging.getLogger(__name__)


class MemberRest(Protocol):
    """What is needed of REST here."""

    async def member(self, guild_id: int, user_id: int) -> object | None: ...


class _Roles(msgspec.Struct, frozen=True):
    roles: tuple[int, ...] = ()


class Asked(NamedTuple):
    """Who says whether somebody may talk: the configuration, and Discord for the roles."""

    policy: Policy
    rest: MemberRest


class Delivery:
    """``clock`` gives seconds, monotonic. Without ``asked`` everybody may talk: no gateway lets anybody in."""

    def __init__(
        self,
        sessions: Sessions,
        drop: Callable[[str, Sequence[c.Prompt]], None],
        asked: Asked | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._drop = drop
        self._policy = asked.policy if asked else None
        self._rest = asked.rest if asked else None
        self._clock = clock
        self._roles: dict[tuple[int, int], tuple[frozenset[int], float]] = {}
        self._unknown: dict[tuple[int, int], set[str]] = {}
        self._wake = asyncio.Event()
        self._placeless = {name.removeprefix(NO_PLACE) for name in sessions.store.facts(NO_PLACE)}

    # --- a thread that cannot be made ----------------------------------------------------------------

    def has_place(self, session_id: str) -> bool:
        return session_id not in self._placeless

    def place_refused(self, session_id: str) -> None:
        """Discord does not let us make the session's thread (yet). Raises StoreError."""
        if self.has_place(session_id):
            self._sessions.remember(f"{NO_PLACE}{session_id}", "1")
            self._placeless.add(session_id)

    def place_made(self, session_id: str) -> None:
        """Raises StoreError."""
        if not self.has_place(session_id):
            with self._sessions.transaction():
                self._sessions.store.forget(f"{NO_PLACE}{session_id}")
            self._placeless.discard(session_id)
            self._sessions.changes.wished(session_id)

    def stop_placeless(self) -> None:
        """Workers that were started before it was known that there is no thread end, when they have nothing to do."""
        for session_id in self._placeless & self._sessions.rows.keys():
            row = self._sessions.rows[session_id]
            asked = any(isinstance(item.command, c.Stop) for item in self._sessions.store.inbox(session_id))
            if row.attached and row.session.may_hibernate and not asked:
                stop = c.Stop(f"no-place-{int(self._sessions.clock() * 1000)}", HIBERNATION, if_idle=True)
                self._sessions.wish_alone(session_id, stop)

    # --- who may talk --------------------------------------------------------------------------------

    def note(self, guild_id: int, user_id: int, roles: frozenset[int]) -> None:
        """Discord told these roles just now."""
        self._roles[guild_id, user_id] = roles, self._clock()

    def of(self, session_id: str) -> Iterator[InboxRow]:
        """What may go now, in order. Raises StoreError."""
        session = self._sessions.rows[session_id].session
        is_held = not self.has_place(session_id)
        for item in self._sessions.store.inbox(session_id):
            if isinstance(item.command, c.Prompt):
                may = None if is_held else self._may_talk(session, item.command.author_id)
                if may is False:
                    self._refuse(session_id, item.command)
                is_held = is_held or may is None
                if not may:
                    continue
            elif isinstance(item.command, c.Decide) and not self._counts(session, item.command):
                continue
            yield item

    def _counts(self, session: ManagedSession, decision: c.Decide) -> bool:
        """Whether everybody whose decision it is may decide (still); the clock's always counts."""
        people = [user_id for user_id in (decision.decided_by, decision.also_by) if user_id]
        may = {user_id: self._may(session, "decide", user_id) for user_id in people}
        if lost := [user_id for user_id, one in may.items() if one is False]:
            self._void(session, decision, lost)
        return all(may.values())

    def _void(self, session: ManagedSession, decision: c.Decide, lost: Sequence[int]) -> None:
        log.info("session %s: the decision of %s does not count: no right to decide", session.session_id, lost)
        row = self._sessions.rows[session.session_id]
        access = self._policy.access(session.channel_id) if self._policy else Access()
        with self._sessions.transaction():
            self._sessions.store.answered(session.session_id, key_of(decision))
            key = f"void:{decision.generation}:{decision.seq}:{int(self._sessions.clock() * 1000)}"
            self._sessions.store.desire(session.session_id, key, notices.decision_void(lost, access))
            if decision.also_by and decision.seq in row.view.cards:
                for card, post in row.view.note_first(decision.seq, None, session).items():
                    self._sessions.store.desire(session.session_id, card, post)
                self._sessions.store.save(row)
        self._sessions.changes.posted(session.session_id)

    def _may_talk(self, session: ManagedSession, user_id: int) -> bool | None:
        """None: not known yet."""
        return user_id in invited_in(self._sessions.store, session.session_id) or self._may(session, "talk", user_id)

    def _may(self, session: ManagedSession, right: Right, user_id: int) -> bool | None:
        if self._policy is None or not user_id:
            return True
        grant = self._policy.access(session.channel_id).grant(right)
        if not grant.depends_on_roles(user_id):
            return user_id in grant.users
        who = session.guild_id, user_id
        roles, at = self._roles.get(who, (frozenset(), float("-inf")))
        if self._clock() - at > FRESH_S:
            self._unknown.setdefault(who, set()).add(session.session_id)
            self._wake.set()
            return None
        return grant.holds(Person(user_id, "", session.guild_id, roles), session.guild_id)

    def _refuse(self, session_id: str, prompt: c.Prompt) -> None:
        log.info(
            "session %s: prompt %s of %s is dropped: no longer allowed", session_id, prompt.prompt_id, prompt.author
        )
        with self._sessions.transaction():
            self._drop(session_id, [prompt])
            if prompt.is_message:
                self._sessions.store.desire(
                    session_id, f"mark:{prompt.prompt_id}", marks.not_allowed_any_more(prompt.prompt_id)
                )
        self._sessions.changes.posted(session_id)

    async def run(self) -> None:
        """Fetch the roles that are asked for, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for who in list(self._unknown):
                await self._fetch(who)
            if self._unknown:
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def _fetch(self, who: tuple[int, int]) -> None:
        assert self._rest
        try:
            found = await self._rest.member(*who)
            roles = msgspec.convert(found, _Roles, strict=False, from_attributes=True).roles if found else ()
        except (RemoteError, msgspec.ValidationError) as error:
            log.info("the roles of user %s are fetched again later: %s", who[1], error)
            return
        self.note(*who, frozenset(roles))
        for session_id in self._unknown.pop(who):
            with suppress(StoreError):
                self._sessions.changes.wished(session_id)
