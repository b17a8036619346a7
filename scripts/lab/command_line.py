"""docs/cli.md, made of what `threadbridge --help` and each command's says: ``python -m lab.command_line [--write]``."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from supervisor.operator.cli import cli

PAGE = Path(__file__).resolve().parents[2] / "docs/cli.md"
WIDTH = 100
_HEAD = """\
# The command line

Made of `--help` by `./scripts/command-line --write`; `tests/scripts/lab/test_command_line.py` fails while this page is
not what the commands say. Exit codes: 0; 1 when it failed, or found something wrong; 2 when it was used wrongly. `run`
alone ends with 78 for what only a person can mend (systemd does not start it again then) and 75 for what may pass.

Where TARGET is asked for, a shell completes it: `eval "$(_THREADBRIDGE_COMPLETE=bash_source threadbridge)"`."""


def page() -> str:
    sections = [f"## {path}\n\n```\n{text}\n```" for path, text in _helps(cli, None, "threadbridge")]
    return "\n\n".join([_HEAD, *sections]) + "\n"


def _helps(command: click.Command, parent: click.Context | None, path: str) -> Iterator[tuple[str, str]]:
    name = path.rpartition(" ")[2]
    with click.Context(command, parent, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH) as context:
        yield path, command.get_help(context)
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found
                yield from _helps(found, context, f"{path} {below}")


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
