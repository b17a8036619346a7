"""A machine that boots in a container: systemd is its first process, and it shares our network, so that a Discord of
ours on loopback is one of its as well.

Who types there comes in by a login of its own (``systemd-run`` with PAM), as by ssh: with a user manager and its bus.
"""

import asyncio
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

from lab.systemd.root import CannotError
from lab.terminal import TerminalSession, at_terminal

_TRIAL = ("--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--dev", "/dev", "true")
BOOT_S, STOP_S, COMMAND_S = 60.0, 60.0, 180.0
LOOK_S = 0.1
GROUP = "threadbridge-machine"
"""nspawn gets a cgroup of its own, and the machine is below that."""


class CommandError(AssertionError):
    """A command in the machine ended with another code than 0."""


class Machine:
    """``root``: the folder that it boots."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.console = root.parent / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    async def boot(self) -> float:
        """The seconds until all is started. Raises CannotError for a machine that does not come up."""
        begun = time.monotonic()
        group = _unified() / GROUP
        group.mkdir(exist_ok=True)
        self._process = self._nspawn(group)
        while not await self._is_up():
            if self._process.poll() is not None or time.monotonic() - begun > BOOT_S:
                raise CannotError(f"it does not come up: {self.console.read_text(errors='replace')[-1500:]}")
            await asyncio.sleep(LOOK_S)
        if (code := await self._entered("bwrap", *_TRIAL))[0]:
            raise CannotError(f"bubblewrap does not work in it: {code[1]}")
        return time.monotonic() - begun

    def _nspawn(self, group: Path) -> subprocess.Popen[bytes]:
        nspawn = ["systemd-nspawn", "-D", str(self.root), "--register=no", "--keep-unit", "--console=pipe", "-b"]
        argv = ["sh", "-c", f'echo $$ >"$0/cgroup.procs"; exec {shlex.join(nspawn)}', str(group)]
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_USE_CGNS": "1"}
        with self.console.open("ab") as console:
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environment)

    async def _is_up(self) -> bool:
        assert self._process
        if not (below := _children(self._process.pid)):
            return False
        self._leader = below[0]
        return (await self._entered("systemctl", "is-system-running"))[1].strip() in ("running", "degraded")

    async def shut_down(self) -> None:
        """From inside, as a person would."""
        await self._entered("systemctl", "poweroff")
        await self._gone(STOP_S)

    async def power_cut(self) -> None:
        """All of it at once."""
        with suppress(ProcessLookupError):
            os.kill(self._leader, signal.SIGKILL)
        await self._gone(STOP_S)

    async def _gone(self, deadline_s: float) -> None:
        assert self._process
        end = time.monotonic() + deadline_s
        while self._process.poll() is None:
            if time.monotonic() > end:
                self._process.kill()
            await asyncio.sleep(LOOK_S)

    async def end(self) -> None:
        """Whatever state it is in."""
        if self._process and self._process.poll() is None:
            await self.power_cut()
        with suppress(OSError):
            (_unified() / GROUP).rmdir()

    # --- commands ----------------------------------------------------------------------------------------

    async def ran(self, command: str, user: str = "ada", folder: str = "") -> str:
        """What it printed. Raises CommandError."""
        code, out = await self.tried(command, user, folder)
        if code:
            raise CommandError(f"`{command}` ended with {code}: {out[-3000:]}")
        return out

    async def tried(self, command: str, user: str = "ada", folder: str = "") -> tuple[int, str]:
        """Its exit code, and all that it printed."""
        return await self._entered(*_login(user, folder, "--pipe"), command)

    def terminal(self, command: str, user: str = "ada") -> AbstractAsyncContextManager[TerminalSession]:
        return at_terminal([*self._enter(), *_login(user, "", "--pty"), command], dict(os.environ), Path("/"))

    def _enter(self) -> list[str]:
        return ["nsenter", "-t", str(self._leader), *("-m", "-u", "-i", "-n", "-p", "-C"), "--"]

    async def _entered(self, *argv: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *self._enter(),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), COMMAND_S)
        except TimeoutError:
            raise CommandError(f"{' '.join(argv)} took more than {COMMAND_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode(errors="replace")


def _login(user: str, folder: str, stream: str) -> Sequence[str]:
    """Up to the command, which the user's shell reads."""
    where = f"cd {shlex.quote(folder)} && " if folder else ""
    start = ["systemd-run", stream, "--wait", "--collect", "--quiet", f"--property=User={user}"]
    pam = [] if user == "root" else ["--property=PAMName=login"]
    return [*start, *pam, "--setenv=LANG=C.UTF-8", "bash", "-lc", f'{where}eval "$0"']


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _unified() -> Path:
    hybrid = Path("/sys/fs/cgroup/unified")
    return hybrid if hybrid.is_dir() else Path("/sys/fs/cgroup")
