"""Does what a plan says, one after the other, and says each as it is done."""

import os
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bridge.protocol.errors import UserError
from supervisor.operator.installation.actions import Action, Remove, Run, Say, Write
from supervisor.operator.installation.facts import with_bus
from supervisor.private_files import write_private

RUN_DEADLINE_S = 180.0
"""A start waits until the supervisor is ready, or systemd has given it up (90 s)."""


def act(actions: Iterable[Action], say: Callable[[str], None]) -> None:
    """Raises UserError at the first that fails, with what it said."""
    for action in actions:
        say(f"  {action.words}")
        match action:
            case Write(path, text, mode):
                _write(Path(path), text, mode)
            case Remove(path):
                _remove(Path(path))
            case Run(argv, _, may_fail, otherwise):
                if not _run(argv, may_fail=may_fail) and otherwise:
                    say(f"  ✗ {otherwise}")
            case Say():
                pass


def _write(path: Path, text: str, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text.encode(), durable=True)
        path.chmod(mode)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _remove(path: Path) -> None:
    try:
        with suppress(FileNotFoundError):
            path.unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be removed: {error.strerror}") from None


def _run(argv: tuple[str, ...], *, may_fail: bool) -> bool:
    """Whether it was done. Raises UserError, unless it may fail."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=with_bus(os.environ),
            timeout=RUN_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        if may_fail:
            return False
        raise UserError(f"{argv[0]} could not be run: {error}") from None
    if done.returncode and not may_fail:
        told = done.stdout.decode(errors="replace").strip()[-1500:]
        raise UserError(f"{' '.join(argv)} ended with {done.returncode}: {told or 'without a word'}{_hint(argv)}")
    return not done.returncode


def _hint(argv: tuple[str, ...]) -> str:
    if argv[:2] == ("systemctl", "--user") and "restart" in argv:
        return "\n  what it said: journalctl --user -u threadbridge -n 20"
    if argv[0] == "systemctl" and "restart" in argv:
        return "\n  what it said: journalctl -u threadbridge -n 20"
    if argv[:2] == ("systemctl", "--user"):
        return "\n  the user's own systemd is reached from a login of theirs (ssh, console), not from `su`"
    return ""
