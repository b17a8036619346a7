"""SessionManager: every decision about a session, one transaction per method.

It keeps what is wished for (the inbox); ``waiting`` has the prompts that Claude has not taken up, ``reports`` folds
what workers say and keeps what threads should show (the outbox). None of them knows of Discord, sockets or processes:
those loops hear of it through ``changes``, and come and look. Any method that writes may raise StoreError; then nothing
was done.
"""

import uuid
from itertools import dropwhile
from pathlib import Path

import msgspec

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.render import marks
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.routing.actions import CreateSession, PromptSession
from bridge.session.managed import ManagedSession, session_from
from bridge.session.permission import Person
from supervisor.private_files import inode_of
from supervisor.projects.remote import remote_of
from supervisor.projects.repository import found_at
from supervisor.sessions import typed
from supervisor.sessions.directories import Directories
from supervisor.sessions.invitations import Invitations
from supervisor.sessions.mends import Mends
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.waiting import is_settled
from supervisor.sessions.worker_needs import WorkerNeeds


class SessionManager(Directories, Invitations, Mends, WorkerNeeds):
    """All that decides about sessions; here, how one begins and what is asked of it. The rest is inherited by noun."""

    def create_session(self, action: CreateSession, handled_in: int = 0) -> ManagedSession:
        """The session of a thread that is to be made from the message of its id. A repetition is harmless.

        ``handled_in``: the channel whose cursor moves past that message in the same transaction.
        """
        if session := self.session_of_thread(action.thread_id):
            self.handled(handled_in, action.thread_id)
            return session
        session = session_from(_created(action), self.clock())
        begun = j.SessionBegun(
            *(session.session_id, session.channel_id, session.owner_id),
            thread_id=session.thread_id,
            directory=session.directory,
        )
        with self.transaction(begun):
            self.store.add_session(session)
            self.store.desire(session.session_id, "thread", Post(thread_name=action.thread_name, urgent=True))
            if action.text.strip() or action.attachments:
                self.sessions.wish(session.session_id, self._first_prompt(action, handled_in))
            self.sessions.move_cursor(handled_in, action.thread_id)
        self.rows[session.session_id] = SessionRow(session, ThreadView(), None, "", fresh=False, attached=0)
        self.by_thread[session.thread_id] = session.session_id
        self.bursts.note(session.session_id)
        self.changed(session.session_id)
        return session

    def _first_prompt(self, action: CreateSession, handled_in: int) -> c.Prompt:
        """The one that a session begins with; others may join a message."""
        is_message = bool(handled_in)
        what = action.thread_id, action.text, action.owner
        prompt = _prompt(*what, is_message=is_message, attachments=action.attachments)
        return self.bursts.begun(prompt, handled_in) if action.may_grow and is_message else prompt

    def adopt_thread(self, action: CreateSession, handled_in: int) -> ManagedSession:
        """A thread that an earlier state of ours made, and that this store (a backup) does not know.

        Its first prompt was answered there, so Claude does not get it (again).
        """
        session = self.create_session(msgspec.structs.replace(action, text="", attachments=()), handled_in)
        with self.transaction():
            self.reports.lost_history.note_unknown(session.session_id)
            if thread := self.store.post(session.session_id, "thread"):
                self.store.note_shown(thread.id, session.thread_id, thread.desired)
        return session

    def begun_before(self, session_id: str) -> None:
        """Its thread turns out to be one that an earlier state of ours made: what waits was answered there."""
        with self.transaction():
            self.waiting.drop_all(session_id)
            self.reports.lost_history.note_unknown(session_id)
        self.changed(session_id)

    def prompt(
        self,
        session_id: str,
        prompt_id: int,
        text: str,
        author: Person,
        handled_in: int = 0,
        attachments: tuple[e.Attachment, ...] = (),
        *,
        is_command: bool = False,
    ) -> None:
        """A prompt wakes whatever slept: a dormant, broken or ended session. ``handled_in``: as above.

        ``is_command``: a slash command of Claude's, which waits for the running turn's end.
        """
        prompt = _prompt(prompt_id, text, author, is_message=bool(handled_in), attachments=attachments)
        if is_command:
            prompt = msgspec.structs.replace(prompt, is_command=True, when="later")
        self._ask(session_id, prompt, handled_in)

    def hear(self, action: PromptSession, handled_in: int) -> None:
        """As ``prompt``, of a message that may be a part of an open prompt, or which others may join."""
        if action.joins:
            self._join(action, handled_in)
            return
        prompt = _prompt(action.prompt_id, action.text, action.author, is_message=True, attachments=action.attachments)
        prompt = self.bursts.begun(prompt, handled_in) if action.may_grow else prompt
        self._ask(action.session_id, typed.held(prompt, action, self.clock()), handled_in)

    def _ask(self, session_id: str, prompt: c.Prompt, handled_in: int) -> None:
        row = self.rows[session_id]
        if prompt.prompt_id in row.session.prompts:
            self.handled(handled_in, prompt.prompt_id)
            return
        with self.transaction():
            self.sessions.reopen_row(row)
            self.reports.lost_history.say(session_id)
            self.ask(session_id, prompt)
            if prompt.answer_to:
                self.delivery.typed.tell(session_id, prompt)
            self.sessions.move_cursor(handled_in, prompt.prompt_id)
        if self.bursts.window_s or prompt.answer_to:
            self.bursts.note(session_id)
        self.changed(session_id)

    def _join(self, action: PromptSession, handled_in: int) -> None:
        with self.transaction():
            self.bursts.join(action, handled_in)
            self.sessions.move_cursor(handled_in, action.prompt_id)
        self.bursts.note(action.session_id)
        self.changed(action.session_id)

    def interrupt(self, session_id: str, command_id: str, by: int, *, keep_queued: bool = False) -> None:
        """A prompt that still waits for its files is queued too, though no worker knows of it."""
        waiting = [item.command for item in self.store.inbox(session_id)]
        prompts = [command for command in waiting if isinstance(command, c.Prompt)]
        held = [] if keep_queued else list(dropwhile(is_settled, prompts))
        with self.transaction():
            self.waiting.drop(session_id, held)
            for prompt in held:
                self.store.desire(session_id, marks.key_of(prompt.prompt_id), marks.stopped(prompt.prompt_id))
            self.sessions.wish(session_id, c.Interrupt(command_id, by, keep_queued))
        self.changed(session_id)

    def configure(
        self, session_id: str, command_id: str, setting: str, value: str, by: int = 0, *, loosens: bool = False
    ) -> None:
        """``loosens``: Claude asks less from then on, which takes another right, also when it is delivered."""
        channel_id = self.rows[session_id].session.channel_id
        with self.transaction(j.SettingChosen(session_id, channel_id, by, setting=setting, value=value)):
            self.sessions.wish(session_id, c.Configure(command_id, setting, value, by, loosens))
        self.changed(session_id)

    def update_session_costs(self, session_id: str, ended: e.TurnEnded) -> None:
        """As ``ManagedSession.update_costs``; records do this by themselves."""
        self.rows[session_id].session.update_costs(ended)


def _prompt(
    prompt_id: int, text: str, author: Person, *, is_message: bool, attachments: tuple[e.Attachment, ...] = ()
) -> c.Prompt:
    return c.Prompt(prompt_id, text, author.user_id, author.name, is_message, attachments=attachments)


def _created(action: CreateSession) -> e.SessionCreated:
    """What is the case with its directory now counts for the session's whole life."""
    home = str(Path.home())
    repository = found_at(action.channel.directory, home)
    return e.SessionCreated(
        session_id=str(uuid.uuid4()),
        thread_id=action.thread_id,
        guild_id=action.guild_id,
        channel_id=action.channel.channel_id,
        directory=action.channel.directory,
        owner_id=action.owner.user_id,
        inode=inode_of(action.channel.directory),
        git_directory=repository.git_directory,
        work_tree=repository.work_tree,
        remote=remote_of(action.channel.directory, home),
    )
