"""What ``threadbridge check`` says of the configuration: whether a start would come to anything, without starting.

It asks Claude Code for its version, and Discord what the bot may do; what the ids are there, the last start has seen.
"""

import os
import time
from collections.abc import Collection, Iterator, Mapping

import msgspec

from bridge.protocol.claude_version import OLDEST
from bridge.protocol.errors import UNREADABLE, UserError
from bridge.protocol.layout import Layout
from supervisor import config as configuration
from supervisor import locks, token_file
from supervisor.config import Config
from supervisor.discord.survey import Survey
from supervisor.operator import on_discord, on_machine
from supervisor.operator.checkup import Finding
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.workers import claude_cli
from supervisor.workers.starts import worker_environment

_NOTHING = Survey((), (), 0)
MEND = "mend that: `threadbridge run` does not start before"


def findings(
    explicit: str | None, layout: Layout, environ: Mapping[str, str] = os.environ, *, is_about_state: bool = False
) -> list[Finding]:
    """``explicit``: the file that was named. ``is_about_state``: a person named ``layout`` and no file, so what is
    found may be another one's.
    """
    try:
        path = configuration.find(explicit, environ)
    except UserError as error:
        # a supervisor that runs has one, which we may not see
        is_wrong = not (is_about_state or locks.holder(layout.supervisor_lock))
        return [Finding("no_configuration", str(error), "name it with --config FILE, or make one", is_wrong=is_wrong)]
    try:
        config = configuration.load(path, environ)
    except UserError as error:
        return [Finding("configuration", str(error), MEND, is_wrong=not is_about_state)]
    if is_about_state and config.layout.state != layout.state:
        what = f"the configuration {path} is for the state directory {config.layout.state}, so it was not looked at"
        return [Finding("other_state", what, "name the right one with --config FILE", is_wrong=False)]
    seen = list(_of_discord(config, layout))
    return [
        *_of_token(config, environ),
        *_of_claude(config, environ),
        *seen,
        *_live(config, environ, {trouble.subject for trouble in (_survey(layout) or _NOTHING).troubles}),
        *on_machine.findings(config, layout, environ),
        *_notes(config),
    ]


def _live(config: Config, environ: Mapping[str, str], told: Collection[int]) -> list[Finding]:
    """What Discord says now; nothing where the token is another's to read."""
    try:
        token = configuration.read_token(config, environ)
    except UserError:
        return []
    return on_discord.findings(config, token, told)


def bursts_in_words(explicit: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Which messages are one prompt, and how it is known that somebody types; empty where there is nothing to tell."""
    try:
        window_s = configuration.load(configuration.find(explicit, environ), environ).burst_s
    except UserError:  # which is told already
        return ""
    if not window_s:
        return ""
    return (
        f"messages of one person within {window_s:g} s are one prompt ([discord] burst); that somebody types is heard"
        " by the intent GUILD_MESSAGE_TYPING, which needs no switch in the portal"
    )


def _of_token(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        configuration.read_token(config, environ)
    except UserError as error:
        # systemd hands the service's credential to the service alone
        yield Finding("no_token", str(error), MEND, is_wrong=bool(config.token_file))
    else:
        if exposure := token_file.exposure(config):
            what, _, todo = exposure.partition(": ")
            yield Finding("token_exposed", what, f"{todo}; who may have read it can be the bot: reset the token then")


def _of_claude(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    answer = claude_cli.ask(config.command, {**worker_environment(environ), **config.environment})
    if answer.refusal:
        what, _, todo = answer.refusal.partition(". ")
        yield Finding("claude_too_old", what, todo)
    elif answer.version is None:
        todo = f"Threadbridge works with Claude Code {OLDEST} and newer"
        yield Finding("claude_unknown", answer.in_words(), todo, is_wrong=False)


def _of_discord(config: Config, layout: Layout) -> Iterator[Finding]:
    """What the supervisor saw that looked last, of ids that are still named."""
    named = config.channels.keys() | config.policy.named.users | config.policy.named.roles
    found = _survey(layout)
    for trouble in found.troubles if found else ():
        if trouble.subject in named:
            seen = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.at if found else 0.0))
            yield Finding("not_on_discord", f"{trouble.what} (as it was on {seen})", trouble.todo)


def _survey(layout: Layout) -> Survey | None:
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):  # which is told already
        return None
    try:
        fact = store.fact(Fact.SURVEY)
        return msgspec.json.decode(fact, type=Survey) if fact else None
    except (StoreError, *UNREADABLE):
        return None
    finally:
        store.close()


def _notes(config: Config) -> Iterator[Finding]:
    for warning in config.warnings:
        yield Finding("configured", warning, "docs/configuration.md says what each key means", is_wrong=False)
