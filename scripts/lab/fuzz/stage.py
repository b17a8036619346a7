"""A supervisor's session manager on a store of its own, with sessions and open requests, and no process."""

import contextlib
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL, digest_of
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.session.rights import Policy
from lab.configured import configuration
from supervisor.assembly import session_manager
from supervisor.config import Config
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store

BOT, ADA, BOB, EVE, ROLE = 9, 111, 112, 113, 50
GUILD, CHANNEL, THREAD, APPLICATION = 7, 222, 1000, 8
GENERATION = "0123456789abcdef"
OPTIONS = '[{"label": "a", "description": ""}, {"label": "b", "description": ""}]'
ASKED = {
    "Bash": '{"command": "ls"}',
    PLAN_TOOL: '{"plan": "# Do it"}',
    QUESTION_TOOL: f'{{"questions": [{{"question": "q?", "header": "h", "options": {OPTIONS}, "multiSelect": true}}]}}',
}
POLICY = Policy(frozenset({ADA}), frozenset({ROLE}))


class Stage(NamedTuple):
    config: Config
    store: Store
    manager: SessionManager
    session: ManagedSession

    def prompts(self) -> list[c.Prompt]:
        inboxes = [self.store.inbox(one.session_id) for one in self.manager.get_all_sessions()]
        return [item.command for inbox in inboxes for item in inbox if isinstance(item.command, c.Prompt)]

    def decisions(self) -> list[c.Decide]:
        return [i.command for i in self.store.inbox(self.session.session_id) if isinstance(i.command, c.Decide)]

    def happens(self, *events: e.AnyEvent) -> None:
        first = self.session.applied + 1
        records = [e.Record(GENERATION, seq, 1.0, event) for seq, event in enumerate(events, first)]
        assert self.manager.reports.record(self.session.session_id, records) is not None


def configured(folder: Path) -> Config:
    project = folder / "project"
    project.mkdir()
    return configuration(folder, policy=POLICY, channels={CHANNEL: Channel(CHANNEL, str(project))})


@functools.cache
def _empty_store() -> bytes:
    """A store's file; to make each anew takes longer than all that is tried with it."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "store"
        Store(path).close()
        return path.read_bytes()


def new_store(path: Path) -> Store:
    path.write_bytes(_empty_store())
    return Store(path)


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Ada's session, whose thread is there."""
    config = configured(folder)
    store = new_store(config.layout.database)
    try:
        manager = session_manager(store, lambda: 1000.0)
        manager.handled(CHANNEL, THREAD)
        action = CreateSession(THREAD, GUILD, config.channels[CHANNEL], Person(ADA, "Ada", GUILD), "one", "one")
        session = manager.create_session(action)
        post = store.post(session.session_id, "thread")
        assert post
        with store.transaction():
            store.note_shown(post.id, THREAD, post.desired)
        yield Stage(config, store, manager, session)
    finally:
        store.close()


def in_a_turn(on: Stage) -> None:
    """Its worker and Claude run, and one request of each kind is open: at the seqs 5, 6 and 7."""
    on.happens(
        e.SessionCreated(on.session.session_id, THREAD, GUILD, CHANNEL, on.session.directory, ADA),
        e.WorkerStarted(1, contained=False, containment="none"),
        e.ChildStarted(2, "claude-id", resumed=False),
        e.TurnStarted((THREAD,)),
        *(e.PermissionRequested(f"r{tool}", tool, told, digest_of(told)) for tool, told in ASKED.items()),
    )
