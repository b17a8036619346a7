"""docs/cli.md says what the commands say."""

from lab import command_line
from supervisor.operator.cli import cli


def test_the_page_is_what_help_says() -> None:
    assert command_line.PAGE.read_text() == command_line.page(), "write it anew: ./scripts/command-line --write"


def test_each_command_is_on_it_and_says_what_it_is_for() -> None:
    page = command_line.page()
    for name, command in cli.commands.items():
        assert f"## threadbridge {name}\n" in page
        assert command.help, name
