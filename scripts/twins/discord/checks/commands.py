"""What Discord refuses in application commands (documentation, "Application Commands")."""

import re

from twins.discord.errors import Problems
from twins.discord.model import Json

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
MOST_OF_TYPE = {CHAT_INPUT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
MOST_CHARACTERS = 8000
_NAME = re.compile(r"^[-_'\w]{1,32}$")
_OPTION_TYPES = tuple(range(1, 12))


def check_commands(commands: list[Json]) -> None:
    """Raise ApiError if a scope cannot have these commands."""
    problems = Problems()
    seen: set[tuple[object, object]] = set()
    for index, command in enumerate(commands):
        _check_command(problems, str(index), command)
        key = (command.get("type", CHAT_INPUT), command.get("name"))
        if key in seen:
            problems.add(str(index), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        seen.add(key)
    for kind, most in MOST_OF_TYPE.items():
        if sum(command.get("type", CHAT_INPUT) == kind for command in commands) > most:
            problems.add("commands", "APPLICATION_COMMANDS_MAX_EXCEEDED", f"Maximum of {most} of type {kind} reached")
    problems.raise_if_any()


def characters(node: Json) -> int:
    """How much of its 8,000 a command uses: names, descriptions and choices, all options included."""
    own = len(str(node.get("name", ""))) + len(str(node.get("description") or ""))
    choices = node.get("choices") or []
    own += sum(len(str(choice.get("name"))) + len(str(choice.get("value"))) for choice in choices)
    return own + sum(characters(option) for option in node.get("options") or [])


def _check_command(problems: Problems, path: str, command: Json) -> None:
    kind = command.get("type", CHAT_INPUT)
    if not problems.choice(f"{path}.type", kind, tuple(MOST_OF_TYPE)):
        return
    if kind != CHAT_INPUT:
        problems.text(f"{path}.name", command.get("name"), 32, least=1)
        return
    _check_named(problems, path, command)
    _check_options(problems, path, command)
    if characters(command) > MOST_CHARACTERS:
        problems.add(
            path,
            "APPLICATION_COMMAND_TOO_LARGE",
            f"Command exceeds maximum size ({MOST_CHARACTERS})",
        )


def _check_named(problems: Problems, path: str, node: Json) -> None:
    name = node.get("name")
    if not isinstance(name, str) or not _NAME.match(name) or name != name.lower():
        problems.add(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    problems.text(f"{path}.description", node.get("description"), 100, least=1)


def _check_options(problems: Problems, path: str, node: Json) -> None:
    options = node.get("options") or []
    problems.length(f"{path}.options", len(options), 25)
    optional_seen = False
    for index, option in enumerate(options):
        here = f"{path}.options.{index}"
        _check_option(problems, here, option)
        if option.get("required") and optional_seen:
            problems.add(
                here,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")


def _check_option(problems: Problems, path: str, option: Json) -> None:
    _check_named(problems, path, option)
    if not problems.choice(f"{path}.type", option.get("type"), _OPTION_TYPES):
        return
    if option["type"] in (SUBCOMMAND, GROUP):
        _check_options(problems, path, option)
    choices = option.get("choices") or []
    problems.length(f"{path}.choices", len(choices), 25)
    for index, choice in enumerate(choices):
        problems.text(f"{path}.choices.{index}.name", choice.get("name"), 100, least=1)
    if choices and option.get("autocomplete"):
        problems.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
            "choices and autocomplete exclude each other",
        )
