"""What the router asks of what is known: of sessions, of what they ask, and of what cards show of that."""

from collections.abc import Collection, Sequence
from typing import Protocol

from bridge.session.card_listing import Listing
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, RequestName, Settled


class Known(Protocol):
    """Answered at once, and by what is the case when it is asked."""

    def session_of_thread(self, thread_id: int, /) -> ManagedSession | None:
        """The session whose thread this is."""

    def request_of(self, name: RequestName, /) -> PermissionRequest | Settled | None:
        """A pending request, or how it ended; None: there is none of this name."""

    def invited(self, session_id: str, /) -> Collection[int]:
        """The ids of those who may talk in this session only."""

    def joined_by(self, channel_id: int, author_id: int, message_id: int, /) -> tuple[str, int] | None:
        """The session and the prompt that a message is a part of; 0: that is closed, and it is the session's next."""

    def listing(self, session_id: str, name: str, /) -> Listing | None:
        """What a shared card of the session listed under this name; None: it is not known (any more)."""

    def equals_of(self, name: RequestName, /) -> Sequence[PermissionRequest]:
        """The open requests that the card of this one shows as one with it."""

    def has_room_for(self, session_id: str, directories: Collection[str], /, *, in_channel: bool) -> bool:
        """Whether the session's Claude (``in_channel``: each of the channel's) can be told of these, too."""

    def claude_commands(self, channel_id: int, session: ManagedSession | None, /) -> Collection[str]:
        """Which commands Claude Code said that it has: in the session, else in the channel's last one; empty: nobody
        knows.
        """
