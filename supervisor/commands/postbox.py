"""Wishes that come by a command on the host (``supervisor.letters``), through the same doors as those of Discord.

    taken ──▶ is it known? ──yes──▶ the answer that was kept
                 │ no
                 ▼
       one transaction: what is wished, the journal's entry, the answer  ──▶  the answer's file  ──▶  forgotten

So a letter that is found again after a death is answered again and not carried out again. A message in a channel comes
before its transaction, as for ``/new``: it is looked for before it is posted (again), and its nonce is the letter's.

Who may write a letter may do everything, so no right is asked; that it was somebody on the host, the thread says.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from bridge.journal.entries import AskedOnHost
from bridge.protocol.errors import RemoteError, UserError
from bridge.protocol.requests import digest_of
from bridge.render import host
from bridge.routing.actions import CreateSession, InterruptSession
from bridge.routing.channel import Channel
from bridge.routing.router import halting
from bridge.routing.seen import THREAD_NAME_CHARS, thread_name
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.commands.addressees import Addressees
from supervisor.commands.sight import Sight
from supervisor.discord.asking import Placing
from supervisor.discord.errors import Archived, Unavailable
from supervisor.discord.pace import Priority
from supervisor.discord.snowflakes import given_at, snowflake
from supervisor.letters import Letter, LetterAnswer, Letters, Look
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.pruning import Pruning
from supervisor.sessions.store_health import StoreError

LOOK_S = 0.2
AGAIN_S = 1.0
PATIENCE_S = 20.0
"""How long Discord is tried; the command waits a little longer (``supervisor.operator.letter_commands``)."""
MOST_OPEN = 50
"""Letters that are carried out beside each other."""
CLOCKS_APART_S = 60.0
"""Ours and Discord's."""

log = logging.getLogger(__name__)


