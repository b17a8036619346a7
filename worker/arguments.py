"""What a worker is started for: a session, or to tell what a child could do on this machine."""

import argparse
import subprocess
import sys
from pathlib import Path

import msgspec

from bridge.protocol.attempts import Wanted
from bridge.protocol.errors import UserError
from worker.attempts import tried
from worker.process import run
from worker.shutting_in import refusal_in_words


def main() -> int:
    parser = argparse.ArgumentParser(prog="worker", description=__doc__)
    parser.add_argument("--session", help="the session's id; a label for ps, the pipe tells the rest")
    parser.add_argument("--start-fd", type=int, help="the inherited pipe with the start message")
    parser.add_argument("--probe", type=Path, help="say whether a child could be shut in, given a state directory")
    parser.add_argument(
        "--attempts", action="store_true", help="try to get out; what is wanted comes on stdin, as JSON"
    )
    asked = parser.parse_args()
    if asked.attempts:
        return _attempts()
    if asked.probe:
        return _probe(asked.probe)
    if asked.session is None or asked.start_fd is None:
        parser.error("the following arguments are required: --session, --start-fd")
    return run(asked.start_fd)


def _probe(state: Path) -> int:
    """0 when it could; else 1, and on stdout why not."""
    why = refusal_in_words(state)
    print(why)
    return 1 if why else 0


def _attempts() -> int:
    """What came of each, as JSON on stdout; 1 and the reason when nothing could be tried."""
    try:
        outcomes = tried(msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted))
    except (UserError, OSError, subprocess.SubprocessError) as error:
        print(error)
        return 1
    print(msgspec.json.encode(outcomes).decode())
    return 0
