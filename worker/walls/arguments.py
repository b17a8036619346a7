"""The walls as bubblewrap's argv. No I/O.

At the level ``project`` the root is bubblewrap's own empty tmpfs, made read-only at the end, and each thing in it is a
mount of the list. At the level ``home`` it is the host's, and the mounts cover what is not for the child.
"""

from worker.walls.wish import Mount, Walls

TMPFS_BYTES = 256 * 1024 * 1024
"""Of each tmpfs that a child may write. bubblewrap's own default is half of the machine's memory."""


def arguments(walls: Walls) -> list[str]:
    """The argv prefix, up to and with ``--``. Later mounts win, so parents come first."""
    ordered = sorted(walls.mounts, key=lambda mount: len(mount.path.parts))
    size = ["--size", str(TMPFS_BYTES)] if walls.takes_size else []
    flags = [flag for mount in ordered for flag in _flags(mount, size)]
    return [walls.program, *_NAMESPACES, *_tree(walls), *_KERNEL, *flags, *_closed(walls, ordered), "--"]


_NAMESPACES = [
    *("--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
    *("--cap-drop", "ALL"),
]
_KERNEL = [
    *("--proc", "/proc", "--ro-bind-try", "/proc/sys", "/proc/sys"),
    *("--ro-bind-try", "/proc/sysrq-trigger", "/proc/sysrq-trigger"),
    *("--ro-bind-try", "/proc/irq", "/proc/irq", "--ro-bind-try", "/proc/bus", "/proc/bus"),
    *("--ro-bind-try", "/dev/null", "/proc/keys", "--ro-bind-try", "/dev/null", "/proc/key-users"),
]
"""Root owns these and needs no capability to write them."""


def _tree(walls: Walls) -> list[str]:
    if walls.level == "project":
        return ["--dev", "/dev"]
    return [*(("--bind", "/", "/", "--dev", "/dev") if walls.root else ("--dev-bind", "/", "/")), *_SYS]


_SYS = ["--ro-bind-try", "/sys", "/sys"]


def _flags(mount: Mount, size: list[str]) -> list[str]:
    path = str(mount.path)
    match mount.kind:
        case "hidden":
            return ["--tmpfs", path]
        case "private":
            return [*size, "--tmpfs", path]
        case "read-only":
            return ["--ro-bind", mount.bound, path]
        case "pinned" | "writable":
            return ["--bind", mount.bound, path]
        case "device":
            return ["--dev-bind", mount.bound, path]
        case "link":
            return ["--symlink", mount.bound, path]


def _closed(walls: Walls, mounts: list[Mount]) -> list[str]:
    """Only now, for in a read-only place nothing can be mounted: a cover is never writable."""
    places = [str(mount.path) for mount in mounts if mount.kind == "hidden"]
    if walls.level == "project":
        places += ["/dev", "/"]
    chdir = ["--chdir", walls.directory] if walls.directory else []
    return [*(word for place in places for word in ("--remount-ro", place)), *chdir]
