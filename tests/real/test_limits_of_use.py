"""A usage limit of a subscription, as the real CLI meets it: told, waited for, and gone on from."""

import time

import pytest

from stages.backstage import ADA
from stages.real_stage import stage
from stages.support import awaited
from supervisor.sessions.mends import GO_ON, GO_ON_AT_RESET
from twins.messages_api.turns import fails, text, turn

pytestmark = pytest.mark.real


def hit(free_at: int) -> dict[str, str]:
    """What the API says of a limit that is used up (the headers of a subscription's answers)."""
    window = {"status": "rejected", "reset": str(free_at), "utilization": "1.0"}
    of_window = {f"anthropic-ratelimit-unified-5h-{name}": value for name, value in window.items()}
    whole = {"status": "rejected", "reset": str(free_at), "representative-claim": "five_hour"}
    return {**of_window, **{f"anthropic-ratelimit-unified-{name}": value for name, value in whole.items()}}


@awaited
async def test_a_turn_that_a_limit_ended_is_taken_up_when_it_is_free() -> None:
    free_at = int(time.time()) + 3600
    limited = turn(fails(429, "rate_limit_error", "used up", headers=hit(free_at)))
    went_on = turn(text("Went on."))
    async with stage(limited, went_on, logged_in=False, CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-placeholder") as it:
        session, manager = it.back.session("mend it"), it.back.manager
        await it.back.settles(session)
        view = manager.row(session.session_id).view
        assert view.limit_key and view.limit_at == free_at
        assert manager.want_reset(session.session_id, wanted=True, person=ADA)
        manager.limit_is_free(session.session_id)
        await it.back.settles(session, turns=2)
        assert any("Went on." in post for post in it.back.posts(session))
        assert any(GO_ON_AT_RESET in call.newest_text for call in it.model.calls)


@awaited
async def test_a_turn_that_the_cli_gave_up_while_the_api_was_overloaded_is_taken_up_again() -> None:
    overloaded = turn(fails(529, "overloaded_error", "Overloaded"), repeat=2)
    async with stage(overloaded, CLAUDE_CODE_MAX_RETRIES="1") as it:
        session, manager = it.back.session("mend it"), it.back.manager
        await it.back.settles(session)
        view = manager.row(session.session_id).view
        assert view.is_outage and view.limit_wanted and view.limit_at > time.time()
        it.model.add(turn(text("Went on.")))
        manager.limit_is_free(session.session_id)
        await it.back.settles(session, turns=2)
        assert any("Went on." in post for post in it.back.posts(session))
        assert any(GO_ON in call.newest_text for call in it.model.calls)
