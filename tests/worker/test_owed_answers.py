from worker.owed_answers import ANSWER_DEADLINE_S, DEADLINES_S, OwedAnswers

STOP_S = DEADLINES_S["interrupt"]


def test_a_request_that_is_answered_in_time_is_no_objection() -> None:
    owed = OwedAnswers()
    assert owed.objection({"tb1": "initialize"}, 0.0, in_turn=False) == ""
    assert owed.objection({"tb1": "initialize"}, ANSWER_DEADLINE_S - 1, in_turn=False) == ""
    assert owed.objection({}, ANSWER_DEADLINE_S + 1, in_turn=False) == ""


def test_each_request_has_its_own_time_and_its_own_deadline() -> None:
    owed = OwedAnswers()
    owed.objection({"tb1": "initialize"}, 0.0, in_turn=False)
    both = {"tb1": "initialize", "tb2": "interrupt"}
    assert owed.objection(both, 5.0, in_turn=True) == ""
    assert "within 10 seconds of being told to stop" in owed.objection(both, 5.0 + STOP_S, in_turn=True)
    only = {"tb1": "initialize"}
    assert "within 60 seconds of its start" in owed.objection(only, ANSWER_DEADLINE_S, in_turn=False)


def test_a_turn_that_goes_on_after_the_answer_is_an_objection_too() -> None:
    owed = OwedAnswers()
    owed.told_to_stop(0.0)
    owed.told_to_stop(STOP_S - 1)
    assert owed.objection({}, STOP_S - 1, in_turn=True) == ""
    assert "did not stop within 10 seconds" in owed.objection({}, STOP_S, in_turn=True)


def test_a_turn_that_ends_or_that_never_was_is_stopped_enough() -> None:
    ended, idle = OwedAnswers(), OwedAnswers()
    for owed in (ended, idle):
        owed.told_to_stop(0.0)
        assert owed.is_told_to_stop
    ended.turn_ended()
    assert ended.objection({}, STOP_S, in_turn=True) == "", "that is the next turn"
    assert idle.objection({"tb1": "interrupt"}, 1.0, in_turn=False) == "" and idle.is_told_to_stop
    assert idle.objection({}, 2.0, in_turn=False) == "" and not idle.is_told_to_stop
