"""Every attack that we know of, tried in Claude's place behind the walls that a session of the channel would have.

Which ones: ``worker.attack_list``. One that succeeds counts only when what it came to is the host's own: a private file
of the same name has another inode. What the configuration opens is said with its key; whatever else is reached is a
fault of the walls.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from bridge.protocol.attempts import Tried, Verdict, Wanted
from bridge.protocol.layout import Layout
from worker import landlock
from worker.attack_list import Attempt, Sockets, attacks, listening
from worker.walls import attacker, covers, own_places
from worker.walls.environment import child_environment
from worker.walls.from_start import wish_of
from worker.walls.held import held
from worker.walls.probe import shut_in
from worker.walls.wish import Containment, within

DEADLINE_S = 60.0
SURVIVAL_S = 3.0

_ON_PATHS = frozenset({"read", "link", "hard_link", "by_root_of", "write", "plant", "connect"})


def tried(wanted: Wanted) -> list[Tried]:
    """Raises UserError when a session of this channel could not be shut in at all."""
    layout = Layout(Path(wanted.start.state_directory))
    folder = layout.session(wanted.start.created.session_id).folder
    try:
        with tempfile.TemporaryDirectory(prefix="threadbridge-check-") as bait, listening(Path(bait)) as sockets:
            return _tried(wanted, sockets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(wanted: Wanted, sockets: Sockets) -> list[Tried]:
    environment = child_environment(os.environ, wanted.start.environment, wanted.start.created.session_id, "project")
    wish = _with_python(wish_of(wanted.start, environment, ""))
    shell = shut_in(wish)
    attempts = list(dict.fromkeys(attacks(wanted, wish, sockets)))
    questions = json.dumps([[attempt.act, attempt.on] for attempt in attempts])
    with held(shell.prefix) as (prefix, fds), landlock.scopes(shell.scoped) as scopes:
        done = subprocess.run(
            [*prefix, _python(), "-I", "-S", "-c", source()],
            input=questions,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            cwd=wanted.start.created.directory,
            env=environment,
            pass_fds=fds,
            preexec_fn=lambda: landlock.enter(scopes),
            check=False,
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(attempts):
        return [Tried("the trial", "did not come to its end", "REACHED", done.stderr.strip()[-500:])]
    found = [_judged(attempt, answer, wish) for attempt, answer in zip(attempts, answers, strict=True)]
    return [*found, _survivors(wanted.start.created.session_id)]


def _with_python(wish: Containment) -> Containment:
    """What tries it is a Python program, so this one is readable as well."""
    prefixes = {Path(_python()).parent.parent, Path(sys.base_prefix).resolve()}
    needed = tuple(str(prefix) for prefix in prefixes if not within(prefix, Path("/usr")))
    reach = msgspec.structs.replace(wish.reach, readable=(*wish.reach.readable, *needed))
    return msgspec.structs.replace(wish, reach=reach)


def _python() -> str:
    """Ours may lie where only root comes to."""
    found = os.path.realpath(sys.executable)
    return found if os.access(found, os.X_OK) else "/usr/bin/python3"


@cache
def source() -> str:
    """The attacker's."""
    return Path(attacker.__file__).read_text()


def _judged(attempt: Attempt, answer: str, wish: Containment) -> Tried:
    said: Verdict = "refused"
    why = answer.removeprefix("refused: ")
    if attempt.act == "survive":
        return Tried(attempt.what, attempt.on, "refused", "looked at from outside")
    if not answer.startswith("refused: "):
        is_own = not attempt.own or answer == attempt.own
        said, why = ("REACHED", "" if attempt.own else answer) if is_own else ("refused", "it came to a private one")
        if is_own and (key := _opened_by(attempt, wish)):
            said, why = "open", key
    return Tried(attempt.what, attempt.on, said, why)


def _opened_by(attempt: Attempt, wish: Containment) -> str:
    """The key of the configuration, or the reason, for which this is open; empty for none."""
    if attempt.by_design:
        return attempt.by_design
    if attempt.act not in _ON_PATHS or not (attempt.own or attempt.act == "connect"):
        return ""
    real, home = Path(attempt.on).resolve(), Path(wish.home).resolve()
    places: list[tuple[str, Iterable[str]]] = [
        ("the project", [wish.project_directory]),
        ("the project's repository", [path for path in (wish.reach.git_directory, wish.reach.work_tree) if path]),
        ("[containment] writable", wish.reach.writable),
    ]
    if attempt.act not in {"write", "plant"}:
        places += [("[containment] readable", wish.reach.readable)]
    for key, names in places:
        if any(within(real, own_places.expanded(name, home).resolve()) for name in names):
            return key
    is_shown = attempt.act not in {"write", "plant"} and str(real) in wish.protected_paths
    is_covered = not is_shown and any(within(real, place) for place in covers.hidden_places(wish))
    return 'containment = "home"' if wish.level == "home" and not is_covered else ""


def _survivors(session_id: str) -> Tried:
    """The kernel takes a moment to end what is in a PID namespace."""
    end = time.monotonic() + SURVIVAL_S
    while (left := _marked(session_id)) and time.monotonic() < end:
        time.sleep(0.05)
    return Tried("a process lives on", " ".join(left) or "none", "REACHED" if left else "refused")


def _marked(session_id: str) -> list[str]:
    mark = f"THREADBRIDGE_SESSION={session_id}".encode()
    pids = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if mark in _environment(pid)]


def _environment(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
