"""Claude's login, kept for sessions that are shut in: who renews, how often, and what a session sees of it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.layout import Layout
from supervisor import login
from support import awaited

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
    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.told = folder, NOW, []  # type: ignore[var-annotated]
        self.layout = Layout(folder / "state")
        program = folder / "claude.py"
        program.write_text(RENEWS.format(folder=str(folder), expires=int((NOW + 3600) * 1000)))
        (folder / "refresh").write_text("r1")
        source = login.Source(folder / login.NAME, (sys.executable, "-I", str(program)), {})
        self.keeper = login.Keeper(source, self.layout, self.told.append, lambda: self.now)

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
    house.now += 0.5
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
    house.now += login.TELL_FOR_S
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
        house.now += 1
    assert len(house.calls) == 4  # at once, after 2 s, 10 s, 60 s
    assert caplog.text.count("has expired and is not renewed") == 1
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
    house.logs_in(3600)
    house.keeper.copy()
    assert "then renewed by itself" in login.in_words(house.layout, lambda: NOW)
    assert "expired" in login.in_words(house.layout, lambda: NOW + 3601)


def test_the_file_is_the_one_of_the_home_that_claude_has() -> None:
    assert login.source_of(("claude",), {"HOME": "/h"}).file == Path("/h/.claude/.credentials.json")
    assert login.source_of(("claude",), {"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}).file == Path("/c/.credentials.json")
