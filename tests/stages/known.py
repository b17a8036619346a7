"""What a router asks of what is known, answered by values of a test."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bridge.session.card_listing import Listing
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, RequestName, Settled


@dataclass
class Told:
    """``session_of_thread`` and ``request_of`` answer as given; nobody is invited, and nothing is joined or shared."""

    session_of_thread: Callable[[int], ManagedSession | None] = lambda _: None
    request_of: Callable[[RequestName], PermissionRequest | Settled | None] = lambda _: None

    def invited(self, _session_id: str) -> Collection[int]:
        return ()

    def joined_by(self, _channel_id: int, _author_id: int, _message_id: int) -> tuple[str, int] | None:
        return None

    def listing(self, _session_id: str, _name: str) -> Listing | None:
        return None

    def equals_of(self, _name: RequestName) -> Sequence[PermissionRequest]:
        return ()

    def has_room_for(self, _session_id: str, _directories: Collection[str], *, in_channel: bool) -> bool:
        return True

    def claude_commands(self, _channel_id: int, _session: ManagedSession | None) -> Collection[str]:
        return ()
