"""Whose fault it is stands in the type (after h11's LocalError and RemoteError)."""


class BridgeError(Exception):
    """Every error that Threadbridge raises on purpose."""


class LocalError(BridgeError):
    """We did something wrong: a bug of ours."""


class RemoteError(BridgeError):
    """The other side did something wrong: Claude, Discord, or a peer on the socket."""


class UserError(BridgeError):
    """Told to the person who caused it, in words that say what to do."""
