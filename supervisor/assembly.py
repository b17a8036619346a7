"""How the parts are joined: one diagram for the service, its tests and the playground.

    Changes                                                                          made first: who hears of what
    Store ── Journal ── Sessions ── WaitingPrompts, Delivery, Reports ── SessionManager          who decides
    Downlink ── Processes                     Outbox, Gateway, Attachments          who looks after what is wished

Every part gets what it needs when it is made, and nothing is set into one afterwards. So the order here is the order of
who needs whom, and there is no ring.
"""

import os
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from bridge.protocol.layout import JOURNAL
from bridge.routing.router import BridgeRouter
from bridge.session.display import Display
from bridge.session.rights import Access
from supervisor.config import Config
from supervisor.discord.gateway import Gateway
from supervisor.discord.rest import Rest
from supervisor.sessions.changes import Changes
from supervisor.sessions.delivery import Asked, Delivery
from supervisor.sessions.journal import Journal
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.reports import Reports
from supervisor.sessions.rows import Sessions
from supervisor.sessions.rules import Rules
from supervisor.sessions.store import Store
from supervisor.sessions.waiting import WaitingPrompts
from supervisor.threads.attachments import Attachments
from supervisor.threads.outbox import Outbox
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.curve import CurveKeys
from supervisor.workers.downlink import Downlink
from supervisor.workers.processes import Processes
from supervisor.workers.sockets import ZmqSockets
from supervisor.workers.starts import StartMessages, Surroundings, worker_environment
from supervisor.workers.this_machine import ThisMachine


def _as_usual(_channel_id: int) -> Display:
    return Display()


def _anybody(_channel_id: int) -> Access:
    return Access()


def session_manager(
    store: Store,
    clock: Callable[[], float] = time.time,
    *,
    display_of: Callable[[int], Display] = _as_usual,
    asked: Asked | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> SessionManager:
    """All that decides about sessions. ``clock`` gives Unix seconds, ``monotonic`` seconds.

    ``display_of``: what a channel shows. Without ``asked`` everybody may talk.
    """
    sessions = Sessions(store, Journal(store.path.with_name(JOURNAL), store, clock), Changes(), clock)
    waiting = WaitingPrompts(sessions)
    access_of = asked.policy.access if asked else _anybody
    delivery = Delivery(sessions, waiting.drop, asked, monotonic)
    reports = Reports(sessions, waiting, display_of, Rules(sessions, access_of))
    return SessionManager(sessions, waiting, delivery, reports)


class Workers(NamedTuple):
    downlink: Downlink
    processes: Processes


def workers(
    config: Config,
    manager: SessionManager,
    keys: CurveKeys,
    around: Surroundings | None = None,
    cli: ClaudeCli | None = None,
) -> Workers:
    """All that looks after worker processes."""
    environment = worker_environment(os.environ)
    host, starts = ThisMachine(config.layout, environment), StartMessages(config, manager, around, environment)
    downlink = Downlink(manager, config.layout, ZmqSockets(keys), host.holder)
    return Workers(downlink, Processes(manager, downlink, host, starts.message, cli))


class Threads(NamedTuple):
    outbox: Outbox
    gateway: Gateway
    files: Attachments

    @property
    def runs(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """What is to run beside each other until all is cancelled."""
        return self.outbox.run, self.outbox.keep_typing, self.gateway.run, self.files.run


def router(config: Config, manager: SessionManager) -> BridgeRouter:
    """What decides what a message or a click means, and whose may."""

    def begins_in(channel_id: int) -> str:
        return manager.default(channel_id, "permission_mode") or config.permission_mode

    return BridgeRouter(
        config.policy,
        config.channels,
        manager.session_of_thread,
        manager.request_of,
        manager.invited,
        begins_in,
    )


def threads(config: Config, manager: SessionManager, rest: Rest, token: str) -> Threads:
    """All that looks after Discord's channels and threads."""
    return Threads(
        Outbox(manager.store, manager, rest, layout=config.layout),
        Gateway(config, manager, router(config, manager), rest, token),
        Attachments(manager, config.layout, rest, config.most_file_bytes, config.limits),
    )
