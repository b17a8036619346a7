"""What all facts have in common."""

from typing import Annotated

import msgspec

Number = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""What another process counts: a number that any store can hold, also one more of it."""


class Event(msgspec.Struct, frozen=True, tag=True, tag_field="kind", omit_defaults=True):
    """A fact. The subclass's name is its tag in the log and on the wire."""
