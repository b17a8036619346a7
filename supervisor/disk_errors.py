"""Which errors of a disk may pass by themselves, and which only a person mends: the one is tried again, the other not.

A disk that is full, went read-only, answers with errors or is away for a while comes back without anybody touching us;
a right that is missing, or a path that leads nowhere, does not. Source: errno(3).
"""

import errno

from bridge.protocol.errors import NotNowError, UserError

MAY_PASS = frozenset(
    {
        *(errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EBUSY, errno.EAGAIN, errno.EINTR),
        *(errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO, errno.EHOSTDOWN),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EUCLEAN, errno.ESHUTDOWN),
    }
)


def in_words(words: str, error: OSError) -> UserError:
    """What to raise: ``words``, and why."""
    kind = NotNowError if error.errno in MAY_PASS else UserError
    return kind(f"{words}: {error.strerror}")
