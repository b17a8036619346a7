"""A project that may be pushed, the repository it is pushed to, and git as the user would run it."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bridge.protocol.push import PUSH_TOOL, Push, from_input
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest
from stages.backstage import ADA, CHANNEL_ID, Backstage, folder_of_a_stage

ME = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@h", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@h"}


def git(where: Path, *words: str, may_fail: bool = False) -> str:
    """As the user would run it, with nobody's own configuration."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    argv = ["git", "-c", "init.defaultBranch=main", "-C", str(where), *words]
    return subprocess.run(
        argv, check=not may_fail, capture_output=True, text=True, env={**quiet, **ME}, timeout=20
    ).stdout.strip()


def commit(where: Path, *subjects: str) -> str:
    for subject in subjects:
        (where / f"{subject}.txt").write_text(subject)
        git(where, "add", f"{subject}.txt")
        git(where, "commit", "-q", "-m", subject)
    return git(where, "rev-parse", "HEAD")


def with_remote(project: Path, remote: Path) -> None:
    """The project is a repository with one commit, which the remote has too."""
    for folder in (project, remote):
        folder.mkdir(parents=True, exist_ok=True)
    git(remote, "init", "-q", "--bare")
    git(project, "init", "-q")
    git(project, "remote", "add", "origin", str(remote))
    commit(project, "first")
    git(project, "push", "-q", "origin", "main")


class Bench:
    """A stage whose project may be pushed, to the bare repository ``remote`` beside it."""

    def __init__(self, stage: Backstage) -> None:
        self.stage = stage
        self.project = stage.project
        self.remote = stage.folder / "remote.git"
        channel = stage.config.channels[CHANNEL_ID]
        stage.config.channels[CHANNEL_ID] = msgspec.structs.replace(channel, git_push="ask")

    def at(self, branch: str = "main") -> str:
        return git(self.remote, "rev-parse", "--verify", "--quiet", branch, may_fail=True)

    async def card(self, session: ManagedSession) -> tuple[PermissionRequest, Push]:
        request = await self.stage.asks(session)
        assert request.event.tool == PUSH_TOOL
        push = from_input(request.event.tool_input)
        assert push
        return request, push

    async def allowed(self, text: str) -> str:
        """What the log says of a session whose one push is allowed."""
        session = self.stage.session(text)
        request, _ = await self.card(session)
        assert self.stage.manager.decide(request, "allowed", ADA)
        await self.stage.settles(session)
        return self.log(session)

    async def refused(self, text: str) -> str:
        """What the log says of a session whose push comes to no card."""
        session = await self.stage.settles(self.stage.session(text))
        assert not session.settled and not session.requests, "nobody was asked"
        said = self.log(session)
        assert "Not pushed: " in said
        return said

    def log(self, session: ManagedSession) -> str:
        return self.stage.layout.session(session.session_id).log.read_text()


@contextlib.asynccontextmanager
async def bench(containment: str = "project", **changes: object) -> AsyncIterator[Bench]:
    async with folder_of_a_stage(containment, **changes) as stage:
        it = Bench(stage)
        with_remote(it.project, it.remote)
        async with stage.running():
            try:
                yield it
            finally:
                await stage.end_all()
