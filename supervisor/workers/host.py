"""What is asked of the machine that workers run on. ``this_machine`` is the one that there is.

Nothing here is about sessions' wishes or about Discord, so that a worker on another host needs another ``Host`` and no
second loop. A pid is a process's name on that host.
"""

from collections.abc import Callable
from typing import Protocol

from bridge.protocol.start import WorkerStart
from supervisor.sessions.starts_table import StartRow


class Watch(Protocol):
    """One process that is listened to until it is closed."""

    def has_ended(self) -> bool: ...

    def close(self) -> None: ...


class Host(Protocol):
    """Any method may raise OSError: it is tried again."""

    def check(self) -> None:
        """Raises LocalError when the sessions' folders are not those that they were at the start."""

    def bell(self) -> int:
        """Changes each time that the operator rings."""

    # --- who runs ------------------------------------------------------------------------------------

    def holder(self, session_id: str) -> int:
        """The pid that has the session's lock; 0 for nobody."""

    def start_of_holder(self, session_id: str) -> StartRow | None:
        """The start that the lock's holder wrote there, by our note of it; None when that tells nothing."""

    def watch(self, pid: int, on_end: Callable[[], None]) -> Watch | None:
        """``on_end`` is called once; None: there is no such process any more."""

    # --- a start -------------------------------------------------------------------------------------

    def make_folder(self, session_id: str) -> None: ...

    def note(self, start: StartRow) -> None:
        """Whose key this is, where it outlives the store."""

    def forget(self, session_id: str, start: str) -> None:
        """The note of this start, if it can be removed."""

    async def spawn(self, start: WorkerStart) -> int:
        """The pid of a worker that outlives us."""

    # --- an end --------------------------------------------------------------------------------------

    def is_stopped(self, session_id: str) -> bool:
        """Whether an operator's mark lies there."""

    def unmark(self, session_id: str) -> None: ...

    def exit_code(self, pid: int) -> int | None:
        """As in Popen, of a worker that we spawned; None while it runs. 0 when it was told before."""

    def end_child(self, pid: int) -> int:
        """The exit code of a worker that we spawned and that shall run no more."""

    async def end(self, session_id: str, pid: int) -> None:
        """By the ladder, with everything below it, until that is done."""

    def last_words(self, session_id: str) -> str:
        """The last line on the worker's stderr; empty when it said nothing."""
