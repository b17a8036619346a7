"""How a child is started: what it needs is looked for, it is shut in, told what to go on with, and run.

What is found on the way stands in the log before the child runs: how it is shut in, that another directory stands in
the project's place, that Claude has nothing left to resume.
"""

import asyncio
import os
import uuid
from pathlib import Path

import msgspec

from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.protocol.layout import SessionLayout
from bridge.protocol.start import WorkerStart
from worker import cgroup, instructions, landlock, missing, project, rank, transcript, trusted
from worker import claude as cli
from worker.child import Record, Started
from worker.child_view import NO_WALLS, ChildView
from worker.closed import Closed
from worker.files_out import places_of
from worker.guard import Guard
from worker.history import History
from worker.private_usage import PrivateUsage, measured
from worker.prompt_files import content_of
from worker.pushes import remote_offered, source_of
from worker.recovery import claude_id_of
from worker.spoken import RULE, spoken
from worker.stored import Stored
from worker.stream import Stream
from worker.unasked import Unasked
from worker.walls import at_path, private_folders
from worker.walls.environment import child_environment
from worker.walls.from_start import claude_home_of, home_of, kept_from_claude, wish_of
from worker.walls.held import held
from worker.walls.probe import shut_in
from worker.walls.wish import Shell, level_of


class Conversation(msgspec.Struct, frozen=True):
    """Claude's id of it, and whether it is gone on with."""

    claude_id: str
    resume: bool


class ChildStart:
    """The start of one worker's child; called once."""

    def __init__(self, start: WorkerStart, paths: SessionLayout, stored: Stored) -> None:
        self._start = start
        self._paths = paths
        self._stored = stored
        self._cgroup: cgroup.Cgroup | None = None
        self._inode = 0

    async def __call__(self, history: History, record: Record) -> Started:
        environment = self._environment()
        conversation = self._choose_conversation(history, record)
        shell = shut_in(wish_of(self._start, environment, conversation.claude_id))
        self._begin(shell, history, record)
        return await self._spawn(shell, environment, conversation)

    def _environment(self) -> dict[str, str]:
        """The child's. Raises UserError when something that it needs is not there, or too much is stored."""
        start = self._start
        level = level_of(start.containment)
        environment = child_environment(os.environ, start.environment, start.created.session_id, level)
        self._stored.check()
        if start.login_directory and level == "project":
            environment["CLAUDE_SECURESTORAGE_CONFIG_DIR"] = start.login_directory
        missing.look(start.created.directory, start.command, environment.get("PATH", os.defpath))
        return environment

    def _choose_conversation(self, history: History, record: Record) -> Conversation:
        """Raises UserError when there is nothing left to resume."""
        claude_id = claude_id_of(history, self._start.created.session_id)
        if self._start.fresh:
            return Conversation(str(uuid.uuid4()), resume=False)
        if transcript.path_of(claude_id, claude_home_of(self._start)):
            return Conversation(claude_id, resume=True)
        if history.completed_turns:
            reason = "Claude no longer has this conversation, so it cannot be resumed"
            record(e.ResumeFailed(claude_id, reason))
            raise UserError(reason)
        return Conversation(claude_id, resume=False)

    def _begin(self, shell: Shell, history: History, record: Record) -> None:
        """Raises UserError when another directory stands where the project's was, and nobody said to go on there."""
        directory, start = self._start.created.directory, self._start
        own = history.session.inode if history.session else start.created.inode
        seen = self._inode = project.inode_of(directory)
        is_own = not own or seen in (own, start.accepted_inode)
        record(e.WorkerStarted(os.getpid(), shell.contained, shell.how, seen if is_own else 0, shell.opened))
        if not is_own:
            reason = project.replaced_in_words(directory)
            record(e.ProjectReplaced(seen, reason))
            raise UserError(reason)

    async def _spawn(self, shell: Shell, environment: dict[str, str], conversation: Conversation) -> Started:
        start, directory = self._start, self._start.created.directory
        told = await asyncio.to_thread(instructions.read, directory, kept_from_claude(start))
        argv = self._argv(shell, conversation, "\n\n".join(filter(None, (RULE, told))))
        self._cgroup = await asyncio.to_thread(cgroup.make, start.cgroup, start.created.session_id, start.limits)
        with (
            held(shell.prefix, {shell.directory: self._inode}) as (prefix, fds),
            landlock.scopes(shell.scoped) as scopes,
            rank.entered(self._cgroup, scopes) as begin,
        ):
            child = await cli.spawn([*prefix, *argv], directory, environment, begin, start.umask, fds)
        view = ChildView(child.pid) if shell.contained else NO_WALLS
        return Started(
            child=child,
            stream=self._stream(child.pid, conversation),
            view=view,
            closed=_closed(home_of(start), view) if shell.is_project else None,
            unasked=Unasked(start.trusted_copy),
            holder=Guard(start.limits, self._cgroup, self._stored, child.pid, PrivateUsage(self._paths.inside)),
            pushing=source_of(start, self._paths.push, shell, environment, self._cgroup)
            if remote_offered(start)
            else None,
            clear=self._clear,
            directories=start.directories,
            home=home_of(start),
        )

    def _argv(self, shell: Shell, conversation: Conversation, told: str) -> list[str]:
        start = self._start
        copy = start.trusted_copy
        return [
            *cli.arguments(
                shell.argv or start.command,
                claude_id=conversation.claude_id,
                resume=conversation.resume,
                permission_mode=start.permission_mode,
                model=start.model,
                effort=start.effort,
                bypass=start.bypass_permissions,
            ),
            *cli.project_arguments(told),
            *trusted.settings_arguments(copy),
            *cli.file_arguments(
                (str(self._paths.files), str(self._paths.scratch)),
                trusted.server_files(copy),
                may_push=bool(remote_offered(start)),
            ),
        ]

    def _stream(self, pid: int, conversation: Conversation) -> Stream:
        stream = Stream(
            pid,
            claude_id=conversation.claude_id,
            resuming=conversation.resume,
            permission_mode=self._start.permission_mode,
            content_of=lambda prompt: spoken(prompt, content_of(prompt, self._paths.folder)),
            places=places_of(self._start, self._paths).in_words(),
            remote=remote_offered(self._start),
        )
        if self._start.titles:
            stream.want_title()
        return stream

    async def _clear(self, whole: bool) -> None:
        """Of a session that may go on only what lasts is kept, unless that is too much."""
        if self._cgroup:
            await asyncio.to_thread(self._cgroup.remove)
        await asyncio.to_thread(self._clear_private, whole)

    def _clear_private(self, whole: bool) -> None:
        most = self._start.limits.private_bytes
        is_too_much = 0 < most < measured(self._paths.inside)
        private_folders.clear(self._paths.inside, whole=whole or is_too_much)


def _closed(home: str, view: ChildView) -> Closed:
    def is_open(path: Path) -> bool:
        return view.status(path) is not None

    return Closed(home, at_path.exists, is_open)
