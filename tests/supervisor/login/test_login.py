"""Claude's login, kept for sessions that are shut in: who renews, how often, and what a session sees of it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from stages.support import awaited
from supervisor.login import keeper as login
from supervisor.login.renewal import Renewal

NOW = 1_800_000_000.0
RENEWS = """
import json, pathlib, sys
assert sys.argv[1:] == ["auth", "status"]
folder = pathlib.Path({folder!r})
with (folder / "calls").open("a") as calls: calls.write(str(pathlib.Path.cwd()) + "\\n")
file = folder / ".credentials.json"
whole = json.loads(file.read_text())
own = whole["claudeAiOauth"]
if own["refreshToken"] != (folder / "refresh").read_text(): sys.exit(1)  # it was spent
own.update(accessToken="second", refreshToken="r2", expiresAt={expires})
(folder / "refresh").write_text("r2")
new = folder / "new"
new.write_text(json.dumps(whole))
new.rename(file)
"""


class House:
    """``now`` is what the wall clock says; ``passed`` how much time really passed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.passed = folder, NOW, 0.0
        self.told: list[float] = []
        self.told_not: list[float] = []
        self.layout = Layout(folder / "state")
        program = folder / "claude.py"
        program.write_text(RENEWS.format(folder=str(folder), expires=int((NOW + 3600) * 1000)))
        (folder / "refresh").write_text("r1")
        self.renewal = Renewal((sys.executable, "-I", str(program)), {}, self.layout.renewal)
        self.keeper = self.new_keeper()

    def new_keeper(self, *, mcp_logins: bool = False) -> login.Keeper:
        told = login.Listeners(self.told.append, self.told_not.append)
        source = login.Source(self.folder / login.NAME, mcp_logins)
        return login.Keeper(source, self.layout, self.renewal.run, told, lambda: self.now, lambda: self.passed)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds

    def logs_in(self, left_s: float, token: str = "first") -> None:
        own = {"accessToken": token, "refreshToken": "r1", "expiresAt": int((self.now + left_s) * 1000)}
        (self.folder / login.NAME).write_text(json.dumps({"claudeAiOauth": own}))

    @property
    def seen(self) -> dict[str, object] | None:
        file = self.layout.login / login.NAME
        return json.loads(file.read_text())["claudeAiOauth"] if file.exists() else None

    def token(self) -> object:
        return self.seen["accessToken"] if self.seen else None

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@awaited
async def test_a_login_that_lasts_is_copied_and_not_renewed(house: House) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    assert house.seen == {"accessToken": "first", "expiresAt": int((NOW + 3600) * 1000)}
    assert house.calls == [] and house.told == []
    mode = (house.layout.login / login.NAME).stat().st_mode & 0o777
    assert (mode, house.layout.login.stat().st_mode & 0o777) == (0o600, 0o700)


@awaited
async def test_an_expired_one_is_renewed_outside_once_from_the_root(house: House) -> None:
    house.logs_in(0.5)
    await house.keeper.look()
    assert house.calls == [] and house.keeper.pause_s() == pytest.approx(0.5)
    house.passes(0.5)
    await house.keeper.look()
    assert house.calls == ["/"] and house.token() == "second"
    assert set(house.told) == {NOW + 0.5}
    await house.keeper.look()
    assert house.calls == ["/"]


@awaited
async def test_turns_that_end_long_after_a_renewal_are_not_its_own(house: House) -> None:
    house.logs_in(-1)
    await house.keeper.look()
    times = len(house.told)
    house.passes(login.TELL_FOR_S)
    await house.keeper.look()
    assert times and len(house.told) == times


@awaited
async def test_a_spent_refresh_token_is_tried_with_longer_pauses_and_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.logs_in(-1)
    (house.folder / "refresh").write_text("another")
    for _ in range(200):
        await house.keeper.look()
        house.passes(1)
    assert len(house.calls) == 4  # at once, after 2 s, 10 s, 60 s
    assert caplog.text.count("has expired and is not renewed") == 1
    assert house.told_not == [NOW - 1], "once for this expiry"
    assert house.token() == "first"


@awaited
async def test_who_logs_out_takes_the_copy_along_and_in_again_brings_one(house: House) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    (house.folder / login.NAME).unlink()
    await house.keeper.look()
    assert house.seen is None
    house.logs_in(3600, "third")
    await house.keeper.look()
    assert house.token() == "third"


@pytest.mark.parametrize("spoil", [lambda file: file.write_text('{"claudeAi'), lambda file: file.write_bytes(b"")])
@awaited
async def test_half_a_file_leaves_the_copy_until_it_is_whole(house: House, spoil: Callable[[Path], object]) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    spoil(house.folder / login.NAME)
    await house.keeper.look()
    assert house.token() == "first"
    house.logs_in(3600, "whole")
    await house.keeper.look()
    assert house.token() == "whole"


def test_check_says_until_when(house: House) -> None:
    assert login.in_words(house.layout) == ""
    house.keeper.copy()
    assert "none is kept" in login.in_words(house.layout)
    house.logs_in(3600)
    house.keeper.copy()
    assert "then renewed by itself" in login.in_words(house.layout, lambda: NOW)
    assert "expired" in login.in_words(house.layout, lambda: NOW + 3601)


