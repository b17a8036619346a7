"""Cards that one person alone sees (*One by one*, *Allow for…*), settled when somebody else decides what they ask.

Discord names such a message by the token of the interaction that it answered, and takes edits of it for a quarter of an
hour; so that is how long each is remembered, here and nowhere else. Behind a restart, or later, its buttons still say
that it was decided, when they are pressed.
"""

import asyncio
import logging
from collections.abc import Iterator

import msgspec

from bridge.discord_numbers import AnswerType, MessageFlag
from bridge.protocol.errors import RemoteError, UserError
from bridge.render import cards
from bridge.render.posts import Post, payload
from bridge.session.permission import PermissionRequest, RequestName, Settled
from bridge.session.rules import term_of
from supervisor.commands.answer import Answer
from supervisor.discord.asking import Answering
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

TOKEN_S = 870.0
"""A token counts for 15 minutes (docs/discord-api.md, "Messages and components"); the edit is to come within them."""
MOST_HELD = 500
NOTHING_MORE = "Decided. Nothing more is open on this card."

log = logging.getLogger(__name__)


class Held(msgspec.Struct, frozen=True):
    """One such message. ``until`` in Unix seconds; ``is_choice``: of how long, so no other request follows in it."""

    name: RequestName
    person_id: int
    application_id: int
    token: str
    until: float
    is_choice: bool


class AloneCards:
    """``run`` must be running for anything to be settled."""

    def __init__(self, manager: SessionManager, rest: Answering) -> None:
        self._manager = manager
        self._rest = rest
        self._held: list[Held] = []
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        self._manager.changes.hear_posts(self._wake)
        while True:
            await self._woken.wait()
            self._woken.clear()
            for one in self._over():
                await self._settle(one)

    def _wake(self, session_id: str) -> None:
        """Something changed there."""
        if any(one.name.session_id == session_id for one in self._held):
            self._woken.set()

    def upcoming(self, name: RequestName, words: str = "") -> Post | None:
        """What comes in its place once it is decided, with ``words`` first; None: it is still open."""
        session = self._manager.get_session(name.session_id)
        if session is None or self._is_open(name):
            return None
        upcoming = self._manager.next_beside(name)
        return cards.alone(upcoming, session.directory, words) if upcoming else Post(words or NOTHING_MORE)

    def take(self, asked: Interaction) -> Held | None:
        """The message that this person presses in: what becomes of it is its own answer's to say."""
        parsed = RequestName.parse(str(asked.data.get("custom_id", "")))
        if not (parsed and asked.is_for_one):
            return None
        try:
            person_id = asked.person.user_id
        except UserError:
            return None
        mine = [one for one in self._held if (one.name, one.person_id) == (parsed[1], person_id)]
        self._held = [one for one in self._held if one not in mine]
        return mine[-1] if mine else None

    def put_back(self, held: Held, answer: Answer) -> None:
        """Unless the answer is what it shows now."""
        if answer.kind != AnswerType.UPDATE:
            self._keep(held)

    def sent(self, asked: Interaction, answer: Answer) -> None:
        """An answer is out; one that only its person sees, and that decides something, is looked after."""
        data = answer.data or {}
        is_new = answer.kind == AnswerType.MESSAGE and bool(int(data.get("flags", 0)) & MessageFlag.EPHEMERAL)
        if not (is_new or (answer.kind == AnswerType.UPDATE and asked.is_for_one)):
            return
        if found := next(_requests(data), None):
            verb, name = found
            until, is_choice = self._manager.clock() + TOKEN_S, _is_of_choice(verb)
            self._keep(Held(name, asked.person.user_id, asked.application_id, asked.token, until, is_choice))

    def _over(self) -> list[Held]:
        """Those that are decided by now, and are looked after no more; none while the store cannot tell."""
        now = self._manager.clock()
        self._held = [one for one in self._held if now < one.until]
        try:
            over = [one for one in self._held if not self._is_open(one.name)]
        except StoreError:
            return []
        self._held = [one for one in self._held if one not in over]
        return over

    def _is_open(self, name: RequestName) -> bool:
        return isinstance(self._manager.request_of(name), PermissionRequest)

    async def _settle(self, held: Held) -> None:
        try:
            post = self._settled(held)
            data = payload(post, editing=True)
            await self._rest.edit_interaction_answer(held.application_id, held.token, data)
        except (RemoteError, StoreError) as error:
            log.info("a card that one person sees cannot be settled: %s", error)
            return
        if following := next(_requests(data), None):
            self._keep(msgspec.structs.replace(held, name=following[1]))

    def _settled(self, held: Held) -> Post:
        found = self._manager.request_of(held.name)
        words = found.in_words() if isinstance(found, Settled) else NOTHING_MORE
        return Post(words) if held.is_choice else self.upcoming(held.name, words) or Post(words)

    def _keep(self, held: Held) -> None:
        self._held = [*self._held, held][-MOST_HELD:]
        self._woken.set()


def _requests(node: object) -> Iterator[tuple[str, RequestName]]:
    """The verbs and requests of the buttons in a message's JSON."""
    match node:
        case {"custom_id": str(custom_id)} if parsed := RequestName.parse(custom_id):
            yield parsed
        case {"components": list(inside)}:
            for part in inside:
                yield from _requests(part)
        case _:
            pass


def _is_of_choice(verb: str) -> bool:
    return term_of(verb) is not None or verb in ("dir", "cdir")
