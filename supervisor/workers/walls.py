"""Whether this machine can shut a Claude in, and which attacks that stops: a worker's code says, in its own process."""

import subprocess
import sys

import msgspec

from bridge.protocol.attempts import Tried, Wanted
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout

PROBE_DEADLINE_S = 15.0
ATTEMPTS_DEADLINE_S = 90.0


def refusal(layout: Layout) -> str:
    """Why not, and what to do; empty when it can. Takes about 0.2 s."""
    argv = [sys.executable, "-I", "-m", "worker", "--probe", str(layout.state)]
    try:
        done = subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=PROBE_DEADLINE_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the trial did not end within {PROBE_DEADLINE_S:g} s"
    except OSError as error:
        return f"the trial does not start: {error.strerror}"
    if not done.returncode:
        return ""
    return done.stdout.strip() or done.stderr.strip()[-500:] or f"the trial ended with {done.returncode}"


def attempts(wanted: Wanted) -> list[Tried]:
    """What came of each attack, tried in Claude's place. Takes about a second. Raises UserError when none was tried."""
    argv = [sys.executable, "-I", "-m", "worker", "--attempts"]
    asked = msgspec.json.encode(wanted)
    try:
        done = subprocess.run(argv, input=asked, cwd="/", capture_output=True, timeout=ATTEMPTS_DEADLINE_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"the attacks could not be tried: {error}") from error
    if done.returncode:
        said = (done.stdout or done.stderr).decode(errors="replace").strip()
        raise UserError(f"the attacks could not be tried: {said[-1000:]}")
    return msgspec.json.decode(done.stdout, type=list[Tried])
