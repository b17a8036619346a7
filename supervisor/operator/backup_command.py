"""``threadbridge backup`` and ``restore``."""

from pathlib import Path

import click

from bridge.protocol.layout import Layout
from supervisor import places
from supervisor.operator import context as given
from supervisor.operator.context import config_option, layout_of

AS_IT_WAS = (
    "What was allowed for longer when the backup was made is allowed again until its time is over, also what was taken"
    " back since: /rules, /trust and /mode show it."
)


@config_option
@click.command("backup", help="Write the state into FILE (.tar.gz, for you alone), also while the bridge runs.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def backup(context: click.Context, /, own_config: str | None, *, file: Path) -> None:
    from supervisor.operator import backup as kept  # noqa: PLC0415

    count = kept.write(layout_of(context, own_config), file)
    click.echo(f"{file}: {count} files. The configuration and the token are not in it.")


@config_option
@click.command(
    "restore",
    help="Bring a backup back into an empty state directory. What waited for Claude then is not sent, and said.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def restore(context: click.Context, /, own_config: str | None, *, file: Path) -> None:
    from supervisor.operator import backup as kept  # noqa: PLC0415

    named = given.named_state(context, own_config)
    layout = Layout(Path(named).expanduser().absolute() if named else places.choose(places.candidates()))
    count = kept.restore(file, layout)
    if words := _still_running(layout):
        click.echo(f"{layout.state}: {count} files are back. {words}")
    else:
        click.echo(f"{layout.state}: {count} files are back; start the bridge.")
    click.echo(AS_IT_WAS)


def _still_running(layout: Layout) -> str:
    """That Claudes of these sessions work on for another state; empty when none does.

    The bridge would not hear of them, and begin a second one in each session.
    """
    from supervisor.operator import session_list  # noqa: PLC0415

    ids = [row.session.session_id for row in session_list.known(layout)]
    if not (running := session_list.strays(layout, ids)):
        return ""
    pids = ", ".join(str(process.pid) for processes in running.values() for process in processes)
    return (
        f"{len(running)} of its sessions still run, from the state before (pids {pids}). End them, or they work on"
        f" unheard, beside new ones: threadbridge --state {layout.state} check --end-strays. Then start the bridge."
    )
