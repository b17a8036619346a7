"""How many examples a property test tries, where its own number differs from the profile's (tests/conftest.py)."""

from hypothesis import settings

SURE = 60
"""Examples of the profile that the whole suite uses."""


def searched(examples: int) -> settings:
    """So many in the whole suite; of the other profiles as many more, or fewer, as they try of any test."""
    return settings(max_examples=max(1, examples * settings().max_examples // SURE))