@awaited
async def test_a_login_that_the_cli_emptied_because_it_was_refused_is_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    house.passes(10)
    emptied = {"accessToken": "", "refreshToken": "", "expiresAt": 0, "subscriptionType": "max"}
    (house.folder / login.NAME).write_text(json.dumps({"claudeAiOauth": emptied}))
    for _ in range(3):
        await house.keeper.look()
    assert house.told_not == [NOW + 10] and house.calls == []
    assert caplog.text.count("Claude's login has ended") == 1
    assert "(max): ended" in login.in_words(house.layout, lambda: house.now)
    await house.new_keeper().look()
    assert house.told_not == [NOW + 10], "not again because a supervisor starts"
    house.logs_in(3600, "new")
    await house.keeper.look()
    assert set(house.told) == {NOW + 10} and house.token() == "new"


@awaited
async def test_nothing_is_renewed_for_who_logged_out_after_the_expiry(house: House) -> None:
    house.logs_in(-1)
    (house.folder / login.NAME).write_text('{"mcpOAuth": {}}')
    await house.keeper.look()
    assert house.calls == [] and house.seen is None


@awaited
async def test_a_file_that_may_not_be_looked_at_is_no_logout_and_is_said_once(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house.logs_in(3600)
    await house.keeper.look()

    def forbidden(file: Path) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    with monkeypatch.context() as patch:
        patch.setattr(login, "_look_at", forbidden)
        for _ in range(3):
            await house.keeper.look()
    assert house.token() == "first"
    assert caplog.text.count("Permission denied") == 1
    house.logs_in(3600, "second")
    await house.keeper.look()
    assert house.token() == "second"


@pytest.mark.parametrize("plant", [os.mkfifo, Path.mkdir, lambda file: file.write_bytes(b" " * (login.MOST_BYTES + 1))])
@awaited
async def test_what_a_child_without_walls_plants_there_blocks_nothing_and_is_said_once(
    house: House, plant: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    (house.folder / login.NAME).unlink()
    plant(house.folder / login.NAME)
    for _ in range(3 * login.HALVES_BEFORE_SAYING_SO):
        await house.keeper.look()
    assert house.token() == "first"
    assert caplog.text.count("is no file of Claude's logins") == 1


@awaited
async def test_a_clock_that_is_set_back_keeps_no_renewal_waiting(house: House) -> None:
    house.logs_in(-1)
    (house.folder / "refresh").write_text("another")
    house.now += 86_400
    await house.keeper.look()
    house.now -= 86_400
    (house.folder / "refresh").write_text("r1")
    house.passes(login.PAUSES_S[0])
    await house.keeper.look()
    assert house.token() == "second"


@awaited
async def test_a_clock_that_is_set_forward_asks_the_cli_which_believes_the_same_clock(house: House) -> None:
    house.logs_in(1800)
    house.now += 1801
    await house.keeper.look()
    assert house.calls == ["/"] and house.token() == "second"


@awaited
async def test_what_was_renewed_while_no_supervisor_ran_is_told_to_who_was_refused(house: House) -> None:
    house.logs_in(1)
    await house.keeper.look()
    house.passes(60)
    house.logs_in(3600, "the terminal's")
    await house.new_keeper().look()
    assert house.told == [NOW + 1] and house.calls == []


@awaited
async def test_who_logs_in_again_after_a_logout_lets_what_was_refused_go_on(house: House) -> None:
    house.logs_in(1)
    await house.keeper.look()
    house.passes(5)
    (house.folder / login.NAME).unlink()
    await house.keeper.look()
    assert house.calls == []
    house.logs_in(3600, "new")
    await house.keeper.look()
    assert house.told == [NOW + 1]


@awaited
async def test_the_place_of_the_copy_is_there_before_anybody_logs_in(house: House) -> None:
    """So that a session that was started without a login sees the one that comes."""
    await house.keeper.look()
    assert house.layout.login.is_dir() and house.layout.login.stat().st_mode & 0o777 == 0o700


@awaited
async def test_what_is_replaced_is_whole_at_every_moment(house: House) -> None:
    house.logs_in(3600)
    await house.keeper.look()
    with (house.layout.login / login.NAME).open() as open_by_a_child:
        house.logs_in(3600, "second")
        await house.keeper.look()
        assert json.load(open_by_a_child)["claudeAiOauth"]["accessToken"] == "first"
    assert house.token() == "second"
    assert [path.name for path in house.layout.login.iterdir()] == [login.NAME]


@pytest.mark.parametrize(
    "name", ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK"]
)
@awaited
async def test_who_logs_in_otherwise_has_no_copy_and_nothing_is_renewed(house: House, name: str) -> None:
    house.logs_in(-1)
    house.keeper.copy()
    environment = {"HOME": str(house.folder), name: "1"}
    keeper = login.Keeper(login.source_of(environment), house.layout, house.renewal.run, clock=lambda: house.now)
    await keeper.look()
    assert house.seen is None and house.calls == []
    assert login.directory_of(house.layout, environment) == ""
    assert login.directory_of(house.layout, {**environment, name: "0"}) == str(house.layout.login)


def test_the_file_is_the_one_of_the_home_that_claude_has() -> None:
    home = {"HOME": "/h"}
    assert login.source_of(home).file == Path("/h/.claude/.credentials.json")
    assert login.source_of({**home, "CLAUDE_CONFIG_DIR": "/c"}).file == Path("/c/.credentials.json")
    named = {**home, "CLAUDE_CONFIG_DIR": "/c", "CLAUDE_SECURESTORAGE_CONFIG_DIR": "/s"}
    assert login.source_of(named).file == Path("/s/.credentials.json")
