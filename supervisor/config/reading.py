"""Where the configuration lies, and how it is read."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from supervisor.config.checked import checked, layout_of
from supervisor.config.model import Config
from supervisor.config.parsing import parsed
from supervisor.config.table import Wrong
from supervisor.disk_errors import in_words

PLACES = ("$THREADBRIDGE_CONFIG", "~/.config/threadbridge/config.toml", "/etc/threadbridge/config.toml")


def find(explicit: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file. Raises UserError when there is none."""
    home = environ.get("HOME", "/")
    places = [environ.get("THREADBRIDGE_CONFIG", ""), f"{home}/.config/threadbridge/config.toml", PLACES[2]]
    if explicit or places[0]:
        return Path(explicit or places[0])
    for place in places[1:]:
        if os.path.isfile(place):  # noqa: PTH113 - False, not an error, where we may not look
            return Path(place)
    raise UserError(
        f"there is no configuration: looked at --config, {', '.join(PLACES)};"
        " docs/configuration.md shows one to begin with"
    )


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Raises UserError that names the file, the key, and what is wrong with it."""
    return parse(path, _text(path), environ)


def parse(path: Path, text: str, environ: Mapping[str, str] = os.environ) -> Config:
    """What ``load`` would say of the file if this stood in it. Raises UserError."""
    try:
        config = checked(path, parsed(path, text.removeprefix("\ufeff")), environ)
        return msgspec.structs.replace(config, digest=_digest(text))
    except Wrong as wrong:
        raise UserError(f"{path}: {wrong}") from None


def identity(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[str, Layout]:
    """The digest of its text, and where the state is by it, also where another value in it is wrong. UserError."""
    text = _text(path)
    try:
        return _digest(text), layout_of(parsed(path, text).state, environ)
    except Wrong as wrong:
        raise UserError(f"{path}: {wrong}") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.removeprefix("\ufeff").encode()).hexdigest()


def state_directory(path: Path) -> str:
    """What the configuration says of it, for commands that need nothing else; empty when it says nothing."""
    return parsed(path, _text(path)).state.directory


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise in_words(f"{path}: cannot be read", error) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text") from None
