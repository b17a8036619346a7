"""One login for a terminal and all sessions, with the real CLI and a token endpoint that rotates refresh tokens."""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stages.real_environment import claude_environment, real_claude
from stages.real_stage import RealStage, stage
from stages.support import awaited
from stages.token_endpoint import GuardedModel, TokenEndpoint, token_endpoint
from supervisor.login import keeper as login
from supervisor.login.renewal import Renewal
from supervisor.sessions.login_told import LoginTold
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real


class Host:
    """A user's home with a login, its terminal, and a supervisor's keeper of the login. ``passed``: monotonic time."""

    def __init__(self, endpoint: TokenEndpoint, it: RealStage, added: dict[str, str]) -> None:
        self.endpoint, self.it, self.passed = endpoint, it, 0.0
        folder = it.home.parent
        self.environment = claude_environment(it.home, it.model.base_url, folder / "tmp") | endpoint.environment
        del self.environment["ANTHROPIC_API_KEY"]
        self.file = it.home / ".claude" / login.NAME
        source = login.source_of(self.environment | added)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        hear = LoginTold(it.back.manager, it.back.config.channels)
        renew = Renewal((str(real_claude()),), self.environment, it.back.layout.renewal).run
        told = login.Listeners(hear.renewed, hear.not_renewed)
        self.keeper = login.Keeper(source, it.back.layout, renew, told, monotonic=lambda: self.passed)

    @property
    def stored(self) -> dict[str, object]:
        own = json.loads(self.file.read_text())["claudeAiOauth"]
        assert isinstance(own, dict)
        return own

    def has_login(self, left_s: float) -> None:
        """The newest one, which lasts so long; replaced as the CLI does it."""
        own = {
            "accessToken": self.endpoint.access(),
            "refreshToken": self.endpoint.refresh,
            "expiresAt": int((time.time() + left_s) * 1000),
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
        }
        new = self.file.with_name("new")
        new.write_text(json.dumps({"claudeAiOauth": own}))
        new.rename(self.file)

    async def terminal(self) -> None:
        status = await asyncio.create_subprocess_exec(
            *(str(real_claude()), "auth", "status"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            cwd="/",
            env=self.environment,
        )
        assert await status.wait() == 0

    def copy(self) -> str:
        return (self.it.back.layout.login / login.NAME).read_text()


@contextlib.asynccontextmanager
async def host(**added: str) -> AsyncIterator[Host]:
    with tempfile.TemporaryDirectory(prefix="tb") as folder:
        async with token_endpoint(Path(folder)) as endpoint:
            model = GuardedModel(endpoint)
            async with stage(logged_in=False, answers=model, **endpoint.environment, **added) as it:
                yield Host(endpoint, it, added)


@awaited
async def test_sessions_and_terminals_with_an_expired_login_spend_its_refresh_token_once() -> None:
    async with host() as on:
        on.has_login(-5)
        on.endpoint.expire()
        on.keeper.copy()
        sessions = [on.it.back.session("one"), on.it.back.session("two")]
        for session in sessions:
            assert (await on.it.back.settles(session)).last_error == "authentication_failed"
        await asyncio.gather(on.keeper.look(), on.terminal(), on.terminal())
        await on.keeper.look()
        for session in sessions:
            settled = await on.it.back.settles(session, 2)
            assert settled.last_error == "", on.it.back.posts(session)
            assert any("had expired" in post for post in on.it.back.posts(session))
        assert (on.endpoint.spent, on.endpoint.refused) == (["refresh-0"], [])
        assert on.stored["refreshToken"] == on.endpoint.refresh == "refresh-1"
        assert on.endpoint.access() in on.copy() and "refresh" not in on.copy()


@awaited
async def test_sessions_that_run_take_up_each_new_token_and_lose_no_turn() -> None:
    async with host() as on:
        on.has_login(3600)
        on.keeper.copy()
        session = on.it.back.session("hello")
        await on.it.back.settles(session)
        for times in range(1, 4):
            on.has_login(-1)
            on.endpoint.expire()
            await on.keeper.look()
            assert len(on.endpoint.spent) == times, "at the first try, though the home is in use"
            on.it.back.prompt(session, "and now?")
            assert (await on.it.back.settles(session, 1 + times)).last_error == ""
        assert on.endpoint.refused == [] and on.stored["refreshToken"] == on.endpoint.refresh


@awaited
async def test_a_login_that_was_revoked_is_said_once_and_a_new_one_lets_what_was_refused_go_on() -> None:
    async with host() as on:
        on.has_login(-1)
        on.endpoint.expire()
        on.endpoint.is_revoked = True
        on.keeper.copy()
        session = on.it.back.session("hello")
        assert (await on.it.back.settles(session)).last_error == "authentication_failed"
        for _ in range(login.TRIES_BEFORE_SAYING_SO + 1):
            await on.keeper.look()
            on.passed += login.PAUSES_S[-1]
        said = [post for post in on.it.back.posts(session) if "could not be renewed" in post]
        assert len(said) == 1 and on.endpoint.spent == []
        on.endpoint.log_in_again()
        on.has_login(3600)
        await on.keeper.look()
        assert (await on.it.back.settles(session, 2)).last_error == "", on.it.back.posts(session)


@awaited
async def test_a_session_that_began_without_a_login_has_the_one_that_comes() -> None:
    async with host() as on:
        on.keeper.copy()
        session = on.it.back.session("hello")
        assert (await on.it.back.settles(session)).last_error == "authentication_failed"
        assert on.it.model.calls_of() == []
        on.has_login(3600)
        await on.keeper.look()
        on.it.back.prompt(session, "and now?")
        assert (await on.it.back.settles(session, 2)).last_error == "", on.it.back.posts(session)
        assert on.endpoint.spent == []


@awaited
async def test_a_token_of_its_own_in_the_environment_is_used_and_the_users_login_is_left_alone() -> None:
    async with host(CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-0") as on:
        on.has_login(-1)
        await on.keeper.look()
        session = on.it.back.session("hello")
        assert (await on.it.back.settles(session)).last_error == "", on.it.back.posts(session)
        assert on.endpoint.spent == [] and not (on.it.back.layout.login / login.NAME).exists()


@awaited
async def test_a_turn_that_was_refused_after_a_tool_ran_goes_on_from_there_and_runs_it_once() -> None:
    async with host() as on:
        command = {"command": "echo ran >> made.txt", "description": "Make it"}
        on.it.model.add(turn(tool("Bash", command)), turn(text("All done.")))
        on.has_login(3600)
        on.keeper.copy()
        session = on.it.back.session("make it")
        request = await on.it.back.asks(session)
        on.has_login(-1)
        on.endpoint.expire()
        on.it.back.manager.decide(request, "allowed", None)
        assert (await on.it.back.settles(session)).last_error == "authentication_failed"
        await on.keeper.look()
        assert (await on.it.back.settles(session, 2)).last_error == ""
        assert any("All done." in post for post in on.it.back.posts(session))
        assert (on.it.back.project / "made.txt").read_text() == "ran\n"
        told = json.dumps(on.it.model.calls_of()[-1].body["messages"])
        assert "go on from where you were" in told and "tool_result" in told and on.endpoint.spent == ["refresh-0"]