class Postbox:
    """``run`` must be running for anything to be done. ``clock`` gives Unix seconds."""

    def __init__(
        self,
        letters: Letters,
        manager: SessionManager,
        rest: Placing,
        channels: Mapping[int, Channel],
        sight: Sight,
        pruning: Pruning,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._letters = letters
        self._manager = manager
        self._rest = rest
        self._addressees = Addressees(manager, channels, sight)
        self._sight = sight
        self._pruning = pruning
        self._clock = clock
        self._open: set[int] = set()
        self._stuck: set[int] = set()
        """What could not be carried out, and is tried again behind the others."""
        self._beginning = asyncio.Lock()
        """Whose message in a channel it is, is known when its session is there."""

    async def run(self) -> None:
        """Until cancelled; what was taken then is gone on with at the next start."""
        with suppress(OSError, StoreError):
            self._forget_answered(await asyncio.to_thread(self._letters.waiting))
        with closing(Look(self._letters)) as look:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    for number in self._next(look):
                        self._open.add(number)
                        tasks.create_task(self._see_to(number))
                    await asyncio.sleep(LOOK_S)

    def _next(self, look: Look) -> list[int]:
        """What is begun now: no more than can be open at once, and first what was not found to be unreadable."""
        try:
            found = [number for number in look.go_on(self._clock()) if number not in self._open]
        except OSError as error:
            log.warning("what commands ask cannot be read now: %s", error.strerror)
            return []
        found.sort(key=lambda number: (number in self._stuck, number))
        return found[: MOST_OPEN - len(self._open)]

    async def _see_to(self, number: int) -> None:
        """What does not work now is looked at again by ``run``."""
        try:
            if letter := self._letters.take(number, self._clock()):
                self._letters.answer(number, await self._answer(letter))
                self._forget(number)
            self._stuck.discard(number)
        except (OSError, StoreError) as error:
            if number not in self._stuck:
                log.warning("what was asked on the host waits: %s", error)
            self._stuck.add(number)
            await asyncio.sleep(AGAIN_S)
        finally:
            self._open.discard(number)

    async def _answer(self, letter: Letter) -> LetterAnswer:
        """What came of it. Raises StoreError while it cannot be noted."""
        if known := self._manager.store.letter_answer(letter.number):
            return msgspec.json.decode(known, type=LetterAnswer)
        try:
            return await self._carry_out(letter)
        except UserError as error:
            return LetterAnswer(done=False, words=str(error))
        except StoreError:
            raise
        except Exception:
            log.exception("what was asked on the host (%s) failed", letter.what)
            return LetterAnswer(done=False, words="a mistake of the bridge's; its log says more")

    async def _carry_out(self, letter: Letter) -> LetterAnswer:
        """Raises UserError for what cannot be, StoreError."""
        match letter.what:
            case "send" if channel := self._addressees.channel(letter.target):
                return await self._begin(channel, letter)
            case "send":
                return self._prompt(self._addressees.session(letter.target, or_channel=True), letter)
            case "stop":
                return self._stop(self._addressees.session(letter.target), letter)
            case "title":
                return await self._title(self._addressees.session(letter.target), letter)
            case "prune":
                return self._prune(letter)
        raise UserError(f"the supervisor that runs is of a version that cannot do {letter.what!r}: restart it")

    # --- what is done ----------------------------------------------------------------------------------

    def _prompt(self, session: ManagedSession, letter: Letter) -> LetterAnswer:
        answer = _about(session, "sent")
        with self._manager.transaction(_entry(letter, session.session_id, session.channel_id)):
            self._manager.show(session.session_id, f"host:{letter.number}", host.said(letter.who, letter.text))
            self._manager.prompt(session.session_id, letter.number, letter.text, _person(letter))
            self._keep(letter, answer)
        return answer

    def _stop(self, session: ManagedSession, letter: Letter) -> LetterAnswer:
        session_id = session.session_id
        if self._manager.row(session_id).ended_at is not None:
            raise UserError("this session has ended already")
        waiting, keeps = len(self._manager.waiting.all(session_id)), letter.keeps_waiting
        with self._manager.transaction(_entry(letter, session_id, session.channel_id)):
            if isinstance(halting(session), InterruptSession):
                self._manager.interrupt(session_id, str(letter.number), 0, keep_queued=keeps)
                post = host.stopped(letter.who, keeps_waiting=keeps)
                fate = "is taken up next" if keeps else "is dropped"
                words = "stopping what Claude does" + (f"; what waits ({waiting}) {fate}" if waiting else "")
            else:
                self._manager.destroy_session(session_id, f"ended by {host.name_of(letter.who)}")
                post = host.ended(letter.who, dropped=waiting)
                words = "it was idle, so its session is ended" + (
                    f"; what waited ({waiting}) is dropped" if waiting else ""
                )
            self._manager.show(session_id, f"host:{letter.number}", post)
            answer = _about(session, words)
            self._keep(letter, answer)
        return answer

    async def _title(self, session: ManagedSession, letter: Letter) -> LetterAnswer:
        """To give the same name again is harmless, so Discord comes first: the list has what the thread has."""
        name = letter.text.strip()
        if not name or len(name) > THREAD_NAME_CHARS:
            raise UserError(f"a thread's name has 1 to {THREAD_NAME_CHARS} characters")
        row = self._manager.store.post(session.session_id, "thread")
        if row and row.message_id:
            await _patiently(lambda: self._rename(session.thread_id, name))
        answer = _about(session, "renamed")
        with self._manager.transaction(_entry(letter, session.session_id, session.channel_id)):
            self._manager.retitle(session.session_id, name)
            self._keep(letter, answer)
        return answer

    def _prune(self, letter: Letter) -> LetterAnswer:
        """To do it again is harmless: what is removed is not there any more."""
        count = self._pruning.prune(self._clock() - float(letter.text))
        answer = LetterAnswer(done=True, words=f"the logs and files of {count} ended sessions are removed")
        with self._manager.transaction(_entry(letter, "", 0)):
            self._keep(letter, answer)
        return answer

    async def _rename(self, thread_id: int, name: str) -> None:
        try:
            await self._rest.rename(thread_id, name)
        except Archived:
            await self._rest.unarchive(thread_id)
            await self._rest.rename(thread_id, name)

    async def _begin(self, channel: Channel, letter: Letter) -> LetterAnswer:
        guild_id = self._guild_of(channel)
        async with self._beginning:
            action = CreateSession(
                thread_id=await _patiently(lambda: self._starter(channel, letter)),
                guild_id=guild_id,
                channel=channel,
                owner=_person(letter),
                text=letter.text,
                thread_name=thread_name(letter.text),
            )
            with self._manager.transaction():
                session = self._manager.create_session(action)
                self._manager.sessions.note(_entry(letter, session.session_id, channel.channel_id))
                answer = _about(session, "sent; a session is begun")
                self._keep(letter, answer)
        return answer

    def _guild_of(self, channel: Channel) -> int:
        """Raises UserError where no session can begin now."""
        if why := self._sight.unfit(channel.channel_id):
            raise UserError(f"no session can begin there: the configured id {channel.channel_id} {why}")
        if not Path(channel.directory).is_dir():
            raise UserError(f"the directory {channel.directory} of this channel is not there (any more)")
        if place := self._sight.place(channel.channel_id):
            return place.guild_id
        raise UserError(f"the bot is not shown the channel {channel.channel_id} (yet); see `threadbridge status`")

    async def _starter(self, channel: Channel, letter: Letter) -> int:
        """The id of the message from which the thread is made, which may stand there already."""
        post = host.starter(letter.who, channel.directory, letter.text)
        before = snowflake(given_at(letter.number) - CLOCKS_APART_S)
        for found in await self._rest.own_messages(channel.channel_id, before):
            if found.content == post.content and not self._manager.session_of_thread(found.message_id):
                return found.message_id
        made = await self._rest.create(channel.channel_id, post, str(letter.number), Priority.URGENT)
        return made.message_id

    # --- the answer ------------------------------------------------------------------------------------

    def _keep(self, letter: Letter, answer: LetterAnswer) -> None:
        """Within the transaction that carries it out."""
        self._manager.store.keep_letter_answer(letter.number, msgspec.json.encode(answer).decode())

    def _forget(self, number: int) -> None:
        """Its file is gone, so nobody asks again."""
        with self._manager.transaction():
            self._manager.store.forget_letter(number)

    def _forget_answered(self, waiting: list[int]) -> None:
        """What a death left."""
        with self._manager.transaction():
            for number in self._manager.store.answered_letters() - set(waiting):
                self._manager.store.forget_letter(number)


async def _patiently[T](ask: Callable[[], Awaitable[T]]) -> T:
    """Ask Discord until it takes it. Raises UserError when it does not, or not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while True:
        try:
            return await ask()
        except Unavailable as error:
            pause_s = max(error.retry_after, AGAIN_S)
            if loop.time() + pause_s > end:
                raise UserError(f"Discord does not take it now, so it is not done: {error}") from None
            await asyncio.sleep(pause_s)
        except RemoteError as error:
            raise UserError(f"Discord refuses it: {error}") from None


def _person(letter: Letter) -> Person:
    """Nobody of Discord's."""
    return Person(0, host.name_of(letter.who))


def _about(session: ManagedSession, words: str) -> LetterAnswer:
    return LetterAnswer(done=True, words=words, session=session.session_id, url=session.url())


def _entry(letter: Letter, session_id: str, channel_id: int) -> AskedOnHost:
    digest = digest_of(letter.text) if letter.what == "send" else ""
    return AskedOnHost(session_id, channel_id, who=letter.who, what=letter.what, number=letter.number, digest=digest)
