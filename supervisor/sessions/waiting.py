"""The prompts that Claude has not taken up: edited, deleted, put off, and kept back until their files are there."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

import msgspec

from bridge.newest import note_newest
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.answers import key_of, keys_of
from bridge.render import marks, notices
from bridge.routing import bursts
from bridge.session.managed import ManagedSession
from bridge.session.open_work import OpenPrompt, PromptState
from supervisor.sessions.rows import Sessions

TAKEN_KEPT = 2048
"""Messages of prompts that Claude took up: the newest, in memory only."""


class WaitingPrompt(msgspec.Struct, frozen=True):
    """A prompt that Claude has not taken up."""

    prompt_id: int
    text: str
    when: e.When


class WaitingPrompts:
    """Of all sessions. Any method that writes may raise StoreError; then nothing was done."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._taken: dict[int, None] = {}

    def folds(self, session: ManagedSession, event: e.AnyEvent) -> None:
        """Before the session folds it, and forgets a prompt that is done: which messages Claude took up."""
        if not isinstance(event, e.PromptTaken | e.PromptDone) or (i := event.prompt_id) not in session.prompts:
            return
        for message_id in messages_of(i, session.prompts[i]):
            note_newest(self._taken, message_id, None, TAKEN_KEPT)

    def was_taken_up(self, session_id: str, message_id: int) -> bool:
        """Whether Claude got the message, as far as we know: since our start, or in a turn that is not over."""
        return message_id in self._taken or message_id in self.taken_up(session_id)

    def messages(self, session_id: str) -> dict[int, int]:
        """The messages that Claude has not taken up, as far as we know, each with the channel it was written in."""
        return self._written(session_id, self._open(session_id))

    def taken_up(self, session_id: str) -> dict[int, int]:
        """As ``messages``, of those that Claude has taken up and is not done with."""
        known = self._sessions.rows[session_id].session.prompts
        taken = {i: prompt for i, prompt in known.items() if prompt.state is PromptState.TAKEN}
        return self._written(session_id, taken)

    def _written(self, session_id: str, prompts: Mapping[int, c.Prompt | OpenPrompt]) -> dict[int, int]:
        session = self._sessions.rows[session_id].session
        found: dict[int, int] = {}
        for prompt_id, prompt in prompts.items():
            if prompt.is_message:
                alone = {prompt_id: session.place_of(prompt_id)}
                found |= {part.message_id: part.channel_id for part in prompt.parts} or alone
        return found

    def _open(self, session_id: str) -> dict[int, c.Prompt | OpenPrompt]:
        """The prompts that Claude has not taken up: those with its worker, and those in the inbox, which say more."""
        known = self._sessions.rows[session_id].session.prompts
        accepted = {i: prompt for i, prompt in known.items() if prompt.state is not PromptState.TAKEN}
        waiting = [i.command for i in self._sessions.store.inbox(session_id) if isinstance(i.command, c.Prompt)]
        return {**accepted, **{prompt.prompt_id: prompt for prompt in waiting}}

    def session_with(self, channel_id: int, message_id: int) -> ManagedSession | None:
        """Whose prompt this message of a channel is a part of."""
        wished = self._sessions.store.sessions_with_wishes()
        for row in self._sessions.rows.values():
            session_id, has_prompts = row.session.session_id, row.session.prompts or row.session.session_id in wished
            is_near = row.session.channel_id == channel_id and has_prompts
            if is_near and (self.taken_up(session_id) | self.messages(session_id)).get(message_id) == channel_id:
                return row.session
        return None

    def amend(self, session_id: str, message_id: int, text: str | None) -> bool:
        """A prompt's message was edited, or deleted (None). Whether Claude may still get it otherwise, or not at all.

        What waits in the inbox is changed there; it may be on its way to the worker all the same, so a worker that
        runs is told too.
        """
        prompts = self._open(session_id)
        if (prompt_id := _with_message(prompts, message_id)) is None:
            return False
        prompt = prompts[prompt_id]
        parts = bursts.amended(prompt.parts, message_id, text)
        if prompt.parts:
            text = bursts.text_of(parts) if parts else None
        waiting = prompt if isinstance(prompt, c.Prompt) else None
        if waiting and (waiting.text, waiting.parts) == (text, parts):
            return False
        row = self._sessions.rows[session_id]
        with self._sessions.transaction():
            if waiting:
                self._amend_waiting(session_id, waiting, text, parts)
            is_closed = waiting is None or not bursts.is_open(waiting)
            if is_closed and (prompt_id in row.session.prompts or row.attached):
                self._sessions.store.drop_wishes(session_id, f"{keys_of(c.Amend)}{prompt_id}.")
                name = f"{prompt_id}.{uuid4().hex}"
                self._sessions.wish(session_id, c.Amend(name, prompt_id, text, prompt.author_id, parts))
        self._sessions.changed(session_id)
        return True

    def _amend_waiting(self, session_id: str, waiting: c.Prompt, text: str | None, parts: tuple[e.Part, ...]) -> None:
        """In the inbox. Within the caller's transaction."""
        if text is None:
            self.drop(session_id, [waiting])
            prompt_id = waiting.prompt_id
            self._sessions.store.desire(session_id, marks.key_of(prompt_id), marks.deleted(prompt_id))
            return
        files = bursts.files_left(waiting, parts) if parts else waiting.attachments
        changed = msgspec.structs.replace(waiting, text=text, parts=parts, attachments=files)
        self._sessions.store.change_wish(session_id, changed)

    def requeue(self, session_id: str, prompt_id: int, when: e.When, command_id: str, by: int = 0) -> bool:
        """Whether Claude has not taken the prompt up yet, as far as we know, so that it may still be asked for it."""
        row = self._sessions.rows[session_id]
        waiting = self._wished(session_id, prompt_id)
        accepted = row.session.prompts.get(prompt_id)
        is_with_worker = accepted is not None and accepted.state is not PromptState.TAKEN
        if waiting is None and not is_with_worker:
            return False
        with self._sessions.transaction():
            if waiting:
                self._sessions.store.change_wish(session_id, msgspec.structs.replace(waiting, when=when))
            if is_with_worker or row.attached:
                self._sessions.wish(session_id, c.Requeue(command_id, prompt_id, when, by))
        self._sessions.changed(session_id)
        return True

    def all(self, session_id: str) -> list[WaitingPrompt]:
        """The prompts that Claude has not taken up, in the order in which they were written; when each is taken up is
        what was wished last, also before its worker answered.
        """
        row = self._sessions.rows[session_id]
        commands = [item.command for item in self._sessions.store.inbox(session_id)]
        wanted = {one.prompt_id: one.when for one in commands if isinstance(one, c.Requeue)}
        accepted = {
            i: WaitingPrompt(i, row.view.asked.get(i, ""), wanted.get(i, p.when))
            for i, p in row.session.prompts.items()
            if p.state is not PromptState.TAKEN
        }
        wished = {p.prompt_id: WaitingPrompt(p.prompt_id, p.text, p.when) for p in commands if isinstance(p, c.Prompt)}
        return [*accepted.values(), *(one for i, one in wished.items() if i not in accepted)]

    def _wished(self, session_id: str, prompt_id: int) -> c.Prompt | None:
        for item in self._sessions.store.inbox(session_id):
            if isinstance(item.command, c.Prompt) and item.command.prompt_id == prompt_id:
                return item.command
        return None

    def without_files(self, session_id: str) -> list[c.Prompt]:
        """The waiting prompts with files that are still to be fetched, in their order."""
        waiting = [item.command for item in self._sessions.store.inbox(session_id)]
        return [command for command in waiting if isinstance(command, c.Prompt) and not _has_files(command)]

    def settle_attachment(
        self, session_id: str, prompt_id: int, attachment_id: int, *, stored: str = "", failure: str = ""
    ) -> bool:
        """A file is there (``stored``, below the session's folder), or never will be. Whether anybody waits for it."""
        if (waiting := self._wished(session_id, prompt_id)) is None:
            return False
        settled = tuple(
            msgspec.structs.replace(a, stored=stored, failure=failure) if a.attachment_id == attachment_id else a
            for a in waiting.attachments
        )
        with self._sessions.transaction():
            self._sessions.store.change_wish(session_id, msgspec.structs.replace(waiting, attachments=settled))
            if failures := [a for a in settled if a.failure]:
                self._sessions.store.desire(session_id, f"files:{prompt_id}", notices.files_failed(prompt_id, failures))
        self._sessions.changed(session_id)
        return True

    def dropped(self, session_id: str) -> list[int]:
        """Prompts that were dropped before Claude got them: their files are to be deleted."""
        return self._sessions.store.dropped_prompts(session_id)

    def files_deleted(self, session_id: str, prompt_ids: Sequence[int]) -> None:
        with self._sessions.transaction():
            self._sessions.store.remove_dropped(session_id, prompt_ids)

    def drop(self, session_id: str, prompts: Sequence[c.Prompt]) -> None:
        """They wait no more; the note of their files is in the same transaction, so that none stays behind."""
        for prompt in prompts:
            self._sessions.store.answered(session_id, key_of(prompt))
        folders = {a.message_id or prompt.prompt_id: None for prompt in prompts for a in prompt.attachments}
        self.forget_files(session_id, list(folders))

    def forget_files(self, session_id: str, prompt_ids: Sequence[int]) -> None:
        self._sessions.store.add_dropped(session_id, prompt_ids)

    def drop_all(self, session_id: str) -> list[c.Prompt]:
        """Whatever is wished for; what of it was a prompt."""
        waiting = [item.command for item in self._sessions.store.inbox(session_id)]
        prompts = [command for command in waiting if isinstance(command, c.Prompt)]
        self.drop(session_id, prompts)
        self._sessions.store.drop_wishes(session_id)
        return prompts

    def drop_stale(self, session: ManagedSession) -> None:
        """No child is left to ask; only what the next one gets again can still be amended."""
        for item in self._sessions.store.inbox(session.session_id):
            if isinstance(item.command, c.Amend | c.Requeue) and item.command.prompt_id not in session.prompts:
                self._sessions.store.answered(session.session_id, key_of(item.command))


def is_settled(prompt: c.Prompt) -> bool:
    """Nothing joins it any more, and each of its files is there, or is known never to come."""
    return not bursts.is_open(prompt) and _has_files(prompt)


def _has_files(prompt: c.Prompt) -> bool:
    return all(attachment.stored or attachment.failure for attachment in prompt.attachments)


def _with_message(prompts: Mapping[int, c.Prompt | OpenPrompt], message_id: int) -> int | None:
    """The prompt that the message is, or is a part of."""
    for prompt_id, prompt in prompts.items():
        if message_id in messages_of(prompt_id, prompt):
            return prompt_id
    return None


def messages_of(prompt_id: int, prompt: c.Prompt | OpenPrompt) -> set[int]:
    """The parts that it has, or the one message that it is."""
    return {part.message_id for part in prompt.parts} or {prompt_id}
