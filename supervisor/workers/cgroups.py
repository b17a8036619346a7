"""The service's cgroup, divided so that the kernel can hold each session to its limits (cgroup-v2.rst).

    threadbridge.service/     given to us (Delegate=yes); nothing runs in it itself
        supervisor/           we and the workers: systemd puts us there (DelegateSubgroup=supervisor)
        session-<id>/         a Claude with all its tools; made, entered and removed by its worker (worker/cgroup.py)
        earlier/              what an older version had started in the unit's own cgroup, and which has no limits

The kernel divides a cgroup's memory among its children only while nothing runs in the cgroup itself ("No Internal
Process Constraint"), and workers outlive us: a supervisor that systemd wanted to put beside them, into the unit's own
cgroup, could not be started any more. So we never go into a part of our own, but ask that systemd has put us there,
which it does since version 254. Where it has not, the workers count by themselves.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

SUBGROUP, EARLIER = "supervisor", "earlier"
SESSIONS = "session-*"
CONTROLLERS = ("memory", "pids", "cpu")
OUR_CPU_WEIGHT = 1000
"""Ten times an ordinary session's: a card waits for us, and we have little to do."""
MOVES = 10
"""Looks at who still runs in the cgroup that must be empty; who forks meanwhile is found by the next."""
_TODO = "in its systemd unit (systemd 254 or newer) Delegate=yes and DelegateSubgroup=supervisor give it one"


class Cgroup(msgspec.Struct, frozen=True):
    """Below which ``directory`` sessions get theirs; empty: nowhere, and ``why`` says so in words."""

    directory: str = ""
    why: str = ""
    controllers: tuple[str, ...] = ()
    """Those that are on."""


class _Unavailable(Exception):  # noqa: N818 - not an error that leaves this module
    """Why, in words."""


def prepare(proc: Path = Path("/proc/self")) -> Cgroup:
    """At the supervisor's start: what can be switched on is, and what dead workers left is removed."""
    try:
        base = _base(proc)
        _empty(base)
        for name in _wanted(base):
            _switch_on(base, name)
        _remove_left(base)
        with suppress(OSError):  # it may not be ours to change
            (base / SUBGROUP / "cpu.weight").write_text(str(OUR_CPU_WEIGHT))
        return _found(base)
    except _Unavailable as unavailable:
        return Cgroup(why=str(unavailable))
    except OSError as error:
        return Cgroup(why=f"its cgroup cannot be divided: {error.filename or ''} {error.strerror}")


def of_supervisor(pid: int) -> Cgroup:
    """What a running supervisor has; nothing is changed."""
    try:
        return _found(_base(Path(f"/proc/{pid}")))
    except _Unavailable as unavailable:
        return Cgroup(why=str(unavailable))
    except OSError as error:
        return Cgroup(why=f"its cgroup cannot be read: {error.strerror}")


def in_words(cgroup: Cgroup) -> str:
    """Who holds sessions to their limits; a line."""
    if not cgroup.directory:
        return f"limits: each worker counts once a second, since {cgroup.why}"
    missing = [name for name in CONTROLLERS if name not in cgroup.controllers]
    rest = f"; not {' and '.join(missing)}, which each worker counts as far as it can" if missing else ""
    return f"limits: the kernel holds each session to them ({', '.join(cgroup.controllers)}{rest})"


def _found(base: Path) -> Cgroup:
    if not (on := _on(base)):
        raise _Unavailable(f"no controller is on in {base}")
    return Cgroup(str(base), controllers=on)


def _on(base: Path) -> tuple[str, ...]:
    on = (base / "cgroup.subtree_control").read_text().split()
    return tuple(name for name in CONTROLLERS if name in on)


def _base(proc: Path) -> Path:
    own = _own(proc)
    if own.name != SUBGROUP:
        raise _Unavailable(f"the supervisor has no cgroup of its own; {_TODO}")
    base = own.parent
    if not _wanted(base):
        raise _Unavailable(f"there is no controller of {', '.join(CONTROLLERS)} in {base}")
    return base


def _own(proc: Path) -> Path:
    path = next((line[3:] for line in (proc / "cgroup").read_text().splitlines() if line.startswith("0::")), "")
    for root, mounted in _mounts((proc / "mountinfo").read_text()):
        if path and Path(path).is_relative_to(root):
            return mounted / Path(path).relative_to(root)
    raise _Unavailable("this machine has no cgroups of version 2")


def _mounts(mountinfo: str) -> Iterator[tuple[str, Path]]:
    """Which part of the hierarchy, and where: proc_pid_mountinfo(5)."""
    for line in mountinfo.splitlines():
        mount, _, kind = line.partition(" - ")
        if kind.split()[:1] == ["cgroup2"]:
            root, where = mount.split()[3:5]
            yield root, Path(where)


def _wanted(base: Path) -> list[str]:
    there = (base / "cgroup.controllers").read_text().split()
    return [name for name in CONTROLLERS if name in there]


def _switch_on(base: Path, name: str) -> None:
    """One that is refused hinders no other."""
    with suppress(OSError):
        (base / "cgroup.subtree_control").write_text(f"+{name}")


def _empty(base: Path) -> None:
    """Whoever runs in it itself goes beside us. Raises OSError."""
    for _ in range(MOVES):
        if not (pids := (base / "cgroup.procs").read_text().split()):
            return
        (base / EARLIER).mkdir(exist_ok=True)
        for pid in pids:
            with suppress(ProcessLookupError):
                (base / EARLIER / "cgroup.procs").write_text(pid)


def _remove_left(base: Path) -> None:
    """Those in which nothing runs any more; the kernel refuses to remove any other."""
    for left in (*base.glob(SESSIONS), base / EARLIER):
        with suppress(OSError):
            os.rmdir(left)  # noqa: PTH106 - as the kernel has it: its files need no removal
