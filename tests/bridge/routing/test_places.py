"""Which channels can have sessions, and what is said of the others."""

import pytest

from bridge.routing.places import Place, unfit_in_words


@pytest.mark.parametrize("kind", [0, 5])
def test_text_and_announcement_channels_can(kind: int) -> None:
    assert unfit_in_words(Place(7, kind)) == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (1, "is a direct message"),
        (2, "is a voice channel"),
        (3, "is a group's direct message"),
        (4, "is a category, and nobody can write in one: give the id of a text channel in it"),
        (13, "is a stage channel"),
        (14, "is a directory of servers"),
        (15, "is a forum, in which Claude cannot begin threads"),
        (16, "is a media channel"),
        (99, "is a channel of the unknown kind 99"),
    ],
)
def test_others_cannot_and_are_named(kind: int, words: str) -> None:
    assert unfit_in_words(Place(7, kind)).startswith(words)


@pytest.mark.parametrize("kind", [10, 11, 12])
def test_of_a_thread_the_channels_id_is_told(kind: int) -> None:
    assert unfit_in_words(Place(7, kind, parent_id=600)).endswith("give the id of its channel, 600")
