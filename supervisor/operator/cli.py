"""The commands of ``threadbridge``, and how it fails: in words, with an exit code.

What a command does not need it does not load: ``list`` never sees Discord's library or a socket, ``status`` no store.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from bridge.protocol.errors import LocalError, NotNowError, UserError
from bridge.protocol.layout import Layout
from supervisor import config as configuration
from supervisor import log_format
from supervisor.operator.backup_command import backup, restore
from supervisor.operator.context import EXIT_FAILED, Asked, coloured, config_option, layout_of
from supervisor.operator.installation.command import install, uninstall, upgrade
from supervisor.operator.letter_commands import send, stop, title
from supervisor.operator.list_command import list_sessions, open_session
from supervisor.operator.log_command import log
from supervisor.operator.logs_command import logs as show_logs
from supervisor.operator.moments import moment
from supervisor.operator.prune_command import prune
from supervisor.operator.reload_command import reload
from supervisor.operator.setup.command import setup
from supervisor.operator.status_command import status
from supervisor.operator.targets import complete_target

if TYPE_CHECKING:
    from supervisor.operator.checkup import Finding

EXIT_CONFIGURATION = 78
"""sysexits' EX_CONFIG, of `run` alone: starting again changes nothing until somebody mends what was said."""
EXIT_NOT_NOW = 75
"""EX_TEMPFAIL, of `run` alone: a disk that takes no writes, a lock; it may pass, and systemd tries again."""


UNCONTAINED = (
    "its Claudes can do whatever this user can, read the bot's token and decide for other sessions included; nothing is"
    " tried there"
)


@click.group(help="Claude Code in Discord: a thread is a session, a session is a process.")
@click.option("--config", "config_path", metavar="FILE", help="The configuration (else the places docs/ names).")
@click.option("--state", "state_path", metavar="DIRECTORY", help="The state directory (else the running service's).")
@click.version_option(package_name="threadbridge")
@click.pass_context
def cli(context: click.Context, config_path: str | None, state_path: str | None) -> None:
    context.obj = Asked(config_path, state_path)
    if os.environ.get("NO_COLOR"):  # no-color.org
        context.color = False


@cli.command(help="Run the supervisor: Discord, the store and the workers. Ends on SIGTERM; workers go on.")
@click.option("--log-level", type=click.Choice(log_format.LEVELS), default="info", help="What is logged at least.")
@click.pass_context
def run(context: click.Context, log_level: str, own_config: str | None) -> None:
    from supervisor import main  # noqa: PLC0415 - loads Discord's library, which the other commands never need
    from supervisor.operator import ran_before  # noqa: PLC0415

    asked: Asked = context.obj
    try:
        path = configuration.find(own_config or asked.config)
        main.run(*ran_before.load(path), log_level)
    except (LocalError, NotNowError) as error:
        _fail(error, EXIT_NOT_NOW)
    except UserError as error:
        _fail(error, EXIT_CONFIGURATION)


@cli.command(
    help="End sessions: worker, child and everything below. TARGET: a thread id, or (the beginning of) a session id."
)
@click.argument("targets", nargs=-1, metavar="TARGET...", shell_complete=complete_target)
@click.option("--all", "everything", is_flag=True, help="Every session that runs or is about to.")
@click.pass_context
def kill(context: click.Context, targets: tuple[str, ...], everything: bool, own_config: str | None) -> None:
    from supervisor.operator import ending, session_list  # noqa: PLC0415

    if bool(targets) == everything:
        raise click.UsageError("name sessions, or give --all")
    layout = layout_of(context, own_config)
    if everything:
        ended = ending.end_all(layout)
    else:
        ended = ending.end_together(layout, [session_list.find(layout, target) for target in targets])
    for key, one in ended.items():
        click.echo(f"{key}: {one.in_words()}")
    if not ended:
        click.echo(f"Nothing runs in {layout.state}; nothing was ended.")
    if survivors := sum(len(one.left) for one in ended.values()):
        raise UserError(f"{survivors} processes are still there")
    if unmarked := sum(bool(one.unmarked) for one in ended.values()):
        raise UserError(f"{unmarked} sessions may be started again; mend that, and kill them once more")


@cli.command(help="Look for what should not be: stray processes, damage, open doors. Exit code 1 if there is any.")
@click.option("--json", "as_json", is_flag=True, help="An array of objects.")
@click.option("--end-strays", is_flag=True, help="End processes of our sessions that no worker minds.")
@click.option(
    "--containment", is_flag=True, help="Try to get out of the walls, as an attacker in Claude's place would."
)
@click.pass_context
def check(context: click.Context, as_json: bool, end_strays: bool, containment: bool, own_config: str | None) -> None:
    from supervisor.operator import checkup, ending, preflight  # noqa: PLC0415

    if containment:
        _try_to_get_out(context, own_config, as_json=as_json)
        return

    layout = layout_of(context, own_config)
    ended = ending.end_strays(layout) if end_strays else {}
    if not as_json:
        for session_id, one in ended.items():
            click.echo(f"{session_id}: {one.in_words()}")
    asked: Asked = context.obj
    explicit = own_config or asked.config
    is_about_state = bool(asked.state) and not explicit
    found = [*checkup.findings(layout), *preflight.findings(explicit, layout, is_about_state=is_about_state)]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        _say_findings(found, layout, explicit)
    if any(finding.is_wrong for finding in found):
        sys.exit(EXIT_FAILED)


