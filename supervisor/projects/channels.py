"""Channels are added and removed while we run: in force at once, and written back to the configuration.

The new text is read as at a start before it replaces the file, so that a running supervisor and one that starts agree.
What a person is told names no path that they did not give.
"""

import stat
from collections.abc import Callable
from pathlib import Path

from bridge.protocol.errors import UserError
from bridge.text import one_line
from supervisor import config as configuration
from supervisor import token_file
from supervisor.config import Config, document
from supervisor.config_in_force import Settings, carried
from supervisor.private_files import write_private
from supervisor.reload import Reload, stamp_of

NO_ROOTS = (
    "Nobody may add projects from here yet. The bridge's operator can allow directories below one of theirs: in its"
    ' configuration, `[projects]` with `roots = ["/srv"]`.'
)


class ProjectChannels:
    """Raises UserError, in words for whoever asked in Discord, for all that cannot be."""

    def __init__(
        self, settings: Settings, reload: Reload, check: Callable[[Config], object] = token_file.guard
    ) -> None:
        self._settings = settings
        self._reload = reload
        self._check = check

    def directory(self, given: str) -> str:
        """A directory that may become a project: real, below an allowed root, and no other project's."""
        roots = [Path(root).resolve() for root in self._settings.now.project_roots]
        if not roots:
            raise UserError(NO_ROOTS)
        found = _existing(given, roots)
        if not any(found != root and found.is_relative_to(root) for root in roots):
            below = ", ".join(f"`{root}`" for root in roots)
            raise UserError(f"`{one_line(given, 200)}` is not below a directory that is allowed for this: {below}.")
        for channel in self._settings.channels.values():
            other = Path(channel.directory).resolve()
            if found.is_relative_to(other) or other.is_relative_to(found):
                raise UserError(
                    f"`{one_line(given, 200)}` and the project of <#{channel.channel_id}> would overlap: who may do"
                    " what there would no longer be told by the channel."
                )
        return str(found)

    def add(self, channel_id: int, directory: str) -> None:
        """``directory`` as ``directory`` gives it."""
        if channel_id in self._settings.channels:
            raise UserError(f"<#{channel_id}> has a project already; `/project remove` it first.")
        self._write(lambda text, path: document.with_channel(text, channel_id, directory, path))

    def remove(self, channel_id: int) -> None:
        if channel_id not in self._settings.channels:
            raise UserError(f"<#{channel_id}> has no project.")
        if len(self._settings.channels) == 1:
            raise UserError(f"<#{channel_id}> is the only one; without any channel the bridge would not start again.")
        self._write(lambda text, path: document.without_channel(text, channel_id, path))

    def _write(self, change: Callable[[str, Path], str]) -> None:
        path = self._settings.now.path
        stamp = stamp_of(path)
        try:
            text = change(path.read_text("utf-8"), path)
        except (OSError, UnicodeDecodeError):
            raise UserError("The bridge's configuration cannot be read, so nothing was done.") from None
        new = configuration.parse(path, text)
        self._check(carried(self._settings.now, new))
        if stamp_of(path) != stamp:
            raise UserError("Somebody is just changing the bridge's configuration. Please try again.")
        try:
            _replace(path.resolve(), text)
        except OSError as error:
            raise UserError(
                f"The bridge's configuration cannot be written ({error.strerror}), so nothing was done; its operator"
                " can add the channel by hand."
            ) from None
        if trouble := self._reload.read().trouble:
            raise UserError(f"It is written, but not in force: {trouble}")


def _existing(given: str, roots: list[Path]) -> Path:
    """With all links resolved, so that none leads out; a name alone is looked for below each root."""
    for path in [Path(given), *(root / given for root in roots)]:
        try:
            real = path.resolve(strict=True)
            if path.is_absolute() and real.is_dir():
                return real
        except (OSError, RuntimeError, ValueError):
            continue
    raise UserError(f"There is no directory `{one_line(given, 200)}`.")


def _replace(real: Path, text: str) -> None:
    """The file that a link leads to, with its mode as it was."""
    mode = stat.S_IMODE(real.stat().st_mode)
    write_private(real, text.encode(), durable=True)
    real.chmod(mode)
