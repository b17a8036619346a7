from bridge.newest import note_newest


def test_the_oldest_are_forgotten_and_what_is_noted_again_is_the_newest() -> None:
    kept: dict[str, int] = {}
    for number, key in enumerate("abcad"):
        note_newest(kept, key, number, 3)
    assert kept == {"c": 2, "a": 3, "d": 4} and list(kept) == ["c", "a", "d"]
