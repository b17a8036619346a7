"""The child comes after us in all that is scarce: supervisor and workers answer people while its tools compute.

When the machine has no memory left, the kernel ends first who has the higher score (proc_pid_oom_score_adj(5)). To
raise one's own needs no rights, and it is inherited. A shell raises it, after the exec: before that the process is not
dumpable, as we are not, and may not open its own file unless it is root's.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from worker import landlock, prctl
from worker.cgroup import Cgroup

OOM_SCORE = 500
NICENESS = 5
_RAISE = f'{{ echo {OOM_SCORE} > /proc/self/oom_score_adj; }} 2>/dev/null; exec "$@"'
EXPENDABLE = ("/bin/sh", "-c", _RAISE, "sh")
"""What stands before the child's argv."""


@contextmanager
def entered(cgroup: Cgroup | None, scopes: int = -1) -> Iterator[Callable[[], None]]:
    """What the new process does between fork and exec: enter the cgroup and Landlock's scopes, be nice, die with us.

    What it may not do there hinders nothing: then the worker's own count holds it to its limits.
    """
    door = -1
    if cgroup:
        with suppress(OSError):
            door = cgroup.opened()

    def begin() -> None:
        prctl.die_with_parent()
        with suppress(OSError):
            os.nice(NICENESS)
        if door >= 0:
            with suppress(OSError):
                os.write(door, b"0")
        landlock.enter(scopes)

    try:
        yield begin
    finally:
        if door >= 0:
            os.close(door)


async def spawn(
    argv: Sequence[str],
    directory: str,
    environment: Mapping[str, str],
    begin: Callable[[], None],
    stdio: tuple[int, int, int],
    pass_fds: Sequence[int] = (),
    umask: int = -1,
) -> asyncio.subprocess.Process:
    """Start ``argv`` in a process session of its own: there is no terminal that anything could ask on.

    Must run on the main thread (PDEATHSIG is per thread). ``begin``: what it does between fork and exec (``entered``).
    ``stdio``: descriptors of stdin, stdout and stderr. ``umask``: what its files are made with; -1: as ours.
    Raises OSError.
    """
    return await asyncio.create_subprocess_exec(
        *EXPENDABLE,
        *argv,
        stdin=stdio[0],
        stdout=stdio[1],
        stderr=stdio[2],
        cwd=directory,
        env=dict(environment),
        start_new_session=True,
        umask=umask,
        pass_fds=pass_fds,
        preexec_fn=begin,
    )
