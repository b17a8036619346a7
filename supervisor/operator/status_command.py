"""``threadbridge status``: exit code 1 when users notice something, and the reason first."""

import json
import sys
import time

import click
import msgspec

from supervisor.operator.context import EXIT_FAILED, coloured, config_option, layout_of


@config_option
@click.command("status", help="How the bridge does. Exit code 1 when users would notice, with the reason first.")
@click.option("--json", "as_json", is_flag=True, help="An object.")
@click.pass_context
def status(context: click.Context, as_json: bool, own_config: str | None) -> None:
    from supervisor.operator import status as looked  # noqa: PLC0415

    seen = looked.look(layout_of(context, own_config), time.time())
    click.echo(json.dumps(msgspec.to_builtins(seen), indent=2) if as_json else coloured(looked.in_words(seen)))
    if not seen.well:
        sys.exit(EXIT_FAILED)