def _say_findings(found: "list[Finding]", layout: Layout, explicit: str | None) -> None:
    """What is wrong, or that nothing is; then what is worth knowing anyway."""
    from supervisor.login import keeper as login  # noqa: PLC0415
    from supervisor.operator import checkup, preflight  # noqa: PLC0415

    told = "\n".join(coloured(checkup.in_words(finding)) for finding in found)
    click.echo(told or f"All is well in {layout.state}.")
    for worth_knowing in (
        login.in_words(layout),
        checkup.closed_in_words(Path.home(), _opened(explicit)),
        checkup.limits_in_words(layout),
        preflight.bursts_in_words(explicit),
    ):
        if worth_knowing:
            click.echo(worth_knowing)


def _opened(explicit: str | None) -> tuple[str, ...]:
    """What the configuration opens; nothing without one."""
    try:
        loaded = configuration.load(configuration.find(explicit))
    except UserError:
        return ()
    return (*loaded.readable, *loaded.writable)


def _try_to_get_out(context: click.Context, own_config: str | None, *, as_json: bool) -> None:
    """For each channel that shuts Claude in. Ends with 1 when anything was reached that nobody opened."""
    from bridge.protocol.attempts import Tried, in_words  # noqa: PLC0415
    from supervisor.workers import trial  # noqa: PLC0415

    config = configuration.load(configuration.find(own_config or context.obj.config))
    tried: dict[str, list[Tried]] = {}
    for channel in config.channels.values():
        if channel.containment == "none":
            click.echo(f"channel {channel.channel_id}: {UNCONTAINED}", err=True)
        else:
            tried[str(channel.channel_id)] = trial.of_channel(config, channel)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(tried), indent=2))
    else:
        for channel_id, attacks in tried.items():
            click.echo(f"channel {channel_id}, as {config.channels[int(channel_id)].containment}:")
            click.echo("\n".join(f"  {in_words(attack)}" for attack in attacks))
            counts = {
                word: sum(attack.verdict == word for attack in attacks) for word in ("refused", "open", "REACHED")
            }
            click.echo("  " + ", ".join(f"{count} {word}" for word, count in counts.items()))
    if any(attack.verdict == "REACHED" for attacks in tried.values() for attack in attacks):
        sys.exit(EXIT_FAILED)


@cli.group(
    "audit",
    invoke_without_command=True,
    help="The journal: who asked, who decided what, what ran, how it ended. `verify` finds what was rewritten.",
)
@click.option("--since", "after", type=moment, default=0.0, metavar="WHEN", help="As in 30m, 12h, 7d, or a date.")
@click.option("--session", "session", metavar="ID", default="", help="(The beginning of) a session's id.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are.")
@click.pass_context
def show_audit(context: click.Context, after: float, session: str, as_json: bool, own_config: str | None) -> None:
    from supervisor.operator import audit  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    for line in audit.shown(layout_of(context, own_config), after, session):
        click.echo(audit.as_json(line) if as_json else audit.as_line(line))


@show_audit.command("verify", help="Whether the journal is as it was written. Exit code 1 when it is not.")
@click.option(
    "--head", "heads", multiple=True, metavar="NUMBER:HASH", help="One that was kept elsewhere (the log tells)."
)
@click.pass_context
def verify_audit(context: click.Context, heads: tuple[str, ...], own_config: str | None) -> None:
    from supervisor.operator import audit  # noqa: PLC0415

    verdict = audit.verify(layout_of(context, own_config), heads)
    for fault in verdict.faults:
        click.echo(fault)
    if verdict.faults:
        sys.exit(EXIT_FAILED)
    newer = f"; the store does not know the last {verdict.newer} yet" if verdict.newer else ""
    click.echo(f"{verdict.count} entries, as they were written; head {verdict.head}{newer}")


@cli.command(
    "try",
    help="Try it on a Discord of its own on this machine; no account is needed. `try --help` tells more.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def try_it(arguments: tuple[str, ...]) -> None:
    # By its name: the playground stands on the supervisor, which knows nothing of it.
    playground = importlib.import_module("playground.__main__")
    sys.exit(playground.main(list(arguments), "threadbridge try"))


for _own in (
    setup,
    install,
    uninstall,
    upgrade,
    reload,
    status,
    show_logs,
    list_sessions,
    open_session,
    log,
    send,
    stop,
    title,
    prune,
    backup,
    restore,
):
    cli.add_command(_own)
cli.add_command(check, "doctor")
for _command in (run, kill, check, show_audit, verify_audit):
    config_option(_command)


def check_packages() -> None:
    """The three packages have plain names, and PyPI has a ``supervisor`` too: ours must be what is imported."""
    places = {
        str(Path(str(importlib.import_module(name).__file__)).resolve().parent.parent)
        for name in ("bridge", "supervisor")
    }
    if len(places) != 1:
        raise UserError(
            f"the packages bridge and supervisor come from different places ({', '.join(sorted(places))}):"
            " install Threadbridge into an environment of its own"
        )


def main() -> None:
    try:
        check_packages()
        cli(standalone_mode=True)
    except (UserError, LocalError, OSError) as error:
        _fail(error, EXIT_FAILED)


def _fail(error: Exception, code: int) -> NoReturn:
    words = str(error)
    if isinstance(error, PermissionError):
        words = f"{error.filename} is somebody else's: run this as its user, or as root"
    elif isinstance(error, OSError) and error.filename:
        words = f"{error.filename}: {error.strerror}"
    click.echo(f"threadbridge: {words}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
