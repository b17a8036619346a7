"""``threadbridge run | list | kill | log | check``.

What a command does not need it does not load: ``list`` never sees Discord's library or a socket.
"""

import datetime
import importlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec

from bridge import events as e
from bridge.errors import LocalError, UserError
from bridge.layout import Layout
from bridge.render.text import duration, human_size, usd
from supervisor import config as configuration

EXIT_CONFIGURATION = 78
"""sysexits' EX_CONFIG: starting again changes nothing until somebody mends what was said."""
EXIT_NOT_NOW = 75
"""EX_TEMPFAIL: a full disk, a lock; it may pass."""
EXIT_FOUND = 1
FOLLOW_INTERVAL_S = 0.2
ENDED_AT_ONCE = 16


@click.group(help="Claude Code in Discord: a thread is a session, a session is a process.")
@click.option("--config", "config_path", metavar="FILE", help="The configuration (else the places docs/ names).")
@click.version_option(package_name="threadbridge")
@click.pass_context
def cli(context: click.Context, config_path: str | None) -> None:
    context.obj = config_path


def _config_option(command: click.Command) -> click.Command:
    option = click.Option(["--config", "own_config"], metavar="FILE", help="The configuration.")
    command.params.append(option)
    return command


def _place(context: click.Context, own: str | None) -> Path | None:
    """The configuration's path; None when there is none, and the usual state directory will do."""
    try:
        return configuration.find(own or context.obj)
    except UserError:
        return None


def _layout(context: click.Context, own: str | None) -> Layout:
    return configuration.state_layout(_place(context, own))


@cli.command(help="Run the supervisor: Discord, the store and the workers. Ends on SIGTERM; workers go on.")
@click.pass_context
def run(context: click.Context, own_config: str | None) -> None:
    from supervisor import main  # noqa: PLC0415 - loads Discord's library, which the other commands never need

    path = configuration.find(own_config or context.obj)
    loaded = configuration.load(path)
    main.run(loaded, configuration.read_token(loaded))


@cli.command("list", help="List the sessions, with or without a supervisor.")
@click.option("--json", "as_json", is_flag=True, help="An array of objects.")
@click.pass_context
def list_sessions(context: click.Context, as_json: bool, own_config: str | None) -> None:
    from supervisor import listing  # noqa: PLC0415

    found = listing.listed(_layout(context, own_config))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
    elif not found:
        click.echo("There are no sessions.")
    else:
        click.echo(_table(found))


@cli.command(
    help="End sessions: worker, child and everything below. TARGET: a thread id, or (the beginning of) a session id."
)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option("--all", "everything", is_flag=True, help="Every session that is not ended.")
@click.pass_context
def kill(context: click.Context, targets: tuple[str, ...], everything: bool, own_config: str | None) -> None:
    from supervisor import listing  # noqa: PLC0415

    if bool(targets) == everything:
        raise click.UsageError("name sessions, or give --all")
    layout = _layout(context, own_config)
    rows = listing.rows(layout) if everything else [listing.find(layout, target) for target in targets]
    survivors = 0
    with ThreadPoolExecutor(ENDED_AT_ONCE) as pool:
        for row, left in zip(rows, pool.map(lambda row: listing.end(layout, row), rows), strict=True):
            survivors += _told_of_end(row.session.session_id, left)
    if everything:
        others = listing.end_unknown_workers(layout) | listing.end_strays(layout)
        survivors += sum(_told_of_end(key, left) for key, left in others.items())
    if survivors:
        raise UserError(f"{survivors} processes are still there")


def _told_of_end(session_id: str, left: list[int]) -> int:
    what = f"could not end {', '.join(map(str, left))}" if left else "ended; nothing of it is left"
    click.echo(f"{session_id}: {what}")
    return len(left)


@cli.command(help="Look for what should not be: stray processes, damage, open doors. Exit code 1 if there is any.")
@click.option("--json", "as_json", is_flag=True, help="An array of objects.")
@click.option("--end-strays", is_flag=True, help="End processes of our sessions that no worker minds.")
@click.pass_context
def check(context: click.Context, as_json: bool, end_strays: bool, own_config: str | None) -> None:
    from supervisor import checkup, listing  # noqa: PLC0415

    layout = _layout(context, own_config)
    ended = listing.end_strays(layout) if end_strays else {}
    if not as_json:
        for session_id, left in ended.items():
            _told_of_end(session_id, left)
    found = checkup.findings(layout)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        click.echo("\n".join(checkup.in_words(finding) for finding in found) or "All is well.")
    if any(finding.is_wrong for finding in found):
        sys.exit(EXIT_FOUND)


@cli.command(help="Show a session's event log. TARGET: a thread id, or (the beginning of) a session id.")
@click.argument("target")
@click.option("--follow", is_flag=True, help="Go on showing what is added, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one a line.")
@click.pass_context
def log(context: click.Context, target: str, follow: bool, as_json: bool, own_config: str | None) -> None:
    from supervisor import listing, logs  # noqa: PLC0415

    layout = _layout(context, own_config)
    path = layout.session(listing.find(layout, target).session.session_id).log
    shown = 0
    while True:
        for record in logs.read_log(path, after=shown):
            click.echo(msgspec.json.encode(record) if as_json else _record_line(record))
            shown = record.seq
        if not follow:
            return
        sys.stdout.flush()
        time.sleep(FOLLOW_INTERVAL_S)


for _command in (run, list_sessions, kill, check, log):
    _config_option(_command)


def _table(found: Sequence[msgspec.Struct]) -> str:
    """One block of lines a session: what a person looks for first comes first."""
    now = time.time()
    columns = ("SESSION", "THREAD", "STATE", "WORKER", "CHILD", "AGE", "ACTIVE", "MSGS", "COST", "TOKENS", "MEM", "CPU",
               "ATTACHED", "CONTAINED", "DIRECTORY")  # fmt: skip
    lines = [columns, *(_cells(msgspec.to_builtins(line), now) for line in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(line: dict[str, object], now: float) -> tuple[str, ...]:
    def ago(key: str) -> str:
        return duration(max(0.0, now - float(str(line[key]))))

    return (
        str(line["session"])[:13],
        str(line["thread"]),
        str(line["state"]),
        str(line["worker_pid"] or "-"),
        str(line["child_pid"] or "-"),
        ago("started"),
        ago("last_activity"),
        str(line["messages"]),
        usd(float(str(line["cost_usd"]))),
        f"{line['input_tokens']}/{line['output_tokens']}",
        human_size(int(str(line["rss_bytes"]))),
        f"{line['cpu_percent']}%",
        "yes" if line["attached"] else "no",
        "yes" if line["contained"] else "no",
        str(line["directory"]),
    )


def _record_line(record: e.Record) -> str:
    at = datetime.datetime.fromtimestamp(record.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    fields = {k: v for k, v in msgspec.to_builtins(record.event).items() if k != "kind"}
    told = " ".join(f"{key}={_short(value)}" for key, value in fields.items())
    return f"{record.seq:>6}  {at}  {type(record.event).__name__:<20} {told}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 100 else f"{text[:99]}…"


def check_packages() -> None:
    """PyPI has a package named ``supervisor`` too; ours must be the ones that are imported."""
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
    except UserError as error:
        click.echo(f"threadbridge: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    except LocalError as error:
        click.echo(f"threadbridge: {error}", err=True)
        sys.exit(EXIT_NOT_NOW)


if __name__ == "__main__":
    main()
