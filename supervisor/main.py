"""The supervisor as a process: its lock, its parts, one task group, and how it ends.

The order of a start is the order of trust: configuration and token were checked before; here the one
supervisor of the state directory is settled by the kernel, then the store is opened and compared with the logs, the
endpoints are bound, and READY=1 is said. Discord comes last and may be away: its state goes into STATUS, not into
readiness. A store that takes no writes later on does not end us (``supervisor.sessions.store_health``).
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bridge.protocol.errors import UserError, first_of
from supervisor import descriptors, log_format, places, prctl, state_directory, token_file
from supervisor.assembly import Ears, session_manager, threads, workers
from supervisor.clock_jumps import JumpWatch
from supervisor.config import Config
from supervisor.config_in_force import Settings
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.discord.standing import Standing
from supervisor.discord.survey import Survey
from supervisor.discord.survey import survey as look_at_ids
from supervisor.hangup import Terminal
from supervisor.login import keeper as login
from supervisor.login.renewal import Renewal
from supervisor.operator.health_file import CLOCK_STEP_S, Health, HealthFile
from supervisor.operator.start_report import StartReport
from supervisor.reload import LastReading, Reload
from supervisor.sessions.asking_again import ask_again
from supervisor.sessions.at_reset import AtReset
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.held_back import hold_back
from supervisor.sessions.left_channels import keep_how_it_is_decided
from supervisor.sessions.login_told import LoginTold
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.members import Asked
from supervisor.sessions.mended_rows import mend_rows
from supervisor.sessions.other_project import look_at_projects
from supervisor.sessions.recall import recall
from supervisor.sessions.remembered import remember, remember_clicks
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import Health as StoreHealth
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.versions import note_version
from supervisor.sessions.walls_told import note_walls
from supervisor.systemd import Notifier
from supervisor.workers import cgroups
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.curve import CurveKeys, server_keys
from supervisor.workers.starts import Surroundings, worker_environment

if TYPE_CHECKING:
    from supervisor.operator.metrics import Metrics

EXPIRY_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


def run(config: Config, token: str, log_level: str = "info") -> None:
    """Until SIGTERM or SIGINT. Raises UserError for what only a person can mend, StoreError for what may pass."""
    log_format.set_up([token], log_level)
    prctl.undumpable()
    umask = os.umask(0o077)
    cgroup = cgroups.prepare()
    around = Surroundings(descriptors.raise_limit(), umask, token_file.guard(config), cgroup.directory)
    for warning in config.warnings:
        log.warning("%s", warning)
    log.info("%s", cgroups.in_words(cgroup))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until we can reload: its default would end us
    lock = state_directory.prepare(config.layout)
    with suppress(OSError):  # then the other commands are told where to look
        places.leave_note(config.layout)
    os.environ.pop("DISCORD_TOKEN", None)
    try:
        asyncio.run(_supervise(config, token, around, lock))
    except* UserError as errors:
        raise first_of(errors) from None
    except* StoreError as errors:
        raise first_of(errors) from None
    finally:
        os.close(lock)


async def _supervise(config: Config, token: str, around: Surroundings, lock: int) -> None:
    store = Store(config.layout.database)
    try:
        settings, metrics = Settings(config), _metrics(config)
        reload = Reload(settings)
        async with _rest(settings, token, metrics) as rest:
            rest.hold("it is not known yet whether another supervisor answers for this bot")
            mended = mend_rows(config.layout, store)
            manager = _manager(store, settings, rest, metrics)
            _come_up(settings, manager, mended)
            environment = {**worker_environment(os.environ), **config.environment}
            cli = ClaudeCli(config.command, environment)
            below = workers(settings, manager, _server_keys(store), around, cli)
            above = threads(reload, manager, rest, token)
            keeper = _keeper(settings, manager, environment)
            keeper.copy()
            report = _start_report(settings, manager, rest, above.ears, cli)
            runs = [below.processes.run, *above.runs, keeper.run, cli.run, manager.delivery.members.run, report.run]
            if metrics:
                look = partial(_look, metrics, manager, above.ears.standing)
                runs.append(partial(metrics.run, config.metrics_listen, look))
            await below.downlink.run(lambda: _serve(reload, manager, runs, above.ears, rest, lock))
    finally:
        store.close()


def _rest(settings: Settings, token: str, metrics: "Metrics | None") -> Rest:
    heard = metrics.answered if metrics else _nobody
    now = settings.now
    return Rest(now.api_base, token, Pace(), heard=heard, archive_minutes=lambda: settings.now.archive_minutes)


def _manager(store: Store, settings: Settings, rest: Rest, metrics: "Metrics | None") -> SessionManager:
    return session_manager(
        store,
        display_of=settings.display,
        asked=Asked(settings, rest),
        burst_s=lambda: settings.now.burst_s,
        heard=metrics.recorded if metrics else _nobody,
    )


def _start_report(settings: Settings, manager: SessionManager, rest: Rest, ears: Ears, cli: ClaudeCli) -> StartReport:
    def look() -> Awaitable[Survey]:
        return look_at_ids(settings.now, ears.guilds, rest, time.time())

    return StartReport(settings, manager, cli, ears.standing.was_back, look)


def _come_up(settings: Settings, manager: SessionManager, mended: Collection[str]) -> None:
    """What only logs, the journal or a backup know is taken in before anything is heard or delivered."""
    layout = settings.now.layout
    recall(layout, manager, mended)
    remember_clicks(manager, mended)
    remember(manager)
    hold_back(layout, manager)
    note_walls(manager.sessions)
    note_version(manager.sessions, version("threadbridge"))
    keep_how_it_is_decided(manager, settings)
    settings.hear_added(lambda _: keep_how_it_is_decided(manager, settings))
    look_at_projects(manager, settings.channels)
    settings.hear_added(lambda _: look_at_projects(manager, settings.channels))
    ask_again(manager, settings.access)
    settings.hear_added(lambda _: ask_again(manager, settings.access))
    _note_uncontained(settings, manager)
    settings.hear_added(lambda _: _note_uncontained(settings, manager))


def _metrics(config: Config) -> "Metrics | None":
    """None where nobody may ask; then its library is not loaded."""
    if not config.metrics_listen:
        return None
    from supervisor.operator.metrics import Metrics  # noqa: PLC0415

    return Metrics()


def _nobody(*_: object) -> None:
    pass


def _look(metrics: "Metrics", manager: SessionManager, standing: Standing) -> None:
    metrics.look(manager, is_back=standing.back_at is not None)


def _note_uncontained(settings: Settings, manager: SessionManager) -> None:
    """For ``list`` and ``check``, which need no configuration."""
    ids = [str(channel.channel_id) for channel in settings.channels.values() if channel.containment == "none"]
    with suppress(StoreError):  # a sick disk is said elsewhere
        manager.remember(Fact.UNCONTAINED, " ".join(ids))


def _keeper(settings: Settings, manager: SessionManager, environment: Mapping[str, str]) -> login.Keeper:
    config = settings.now
    source = login.source_of(environment, mcp_logins=config.mcp_logins)
    hear = LoginTold(manager, settings.channels)
    renewal = Renewal(config.command, environment, config.layout.renewal)
    told = login.Listeners(hear.renewed, hear.not_renewed)
    return login.Keeper(source, config.layout, renewal.run, told)


def _server_keys(store: Store) -> CurveKeys:
    try:
        return server_keys(store)
    except OSError as error:
        raise StoreError(f"the supervisor's keys cannot be kept beside {store.path}: {error.strerror}") from error


async def _serve(
    reload: Reload,
    manager: SessionManager,
    runs: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    ears: Ears,
    rest: Rest,
    lock: int,
) -> None:
    settings, notifier, standing = reload.settings, Notifier(), ears.standing
    said = HealthFile(settings.now.layout, lock)
    tell = partial(_tell_health, said, reload, ears, rest, manager.store.health)
    stopping = _hear_signals(reload, notifier, tell)
    async with asyncio.TaskGroup() as tasks:
        running = [
            *(tasks.create_task(run()) for run in runs),
            tasks.create_task(_watch_clock(settings, manager, lambda: standing.back_at)),
            tasks.create_task(_watch_file(reload, tell)),
            tasks.create_task(notifier.keep(lambda: _status(reload.last, standing, manager))),
        ]
        notifier.say(READY="1")
        words = "started; state in %s, %d sessions; %d can run at once (open files)"
        log.info(words, settings.now.layout.state, manager.active_session_count(), descriptors.most_sessions())
        await stopping.wait()
        notifier.say(STOPPING="1")
        log.info("stopping; workers go on (threadbridge kill --all ends them)")
        for task in running:
            task.cancel()


def _hear_signals(reload: Reload, notifier: Notifier, tell: Callable[[], None]) -> asyncio.Event:
    """Set once we are to stop."""
    stopping, terminal, loop = asyncio.Event(), Terminal(), asyncio.get_running_loop()

    def hang_up() -> None:
        if terminal.is_gone():
            stopping.set()
        else:
            notifier.say_reloading()
            reload.read()
            tell()
            notifier.say(READY="1")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return stopping


def _tell_health(said: HealthFile, reload: Reload, ears: Ears, rest: Rest, store: StoreHealth) -> None:
    last, standing, answered_at = reload.last, ears.standing, ears.current.answered_at
    said.say(
        Health(
            config=str(reload.settings.now.path),
            config_digest=reload.settings.now.digest,
            discord=standing.status,
            discord_back_at=standing.back_at,
            behind=standing.behind,
            gaps=standing.gaps,
            reads=last.count,
            trouble=last.trouble,
            later=last.later,
            answered_at=None if answered_at is None else round(answered_at),
            behind_since=ears.inbound.behind_since,
            apart_s=round((rest.apart_s or 0.0) / CLOCK_STEP_S) * CLOCK_STEP_S,
            most_sessions=descriptors.most_sessions(),
            reads_letters=True,
            unusable=standing.unusable,
            store=store.problem,
        )
    )


def _status(last: LastReading, standing: Standing, manager: SessionManager) -> str:
    """What is wrong first, then Discord, then how much there is to do."""
    count, working = manager.active_session_count(), manager.working_session_count()
    sessions = f"{count} sessions, {working} at work" if count else ""
    return "; ".join(filter(None, [last.in_words(), standing.status, sessions]))


async def _watch_file(reload: Reload, tell: Callable[[], None]) -> None:
    """The configuration, and what we say of ourselves to the commands."""
    while True:
        reload.look()
        tell()
        await asyncio.sleep(EXPIRY_INTERVAL_S)


async def _watch_clock(settings: Settings, manager: SessionManager, back_at: Callable[[], float | None]) -> None:
    """What time alone makes due."""
    jumps, at_reset = JumpWatch(), AtReset(manager, lambda: settings.now.resume_at_reset)
    while True:
        manager.sessions.journal.say_head()
        at_reset.look()
        with suppress(StoreError):
            manager.delivery.stop_placeless()
            manager.rules.end_what_is_over()
            manager.tell_directories()
            manager.expire_requests(settings.now.permission_timeout_s, jumps.back_at(back_at()))
            manager.hibernate_idle(settings.now.hibernate_after_s)
        await asyncio.sleep(EXPIRY_INTERVAL_S)
