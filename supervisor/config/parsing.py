"""TOML text → ``ConfigFile``. What does not fit is said with its key, and with the word that was meant."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import msgspec

from bridge.protocol.errors import UserError
from bridge.session.display import Thinking, Verbosity
from bridge.session.rights import ANY
from supervisor.config.access import GrantTable
from supervisor.config.file import TABLES, ChannelTable, ConfigFile, GitPush, Titles
from supervisor.config.table import Table
from supervisor.meant import meant

_ID_DIGITS = 20
"""Of 64 bits."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "containment": ("project", "home", "none"),
    "verbosity": get_args(Verbosity),
    "thinking": get_args(Thinking),
    "git_push": get_args(GitPush),
    "titles": get_args(Titles),
}


def parsed(path: Path, text: str) -> ConfigFile:
    try:
        return msgspec.convert(_unquoted(tomllib.loads(text)), ConfigFile)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {_in_words(error)}") from None
    except ValueError:  # Python reads no number of more digits than that
        raise UserError(f"{path}: holds a number of more than 4,300 digits") from None
    except RecursionError:
        raise UserError(f"{path}: its brackets are nested too deeply") from None


def _unquoted(file: dict[str, Any]) -> dict[str, Any]:
    """Ids may stand in quotes, as Discord copies them."""

    def number(given: object) -> object:
        is_id = isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) <= _ID_DIGITS
        return int(given) if isinstance(given, str) and is_id else given

    def unquote(access: object) -> None:
        if not isinstance(access, dict):
            return
        for key in ("users", "roles"):
            if isinstance(ids := access.get(key), list):
                access[key] = [number(one) for one in ids]
        for right in ANY:
            unquote(access.get(right))

    unquote(file.get("access"))
    for table in tables if isinstance(tables := file.get("channels"), list) else ():
        if isinstance(table, dict):
            unquote(table.get("access"))
            if "id" in table:
                table["id"] = number(table["id"])
    return file


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for what is nearly one of the known words."""
    near = meant(given, known)
    return f"; did you mean {near}?" if near else ""


def _keys_of(place: str) -> tuple[str, ...]:
    """The keys of the table at ``channels[0]`` or ``access.talk``; of the file itself at ""."""
    *_, last = ["", *place.split(".")]
    name = last.partition("[")[0]
    tables: dict[str, type[Table]] = {"": ConfigFile, "channels": ChannelTable, **TABLES}
    tables |= dict.fromkeys(ANY, GrantTable)
    return tables[name].__struct_fields__ if name in tables else ()


def _in_words(error: msgspec.ValidationError) -> str:
    """msgspec says `… - at `$.channels[0].id``; a person wants the key first."""
    what, _, where = str(error).partition(" - at `")
    key = where.rstrip("`").removeprefix("$").removeprefix(".")
    if unknown := re.search(r"unknown field `([^`]+)`", what):
        meant = did_you_mean(unknown[1], _keys_of(key))
        return f"{'.'.join(filter(None, [key, unknown[1]]))}: there is no such key{meant}"
    if missing := re.search(r"missing required field `([^`]+)`", what):
        return f"{'.'.join(filter(None, [key, missing[1]]))}: is missing"
    if (wrong := re.fullmatch(r"Invalid enum value (.*)", what)) and (known := _CHOICES.get(key.rpartition(".")[2])):
        return f"{key}: {wrong[1]} is none of {', '.join(known)}{did_you_mean(wrong[1].strip(chr(39)), known)}"
    return f"{key}: {what[0].lower()}{what[1:]}"
