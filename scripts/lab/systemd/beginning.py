"""How the service came to be: the page for beginners, command by command, and set-up at its terminal."""

from pathlib import Path

from lab.systemd.pages import commands
from lab.systemd.stage import COMMAND, TOKEN, Stage

SETUP = f"{COMMAND} setup"


async def page_is_followed(stage: Stage, page: Path) -> str:
    """docs/start.md, command by command; set-up is talked to. Ends with the thread that answers."""
    done = 0
    for command in commands(page):
        if command == SETUP:
            await set_up(stage)
        else:
            await stage.machine.ran(command, folder="/home/ada/threadbridge")
        done += 1
    await stage.is_active()
    assert stage.discord.threads(), "set-up ended without a thread"
    return f"{done} commands; the first answer came"


async def set_up(stage: Stage) -> None:
    discord, name = stage.discord, stage.channel.name
    discord.invite_bot(is_joined=False)
    async with stage.machine.terminal(SETUP) as terminal:
        terminal.deadline_s = 90.0
        told = await terminal.expects("Token (it is not shown): ")
        assert "✗" not in told, told
        terminal.enters(TOKEN)
        await terminal.expects("the bot is in no server yet")
        discord.invite_bot()
        await terminal.expects("Which (numbers or names): ")
        terminal.enters(name)
        await terminal.expects(f"works [~/{name}]: ")
        terminal.enters()
        await terminal.expects("Make it?")
        terminal.enters("y")
        await terminal.expects(f'write "hi" in #{name}')
        await stage.ada.says(stage.channel.id, "hi")
        await terminal.expects("Is that you?")
        terminal.enters("y")
        await terminal.expects("Make it a service")
        terminal.enters("y")
        await terminal.expects("Do it?")
        terminal.enters("y")
        await terminal.expects("Claude answers in it")
        await stage.ada.says(stage.channel.id, "say hello")
        await terminal.expects("it answers")
        assert await terminal.ends() == 0, terminal.everything
