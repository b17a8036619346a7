"""The walls as bubblewrap's argv. No I/O."""

from worker.walls.wish import Mount, Walls


def arguments(walls: Walls) -> list[str]:
    """The argv prefix, up to and with ``--``. Later mounts win, so parents come first."""
    ordered = sorted(walls.mounts, key=lambda mount: len(mount.path.parts))
    flags = [flag for mount in ordered for flag in _flags(mount)]
    return [walls.program, *_NAMESPACES, *_base(walls.root), *flags, "--"]


_NAMESPACES = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"]


def _base(root: bool) -> list[str]:
    tree = "--bind / / --dev /dev" if root else "--dev-bind / /"
    kernel = "--ro-bind-try /sys /sys --proc /proc --ro-bind-try /proc/sys /proc/sys"
    trigger = "--ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger"
    return f"{tree} {kernel} {trigger}".split()


def _flags(mount: Mount) -> list[str]:
    path = str(mount.path)
    match mount.kind:
        case "hidden" | "private":
            return ["--tmpfs", path]
        case "read-only":
            return ["--ro-bind", path, path]
        case "pinned" | "writable":
            return ["--bind", path, path]
