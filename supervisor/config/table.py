"""What the tables of the configuration have in common."""

import msgspec

from bridge.discord_numbers import MOST_ID


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; a key that is not here is a mistake, and said."""


class Wrong(Exception):  # noqa: N818 - not an error that leaves the reading of the configuration
    """A key and what is wrong with it."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"{key}: {what}")


def check_id(key: str, number: int) -> None:
    """Raises Wrong."""
    if not 0 < number <= MOST_ID:
        raise Wrong(key, f"{number} is not an id of Discord's")
