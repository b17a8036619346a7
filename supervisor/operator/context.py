"""What all commands have in common: what was given before their names, and where the state directory is."""

import os
from pathlib import Path

import click
import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from supervisor import config as configuration
from supervisor import places
from supervisor.places import NotHereError

EXIT_FAILED = 1
FOLLOW_INTERVAL_S = 0.2
"""How often a log that is followed is looked at."""


_COLOURS = {"NOT WELL": "red", "wrong": "red", "note": "yellow", "not yet": "yellow", "well": "green"}


def coloured(text: str) -> str:
    """What each line begins with, where it says how bad it is. ``click.echo`` takes it away where none is wanted."""
    return "\n".join(_coloured(line) for line in text.split("\n"))


def _coloured(line: str) -> str:
    word, colon, rest = line.partition(":")
    return click.style(word, fg=_COLOURS[word], bold=True) + colon + rest if word in _COLOURS else line


class Asked(msgspec.Struct):
    """What was given before the command's name."""

    config: str | None
    state: str | None


def config_option(command: click.Command) -> click.Command:
    """``--config`` after the command's name too, as ``own_config``."""
    option = click.Option(["--config", "own_config"], metavar="FILE", help="The configuration.")
    command.params.append(option)
    return command


def explicit(context: click.Context, own: str | None) -> str | None:
    """The configuration that was named."""
    asked: Asked = context.obj
    return own or asked.config


def named_state(context: click.Context, own: str | None) -> str:
    """The state directory that was given, or that the configuration names; empty for none."""
    asked: Asked = context.obj
    return asked.state or _configured(own or asked.config)


def layout_of(context: click.Context, own: str | None) -> Layout:
    """The state directory to look at, said on stderr. Raises UserError when there is none, or it is not for us."""
    named = named_state(context, own)
    found = [Path(named).expanduser().absolute()] if named else places.candidates()
    layout = Layout(places.choose(found))
    places.check_readable(layout)
    if not layout.state.is_dir():
        looked = ", ".join(map(str, found))
        raise NotHereError(
            f"there is no state directory: looked at {looked}; name another, as in"
            " `threadbridge --state DIRECTORY list`, or set it up: threadbridge setup"
        )
    click.echo(f"state directory: {layout.state}", err=True)
    return layout


def _configured(explicit: str | None) -> str:
    """A configuration that was found and cannot be read is said, and says nothing; one that was named is an error."""
    is_named = explicit or os.environ.get("THREADBRIDGE_CONFIG")
    try:
        path = configuration.find(explicit)
    except UserError:
        return ""
    try:
        return configuration.state_directory(path)
    except UserError as error:
        if is_named:
            raise
        click.echo(f"going on without the configuration: {error}", err=True)
        return ""
