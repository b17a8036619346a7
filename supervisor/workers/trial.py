"""``threadbridge check --containment``: every attack that we know of, tried as a session of each channel would."""

import os
import uuid
from collections.abc import Iterator

from bridge.protocol import events as e
from bridge.protocol.attempts import Tried, Wanted
from bridge.routing.channel import Channel
from supervisor import locks, state_directory, token_file
from supervisor.config import Config
from supervisor.private_files import inode_of
from supervisor.projects import repository
from supervisor.sessions import session_logs
from supervisor.workers import walls
from supervisor.workers.starts import bare_start, worker_environment


def of_channel(config: Config, channel: Channel) -> list[Tried]:
    """Raises UserError when nothing could be tried."""
    return walls.attempts(_wanted(config, channel))


def _wanted(config: Config, channel: Channel) -> Wanted:
    state_directory.check_version(config.layout)
    found = repository.found_at(channel.directory, os.path.expanduser("~"))  # noqa: PTH111
    created = e.SessionCreated(
        session_id=str(uuid.uuid4()),
        thread_id=0,
        guild_id=0,
        channel_id=channel.channel_id,
        directory=channel.directory,
        owner_id=0,
        inode=inode_of(channel.directory),
        git_directory=found.git_directory,
        work_tree=found.work_tree,
    )
    hidden, environment = token_file.guard(config), worker_environment(os.environ)
    start = bare_start(config, created, channel.containment, hidden, environment)
    token = (os.path.expanduser(config.token_file),) if config.token_file else ()  # noqa: PTH111
    return Wanted(start, token, tuple(_others(config, channel)), tuple(_pids(config)))


def _others(config: Config, channel: Channel) -> Iterator[str]:
    for paths in session_logs.folders(config.layout):
        yield from (str(paths.log), str(paths.inside / "tmp"), str(paths.scratch))
    for other in config.channels.values():
        if other.directory != channel.directory:
            yield from (other.directory, f"{other.directory}/.git/hooks", f"{other.directory}/.git/config")


def _pids(config: Config) -> Iterator[int]:
    found = [locks.holder(config.layout.supervisor_lock)]
    found += [locks.holder(paths.lock) for paths in session_logs.folders(config.layout)]
    yield from (pid for pid in found if pid)
