"""How the parts are joined: one diagram for the service, its tests and the playground.

    Settings                                                                    made first: what the configuration says
    Changes                                                                                          who hears of what
    Store ── Journal ── Sessions ── Members, Rules, WaitingPrompts, Delivery, Reports ── SessionManager    who decides
    Downlink ── Processes                     Outbox, Attachments                   who looks after what is wished
    Guilds ── Inbound ── Standing, Slash ── Gateway                                 who hears of Discord, and what
    Postbox                                                                who does what is asked on the host

Every part gets what it needs when it is made, and nothing is set into one afterwards. So the order here is the order of
who needs whom, and there is no ring.
"""

import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from bridge.protocol import events as e
from bridge.protocol.layout import JOURNAL, Layout
from bridge.protocol.modes import DEFAULT
from bridge.render import replies
from bridge.routing.router import BridgeRouter
from bridge.session.display import Display
from bridge.session.managed import ManagedSession
from supervisor.changes import Changes
from supervisor.commands.alone_cards import AloneCards
from supervisor.commands.interactions import Interactions
from supervisor.commands.postbox import Postbox
from supervisor.commands.registration import Registration
from supervisor.commands.sight import Sight
from supervisor.commands.slash import Slash
from supervisor.config_in_force import Settings
from supervisor.discord import telling
from supervisor.discord.alone import Entry, Nonces
from supervisor.discord.asking import Answering, Posting, Reading, Renaming
from supervisor.discord.client import Client
from supervisor.discord.connection import Connection
from supervisor.discord.current_client import CurrentClient, MakesClient, Presence
from supervisor.discord.gateway import Gateway, Times
from supervisor.discord.guilds import Guilds
from supervisor.discord.hearing import Ear, Hearing
from supervisor.discord.identify_budget import Identifies, IdentifyBudget, budget_of
from supervisor.discord.rest import Rest
from supervisor.discord.standing import Standing
from supervisor.discord.twins import Twins
from supervisor.errands import Errands
from supervisor.letters import Letters
from supervisor.projects.channels import ProjectChannels
from supervisor.reload import Reload
from supervisor.sessions.bursts import Bursts
from supervisor.sessions.delivery import Delivery
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.in_log import InLog
from supervisor.sessions.journal import Journal
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.members import Asked, Members
from supervisor.sessions.pruning import Pruning
from supervisor.sessions.reports import Reports
from supervisor.sessions.rows import Sessions
from supervisor.sessions.rules import Rules
from supervisor.sessions.store import Store
from supervisor.sessions.trust import Trusts
from supervisor.sessions.waiting import WaitingPrompts
from supervisor.threads.attachments import Attachments
from supervisor.threads.inbound import Inbound
from supervisor.threads.message_seen import seen_by
from supervisor.threads.names import Names
from supervisor.threads.outbox import Outbox
from supervisor.threads.own_posts import OwnPosts
from supervisor.threads.reactions import MayReact, Reactions
from supervisor.threads.typing_shown import TypingShown
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.curve import CurveKeys
from supervisor.workers.downlink import Downlink
from supervisor.workers.host import Host
from supervisor.workers.processes import Processes
from supervisor.workers.sockets import ZmqSockets
from supervisor.workers.starts import StartMessages, Surroundings, worker_environment
from supervisor.workers.this_machine import ThisMachine

type Run = Callable[[], Coroutine[Any, Any, None]]


def _as_usual(_channel_id: int) -> Display:
    return Display()


def session_manager(
    store: Store,
    clock: Callable[[], float] = time.time,
    *,
    display_of: Callable[[int], Display] = _as_usual,
    asked: Asked | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    burst_s: Callable[[], float] = lambda: 0.0,
    heard: Callable[[e.AnyEvent, ManagedSession], None] = lambda *_: None,
) -> SessionManager:
    """All that decides about sessions. ``clock`` gives Unix seconds, ``monotonic`` seconds.

    ``display_of``: what a channel shows. Without ``asked`` everybody may talk. ``burst_s``: within how many seconds
    messages of one person are one prompt; 0: each is its own. ``heard``: gets what workers tell, of now.
    """
    sessions = Sessions(store, Journal(store.path.with_name(JOURNAL), store, clock), Changes(), clock)
    waiting = WaitingPrompts(sessions)
    members = Members(asked, sessions.changes.wished, monotonic)
    rules = Rules(sessions, members)
    delivery = Delivery(sessions, waiting.drop, members, rules, Bursts(sessions, burst_s))
    reports = Reports(sessions, waiting, display_of, rules, heard)
    return SessionManager(sessions, waiting, delivery, reports)


class Workers(NamedTuple):
    downlink: Downlink
    processes: Processes


def workers(
    settings: Settings,
    manager: SessionManager,
    keys: CurveKeys,
    around: Surroundings | None = None,
    cli: ClaudeCli | None = None,
    machine: Callable[[Layout, Mapping[str, str]], Host] | None = None,
) -> Workers:
    """All that looks after worker processes."""
    environment = worker_environment(os.environ)
    layout = settings.now.layout
    host = (machine or ThisMachine)(layout, environment)
    starts = StartMessages(settings, manager, around, environment)
    downlink = Downlink(manager, layout, ZmqSockets(keys), host.holder)
    return Workers(downlink, Processes(manager, downlink, host, starts.message, cli))


def router(settings: Settings, manager: SessionManager) -> BridgeRouter:
    """What decides what a message or a click means, and whose may."""

    def begins_in(channel_id: int) -> str:
        mode = manager.default(channel_id, "permission_mode") or settings.now.permission_mode
        return DEFAULT if settings.access(channel_id).bars(mode) else mode

    return BridgeRouter(settings, settings.channels, manager, begins_in)


