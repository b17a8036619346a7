"""Facts of the session as a whole, and of its log."""

from bridge.protocol.events.base import Event


class SessionCreated(Event, frozen=True):
    """A log's first record: all that is needed to rebuild the supervisor's row of this session."""

    session_id: str
    thread_id: int
    guild_id: int
    channel_id: int
    directory: str
    owner_id: int
    inode: int = 0
    """The directory's own number in its file system, which no other in its place has; 0: not known."""
    git_directory: str = ""
    """The repository's common git directory, where it lies outside of ``directory``: opened for the child too."""
    work_tree: str = ""
    """The repository's top directory, where ``directory`` is one inside it."""
    remote: str = ""
    """The URL that the repository is pushed to, as it was then (``bridge.protocol.remote``); empty: there is none."""


class Titled(Event, frozen=True):
    """Claude made a title of what was asked first."""

    title: str


class LogGap(Event, frozen=True):
    """Records up to ``through`` were acknowledged by the supervisor but are gone from the log."""

    through: int
