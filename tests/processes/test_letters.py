"""`threadbridge send`, `stop` and `title` with a running supervisor; and that no Claude in its walls can write one."""

import json
import os
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from stages.backstage import ADA, backstage
from stages.playhouse import playhouse
from stages.support import awaited
from supervisor import state_directory
from supervisor.letters import Letter, Letters
from twins.discord.model import Channel


@awaited
async def test_ci_sends_stdin_into_a_channel_and_goes_on_in_its_thread() -> None:
    async with playhouse() as house:
        ask, channel = house.host.threadbridge.ask, house.host.channel
        done = await ask("send", f"#{channel.name}", said=b"say built\n")
        assert done.code == 0, done.err
        session, url = done.out.splitlines()[1].split()
        thread = await house.until(lambda: next(iter(house.discord.threads(channel.id)), None), "a thread")
        assert url.endswith(f"/{thread.id}")
        await house.done(thread)
        again = await ask("send", session[:8], "-", "--json", said=b"say and tested\n")
        assert (again.code, json.loads(again.out)["url"]) == (0, url), again.err
        await house.done(thread, 2)
        shown = [message.content for message in house.posts(thread)]
        who = next(i for i, content in enumerate(shown) if "on the host**\n> say and tested" in content)
        assert any("and tested" in content for content in shown[who + 1 :]), "Claude's answer stands below it"
        renamed = await ask("title", session[:8], "the build")
        assert (renamed.code, house_name(house.discord.threads(channel.id), thread.id)) == (0, "the build")
        assert "the build" in (await ask("list")).out
        stopped = await ask("stop", str(thread.id))
        assert (stopped.code, "so its session is ended" in stopped.out) == (0, True)
        assert "asked on the host: send, text" in (await ask("audit")).out
        log = house.host.place.log.read_text()
        assert "asked on the host: title" in log
        assert "tested" not in log, "no word of a prompt"


def house_name(threads: list[Channel], thread_id: int) -> str:
    return next(thread.name for thread in threads if thread.id == thread_id)


@awaited
async def test_a_card_of_what_the_host_asked_for_can_be_decided_and_pings_nobody() -> None:
    async with playhouse() as house:
        done = await house.host.threadbridge.ask("send", str(house.host.channel.id), "run touch x.txt")
        assert done.code == 0, done.err
        thread = await house.until(lambda: next(iter(house.discord.threads(house.host.channel.id)), None), "a thread")
        card = await house.card(thread)
        assert "<@0>" not in card.content
        await house.press(card, "Allow")
        await house.done(thread)
        assert (house.project / "x.txt").exists()
        assert "<@0>" not in house.text(thread)


@awaited
async def test_what_cannot_be_done_is_said_with_the_right_exit_code() -> None:
    async with playhouse() as house:
        ask = house.host.threadbridge.ask
        nobody = await ask("send", "ffffffff", "hi")
        assert (nobody.code, "there is no session and no configured channel" in nobody.err) == (1, True)
        empty = await ask("send", str(house.host.channel.id), said=b" \n")
        assert (empty.code, "there is no text to send" in empty.err) == (2, True)
        long = await ask("send", str(house.host.channel.id), said=b"x" * 100_001)
        assert (long.code, "100000 can be sent" in long.err) == (2, True)
        await house.host.supervisor.stop()
        for argv in (("send", str(house.host.channel.id), "hi"), ("stop", "ffffffff"), ("title", "ffffffff", "x")):
            away = await ask(*argv)
            assert (away.code, "no supervisor runs on" in away.err) == (1, True)
        assert not list(Layout(house.host.place.state).letters.iterdir())


@pytest.mark.parametrize("containment", ["project", "home", "none"])
def test_a_claude_in_its_walls_can_leave_no_letter(containment: str) -> None:
    """Without walls it can, as docs/security.md says: that is the control."""

    @awaited
    async def play() -> None:
        async with backstage(containment=containment) as stage:
            folder = stage.layout.letters
            folder.mkdir(mode=0o700)
            Letters(stage.layout).post(Letter(2, 1e12, "ada", "send", "x", "secret"))
            tries = f"cat {folder}/2.new > seen.txt; mkdir -p {folder}; echo x > {folder}/1.new; touch tried.txt"
            session = stage.session(f"run {tries}")
            stage.manager.decide(await stage.asks(session), "allowed", ADA)
            await stage.settles(session)
            assert (stage.project / "tried.txt").exists()
            is_walled = containment != "none"
            assert (folder / "1.new").exists() is not is_walled
            assert ("secret" in (stage.project / "seen.txt").read_text()) is not is_walled

    play()


def test_the_folder_is_made_for_its_user_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.letters.mkdir(mode=0o755)
    os.close(state_directory.prepare(layout))
    assert layout.letters.stat().st_mode & 0o777 == 0o700
