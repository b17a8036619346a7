"""Requests that share a card, as they were listed when its buttons were shown.

A button for all of them names the list by its digest, of which each request's place in the log and the digest of its
input are a part. So what it allows is what stood there, and never what came in between; and since a log never changes,
nothing else can ever have that name.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from bridge.session.permission import PermissionRequest

NAME_CHARS = 48
"""Of 64 hex digits; with them a custom_id has 94 characters of 100."""


class Listing(msgspec.Struct, frozen=True):
    """``digests``: those of the inputs that were shown, by the requests' seqs."""

    generation: str
    digests: dict[int, str]

    @property
    def name(self) -> str:
        told = msgspec.json.encode([self.generation, sorted(self.digests.items())])
        return hashlib.sha256(told).hexdigest()[:NAME_CHARS]

    def has(self, request: PermissionRequest) -> bool:
        name = request.name
        return (name.generation, self.digests.get(name.seq)) == (self.generation, request.event.digest)


def listing_of(requests: Iterable[PermissionRequest]) -> Listing:
    """Of at least one request; all are of one log."""
    listed = list(requests)
    return Listing(listed[0].name.generation, {one.name.seq: one.event.digest for one in listed})


def are_equal(one: PermissionRequest, other: PermissionRequest) -> bool:
    """Whether both ask for the same, for the same reason, whoever asks: who reads one has read the other."""
    return _asked(one) == _asked(other)


def _asked(request: PermissionRequest) -> tuple[object, ...]:
    event = request.event
    return (
        *(event.tool, event.digest, event.server, event.reason, event.blocked_path, event.rules, event.modes),
        *(event.places, request.needs_two),
    )


def without_equals(requests: Iterable[PermissionRequest]) -> list[list[PermissionRequest]]:
    """In their order, equal ones with the first of them."""
    found: list[list[PermissionRequest]] = []
    for request in requests:
        known = next((same for same in found if are_equal(same[0], request)), None)
        if known:
            known.append(request)
        else:
            found.append([request])
    return found
