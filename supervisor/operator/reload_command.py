"""``threadbridge reload``: tells the running supervisor to read the configuration again, and waits for its answer."""

import os
import signal
import time

import click

from bridge.protocol.errors import LocalError, UserError
from bridge.protocol.layout import Layout
from supervisor import locks
from supervisor.operator import health_file
from supervisor.operator.context import config_option, layout_of
from supervisor.operator.health_file import Health
from supervisor.reload import at_the_next_start

WAIT_S = 20.0
LOOK_S = 0.05


@config_option
@click.command("reload", help="Let the running supervisor read its configuration again. Exit code 1 when it is wrong.")
@click.pass_context
def reload(context: click.Context, own_config: str | None) -> None:
    answer = reloaded(layout_of(context, own_config))
    if answer.trouble:
        raise UserError(f"{answer.trouble}; the supervisor goes on with the configuration it has")
    click.echo(f"The configuration is in force as it stands in {answer.config}.")
    if answer.later:
        click.echo(at_the_next_start(answer.later))


def reloaded(layout: Layout) -> Health:
    """What the supervisor said after it read the file. Raises UserError when none runs that can; LocalError late."""
    if not (pid := locks.holder(layout.supervisor_lock)):
        raise UserError(f"no supervisor runs on {layout.state}, so there is nothing to reload")
    if (before := health_file.read(layout)) is None:
        raise UserError(f"the supervisor (pid {pid}) is just starting, or of a version that cannot reload: restart it")
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError:
        raise UserError(f"the supervisor (pid {pid}) is another user's: run this as that user, or as root") from None
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        now = health_file.read(layout)
        if now and now.reads > before.reads:
            return now
        if locks.holder(layout.supervisor_lock) != pid:
            raise LocalError(f"the supervisor (pid {pid}) ended meanwhile")
        time.sleep(LOOK_S)
    raise LocalError(f"the supervisor (pid {pid}) did not answer within {WAIT_S:.0f} s")
