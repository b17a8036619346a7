"""A state directory in a folder of the repository, and its copy in a place where supervisors can run on it.

guild.json           the Discord that it belongs to (twins/discord/kept.py)
cast.json            which session is which (lab/upgrade/cast.py)
state/               the store as one file, and of each session its log, lock and keys: nothing of sockets and caches
home/ project/       what Claude had written: its transcripts, and the files in the project

Where it was made stands in it as ``/place``, and the inode of the project's directory as it was; both become those of
the place that it is copied to.
"""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from lab.upgrade.cast import Cast
from lab.upgrade.stage import Stage
from playground.host import place as host_place
from playground.host.place import Place
from twins.claude.frames import folder_name
from twins.discord import kept
from twins.discord.kept import KeptGuild

NOWHERE = "/place"
_OF_STATE = ("version", "supervisor.keys", "sessions/*/log.jsonl", "sessions/*/acked", "sessions/*/lock")
_OF_SESSIONS = ("sessions/*/start-*", "sessions/*/stopped")
_OF_HOME = (".claude/projects/*/*.jsonl",)
_INODE = re.compile(rb'(?<="inode":)[1-9]\d*')
_DATABASE = "threadbridge.db"


def keep(stage: Stage, cast: Cast, folder: Path) -> None:
    """Nothing runs on it any more. Raises OSError, ValueError."""
    place = stage.place
    for source, patterns in ((place.state, (*_OF_STATE, *_OF_SESSIONS)), (place.home, _OF_HOME), (place.project, "*")):
        for path in (found for pattern in patterns for found in sorted(source.glob(pattern))):
            _copy(path, folder / path.relative_to(place.root))
    (folder / "state" / _DATABASE).unlink(missing_ok=True)
    with sqlite3.connect(place.state / _DATABASE) as store:
        store.execute("VACUUM INTO ?", (str(folder / "state" / _DATABASE),))
    store.close()
    _change(folder, lambda data: data.replace(str(place.root).encode(), NOWHERE.encode()))
    _move_transcripts(folder / "home", str(place.root), NOWHERE)
    (folder / "guild.json").write_bytes(kept.keep(stage.discord))
    (folder / "cast.json").write_bytes(msgspec.json.format(msgspec.json.encode(cast)) + b"\n")


def bring(folder: Path, place: Place) -> tuple[KeptGuild, Cast]:
    """Copy what ``keep`` kept into an empty place. Raises OSError, msgspec.ValidationError."""
    host_place.renew(place)
    for name in ("state", "home", "project"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, place.root / name, dirs_exist_ok=True)
    inode = str(place.project.stat().st_ino).encode()
    root = str(place.root).encode()
    _change(place.root, lambda data: _INODE.sub(inode, data.replace(NOWHERE.encode(), root)))
    _move_transcripts(place.home, NOWHERE, str(place.root))
    guild = kept.read((folder / "guild.json").read_bytes())
    return guild, msgspec.json.decode((folder / "cast.json").read_bytes(), type=Cast)


def _copy(path: Path, to: Path) -> None:
    if path.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)


def _move_transcripts(home: Path, old: str, new: str) -> None:
    """Claude names their folder after the project's path."""
    for path in (home / ".claude/projects").glob(f"{folder_name(old)}*"):
        path.rename(path.with_name(folder_name(new) + path.name.removeprefix(folder_name(old))))


def _change(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """In each file, and each text and blob of the store."""
    for path in folder.rglob("*"):
        if path.name == _DATABASE:
            _change_store(path, change)
        elif path.is_file():
            path.write_bytes(change(path.read_bytes()))


def _change_store(path: Path, change: Callable[[bytes], bytes]) -> None:
    def changed(value: object) -> object:
        match value:
            case bytes():
                return change(value)
            case str():
                return change(value.encode()).decode()
            case _:
                return value

    store = sqlite3.connect(path)
    with store:
        for table in _names(store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")):
            columns = _names(store.execute("SELECT name FROM pragma_table_info(?)", (table,)))
            rows = store.execute(f"SELECT rowid, {', '.join(columns)} FROM {table}").fetchall()
            into = ", ".join(f"{column} = ?" for column in columns)
            for rowid, *values in rows:
                store.execute(f"UPDATE {table} SET {into} WHERE rowid = ?", (*map(changed, values), rowid))
    store.execute("VACUUM")  # of what was changed, nothing stays behind in free pages
    store.close()


def _names(rows: Iterable[tuple[str]]) -> list[str]:
    return [name for (name,) in rows]
