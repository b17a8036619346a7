"""Where a playground keeps its things, and the configuration that it runs on.

lock              held by the one playground of this folder
state/            the supervisor's; emptied for each run, because the threads of the last run are gone
project/          Claude's working directory; what was made there stays
home/             the scripted Claude's $HOME, so that it leaves nothing in the person's. In its .config/threadbridge,
                  where people have them: config.toml (made anew for each run: the loopback Discord has new ids
                  each time) and the token
supervisor.log    what the supervisor says in this run
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

import bridge
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from playground.host.claude import Chosen

INSTALLATION = Path(bridge.__file__).resolve().parent.parent
"""Ours, a checkout or a wheel's; read-only for Claude: no project may lie inside it (worker/walls/)."""
SHORT_TEMPORARY = "/tmp"
BURST, TITLES = "1.5s", "claude"


class Place(msgspec.Struct, frozen=True):
    """The paths of one playground."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def config(self) -> Path:
        return self.home / ".config/threadbridge/config.toml"

    @property
    def token_file(self) -> Path:
        return self.config.parent / "token"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def log(self) -> Path:
        return self.root / "supervisor.log"

    @property
    def notify_socket(self) -> Path:
        return self.root / "notify"


class Facts(msgspec.Struct, frozen=True):
    """What the configuration names. Ids are Discord's."""

    api_base: str
    token: str
    user_id: int
    channel_ids: Sequence[int]
    claude: Chosen
    burst: str = BURST
    titles: str = TITLES


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    states = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "/", ".local/state")
    return Path(states) / "threadbridge-playground"


@contextmanager
def held(root: Path) -> Iterator[Place]:
    """The place, ours alone until the end. Raises UserError when it cannot be used, and says why."""
    place = Place(_resolved(root))
    _check(place)
    try:
        place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (place.root / "lock").open("w")
    except OSError as error:
        raise UserError(f"the playground's folder {place.root} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another playground runs in {place.root}; end it, or give --state DIR") from None
        yield place


@contextmanager
def temporary() -> Iterator[Place]:
    """A place of its own, with a short path. After an Exception it stays, to be looked at."""
    folder = Path(tempfile.mkdtemp(prefix="threadbridge-"))
    if not _fits(Place(_resolved(folder))):
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="threadbridge-", dir=SHORT_TEMPORARY))
    is_of_interest = False
    try:
        with held(folder) as place:
            yield place
    except Exception:
        is_of_interest = True
        raise
    finally:
        if not is_of_interest:
            shutil.rmtree(folder, ignore_errors=True)


def renew(place: Place) -> None:
    """Empty what belongs to the last run, make what this one needs. Nothing of the last may still run."""
    shutil.rmtree(place.state, ignore_errors=True)
    for folder in (place.state, place.project, place.home, place.config.parent):
        folder.mkdir(exist_ok=True, mode=0o700, parents=True)
    for file in (place.log, place.config, place.notify_socket):
        file.unlink(missing_ok=True)


def write_configuration(place: Place, facts: Facts) -> None:
    """Both files are for their owner only."""
    write_private(place.token_file, facts.token)
    write_private(place.config, configuration(place, facts))


def configuration(place: Place, facts: Facts) -> str:
    """The TOML. A JSON string is a TOML string too, as long as it says its characters and not their numbers."""
    claude = facts.claude
    environment = ", ".join(f"{_quoted(name)} = {_quoted(value)}" for name, value in claude.environment.items())
    return f"""\
# Made by the playground, for one run: what you change here is gone at the next start.
[discord]
token_file = {_quoted(str(place.token_file))}
api_base = {_quoted(facts.api_base)}
burst = {_quoted(facts.burst)}

[access]
users = [{facts.user_id}]

{"".join(_channel(place, channel_id, claude) for channel_id in facts.channel_ids)}
[claude]
command = [{", ".join(map(_quoted, claude.command))}]
environment = {{ {environment} }}

[containment]
readable = [{", ".join(map(_quoted, claude.readable))}]
git_push = {_quoted(claude.git_push)}

[display]
titles = {_quoted(facts.titles)}

[state]
directory = {_quoted(str(place.state))}
"""


def _channel(place: Place, channel_id: int, claude: Chosen) -> str:
    return f"""\
[[channels]]
id = {channel_id}
directory = {_quoted(str(place.project))}
containment = {_quoted(claude.containment)}
"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _resolved(root: Path) -> Path:
    """Without symbolic links: one of the user's that leads to the state directory would weaken containment."""
    return root.expanduser().resolve()


def _check(place: Place) -> None:
    if place.root.is_relative_to(INSTALLATION):
        raise UserError(
            f"the playground's folder {place.root} lies inside Threadbridge itself ({INSTALLATION}), which"
            " Claude must not change; give another one with --state DIR"
        )
    if not _fits(place):
        raise UserError(f"the path {place.root} is too long for unix sockets; give a shorter one with --state DIR")


def _fits(place: Place) -> bool:
    try:
        Layout(place.state).check_socket_paths()
    except UserError:
        return False
    return True
