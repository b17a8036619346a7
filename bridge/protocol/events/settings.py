"""Facts that answer what a person set, or stopped."""

from bridge.protocol.events.base import Event


class InterruptAccepted(Event, frozen=True):
    command_id: str
    by: int = 0
    keep_queued: bool = False


class ConfigureAccepted(Event, frozen=True):
    command_id: str
    setting: str
    value: str
    error: str = ""
