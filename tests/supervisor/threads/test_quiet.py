"""How seldom the same is said."""

from supervisor.threads.quiet import MOST_KEPT, Quiet


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_same_is_said_once_per_person_and_place_within_its_period() -> None:
    clock = Clock()
    quiet = Quiet(clock)
    assert quiet.may_say(1, 10, "no", 60)
    assert not quiet.may_say(1, 10, "no", 60)
    assert quiet.may_say(2, 10, "no", 60)
    assert quiet.may_say(1, 11, "no", 60)
    assert quiet.may_say(1, 10, "other words", 60)
    clock.now = 60.0
    assert quiet.may_say(1, 10, "no", 60)


def test_a_mention_is_answered_again_though_a_message_without_one_would_not_be() -> None:
    clock = Clock()
    quiet = Quiet(clock)
    assert quiet.may_say(1, 10, "no", 86400)
    clock.now = 61.0
    assert not quiet.may_say(1, 10, "no", 86400)
    assert quiet.may_say(1, 10, "no", 60)


def test_however_many_people_write_only_so_many_are_kept() -> None:
    quiet = Quiet(Clock())
    for user_id in range(MOST_KEPT + 10):
        assert quiet.may_say(user_id, 10, "no", 60)
    assert quiet.may_say(0, 10, "no", 60), "the oldest is forgotten"
    assert not quiet.may_say(MOST_KEPT, 10, "no", 60)
