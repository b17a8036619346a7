"""A login that expires while the real CLI works: the session takes up the new token, and never had what renews it."""

import json
import sys
import time
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from stages.real_stage import stage
from stages.support import awaited, until
from supervisor.login import keeper as login
from supervisor.login.renewal import Renewal
from twins.messages_api.turns import fails, text, turn

pytestmark = pytest.mark.real

RENEWS = """
import json, pathlib, time
file = pathlib.Path({file!r})
file.write_text(json.dumps({{"claudeAiOauth": {{"accessToken": "sk-ant-oat01-second", "refreshToken": "spent",
    "expiresAt": int((time.time() + 3600) * 1000), "scopes": ["user:inference"], "subscriptionType": "max"}}}}))
"""


def logs_in(home: Path, left_s: float) -> Path:
    file = home / ".claude/.credentials.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    own = {
        "accessToken": "sk-ant-oat01-first",
        "refreshToken": "the-refresh-token",
        "expiresAt": int((time.time() + left_s) * 1000),
        "scopes": ["user:inference"],
        "subscriptionType": "max",
    }
    file.write_text(json.dumps({"claudeAiOauth": own}))
    return file


def keeper_of(file: Path, layout: Layout) -> login.Keeper:
    program = file.parent / "renews.py"
    program.write_text(RENEWS.format(file=str(file)))
    return login.Keeper(
        login.Source(file), layout, Renewal((sys.executable, "-I", str(program)), {}, layout.renewal).run
    )


@awaited
async def test_a_running_session_takes_up_the_renewed_login_and_never_had_what_renews_it() -> None:
    refused = turn(fails(401, "authentication_error", "OAuth token has expired"))
    async with stage(turn(text("one")), refused, turn(text("two")), logged_in=False) as it:
        file = logs_in(it.home, 2.0)
        keeper = keeper_of(file, it.back.layout)
        keeper.copy()
        session = it.back.session("first")
        await it.back.settles(session)
        await until(lambda: keeper.pause_s() >= login.LOOK_INTERVAL_S, "the expiry")
        it.back.prompt(session, "second")
        await until(lambda: len(it.model.calls_of()) >= 2, "the refused request")
        await keeper.look()
        await it.back.settles(session, 2)
        assert any("two" in post for post in it.back.posts(session)), it.back.posts(session)
        tokens = [
            {name.lower(): value for name, value in call.headers.items()}.get("authorization")
            for call in it.model.calls_of()
        ]
        assert tokens == [f"Bearer sk-ant-oat01-{name}" for name in ("first", "first", "second")]
        assert "refreshToken" not in (it.back.layout.login / login.NAME).read_text()
