"""A running supervisor takes up another configuration, by the command and by itself; its sessions do not notice."""

import json
from pathlib import Path

from playground.host.supervisor import CommandOutput
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited


async def reload(house: Playhouse) -> CommandOutput:
    return await house.host.threadbridge.ask("reload")


def in_force(house: Playhouse) -> int:
    """How often a file was taken up."""
    return house.host.place.log.read_text().count("the configuration is in force as it stands")


async def worker_of(house: Playhouse) -> int:
    (line,) = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
    return int(line["worker_pid"])


@awaited
async def test_who_is_taken_out_is_out_at_once_also_at_the_click_and_the_session_runs_on() -> None:
    async with playhouse() as house:
        file, eve = house.host.place.config, house.discord.add_person("Eve")
        thread = await house.starts("run touch x.txt")
        card, worker = await house.card(thread), await worker_of(house)
        file.write_text(file.read_text().replace(f"users = [{house.you.id}]", f"users = [{eve.id}]"))
        done = await reload(house)
        assert (done.code, "is in force" in done.out) == (0, True), done.err
        pressed = await house.press(card, "Allow")
        assert "You do not have the right" in (pressed.answer.content if pressed.answer else "")
        await house.press(card, "Allow", eve)
        await house.settled(card, "allowed by")
        await house.until((house.project / "x.txt").exists, "the session goes on")
        assert await worker_of(house) == worker


@awaited
async def test_a_wrong_file_is_told_to_who_asked_and_to_systemd_and_nothing_changes() -> None:
    async with playhouse() as house:
        file: Path = house.host.place.config
        text = file.read_text()
        file.write_text(text.replace("[access]", "[acces]"))
        done = await reload(house)
        assert (done.code, "acces: there is no such key; did you mean access?" in done.err) == (1, True), done.err
        await house.until(lambda: "the old one stays in force" in house.host.supervisor.status, "STATUS says it")
        thread = await house.starts("say still here")
        await house.done(thread)
        file.write_text(text)
        await house.until(lambda: in_force(house), "the mended file is taken up by itself")
        await house.until(
            lambda: house.host.supervisor.status.startswith("connected to Discord"), "STATUS is well again"
        )


@awaited
async def test_systemd_hears_when_a_reload_begins_and_when_the_file_is_in_force() -> None:
    async with playhouse() as house:
        supervisor, words = house.host.supervisor, list[str]()
        usual = supervisor.datagram_received

        def heard(data: bytes, addr: object) -> None:
            words.extend(data.decode().splitlines())
            usual(data, addr)

        supervisor.datagram_received = heard  # type: ignore[method-assign]
        assert (await reload(house)).code == 0
        await house.until(lambda: "READY=1" in words, "READY after the reload")
        begun = words.index("RELOADING=1")
        assert words[begun + 1].startswith("MONOTONIC_USEC=")
        assert begun < words.index("READY=1")


@awaited
async def test_a_channel_that_is_added_has_sessions_and_what_was_said_there_before_is_not_for_us() -> None:
    async with playhouse() as house:
        file, added = house.host.place.config, house.discord.add_channel("added")
        folder = house.project / "below"
        folder.mkdir()
        before = await house.you.says(added.id, "say this was not for you")
        with file.open("a") as more:
            more.write(f'\n[[channels]]\nid = {added.id}\ndirectory = "{folder}"\n')
        await house.until(lambda: in_force(house), "the file is taken up by itself")
        after = await house.you.says(added.id, "say hello there")
        await house.until(lambda: house.discord.thread_of(after), "a thread")
        house.discord.drop_gateway()
        again = await house.you.says(added.id, "say and again")
        await house.until(lambda: house.discord.thread_of(again), "a thread after the connection was lost")
        assert house.discord.thread_of(before) is None


@awaited
async def test_what_cannot_change_while_it_runs_is_said_and_nobody_who_runs_is_a_reason() -> None:
    async with playhouse() as house:
        file, other = house.host.place.config, house.host.place.token_file.with_name("other")
        other.touch(0o600)
        other.write_text("another token")
        file.write_text(file.read_text().replace(str(house.host.place.token_file), str(other)))
        done = await reload(house)
        assert (done.code, "discord.token_file: takes effect at the next start" in done.out) == (0, True), done.out
        await house.host.supervisor.stop()
        done = await reload(house)
        assert (done.code, "no supervisor runs" in done.err) == (1, True), done.err


@awaited
async def test_status_tells_of_a_running_supervisor_and_fails_once_it_is_gone() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch x.txt")
        await house.card(thread)
        seen = json.loads((await house.host.threadbridge.ask("status", "--json")).out)
        assert (seen["well"], seen["supervisor_pid"]) == (True, house.host.supervisor.pid), seen
        assert (seen["sessions"], seen["requests"]["count"]) == ({"awaiting": 1}, 1), seen
        assert seen["discord"] == "connected to Discord"
        await house.until(lambda: "1 sessions, 1 at work" in house.host.supervisor.status, "STATUS has the counts")
        await house.host.supervisor.stop()
        gone = await house.host.threadbridge.ask("status")
        assert (gone.code, gone.out.splitlines()[0][:29]) == (1, "NOT WELL: no supervisor runs:")


@awaited
async def test_doctor_is_check_and_tells_of_what_waits_for_the_next_start() -> None:
    async with playhouse() as house:
        file, other = house.host.place.config, house.host.place.token_file.with_name("other")
        other.touch(0o600)
        other.write_text("another token")
        file.write_text(file.read_text().replace(str(house.host.place.token_file), str(other)))
        assert (await reload(house)).code == 0
        found = json.loads((await house.host.threadbridge.ask("doctor", "--json")).out)
        (note,) = [one for one in found if one["kind"] == "status"]
        assert (note["is_wrong"], "discord.token_file: takes effect at the next start" in note["what"]) == (False, True)
