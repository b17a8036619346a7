"""``threadbridge log``: a session's event log, readable, or as it is."""

import datetime
import json
import sys
import time
from collections.abc import Sequence

import click
import msgspec

from bridge.protocol import events as e
from bridge.text import reveal
from supervisor.operator.context import FOLLOW_INTERVAL_S, config_option, layout_of
from supervisor.operator.moments import moment
from supervisor.operator.targets import complete_target

VALUE_CHARS = 100


@config_option
@click.command("log", help="Show a session's event log. TARGET: a thread id, or (the beginning of) a session id.")
@click.argument("target", shell_complete=complete_target)
@click.option("--follow", is_flag=True, help="Go on showing what is added, until interrupted.")
@click.option("--json", "--raw", "as_json", is_flag=True, help="The records as they are, one a line.")
@click.option("-n", "most", type=click.IntRange(min=0), metavar="COUNT", help="Only as many of the last.")
@click.option("--since", "after", type=moment, default=0.0, metavar="WHEN", help="As in 30m, 12h, 7d, or a date.")
@click.pass_context
def log(
    context: click.Context, /, own_config: str | None, *, target: str, most: int | None, after: float, **more: bool
) -> None:
    from supervisor.operator import session_list  # noqa: PLC0415
    from supervisor.sessions import session_logs  # noqa: PLC0415

    layout = layout_of(context, own_config)
    path = layout.session(session_list.find(layout, target).session.session_id).log
    there = session_logs.read_log(path)
    shown = _seen_already(there, after, most)
    while True:
        for record in there:
            if record.seq > shown:
                click.echo(msgspec.json.encode(record) if more["as_json"] else record_line(record))
                shown = record.seq
        if not more["follow"]:
            return
        sys.stdout.flush()
        time.sleep(FOLLOW_INTERVAL_S)
        there = session_logs.read_log(path, after=shown)


def _seen_already(there: Sequence[e.Record], after: float, most: int | None) -> int:
    """The number of the last record that is not shown; 0 for none. ``after`` in Unix seconds."""
    hidden = [record.seq for record in there if record.at < after]
    if most is not None:
        hidden += [record.seq for record in there[: max(0, len(there) - most)]]
    return max(hidden, default=0)


def record_line(record: e.Record) -> str:
    at = datetime.datetime.fromtimestamp(record.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    fields = {k: v for k, v in msgspec.to_builtins(record.event).items() if k != "kind"}
    told = " ".join(f"{key}={_short(value)}" for key, value in fields.items())
    return f"{record.seq:>6}  {at}  {type(record.event).__name__:<20} {told}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = reveal(" ".join(text.split()))  # what Claude's tools print may steer a terminal
    return text if len(text) <= VALUE_CHARS else f"{text[: VALUE_CHARS - 1]}…"
