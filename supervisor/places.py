"""Where a state directory is, for the commands that look at one: also for somebody who is not the service.

A service's state directory is named by its unit, of which a person's shell knows nothing. So a supervisor leaves a note
in its runtime directory (systemd's, or the user's own), and a command looks, in this order, at what it was told, what
the configuration says, what those notes say, and the usual places. The first one with a running supervisor is the one;
else the first that is there. A note is believed only when its writer still holds that directory's lock.
"""

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from bridge.protocol.errors import UNREADABLE, UserError
from bridge.protocol.layout import Layout
from supervisor import locks
from supervisor.private_files import write_private

NOTE = "threadbridge.state"
RUN = Path("/run")
UNIT_STATE = Path("/var/lib/threadbridge")
"""``StateDirectory=threadbridge`` of systemd/threadbridge.service."""
HOME_STATE = ".local/state/threadbridge"


class NotHereError(UserError):
    """A command was given a state directory or a session that is not there, or that is not for this user."""


class Note(msgspec.Struct, frozen=True):
    pid: int
    state: str


def leave_note(layout: Layout, environ: Mapping[str, str] = os.environ) -> None:
    """For the supervisor, once it has the lock. Raises OSError; without a runtime directory it does nothing."""
    for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        if folder := environ.get(name, "").partition(":")[0]:
            path = Path(folder, NOTE)
            write_private(path, msgspec.json.encode(Note(os.getpid(), str(layout.state))))
            path.chmod(0o644)  # a path is no secret, and root's shell may not be the service's user
            return


def candidates(environ: Mapping[str, str] = os.environ, run: Path = RUN) -> list[Path]:
    """Where nobody said anything: the likeliest first."""
    given = environ.get("STATE_DIRECTORY", "")
    home = Path(environ.get("HOME", "/"), HOME_STATE)
    return list(dict.fromkeys([*([Path(given)] if given else []), *_noted(run), home, UNIT_STATE]))


def choose(places: Iterable[Path]) -> Path:
    """The first with a running supervisor, else the first that is there, else the first."""
    found = list(places)
    there = [place for place in found if _is_there(place)]
    running = [place for place in there if _is_running(place)]
    return [*running, *there, *found][0]


def check_readable(layout: Layout) -> None:
    """Raises NotHereError for a directory that is somebody else's, or does not let us in."""
    try:
        owner = layout.state.stat().st_uid
        is_open = os.access(layout.state, os.R_OK | os.X_OK)
    except FileNotFoundError:
        return
    except OSError:
        owner, is_open = -1, False
    if not is_open:
        whose = f"belongs to the user {_name(owner)}" if owner >= 0 else "cannot be reached by you"
        how = f"(sudo -u '{_name(owner)}' threadbridge …) " if owner >= 0 else ""
        raise NotHereError(
            f"the state directory {layout.state} {whose}, and you may not read it: run this as its user {how}or as root"
        )


def _noted(run: Path) -> Iterator[Path]:
    for path in [*sorted(run.glob(f"*/{NOTE}")), run / "user" / str(os.getuid()) / NOTE]:
        try:
            note = msgspec.json.decode(path.read_bytes(), type=Note)
        except (OSError, *UNREADABLE):
            continue
        if Path(note.state).is_absolute() and _may_hold(note):
            yield Path(note.state)


def _may_hold(note: Note) -> bool:
    """Where we may not look it is kept: then what is said names the directory."""
    try:
        return locks.holder(Layout(Path(note.state)).supervisor_lock) == note.pid
    except OSError:
        return True


def _is_there(place: Path) -> bool:
    """Also when it does not let us in."""
    try:
        place.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _is_running(place: Path) -> bool:
    try:
        return bool(locks.holder(Layout(place).supervisor_lock))
    except OSError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"  # as sudo takes it
