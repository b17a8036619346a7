"""Which projects' files act in which channel: asked in a thread, answered by a click, looked at before each start.

The store has the question and the answer (``bridge.trust.decision``), the state directory the copy that acts. The copy
is on the disk before the answer is committed, and a copy that is not there, or not whole, is not trusted: a restored
backup brings back nothing that was revoked. A session that is idle when somebody decides is put to sleep, so that its
next message starts Claude with what was decided; one that works goes on as it was started.
"""

import asyncio
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bridge.journal.entries import FactRemembered
from bridge.protocol import commands as c
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.errors import UserError
from bridge.render import trust as cards
from bridge.session.managed import ManagedSession
from bridge.session.people import named
from bridge.session.permission import Person
from bridge.text import clip
from bridge.trust.acting import Acting
from bridge.trust.decision import Asked, Trusted, Verb, digest_of_path
from supervisor.config import Config
from supervisor.projects import project_files, trusted_copies
from supervisor.sessions.channels_table import TrustColumn
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

JOURNALED: dict[TrustColumn, str] = {"asked": "trust-asked:", "trusted": "trusted:"}
"""How the journal names the words, before the channel and the directory's digest."""
LINES_KEPT, LINE_KEPT_CHARS = 20, 200
UNKNOWN = "This card is not known here (any more), so nothing was changed. `/trust` shows what there is now."
CHANGED = "Nothing was trusted: the project's files have changed since that card was made. A new card shows them."
GONE = "Nothing was trusted: the project has no files any more that would act by themselves."


class Looked(msgspec.Struct, frozen=True):
    """What a project has now, and whether that is to be asked: it would act, and nobody trusts it."""

    acting: Acting
    asks: bool


