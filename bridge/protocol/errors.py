"""Whose fault it is stands in the type (after h11's LocalError and RemoteError)."""

import msgspec


class BridgeError(Exception):
    """Every error that Threadbridge raises on purpose."""


class LocalError(BridgeError):
    """We did something wrong: a bug of ours."""


class RemoteError(BridgeError):
    """The other side did something wrong: Claude, Discord, or a peer on the socket."""


class UserError(BridgeError):
    """Told to the person who caused it, in words that say what to do."""


class NotNowError(UserError):
    """What may pass without anybody doing anything, such as a disk that takes no writes: it is tried again."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are none of ours: no JSON, no UTF-8, nested too deeply (msgspec 0.22)."""


def first_of[E: BaseException](errors: BaseExceptionGroup[E]) -> E:
    """The first error, in however many groups it comes: a person is told one reason."""
    found = errors.exceptions[0]
    return first_of(found) if isinstance(found, BaseExceptionGroup) else found
