"""The trial of the exact walls, and what follows from its answer."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from worker import bubblewrap
from worker.walls import covers, open_list, remedy
from worker.walls.arguments import arguments
from worker.walls.held import held
from worker.walls.wish import Containment, RefusedError, Shell, Walls, within

PROBE_DEADLINE_S = 5.0

Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


def survey(wish: Containment) -> Walls:
    """The walls of the wish's level. Raises UserError as both surveys do."""
    return open_list.survey(wish) if wish.level == "project" else covers.survey(wish)


def shut_in(wish: Containment) -> Shell:
    """The very walls that were tried. Raises as `survey` and `decide` do."""
    if wish.level == "none":
        return decide(wish, None)
    walls = survey(wish)
    return decide(wish, trial(walls), walls)


def decide(wish: Containment, refusal: str | None, walls: Walls | None = None) -> Shell:
    """``refusal`` is the trial's answer, ``walls`` what was tried; None: they are looked for.

    Raises RefusedError unless the child is shut in, or is not to be.
    """
    if wish.level == "none":
        return Shell([], False, "not contained: containment is switched off")
    if refusal is not None:
        raise _refused(wish, with_remedy(refusal))
    walls = walls or survey(wish)
    if walls.weaknesses:
        raise _refused(wish, f"{'; '.join(walls.weaknesses)}. Put a real directory in its place, or name the real path")
    how = f"contained by bubblewrap, level {walls.level}"
    return Shell(arguments(walls), True, how, walls.level == "project", walls.argv, walls.directory, walls.opened)


def with_remedy(refusal: str) -> str:
    """Why a child cannot be shut in here, and what to do about it."""
    return f"{refusal}. {remedy.in_words(bubblewrap.find(os.environ.get('PATH', '')))}"


def _refused(wish: Containment, why: str) -> RefusedError:
    return RefusedError(f"Claude is not started: containment is required for {wish.project_directory}, but {why}")


# Prints what is wrong and fails, or is silent. $1 is our PID namespace; then, after --, paths that must not
# be seen, and after another --, paths that must not be writable.
_CHECK = (
    f"PATH={bubblewrap.SYSTEM_PATH}"
    + r"""
fail() { echo "$1"; exit 1; }
[ "$(readlink /proc/self/ns/pid)" != "$1" ] || fail "the child would see the host's processes"
read -r pid rest < /proc/self/stat
[ "$pid" = "$$" ] || fail "the child's /proc would show the host's processes"
while read -r key value; do
  case $key$value in CapEff:*[!0]*) fail "the child would keep capabilities";; esac
done < /proc/self/status
shift 2
while [ "$1" != -- ]; do [ ! -e "$1" ] || fail "the child would see $1"; shift; done
shift
for path; do [ ! -w "$path" ] || fail "the child could write $path"; done
"""
)


def probe(wish: Containment, run: Run | None = None) -> str | None:
    """The trial of the walls that the wish has on this machine. Raises UserError as `survey`."""
    return trial(survey(wish), run)


def trial(walls: Walls, run: Run | None = None) -> str | None:
    """Run the exact arguments with a small check inside. None when all holds, else the reason in words.

    At most PROBE_DEADLINE_S seconds, usually 20 ms. ``run`` runs an argv.
    """
    if not walls.program:
        return "bubblewrap (bwrap) is not installed where only root can put it"
    try:
        done = (run or _run)([*arguments(walls), *_check(walls)])
    except subprocess.TimeoutExpired:
        return f"bubblewrap did not finish within {PROBE_DEADLINE_S:g} s"
    except OSError as error:
        return f"bubblewrap does not start: {error.strerror}"
    if done.returncode == 0:
        return None
    words = (done.stdout + done.stderr).strip().splitlines() or [f"exit status {done.returncode}"]
    return f"bubblewrap does not work here: {words[0]}"


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    with held(argv) as (prefix, fds):
        return subprocess.run(  # noqa: PLW1510 - the status is looked at
            prefix,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_DEADLINE_S,
            cwd="/",
            env={"PATH": bubblewrap.SYSTEM_PATH},
            pass_fds=fds,
        )


def _check(walls: Walls) -> list[str]:
    namespace = str(Path("/proc/self/ns/pid").readlink())
    writable = [mount.path for mount in walls.mounts if mount.kind == "writable"]
    sealed = [mount.path for mount in walls.mounts if mount.kind == "read-only" and mount.path not in writable]
    return ["/bin/sh", "-c", _CHECK, "sh", namespace, "--", *_witnesses(walls), "--", *map(str, sealed)]


def _witnesses(walls: Walls) -> list[str]:
    """Some of what is now in the hidden directories, so that its absence proves something."""
    shown = [mount.path for mount in walls.mounts if mount.kind not in {"hidden", "private"}]
    hidden = [mount.path for mount in walls.mounts if mount.kind in {"hidden", "private"}]
    entries = [entry for folder in hidden for entry in _some_entries(folder)]
    return [str(entry) for entry in entries if not any(within(path, entry) for path in (*shown, *hidden))]


def _some_entries(folder: Path, most: int = 8) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:most]
    except OSError:
        return []
