"""Discord's ids as times: milliseconds of its epoch in the upper bits (reference.mdx, "Snowflakes")."""

from bridge.discord_numbers import ID_TIME_SHIFT

CLOCKS_DIFFER_S = 10.0
_EPOCH_MS = 1_420_070_400_000


def snowflake(at: float) -> int:
    """The smallest id that Discord gives at that time, in Unix seconds."""
    return max(0, int(at * 1000) - _EPOCH_MS) << ID_TIME_SHIFT


def surely_before(at: float) -> int:
    """As ``snowflake``, of a time that has passed also where our clock is a little ahead of Discord's."""
    return snowflake(at - CLOCKS_DIFFER_S)


def given_at(discord_id: int) -> int:
    """When Discord gave that id, in whole Unix seconds."""
    return ((discord_id >> ID_TIME_SHIFT) + _EPOCH_MS) // 1000


def has_time(discord_id: int) -> bool:
    """Not in 0, nor in another number that Discord never gave."""
    return discord_id >> ID_TIME_SHIFT > 0
