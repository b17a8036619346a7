"""A child that pours out records is read more slowly; an ordinary one is not."""

from worker.brake import A_SECOND, AT_ONCE, Brake


def test_an_ordinary_child_is_never_waited_with() -> None:
    brake = Brake(made=10, now=0.0)
    assert [brake.pause_s(10 + 50 * second, float(second)) for second in range(1, 1000)] == [0.0] * 999


def test_what_comes_at_once_is_taken_at_once_up_to_a_limit() -> None:
    brake = Brake(made=0, now=0.0)
    assert brake.pause_s(AT_ONCE, 0.0) == 0.0
    assert brake.pause_s(AT_ONCE + 100, 0.0) == 100 / A_SECOND


def test_a_torrent_is_read_at_the_rate_and_no_faster() -> None:
    brake, now, made = Brake(made=0, now=0.0), 0.0, 0
    while now < 60.0:
        made += 64
        now += brake.pause_s(made, now)
    assert made <= AT_ONCE + 61 * A_SECOND


def test_rest_fills_it_again_and_never_more_than_full() -> None:
    brake = Brake(made=0, now=0.0)
    brake.pause_s(AT_ONCE, 0.0)
    assert brake.pause_s(2 * AT_ONCE, 3600.0) == 0.0
    assert brake.pause_s(2 * AT_ONCE + 1, 3600.0) > 0.0


def test_who_poured_out_and_is_quiet_since_is_asked_like_any_other_child() -> None:
    brake = Brake(made=0, now=0.0)
    pause_s = brake.pause_s(AT_ONCE + 100, 0.0)
    assert brake.is_on(pause_s), "the next of it may be about to be read"
    assert not brake.is_on(pause_s + 1.0)
    assert not Brake(made=0, now=0.0).is_on(0.0)
