"""The real supervisor's log at its start, and what `check` knows of it afterwards."""

from stages.playhouse import playhouse
from stages.support import awaited


@awaited
async def test_the_log_says_once_who_where_for_whom_and_with_which_claude_and_then_that_it_is_ready() -> None:
    async with playhouse() as house:
        log = house.host.place.log

        def lines() -> list[str]:
            return log.read_text().splitlines()

        await house.until(lambda: [line for line in lines() if line.endswith(": ready")], "the last word")
        told = log.read_text()
        for words in (
            f"the bot 'Threadbridge' ({house.discord.bot.id}), in the servers 'Loopback' ({house.discord.guild_id})",
            f"channel #playground ({house.host.channel.id}) of 'Loopback': {house.project}, containment ",
            f"may talk to Claude: 'You' ({house.you.id})",
            "Claude Code 2.1.330 (",
            "containment: ",
        ):
            assert told.count(words) == 1, words
        house.discord.drop_gateway()
        await house.until(lambda: house.discord.connected, "connected again")
        assert len([line for line in lines() if line.endswith(": ready")]) == 1


@awaited
async def test_check_tells_what_the_last_start_saw_of_ids_that_are_still_named() -> None:
    async with playhouse() as house:
        place = house.host.place
        await house.until(lambda: ": ready" in place.log.read_text(), "the last word")
        role = house.discord.add_role("devs")
        text = place.config.read_text()
        place.config.write_text(text.replace(f"users = [{house.you.id}]", f"users = [{house.you.id}, {role.id}]"))
        await house.host.supervisor.stop()
        place.notify_socket.unlink(missing_ok=True)
        await house.host.supervisor.__aenter__()
        await house.until(lambda: "is the role 'devs'" in place.log.read_text(), "what is wrong")
        checked = await house.host.threadbridge.ask("check")
        assert (checked.code, "is the role 'devs', and not a person" in checked.out) == (1, True), checked.out
        assert "put it under access.roles" in checked.out
        place.config.write_text(text)
        checked = await house.host.threadbridge.ask("check")
        assert (checked.code, "devs" in checked.out) == (0, False), checked.out
