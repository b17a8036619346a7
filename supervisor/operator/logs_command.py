"""``threadbridge logs``: the supervisor's log, wherever it is: in systemd's journal, or in a file."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from bridge.protocol.errors import UserError
from supervisor import log_place
from supervisor.log_place import LogPlace
from supervisor.operator import health_file
from supervisor.operator.context import FOLLOW_INTERVAL_S, config_option, layout_of


@config_option
@click.command("logs", help="Show the supervisor's log, wherever it is: systemd's journal, or a file.")
@click.option("-n", "lines", default=200, show_default=True, type=click.IntRange(min=0), help="As many of the last.")
@click.option("--follow", "-f", is_flag=True, help="Go on showing what is added, until interrupted.")
@click.pass_context
def logs(context: click.Context, lines: int, follow: bool, own_config: str | None) -> None:
    layout = layout_of(context, own_config)
    told = health_file.last(layout)
    place = log_place.parse(told.log) if told else None
    if place is None:
        raise UserError(
            f"no supervisor that ran on {layout.state} said where its log is: at a terminal it is not kept;"
            " a service's is shown by `journalctl -u threadbridge` or `journalctl --user -u threadbridge`"
        )
    if place.unit:
        argv = journalctl(place, lines, follow=follow)
        try:
            os.execvp(argv[0], argv)  # noqa: S606 - systemd's own program, in our place
        except FileNotFoundError:
            raise UserError(f"there is no journalctl here; the log is in the journal, of {place.unit}") from None
    for line in _shown(Path(place.file), lines, follow=follow):
        click.echo(line, nl=False)


def journalctl(place: LogPlace, lines: int, *, follow: bool) -> list[str]:
    whose = ["--user"] if place.is_users else []
    return ["journalctl", *whose, "--unit", place.unit, "--lines", str(lines), *(["--follow"] if follow else [])]


def _shown(path: Path, lines: int, *, follow: bool) -> Iterator[str]:
    try:
        with path.open(errors="replace") as file:
            yield from deque(file, maxlen=lines)
            while follow:
                if not (more := file.readline()):
                    time.sleep(FOLLOW_INTERVAL_S)
                yield more
    except FileNotFoundError:
        raise UserError(f"the log was {path}, and is not there any more") from None
