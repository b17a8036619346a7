"""Texts that answer what is asked: held for a moment, in which it can be said that they do not; then they decide.

    message ──▶ HELD as an answer ──the moment is over──▶ the request is decided with it
                 │  └─*Not an answer*, or the request is over─▶ a prompt like any other
                 ▲
    message ──▶ HELD as a reason ───the moment is over──▶ a prompt like any other
                    └─*Deny with this*──▶ the request is denied with it

It waits in the inbox as the prompt that it may become (``answer_to``), so it can be edited and deleted like one,
others join it, and a restart finds it. The moment is that of ``bridge.routing.bursts``. Whether its author may decide
was asked when they wrote; it is asked again when the decision is delivered.
"""

import msgspec

from bridge.newest import note_newest
from bridge.protocol import commands as c
from bridge.protocol.answers import key_of
from bridge.render import marks
from bridge.render.posts import Post
from bridge.routing.actions import PromptSession
from bridge.routing.typed import decision
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, Person
from supervisor.sessions.rows import Sessions
from supervisor.sessions.waiting import messages_of

DECIDERS_KEPT = 2048
"""Messages that decided something: the newest, in memory; of one that nothing joined the mark below it tells too."""


def held(prompt: c.Prompt, action: PromptSession, now: float) -> c.Prompt:
    """The prompt as it is held, where the message answers something. ``now`` in Unix seconds."""
    if not (name := action.answers):
        return prompt
    return msgspec.structs.replace(
        prompt, answer_to=name.seq, answer_in=name.generation, is_reason=action.is_reason, heard_at=now
    )


class Typed:
    """Of all sessions. Any method that writes may raise StoreError."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._deciders: dict[int, None] = {}

    def tell(self, session_id: str, prompt: c.Prompt) -> None:
        """Below the message, what becomes of it. Within the caller's transaction."""
        request = self._request(self._sessions.rows[session_id].session, prompt)
        is_plan = request is not None and request.is_plan
        mark = marks.answers(session_id, prompt.prompt_id, is_reason=prompt.is_reason, is_plan=is_plan)
        self._sessions.store.desire(session_id, marks.key_of(prompt.prompt_id), mark)

    def settled(self, session: ManagedSession, prompt: c.Prompt) -> c.Prompt | None:
        """Its moment is over: the prompt that it is after all; None when it decided what it answers."""
        request = None if prompt.is_reason else self._request(session, prompt)
        person = Person(prompt.author_id, prompt.author)
        decided = decision(request, prompt.text, person) if request and not prompt.attachments else None
        with self._sessions.transaction():
            if request and decided:
                verdict = request.decide(
                    "allowed" if decided.allowed else "denied", person, reason=decided.reason, answers=decided.answers
                )
                self._decide(session, prompt, verdict, marks.answered(prompt.prompt_id, is_plan=request.is_plan))
                plain = None
            else:
                is_too_late = request is None and not prompt.is_reason
                plain = self._as_plain(session.session_id, prompt, too_late=is_too_late)
        if plain is None:
            self._note_decider(prompt)
        self._sessions.changes.changed(session.session_id)
        return plain

    def is_message(self, session_id: str, prompt_id: int) -> bool:
        """Somebody says that it is no answer. False: it is not held (any more)."""
        if not (prompt := self._held(session_id, prompt_id)):
            return False
        with self._sessions.transaction():
            self._as_plain(session_id, prompt, too_late=False)
        self._sessions.changes.changed(session_id)
        return True

    def denies(self, session_id: str, prompt_id: int, person: Person) -> bool:
        """Somebody denies what is asked with it as the reason. False: it is too late for that.

        One with a file is a message besides: the file is no reason, and Claude gets it.
        """
        session, prompt = self._sessions.rows[session_id].session, self._held(session_id, prompt_id)
        request = self._request(session, prompt) if prompt else None
        if not (prompt and request):
            return False
        with self._sessions.transaction():
            verdict = request.decide("denied", person, reason=prompt.text.strip())
            if prompt.attachments:
                self._sessions.wish(session_id, verdict)
                self._as_plain(session_id, prompt, too_late=False)
            else:
                self._decide(session, prompt, verdict, marks.is_reason(prompt_id))
        self._note_decider(prompt)
        self._sessions.changes.changed(session_id)
        return True

    def has_decided(self, session_id: str, message_id: int) -> bool:
        """Whether something that Claude asked was decided with the message."""
        mark = self._sessions.store.post(session_id, marks.key_of(message_id))
        return message_id in self._deciders or (mark is not None and marks.is_of_decider(mark.desired))

    def _decide(self, session: ManagedSession, prompt: c.Prompt, verdict: c.Decide, mark: Post) -> None:
        self._sessions.store.answered(session.session_id, key_of(prompt))
        self._sessions.wish(session.session_id, verdict)
        self._sessions.store.desire(session.session_id, marks.key_of(prompt.prompt_id), mark)

    def _note_decider(self, prompt: c.Prompt) -> None:
        for message_id in messages_of(prompt.prompt_id, prompt):
            note_newest(self._deciders, message_id, None, DECIDERS_KEPT)

    def _as_plain(self, session_id: str, prompt: c.Prompt, *, too_late: bool) -> c.Prompt:
        plain = msgspec.structs.replace(prompt, answer_to=0, answer_in="", is_reason=False)
        self._sessions.store.change_wish(session_id, plain)
        self._sessions.store.desire(
            session_id, marks.key_of(prompt.prompt_id), marks.no_answer(prompt.prompt_id, too_late=too_late)
        )
        return plain

    def _held(self, session_id: str, prompt_id: int) -> c.Prompt | None:
        waiting = (item.command for item in self._sessions.store.inbox(session_id))
        return next(
            (one for one in waiting if isinstance(one, c.Prompt) and one.prompt_id == prompt_id and one.answer_to), None
        )

    def _request(self, session: ManagedSession, prompt: c.Prompt) -> PermissionRequest | None:
        """What it answers, with what is chosen so far; None when that is over, or decided by now."""
        known = session.requests.get(prompt.answer_to) if session.generation == prompt.answer_in else None
        decided = {
            (item.command.generation, item.command.seq)
            for item in self._sessions.store.inbox(session.session_id)
            if isinstance(item.command, c.Decide)
        }
        if known is None or (prompt.answer_in, prompt.answer_to) in decided:
            return None
        return self._sessions.rows[session.session_id].view.cards.get(prompt.answer_to, known)
