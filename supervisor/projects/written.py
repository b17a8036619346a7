"""Channels in the configuration's text: one more, or one less; what a person wrote around them stays as it is."""

from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from bridge.protocol.errors import UserError

BYTE_ORDER_MARK = "\ufeff"


def with_channel(text: str, channel_id: int, directory: str, path: Path) -> str:
    """Raises UserError for what is no TOML, or has something else where channels belong."""

    def add(channels: Any) -> None:
        table = tomlkit.table() if isinstance(channels, AoT) else tomlkit.inline_table()
        table["id"], table["directory"] = channel_id, directory
        if isinstance(channels, AoT):
            table.trivia.indent = "\n"
        channels.append(table)

    return _changed(text, add, path)


def without_channel(text: str, channel_id: int, path: Path) -> str:
    """Raises UserError for what is no TOML, and when the channel does not stand there."""

    def drop(channels: Any) -> None:
        for n, table in enumerate(channels):
            if str(table.get("id")) == str(channel_id):
                del channels[n]
                return
        raise UserError(f"{path} has no channel {channel_id} (any more).")

    return _changed(text, drop, path)


def _changed(text: str, change: Any, path: Path) -> str:
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    try:
        document = tomlkit.parse(text.removeprefix(mark))
        if "channels" not in document:
            document["channels"] = tomlkit.aot()
        change(document["channels"])
        return mark + tomlkit.dumps(document)
    except (TOMLKitError, RecursionError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be changed: {error}; the bridge's operator can do it by hand.") from None
