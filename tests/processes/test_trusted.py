"""Trust on the whole path: the card in the first thread, the click, the copy at Claude's next start, the revocation."""

import json

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.interactions import Interaction
from twins.discord.model import Channel, Message

TRUST = "Trust these for this channel"


def write(house: Playhouse, colour: str) -> None:
    (house.project / ".claude").mkdir(exist_ok=True)
    (house.project / ".claude/settings.json").write_text(json.dumps({"env": {"COLOUR": colour}}))
    server = {"mcpServers": {"db": {"command": "db-server"}}}
    (house.project / ".mcp.json").write_text(json.dumps(server))


async def answer(house: Playhouse, channel: Channel, name: str, **options: object) -> Message:
    """What only the asker sees, once it is whole."""
    ran = await house.you.runs(name, options, channel.id)
    return await house.until(lambda: _whole(ran), f"the answer to /{name}")


def _whole(ran: Interaction) -> Message | None:
    message = ran.answer.message if ran.answer else None
    return message if message and message.content else None


async def arguments(house: Playhouse, thread: Channel, turns: int) -> list[str]:
    """The argv of the Claude that takes this message up."""
    await house.you.says(thread.id, "run cat /proc/$PPID/cmdline > seen")
    card = await house.card(thread)
    await house.press(card, "Allow")
    await house.done(thread, turns)
    return (house.project / "seen").read_text().split("\0")


@awaited
async def test_what_a_person_trusts_acts_from_a_copy_until_it_is_revoked() -> None:
    async with playhouse() as house:
        write(house, "red")
        thread = await house.starts("say hello")
        await house.done(thread)
        card = await house.shows(thread, "Environment: COLOUR=red")
        assert "MCP server db: runs db-server" in str(card.embeds)
        assert list(buttons(card)) == [TRUST, "Not now"]

        refused = await house.press(card, TRUST, house.mallory)
        await house.until(lambda: refused.answer, "an answer")
        assert "the right **manage**" in str(refused.answer)
        other = house.discord.add_channel("unrelated")
        forged = house.discord.forge_click(other.id, buttons(card)[TRUST], house.you.user, card.id)
        await house.until(lambda: forged.answer, "an answer to the forged click")
        assert "another channel" in str(forged.answer)
        assert buttons(card), "nothing was decided yet"

        await house.press(card, TRUST)
        await house.settled(card, "✓ Trusted by You")
        argv = await arguments(house, thread, 2)
        (copy,) = (house.host.place.state / "trusted").glob("*/*")
        assert argv[argv.index("--settings") + 1] == str(copy / "settings.json")
        assert str(copy / "mcp.json") in argv
        listed = (await house.host.threadbridge.ask("check", "--json")).out
        assert "COLOUR=red" in listed

        shown = await answer(house, house.host.channel, "trust")
        assert f"by {house.you.mention} since" in shown.content
        assert list(buttons(shown)) == ["Revoke project"]
        await house.press(shown, "Revoke project")
        await house.settled(card, "✗ Revoked by You")
        await house.until(lambda: not buttons(shown), "the list as it is now")
        assert shown.content.startswith("Revoked.") and "No project's own files are trusted" in shown.content
        argv = await arguments(house, thread, 3)
        assert "--settings" not in argv
        assert not any("trusted" in word for word in argv)


@awaited
async def test_the_child_can_read_the_copy_and_change_nothing_of_it() -> None:
    async with playhouse() as house:
        write(house, "red")
        thread = await house.starts("say hello")
        await house.done(thread)
        card = await house.shows(thread, "COLOUR=red")
        await house.press(card, TRUST)
        await house.settled(card, "✓ Trusted by You")
        (copy,) = (house.host.place.state / "trusted").glob("*/*")
        attack = f"cat {copy}/settings.json > seen; echo '{{}}' > {copy}/settings.json; rm -rf {copy}; touch {copy}/x"
        await house.you.says(thread.id, f"run {attack}")
        await house.press(await house.card(thread), "Allow")
        await house.done(thread, 2)
        assert "COLOUR" in (house.project / "seen").read_text()
        assert json.loads((copy / "settings.json").read_bytes()) == {"env": {"COLOUR": "red"}}
        assert sorted(path.name for path in copy.iterdir()) == ["mcp.json", "settings.json"]


@awaited
async def test_a_command_of_the_projects_is_answered_with_the_card() -> None:
    async with playhouse() as house:
        thread = await house.starts("say hello")
        await house.done(thread)
        (house.project / ".claude/commands").mkdir(parents=True)
        (house.project / ".claude/commands/deploy.md").write_text("!`git push`")
        told = await answer(house, thread, "claude", command="deploy")
        assert "are off unless they are trusted" in told.content
        card = await house.shows(thread, "Command /deploy: runs git push")
        await house.press(card, "Not now")
        await house.settled(card, "You chose *Not now*")
