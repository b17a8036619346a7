"""The copy of a project's files that somebody trusts for the channel, on the way to Claude.

It lies in the state directory, where the child cannot change it, and nothing else of the project's own acts: settings
by ``--settings``, servers by ``--mcp-config`` (docs/claude-protocol.md, "Project files": both act with
``--setting-sources user``), and commands, skills and agents by their names in the child's ``~/.claude``.
"""

from pathlib import Path

from bridge.trust.acting import FOLDERS, SERVERS, SETTINGS


def settings_arguments(copy: str) -> list[str]:
    """A file, not JSON: Claude keeps JSON in a file of its own that the child could change, and reads it again."""
    path = Path(copy, SETTINGS)
    return ["--settings", str(path)] if copy and path.is_file() else []


def server_files(copy: str) -> list[str]:
    """What ``--mcp-config`` is given beside our own server."""
    path = Path(copy, SERVERS)
    return [str(path)] if copy and path.is_file() else []


def shown(copy: str) -> tuple[str, ...]:
    """What the child must be able to read of the state directory, and nothing more."""
    return (copy,) if copy and Path(copy).is_dir() else ()


def places(copy: str) -> dict[str, Path]:
    """Where each command, skill and agent of the copy belongs, by its name below ``~/.claude``.

    One by one, since the user's own lie there too; of two with the same name the user's own is meant. Empty without a
    copy.
    """
    found: dict[str, Path] = {}
    for kind in FOLDERS if copy else ():
        folder = Path(copy, kind)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            found[f"{kind}/{path.name}"] = path
    return found
