"""The wish of one start of a worker: what its start message and its environment say about the child's walls."""

import os
from collections.abc import Mapping
from pathlib import Path

from bridge.protocol.layout import Layout
from bridge.protocol.start import WorkerStart
from worker import trusted
from worker.walls.wish import HIDDEN, Containment, Reach, level_of


def wish_of(start: WorkerStart, environment: Mapping[str, str], claude_id: str) -> Containment:
    """``environment``: the child's. Makes the session's folders that are shown to it."""
    paths = Layout(Path(start.state_directory).resolve()).session(start.created.session_id)
    for folder in (paths.files, paths.scratch):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    named = [value for name in ("TMPDIR", "CLAUDE_CODE_TMPDIR") if (value := start.environment.get(name, ""))]
    return Containment(
        mode=start.containment,
        state_directory=start.state_directory,
        protected_paths=start.protected_paths,
        project_directory=start.created.directory,
        home=home_of(start),
        runtime_directory=os.environ.get("XDG_RUNTIME_DIR", ""),
        hidden=hidden_of(start),
        secrets=start.hidden_paths,
        temporary_directories=("/tmp", *named),  # noqa: S108
        claude_directory=variable_of(start, "CLAUDE_CONFIG_DIR"),
        uid=os.getuid(),
        shown=(str(paths.files), *trusted.shown(start.trusted_copy)),
        writable=(str(paths.scratch),),
        reach=_reach_of(start, environment.get("PATH", os.defpath), claude_id),
    )


def _reach_of(start: WorkerStart, path: str, claude_id: str) -> Reach:
    """What is open at the level project. ``path``: the child's PATH."""
    layout, created = Layout(Path(start.state_directory).resolve()), start.created
    return Reach(
        private=str(layout.session(created.session_id).inside),
        caches=str(layout.caches(created.channel_id)),
        readable=start.readable,
        writable=start.writable,
        projects=start.projects,
        git_directory=created.git_directory,
        work_tree=created.work_tree,
        command=start.command,
        path=path,
        claude_id=claude_id,
        login=start.login_directory,
        trusted={name: str(path) for name, path in trusted.places(start.trusted_copy).items()},
    )


def variable_of(start: WorkerStart, name: str) -> str:
    """As the child will see it: the configuration's word before our own environment's."""
    return start.environment.get(name) or os.environ.get(name, "")


def home_of(start: WorkerStart) -> str:
    return variable_of(start, "HOME") or str(Path.home())


def claude_home_of(start: WorkerStart) -> Path:
    return Path(variable_of(start, "CLAUDE_CONFIG_DIR") or Path(home_of(start), ".claude"))


def hidden_of(start: WorkerStart) -> tuple[str, ...]:
    configured = start.environment.get("XDG_RUNTIME_DIR", "")
    return (*HIDDEN, *([configured] if configured else []), *_ours("RUNTIME_DIRECTORY"))


def kept_from_claude(start: WorkerStart) -> tuple[str, ...]:
    """What we, outside of the walls, must not read on its behalf: all that the walls hide."""
    return (start.state_directory, *start.hidden_paths, os.environ.get("XDG_RUNTIME_DIR", ""), *hidden_of(start))


def private_places(start: WorkerStart) -> tuple[Path, ...]:
    """Where what the child writes is only this session's, as it is named inside."""
    if level_of(start.containment) != "project":
        return ()
    return (Path("/tmp"), Path("/var/tmp"), Path(home_of(start)).resolve())  # noqa: S108


def _ours(name: str) -> list[str]:
    """What systemd made for the service: a note in it tells the other commands where the state is."""
    return [folder for folder in os.environ.get(name, "").split(":") if folder]
