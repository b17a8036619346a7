"""The configuration as a text that a person may have written: what is changed in it for them, and nothing else.

Comments and what stands around stay. Set-up changes it, and who adds or removes a project from Discord.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from bridge.protocol.errors import UserError

API_BASE = "https://discord.com/api/v10"
BYTE_ORDER_MARK = "\ufeff"
BY_HAND = "mend it by hand, or name another with --config"
BY_THE_OPERATOR = "the bridge's operator can do it by hand."
HEAD = "Threadbridge's configuration; docs/configuration.md explains every key."


class Known(msgspec.Struct, frozen=True):
    """What a configuration says already, as far as it can be understood."""

    token_file: str = ""
    api_base: str = API_BASE
    channels: dict[int, str] = {}
    """Their directories."""
    users: tuple[int, ...] = ()
    is_anybody_named: bool = False
    """Somebody may talk somewhere: a user, a role, in all channels or in one."""
    command: tuple[str, ...] = ()
    state: str = ""


class Changes(msgspec.Struct, frozen=True):
    """What is to be in it. What is empty stays as it is. ``drops_token_file``: the token is a credential now."""

    token_file: str = ""
    channels: dict[int, str] = {}
    users: tuple[int, ...] = ()
    command: tuple[str, ...] = ()
    drops_token_file: bool = False


def known(text: str, path: object = "the configuration") -> Known:
    """Raises UserError for what is no TOML."""
    file = _parsed(text, path).unwrap()
    discord, access, claude = (_table(file.get(name)) for name in ("discord", "access", "claude"))
    tables = [_table(one) for one in _list(file.get("channels"))]
    return Known(
        token_file=str(discord.get("token_file") or ""),
        api_base=str(discord.get("api_base") or API_BASE).rstrip("/"),
        channels={_id(one["id"]): str(one.get("directory", "")) for one in tables if _id(one.get("id"))},
        users=tuple(filter(None, map(_id, _list(access.get("users"))))),
        is_anybody_named=any(map(_names_somebody, [access, *(_table(one.get("access")) for one in tables)])),
        command=tuple(map(str, _list(claude.get("command")))),
        state=str(_table(file.get("state")).get("directory") or ""),
    )


def changed(text: str, changes: Changes, path: object = "the configuration") -> str:
    """Raises UserError for what is no TOML, or holds something else where a table is wanted."""

    def edit(document: tomlkit.TOMLDocument) -> None:
        if not text.strip():
            document.add(tomlkit.comment(HEAD))
        if changes.token_file:
            _in(document, "discord")["token_file"] = changes.token_file
        if changes.drops_token_file and _table(document.get("discord")).get("token_file"):
            _in(document, "discord")["token_file"] = ""
        if changes.users:
            _add_users(_in(document, "access"), changes.users)
        for channel_id, directory in changes.channels.items():
            _put_channel(document, channel_id, directory)
        if changes.command:
            _in(document, "claude")["command"] = list(changes.command)

    return _edited(text, edit, path, BY_HAND)


def with_channel(text: str, channel_id: int, directory: str, path: Path) -> str:
    """For who asked in Discord. Raises UserError as ``changed`` does."""
    return _edited(text, lambda document: _put_channel(document, channel_id, directory), path, BY_THE_OPERATOR)


def without_channel(text: str, channel_id: int, path: Path) -> str:
    """As ``with_channel``. Raises UserError too when the channel does not stand there."""

    def drop(document: tomlkit.TOMLDocument) -> None:
        channels: Any = document.get("channels", [])
        for n, table in enumerate(channels):
            if _id(table.get("id")) == channel_id:
                del channels[n]
                return
        raise UserError(f"{path} has no channel {channel_id} (any more).")

    return _edited(text, drop, path, BY_THE_OPERATOR)


def _edited(text: str, edit: Callable[[tomlkit.TOMLDocument], None], path: object, remedy: str) -> str:
    """A byte order mark stays."""
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    document = _parsed(text, path, remedy)
    try:
        edit(document)
        return mark + tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be changed: {error}; {remedy}") from None


def _parsed(text: str, path: object, remedy: str = BY_HAND) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text.removeprefix(BYTE_ORDER_MARK))
    except (TOMLKitError, RecursionError) as error:
        raise UserError(f"{path} is not TOML: {error}; {remedy}") from None


def _in(document: tomlkit.TOMLDocument, name: str) -> Any:
    """That table, made when it is not there: before the first list of tables, which would swallow it."""
    if name not in document:
        document[name] = tomlkit.table()
    return document[name]


def _add_users(access: Any, users: tuple[int, ...]) -> None:
    if "users" not in access:
        access["users"] = []
    there = set(map(_id, access["users"]))
    for user in users:
        if user not in there:
            access["users"].append(user)


def _put_channel(document: tomlkit.TOMLDocument, channel_id: int, directory: str) -> None:
    if is_first := "channels" not in document:
        document["channels"] = tomlkit.aot()
    channels: Any = document["channels"]
    for table in channels:
        if _id(table.get("id")) == channel_id:
            table["directory"] = directory
            return
    table = tomlkit.table() if isinstance(channels, AoT) else tomlkit.inline_table()
    table["id"], table["directory"] = channel_id, directory
    if is_first or len(channels) > 1:
        table.trivia.indent = "\n"
    channels.append(table)


def _names_somebody(access: Mapping[str, Any]) -> bool:
    grants = [access, *(_table(value) for value in access.values())]
    return any(_list(grant.get(key)) for grant in grants for key in ("users", "roles"))


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(value: object) -> int:
    """Ids may stand in quotes; 0 for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else 0
