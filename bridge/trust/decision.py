"""Whether a channel trusts what a project's own files would do: the question and the answer.

    ASKED ──Trust these──▶ TRUSTED ──Revoke──▶ (asked again by /trust)
      └─────Not now──────▶ DECLINED ──/trust──▶ TRUSTED

Both the question and the answer are of one directory in one channel, and name the digest of what was shown. Files with
another digest are another question, and until it is answered nothing of the project acts.
"""

import hashlib
from typing import Literal

import msgspec

Verb = Literal["yes", "no", "revoke"]


class Asked(msgspec.Struct, frozen=True):
    """The question that was asked last. ``session_id`` and ``post`` say where its card stands."""

    directory: str
    digest: str
    session_id: str
    post: str
    declined_by: str = ""


class Trusted(msgspec.Struct, frozen=True):
    """``since`` in Unix seconds; ``acts`` is the beginning of what the person was shown."""

    directory: str
    digest: str
    by: str
    by_id: int
    since: float
    acts: tuple[str, ...] = ()
    session_id: str = ""
    post: str = ""
    """Where its card stands, as of ``Asked``."""


def digest_of_path(directory: str) -> str:
    """Names one directory."""
    return hashlib.sha256(directory.encode("utf-8", "surrogateescape")).hexdigest()[:16]
