"""``threadbridge list`` and ``open``."""

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click
import msgspec

from supervisor.operator.context import config_option, layout_of
from supervisor.operator.targets import complete_target

if TYPE_CHECKING:
    from supervisor.operator.session_list import Listed

STATES = ("idle", "busy", "awaiting", "starting", "hibernating", "dormant", "broken", "ended")


@config_option
@click.command("list", help="List the sessions, with or without a supervisor; those that ended only with --all.")
@click.option("--json", "as_json", is_flag=True, help="An array of objects, of all that the filters let through.")
@click.option("--wide", is_flag=True, help="All columns, whatever the terminal's width.")
@click.option("--all", "everything", is_flag=True, help="Also those that ended.")
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, metavar="STATE", help=f"Only: {', '.join(STATES)}."
)
@click.option("--channel", type=int, default=0, metavar="ID", help="Only of this channel.")
@click.option("--person", type=int, default=0, metavar="ID", help="Only those that this person began.")
@click.pass_context
def list_sessions(
    context: click.Context,
    /,
    own_config: str | None,
    *,
    channel: int,
    person: int,
    states: tuple[str, ...],
    **flags: bool,
) -> None:
    from supervisor.operator import session_list  # noqa: PLC0415

    layout = layout_of(context, own_config)
    fits = [
        line
        for line in session_list.listed(layout)
        if (not states or line.state in states)
        and (not channel or line.channel == channel)
        and (not person or line.owner == person)
    ]
    if flags["as_json"]:
        click.echo(json.dumps(msgspec.to_builtins(fits), indent=2))
        return
    shown = fits if flags["everything"] or "ended" in states else [line for line in fits if line.state != "ended"]
    if shown:
        click.echo(_table(shown, is_wide=flags["wide"]))
    elif hidden := len(fits):
        click.echo(f"No session is open; {hidden} ended ones with --all.")
    else:
        click.echo(f"There are no sessions in {layout.state}.")


def _table(lines: "list[Listed]", *, is_wide: bool) -> str:
    """The newest first; at a terminal as wide as that is."""
    from supervisor.operator import table  # noqa: PLC0415

    newest = sorted(lines, key=lambda line: line.last_activity, reverse=True)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return table.wide(newest, time.time()) if is_wide else table.fitting(newest, time.time(), width)


@config_option
@click.command(
    "open", help="Print the link to a session's thread. TARGET: a thread id, or the beginning of a session id."
)
@click.argument("target", shell_complete=complete_target)
@click.pass_context
def open_session(context: click.Context, target: str, own_config: str | None) -> None:
    from supervisor.operator import session_list  # noqa: PLC0415

    click.echo(session_list.find(layout_of(context, own_config), target).session.url())
