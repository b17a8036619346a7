"""The bot token: where it is read from, and how people paste it."""

import os
from collections.abc import Mapping
from pathlib import Path

from bridge.protocol.errors import UserError
from supervisor.config.model import Config
from supervisor.disk_errors import in_words


def read_token(config: Config, environ: Mapping[str, str] = os.environ) -> str:
    """The bot token: the file, else systemd's credential, else $DISCORD_TOKEN. Raises UserError."""
    credentials = environ.get("CREDENTIALS_DIRECTORY", "")
    credential = Path(credentials) / "discord-token" if credentials else None
    if config.token_file:
        token = _read_token_file(config.path, Path(config.token_file).expanduser())
    elif credential and credential.is_file():
        token = _read_token_file(config.path, credential)
    else:
        token = _plain_token(environ.get("DISCORD_TOKEN", ""))
    if not token:
        raise UserError(
            f"{config.path}: discord.token_file is empty, and there is no credential discord-token and no"
            " $DISCORD_TOKEN: put the bot's token in a file that only you can read, and name it there"
        )
    return token


def _plain_token(text: str) -> str:
    """As people paste it: in quotes, or with the word that stands before it in a header."""
    token = text.strip().strip("\"'`").strip()
    return token.removeprefix("Bot ").strip()


def _read_token_file(config: Path, path: Path) -> str:
    try:
        return _plain_token(path.read_text("utf-8-sig"))
    except OSError as error:
        raise in_words(f"{config}: discord.token_file: {path} cannot be read", error) from None
    except UnicodeDecodeError:
        raise UserError(f"{config}: discord.token_file: {path} holds no token") from None
