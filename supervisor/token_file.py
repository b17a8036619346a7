"""Where the bot's token lies, and that no Claude comes near it.

Claude runs as the user who may read the file, so its directory is hidden from each Claude as the state is: the whole
of it, for what an editor or a backup leaves beside a file is as good as the file. A link hides both places, its own and
the one that it leads to. A directory that Claude needs cannot be hidden, so a token that lies there stops the start.
"""

import logging
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.protocol.errors import UserError
from bridge.protocol.layout import MOST_LINKS
from supervisor.config import Config

_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run"),
    *("/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/share", "/var"),  # noqa: S108
    *("/var/lib", "/var/run", "/var/tmp"),  # noqa: S108
)
"""What a program needs, or what holds far more than a token."""
_OF_HOME = ("", ".config", ".local", ".local/bin", ".local/share", ".cache", ".claude", ".ssh")

log = logging.getLogger(__name__)


def guard(config: Config, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The directories to hide from Claude, real paths. Warns of a file that others can read.

    Raises UserError, with where to move it, for a token in a directory that Claude needs.
    """
    hidden: list[str] = []
    for file in _files(config, environ):
        for place in _places(file):
            if why := _needed(place, config, environ):
                raise UserError(_in_words(config, file, place, why))
            hidden.append(str(place))
    if words := exposure(config):
        log.warning("%s", words)
    return tuple(dict.fromkeys(hidden))


def _files(config: Config, environ: Mapping[str, str]) -> Iterator[Path]:
    """Whichever of them is read, the other holds a token as well."""
    if config.token_file:
        yield Path(config.token_file).expanduser().absolute()
    if (credentials := environ.get("CREDENTIALS_DIRECTORY", "")) and Path(credentials, "discord-token").is_file():
        yield Path(credentials, "discord-token").absolute()


def _places(file: Path) -> Iterator[Path]:
    """The real directory of the file, and of each link on the way to it."""
    for _ in range(MOST_LINKS):
        yield (folder := file.parent.resolve())
        if not (folder / file.name).is_symlink():
            return
        file = folder / (folder / file.name).readlink()


def _needed(place: Path, config: Config, environ: Mapping[str, str]) -> str:
    """By what, in words; "" when the directory can be hidden."""
    homes = [Path(home).resolve() for home in (config.environment.get("HOME"), environ.get("HOME")) if home]
    projects = [Path(channel.directory).resolve() for channel in config.channels.values()]
    if place in homes:
        return f"the home directory {place}"
    if why := next(filter(None, (_of_project(place, project, homes) for project in projects)), ""):
        return why
    of_homes = (home / name for home in homes for name in _OF_HOME)
    if any(needed.is_relative_to(place) for needed in (*of_homes, *_others(config, environ))):
        return f"{place}, which Claude needs"
    return ""


def _of_project(place: Path, project: Path, homes: list[Path]) -> str:
    """A whole home may be the project: then what lies deep enough in it is hidden like any other place."""
    if place != project and project.is_relative_to(place):
        return f"{place}, a directory above the project {project}"
    if place.is_relative_to(project) and (place == project or not any(home.is_relative_to(project) for home in homes)):
        return f"the project directory {project}"
    return ""


def _others(config: Config, environ: Mapping[str, str]) -> Iterator[Path]:
    yield from map(Path, _SYSTEM)
    program = Path(config.command[0])
    yield from (program, program.resolve())
    for own in (config.environment.get("CLAUDE_CONFIG_DIR"), environ.get("CLAUDE_CONFIG_DIR")):
        if own:
            yield Path(own).resolve()


def _in_words(config: Config, file: Path, place: Path, why: str) -> str:
    through = "" if place == file.parent.resolve() else f" (it is a link, and leads to or through {place})"
    return (
        f"{config.path}: discord.token_file: {file}{through} lies in {why}; the directory of the token is hidden from"
        " Claude, so it must be one of its own: move the token to ~/.config/threadbridge/token or"
        " /etc/threadbridge/token, or hand it over as systemd's credential discord-token"
    )


def exposure(config: Config) -> str:
    """That others can read or write the token's file, and what to do; empty when only its owner can. Raises OSError.

    Of systemd's credentials systemd itself takes care, with an access list that looks like a group's right.
    """
    if not config.token_file:
        return ""
    file = Path(config.token_file).expanduser()
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & 0o077:
        return ""
    return f"{file} holds the bot's token and others can read or write it (mode {mode:o}): chmod 600 it"