class GatewayRest(Reading, Answering, Posting, Renaming, Protocol):
    """What all that hears of Discord needs of REST: ``supervisor.discord.rest.Rest`` has it."""

    @property
    def token_trouble(self) -> str: ...

    nonces: Nonces

    def hold(self, words: str) -> None: ...


class Clocks(NamedTuple):
    """Unix seconds, and seconds."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class Ears(NamedTuple):
    """All that hears of Discord, and what is known by it."""

    gateway: Gateway
    standing: Standing
    guilds: Guilds
    current: CurrentClient
    sight: Sight
    inbound: Inbound
    errands: Errands
    runs: tuple[Run, ...]
    """What is to run beside each other until all is cancelled; the first before the others."""


def ears(
    reload: Reload,
    manager: SessionManager,
    rest: GatewayRest,
    token: str,
    times: Times | None = None,
    clocks: Clocks | None = None,
    client: MakesClient = Client,
) -> Ears:
    """The gateway, and who hears what of it."""
    settings = reload.settings
    times, clocks = times or Times(), clocks or Clocks()
    errands, current, guilds, rules = Errands(), CurrentClient(client), Guilds(), router(settings, manager)
    connection = Connection(clocks.wall, clocks.monotonic)
    tell = telling.Telling(rest, errands).tell
    inbound = Inbound(manager, rules, rest, settings, settings.channels, tell, guilds)
    channels, token_trouble = settings.channels, lambda: rest.token_trouble
    standing = Standing(connection, inbound, guilds, channels, manager.changes, token_trouble, current.hides)
    names = Names(manager, rest)
    own_posts, trusts = OwnPosts(manager, rest), Trusts(settings.now, manager)
    sight = Sight(current.sees, current.reads, standing.unfit, guilds.place, lambda *told: seen_by(guilds, *told))
    slash = Slash(manager, rules, rest, settings, sight, trusts, ProjectChannels(settings, reload))
    alone = AloneCards(manager, rest)
    interactions = Interactions(manager, rules, rest, slash, trusts, InLog(settings.now.layout), alone)
    registration = Registration(manager, rest, settings.channels, guilds, errands)
    settings.hear_added(inbound.channels_added)
    settings.hear_added(registration.channels_added)
    presence = Presence(current, lambda: _presence(manager), lambda: standing.back_at is not None, times.presence_s)
    hears: dict[str, Sequence[Ear]] = {
        "ready": (lambda _: own_posts.look(), lambda _: inbound.words.tell_again()),
        "RESUMED": (lambda _: inbound.words.tell_again(),),
        "MESSAGE_CREATE": (inbound.live,),
        "MESSAGE_UPDATE": (inbound.edited,),
        **dict.fromkeys(("MESSAGE_DELETE", "MESSAGE_DELETE_BULK"), (own_posts.heard_deleted, inbound.deleted)),
        "THREAD_UPDATE": (names.seen,),
        "THREAD_LIST_SYNC": (names.listed,),
        **dict.fromkeys(("CHANNEL_DELETE", "THREAD_DELETE"), (inbound.place_gone,)),
        "GUILD_CREATE": (inbound.guild_seen, registration.guild_seen, names.guild_seen),
        "GUILD_DELETE": (registration.guild_gone,),
        "TYPING_START": (inbound.typed,),
        "INTERACTION_CREATE": (lambda data: errands.begin(interactions.handle(data)),),
    }
    twins = Twins(rest.nonces, guilds, inbound.is_ours, tell)
    entry = Entry(settings.now.api_base, token, rest.hold, _identifies(manager, clocks, times))
    gateway = Gateway(entry, connection, current, standing, Hearing(guilds, twins, hears), errands, times)
    hearing = (names.run, *inbound.runs, own_posts.run, alone.run)
    runs = (errands.run, manager.bursts.run, *hearing, presence.run, gateway.run)
    return Ears(gateway, standing, guilds, current, sight, inbound, errands, runs)


def _presence(manager: SessionManager) -> str:
    return replies.presence(manager.active_session_count(), manager.working_session_count())


def _identifies(manager: SessionManager, clocks: Clocks, times: Times) -> Identifies:
    def load() -> IdentifyBudget:
        return budget_of(manager.fact(Fact.IDENTIFY_BUDGET))

    def keep(budget: IdentifyBudget) -> None:
        manager.remember(Fact.IDENTIFY_BUDGET, msgspec.json.encode(budget).decode())

    return Identifies(load, keep, clocks.wall, times.identify_gap_s)


class Threads(NamedTuple):
    """All that looks after Discord's channels and threads."""

    ears: Ears
    postbox: Postbox
    pruning: Pruning
    outbox: Outbox
    typing: TypingShown
    reactions: Reactions
    files: Attachments

    @property
    def runs(self) -> tuple[Run, ...]:
        """What is to run beside each other until all is cancelled."""
        return (
            *self.ears.runs,
            self.outbox.run,
            self.typing.run,
            self.reactions.run,
            self.files.run,
            self.postbox.run,
            self.pruning.run,
        )


def threads(reload: Reload, manager: SessionManager, rest: Rest, token: str) -> Threads:
    settings = reload.settings
    layout, may_react = settings.now.layout, MayReact(manager)
    heard = ears(reload, manager, rest, token)
    pruning = Pruning(layout, manager, lambda: settings.now.keep_s, lambda: rest.apart_s)
    return Threads(
        heard,
        Postbox(Letters(layout), manager, rest, settings.channels, heard.sight, pruning),
        pruning,
        Outbox(manager, rest, layout=layout, others=may_react.is_left_to_us, lacks=heard.guilds.lacks),
        TypingShown(manager, rest),
        Reactions(manager, rest, may_react),
        Attachments(manager, layout, rest, lambda: settings.now.most_file_bytes, lambda: settings.now.limits),
    )
