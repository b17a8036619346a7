"""``threadbridge setup`` on the command line."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from bridge.protocol.errors import UserError
from supervisor import config as configuration
from supervisor.operator.context import EXIT_FAILED

INTERRUPTED = 130


def _each[T](read: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[T, ...]]:
    def callback(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[T, ...]:
        try:
            return tuple(map(read, texts))
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _channel(text: str) -> tuple[int, str]:
    from supervisor.operator.setup import given  # noqa: PLC0415 - loaded when it is needed

    return given.channel(text)


def _user(text: str) -> int:
    from supervisor.operator.setup import given  # noqa: PLC0415

    return given.discord_id(text)


@click.command(
    "setup",
    help="From nothing to a bot that answers: asks for what is missing, checks it, and writes the configuration. Can be"
    " run again at any time.",
)
@click.option("--token-file", metavar="FILE", default="", help="The bot's token is in this file, and stays there.")
@click.option("--channel", "channels", multiple=True, metavar="ID=DIR", callback=_each(_channel), help="Sessions of"
              " this channel work in that directory. Can be given again.")  # fmt: skip
@click.option("--user", "users", multiple=True, metavar="ID", callback=_each(_user), help="This person may talk,"
              " decide and manage. Can be given again.")  # fmt: skip
@click.option("--no-service", "has_own_service", is_flag=True, help="Do not offer to make it a service.")
@click.option("--yes", "is_quiet", is_flag=True, help="Ask nothing: take what the options and the files say.")
@click.option("--config", "own_config", metavar="FILE", help="The configuration.")
@click.pass_context
def setup(
    context: click.Context,
    token_file: str,
    channels: tuple[tuple[int, str], ...],
    users: tuple[int, ...],
    has_own_service: bool,
    is_quiet: bool,
    own_config: str | None,
) -> None:
    from supervisor.operator.setup.given import Given  # noqa: PLC0415
    from supervisor.operator.setup.service import Service  # noqa: PLC0415
    from supervisor.operator.setup.steps import Setup  # noqa: PLC0415 - loads aiohttp
    from supervisor.operator.setup.terminal import Terminal  # noqa: PLC0415

    given = Given(_config(own_config or context.obj.config), token_file, channels, users, is_quiet)
    terminal = Terminal(is_quiet=is_quiet)
    try:
        done = Setup(given, terminal)
        done.run()
        Service(given.config, terminal, is_offered=not has_own_service).offer(done.discord)
    except KeyboardInterrupt:
        click.echo("\nStopped. What was done stays; `threadbridge setup` goes on from there.", err=True)
        sys.exit(INTERRUPTED)
    except UserError as error:
        click.echo(f"threadbridge: {error}", err=True)
        sys.exit(EXIT_FAILED)


def _config(explicit: str | None) -> Path:
    """The one that is there, else where it is looked for first."""
    try:
        return configuration.find(explicit).absolute()
    except UserError:
        return Path(os.environ.get("HOME", "/"), ".config/threadbridge/config.toml")