class Trusts:
    """Holds nothing itself: what it says is read from the store and the disk."""

    def __init__(self, config: Config, manager: SessionManager) -> None:
        self._layout = config.layout
        self._manager = manager
        self._users_own = claude_folder(config)

    # --- looking -------------------------------------------------------------------------------------

    async def at_start(self, session: ManagedSession) -> str:
        """The copy that acts from this start of Claude's on; empty, and asked about once, when none is trusted."""
        acting = await self._read(session.directory)
        if self._is_trusted(session.channel_id, acting):
            return str(trusted_copies.place_of(self._layout, session.channel_id, acting.digest))
        asked = self._asked(session.channel_id, session.directory)
        if acting.files and (asked is None or asked.digest != acting.digest):
            self._ask(session, acting, cards.CHANGED)
        return ""

    async def offer(self, session: ManagedSession) -> Looked:
        """Ask in this session's thread, whatever was answered before, if there is something to ask."""
        looked = await self.look(session.channel_id, session.directory)
        if looked.asks:
            self._ask(session, looked.acting, cards.SHOWN_AGAIN)
        return looked

    async def look(self, channel_id: int, directory: str) -> Looked:
        acting = await self._read(directory)
        return Looked(acting, bool(acting.files) and not self._is_trusted(channel_id, acting))

    def trusted(self, channel_id: int) -> list[Trusted]:
        """Those of the channel, the oldest first."""
        return sorted(trusted_in(self._manager.store).get(channel_id, []), key=lambda one: one.since)

    async def _read(self, directory: str) -> Acting:
        return await asyncio.to_thread(project_files.read, directory, self._users_own)

    def _is_trusted(self, channel_id: int, acting: Acting) -> bool:
        one = self._trusted(channel_id, acting.directory)
        is_this = one is not None and one.digest == acting.digest
        return is_this and trusted_copies.is_whole(self._layout, channel_id, acting)

    def _asked(self, channel_id: int, directory: str) -> Asked | None:
        store = self._manager.store
        return store.read(store.trust("asked", channel_id, digest_of_path(directory)), Asked)

    def _trusted(self, channel_id: int, directory: str) -> Trusted | None:
        store = self._manager.store
        return store.read(store.trust("trusted", channel_id, digest_of_path(directory)), Trusted)

    # --- deciding ------------------------------------------------------------------------------------

    async def judge(self, channel_id: int, verb: Verb, digest: str, person: Person) -> str:
        """What came of a click, in words. Raises UserError; then nothing was changed."""
        try:
            if verb == "revoke":
                return self._revoke(channel_id, digest, person)
            asked = next((one for one in self._all_asked(channel_id) if one.digest == digest), None)
            if asked is None:
                return self._was_trusted(channel_id, digest)
            if verb == "no":
                return self._decline(channel_id, asked, person)
            return await self._trust(channel_id, asked, person)
        except StoreError as error:
            raise UserError(f"{error}. Please try again in a while") from error

    def _all_asked(self, channel_id: int) -> list[Asked]:
        store = self._manager.store
        return [one for text in store.trust_in("asked", channel_id) if (one := store.read(text, Asked))]

    def _was_trusted(self, channel_id: int, digest: str) -> str:
        one = next((one for one in self.trusted(channel_id) if one.digest == digest), None)
        return f"This was already trusted by {named(one.by_id, one.by)}. `/trust` revokes it." if one else UNKNOWN

    async def _trust(self, channel_id: int, asked: Asked, person: Person) -> str:
        acting = await self._read(asked.directory)
        if acting.digest != asked.digest:
            return self._ask_anew(asked, acting)
        try:
            await asyncio.to_thread(trusted_copies.write, self._layout, channel_id, acting)
        except OSError as error:
            raise UserError(f"the copy could not be kept: {error.strerror}") from error
        with self._manager.transaction():
            if self._asked(channel_id, asked.directory) != asked:  # somebody was first
                return self._was_trusted(channel_id, asked.digest)
            now = self._manager.clock()
            kept = Trusted(
                *(asked.directory, asked.digest, person.name, person.user_id, now, _kept(acting.acts)),
                session_id=asked.session_id,
                post=asked.post,
            )
            self._judged(channel_id, person, "trusted", kept)
            self._keep(channel_id, asked, is_over=True)
            self._settle(asked, cards.trusted_by(named(person.user_id, person.name)), trusted=True)
        return cards.told_trusted(rest=self._put_to_sleep(channel_id, asked.directory))

    def _ask_anew(self, asked: Asked, acting: Acting) -> str:
        session = self._manager.get_session(asked.session_id)
        if not acting.files or session is None:
            return GONE if session else UNKNOWN
        self._ask(session, acting, cards.CHANGED)
        return CHANGED

    def _decline(self, channel_id: int, asked: Asked, person: Person) -> str:
        with self._manager.transaction():
            declined = msgspec.structs.replace(asked, declined_by=person.name)
            self._judged(channel_id, person, "declined", declined)
            self._settle(asked, cards.declined_by(named(person.user_id, person.name)))
        return "Nothing of it acts. `/trust` asks again."

    def _revoke(self, channel_id: int, digest: str, person: Person) -> str:
        one = next((one for one in self.trusted(channel_id) if one.digest == digest), None)
        if one is None:
            return "This is not trusted (any more)."
        asked = Asked(one.directory, digest, one.session_id, one.post, declined_by=person.name)
        with self._manager.transaction():
            self._judged(channel_id, person, "revoked", one, is_over=True)
            self._keep(channel_id, asked)
            self._settle(asked, cards.revoked_by(named(person.user_id, person.name)))
        trusted_copies.remove_others(self._layout, channel_id, {one.digest for one in self.trusted(channel_id)})
        return cards.told_revoked(rest=self._put_to_sleep(channel_id, one.directory))

    def _ask(self, session: ManagedSession, acting: Acting, why_again: str) -> None:
        """A new card in the session's thread; one that still stands open elsewhere says ``why_again``."""
        key = f"trust:{int(self._manager.clock() * 1000)}:{acting.digest[:8]}"
        before = self._asked(session.channel_id, session.directory)
        asked = Asked(session.directory, acting.digest, session.session_id, key)
        with self._manager.transaction():
            if before and not before.declined_by:
                self._settle(before, why_again)
            self._keep(session.channel_id, asked)
            self._manager.store.desire(session.session_id, key, cards.card(acting, session.owner_id))
        self._manager.changes.posted(session.session_id)

    def _settle(self, asked: Asked, verdict: str, *, trusted: bool = False) -> None:
        """Take the buttons from its card, if that is there (still)."""
        store = self._manager.store
        if post := store.post(asked.session_id, asked.post):
            store.desire(asked.session_id, asked.post, cards.settled(post.desired, verdict, trusted=trusted))
            self._manager.changes.posted(asked.session_id)

    def _judged(
        self, channel_id: int, person: Person, verb: str, word: Asked | Trusted, *, is_over: bool = False
    ) -> None:
        """A person's word; ``is_over`` takes it back. Within the caller's transaction."""
        text = "" if is_over else msgspec.json.encode(word).decode()
        name = f"{JOURNALED[_column(word)]}{channel_id}:{digest_of_path(word.directory)}"
        what = f"{verb} {word.directory}, {word.digest}"
        self._manager.sessions.note(
            FactRemembered(channel_id=channel_id, by=person.user_id, name=name, value=text, what=what)
        )
        self._keep(channel_id, word, is_over=is_over)

    def _keep(self, channel_id: int, word: Asked | Trusted, *, is_over: bool = False) -> None:
        """Within the caller's transaction."""
        text = "" if is_over else msgspec.json.encode(word).decode()
        self._manager.store.keep_trust(_column(word), channel_id, digest_of_path(word.directory), text)

    def _put_to_sleep(self, channel_id: int, directory: str) -> int:
        """How many sessions go on as they were started, because they have something to do."""
        rest = 0
        for session in self._manager.active_sessions():
            row = self._manager.row(session.session_id)
            if not row.attached or (session.channel_id, session.directory) != (channel_id, directory):
                continue
            if session.may_hibernate and not self._manager.store.inbox(session.session_id):
                stop = c.Stop(uuid.uuid4().hex, HIBERNATION, if_idle=True)
                self._manager.sessions.wish_alone(session.session_id, stop)
            else:
                rest += 1
        return rest


def _kept(acts: Sequence[str]) -> tuple[str, ...]:
    """What a list of trusted files shows of them."""
    return tuple(clip(one, LINE_KEPT_CHARS) for one in acts[:LINES_KEPT])


def _column(word: Asked | Trusted) -> TrustColumn:
    return "trusted" if isinstance(word, Trusted) else "asked"


def trusted_in(store: Store) -> dict[int, list[Trusted]]:
    """All that is trusted, by channel."""
    found: dict[int, list[Trusted]] = {}
    for channel_id, text in store.all_trust("trusted"):
        if one := store.read(text, Trusted):
            found.setdefault(channel_id, []).append(one)
    return found


def claude_folder(config: Config) -> str:
    """The user's own ``.claude``, as the child will have it: the configuration's word before our environment's."""
    configured = config.environment.get("CLAUDE_CONFIG_DIR") or os.environ.get("CLAUDE_CONFIG_DIR", "")
    home = config.environment.get("HOME") or os.environ.get("HOME") or str(Path.home())
    return configured or str(Path(home, ".claude"))
