"""``threadbridge prune``: what would be removed is looked for here; the running supervisor removes it."""

import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.text import duration, human_size, one_line, reveal
from supervisor import config as configuration
from supervisor.operator.context import config_option, explicit, layout_of
from supervisor.operator.letter_commands import ask
from supervisor.operator.moments import length

if TYPE_CHECKING:
    from supervisor.sessions.sessions_table import SessionRow

TITLE_CHARS = 60


@config_option
@click.command(
    "prune",
    help=(
        "Remove the logs and files of sessions that ended long ago. Who writes into one of them wakes it all the same,"
        " and is told that Claude begins anew."
    ),
)
@click.option(
    "--older-than",
    type=length,
    metavar="TIME",
    help="As in 90d. Without it: what the configuration says ([state] keep).",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def prune(context: click.Context, older_than: float | None, dry_run: bool, yes: bool, own_config: str | None) -> None:
    layout = layout_of(context, own_config)
    kept_s = older_than if older_than is not None else _kept_s(explicit(context, own_config))
    found = _ended_before(layout, time.time() - kept_s)
    for line in found:
        click.echo(line)
    if not found:
        click.echo(f"No session that ended longer than {duration(kept_s)} ago has a log or files here.")
    elif not dry_run:
        if not yes and sys.stdin.isatty():
            click.confirm("Remove them?", abort=True)
        ask(layout, "prune", "", as_json=False, text=str(kept_s))


def _kept_s(named: str | None) -> float:
    """What the configuration says. Raises UsageError where it says nothing."""
    with suppress(UserError):
        if (kept_s := configuration.load(configuration.find(named)).keep_s) is not None:
            return kept_s
    raise click.UsageError("say --older-than, as in 90d: the configuration ([state] keep) says nothing")


def _ended_before(layout: Layout, before: float) -> list[str]:
    """A line for each, with how much there is of it."""
    from supervisor.sessions import pruning  # noqa: PLC0415
    from supervisor.sessions.store import Store  # noqa: PLC0415

    if not layout.database.exists():
        return []
    with closing(Store(layout.database, read_only=True)) as store:
        for session_id in store.unreadable_sessions():
            click.echo(
                f"{session_id[:8]} is kept: it cannot be read in the store; `threadbridge check` says more", err=True
            )
        rows = pruning.due(layout, store, store.readable_sessions(), before)
        posts = [store.post(row.session.session_id, "thread") for row in rows]
    titles = [post.desired.thread_name if post else "" for post in posts]
    return [_line(layout, row, title) for row, title in zip(rows, titles, strict=True)]


def _line(layout: Layout, row: "SessionRow", title: str) -> str:
    from supervisor.sessions import pruning  # noqa: PLC0415

    session_id = row.session.session_id
    ended = time.strftime("%Y-%m-%d", time.localtime(row.ended_at))
    size = human_size(pruning.bytes_below(layout.session(session_id).folder))
    return f"{session_id[:8]}  ended {ended}  {size:>9}  {reveal(one_line(title, TITLE_CHARS))}".rstrip()
