"""``threadbridge setup`` at a real terminal, on the loopback Discord."""

import json
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from lab.terminal import TerminalSession, at_terminal
from stages.support import ROOT, awaited, scripted_claude
from supervisor import config as configuration
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import ChannelType

pytestmark = pytest.mark.slow

TOKEN = "MTIzNDU2.G1mQ0x.a-token-of-the-loopback"
COMMENT = "# mine, and to be kept"


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name: a state's sockets lie below it."""
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name).resolve()


class Scene:
    """A home, a loopback Discord with a channel, and a configuration that says where that Discord is."""

    def __init__(self, folder: Path, discord: LoopbackDiscord) -> None:
        self.home = folder
        self.discord = discord
        self.channel = discord.add_channel("web-app")
        self.person = discord.add_person("Ada")
        self.config = folder / ".config/threadbridge/config.toml"
        self.token = self.config.parent / "token"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(
            f'{COMMENT}\n[discord]\napi_base = "{discord.api_base}"\n'
            f'[claude]\ncommand = {json.dumps(scripted_claude())}\n[state]\ndirectory = "{folder}/state"\n'
        )
        self.before = self.config.read_text()

    def setup(self, *arguments: str) -> AbstractAsyncContextManager[TerminalSession]:
        argv = [sys.executable, "-m", "supervisor.operator.cli", "setup", "--no-service", *arguments]
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        return at_terminal(argv, environment, self.home)

    def assert_nothing_is_half_written(self) -> None:
        assert {path.name for path in self.config.parent.iterdir()} <= {"config.toml", "token"}
        assert COMMENT in self.config.read_text()
        assert not self.token.exists() or self.token.read_text() == f"{TOKEN}\n"


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with LoopbackDiscord(TOKEN) as discord:
        yield Scene(folder, discord)


@awaited
async def test_from_nothing_to_a_complete_configuration_with_everything_wrong_once(folder: Path) -> None:
    async with scene(folder) as it, it.setup() as terminal:
        it.discord.allow_intents(message_content=False)
        it.discord.invite_bot(is_joined=False)
        it.discord.add_channel("lounge", ChannelType.VOICE)
        await terminal.expects("Token (it is not shown): ")
        terminal.enters("0123456789abcdef0123456789abcdef")
        await terminal.expects("perhaps it is the Client Secret")
        await terminal.expects("Token (it is not shown): ")
        terminal.types(f'\n"Bot {TOKEN}"\n\nand more\n')
        await terminal.expects("Discord knows it: the bot 'Threadbridge'")
        await terminal.expects("Message Content Intent is off")
        await terminal.expects("Look again?")
        it.discord.allow_intents()
        terminal.enters()
        await terminal.expects("Message Content Intent is on")
        await terminal.expects(f"client_id={it.discord.world.application_id}&")
        await terminal.expects("the bot is in no server yet")
        it.discord.invite_bot()
        await terminal.expects("the bot is in Loopback")
        offered = await terminal.expects("Which (numbers or names): ")
        assert "#web-app" in offered and "#lounge" not in offered
        terminal.enters("lounge")
        await terminal.expects("'lounge' is none of these")
        terminal.enters("#web-app")
        await terminal.expects("Directory in which #web-app works [~/web-app]: ")
        terminal.enters(str(folder / "state/inside"))
        await terminal.expects("lies in its state")
        await terminal.expects("Directory in which #web-app works [~/web-app]: ")
        terminal.enters()
        await terminal.expects(f"{folder}/web-app is not there. Make it?")
        terminal.enters("y")
        await terminal.expects('write "hi" in #web-app')
        await it.discord.add_person("Mallory").says(it.channel.id, "me first")
        await terminal.expects("Mallory (@")
        terminal.enters("n")
        await it.person.says(it.channel.id, "hi")
        await terminal.expects("Ada (@")
        terminal.enters("y")
        await terminal.expects("config.toml is complete")
        assert await terminal.ends() == 0
        assert TOKEN not in terminal.everything
        it.assert_nothing_is_half_written()
        assert stat.S_IMODE(it.token.stat().st_mode) == 0o600
        loaded = configuration.load(it.config, {"HOME": str(folder), "PATH": os.environ["PATH"]})
        assert configuration.read_token(loaded) == TOKEN
        assert loaded.channels[it.channel.id].directory == str(folder / "web-app")
        assert loaded.policy.access(it.channel.id).talk.users == {it.person.id}


async def _to_token(terminal: TerminalSession, _it: Scene) -> None:
    await terminal.expects("Token (it is not shown): ")


async def _to_intent(terminal: TerminalSession, it: Scene) -> None:
    it.discord.allow_intents(message_content=False)
    await _to_token(terminal, it)
    terminal.enters(TOKEN)
    await terminal.expects("Look again?")


async def _to_server(terminal: TerminalSession, it: Scene) -> None:
    it.discord.invite_bot(is_joined=False)
    await _to_token(terminal, it)
    terminal.enters(TOKEN)
    await terminal.expects("Enter skips.")


async def _to_channels(terminal: TerminalSession, it: Scene) -> None:
    await _to_token(terminal, it)
    terminal.enters(TOKEN)
    await terminal.expects("Which (numbers or names): ")


async def _to_directory(terminal: TerminalSession, it: Scene) -> None:
    await _to_channels(terminal, it)
    terminal.enters("1")
    await terminal.expects("works [~/web-app]: ")


async def _to_making(terminal: TerminalSession, it: Scene) -> None:
    await _to_directory(terminal, it)
    terminal.enters()
    await terminal.expects("Make it?")


async def _to_person(terminal: TerminalSession, it: Scene) -> None:
    await _to_making(terminal, it)
    terminal.enters("y")
    await terminal.expects('write "hi" in #web-app')


STEPS = (_to_token, _to_intent, _to_server, _to_channels, _to_directory, _to_making, _to_person)


@pytest.mark.parametrize("to", STEPS, ids=lambda to: str(to.__name__))
@awaited
async def test_ctrl_c_in_any_step_leaves_nothing_half_written(
    to: Callable[[TerminalSession, Scene], Awaitable[None]], folder: Path
) -> None:
    async with scene(folder) as it, it.setup() as terminal:
        await to(terminal, it)
        terminal.interrupts()
        await terminal.expects("Stopped. What was done stays")
        assert await terminal.ends() == 130
        it.assert_nothing_is_half_written()


@awaited
async def test_what_was_done_is_kept_by_the_next_run_and_its_end_can_be_skipped(folder: Path) -> None:
    async with scene(folder) as it:
        async with it.setup() as terminal:
            await _to_making(terminal, it)
            terminal.enters("y")
            await terminal.expects('write "hi" in #web-app')
            terminal.enters()
            await terminal.expects("not yet complete")
            assert await terminal.ends() == 1
        async with it.setup("--user", str(it.person.id)) as terminal:
            await terminal.expects("Keep this token?")
            terminal.enters()
            await terminal.expects("configured already")
            await terminal.expects("Which (numbers or names): ")
            terminal.enters()
            await terminal.expects("config.toml is complete")
            assert await terminal.ends() == 0


@awaited
async def test_with_options_nothing_is_asked(folder: Path) -> None:
    token = folder / "secrets/token"
    token.parent.mkdir()
    token.write_text(f"\n  Bot {TOKEN}\n\n")
    token.chmod(0o600)
    async with scene(folder) as it:
        channel, user = f"{it.channel.id}={folder}/project", str(it.person.id)
        async with it.setup("--yes", "--token-file", str(token), "--channel", channel, "--user", user) as terminal:
            assert await terminal.ends() == 0, terminal.everything
        loaded = configuration.load(it.config, {"HOME": str(folder), "PATH": os.environ["PATH"]})
        assert loaded.token_file == str(token) and (folder / "project").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--token-file", "wrong"), "holds no token that Discord accepts"),
        (("--token-file", "absent"), "cannot be read"),
        (("--token-file", "right", "--channel", "123=/tmp"), "the bot sees no such channel"),
        (("--channel", "x=/tmp"), "no id of Discord's"),
        (("--channel", "123"), "is not ID=DIRECTORY"),
        ((), "not yet complete"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@awaited
async def test_options_that_make_no_sense_are_said_and_change_nothing(
    arguments: tuple[str, ...], words: str, folder: Path
) -> None:
    for name, token in (("right", TOKEN), ("wrong", "no.such.token")):
        (folder / name).write_text(token)
    async with scene(folder) as it, it.setup("--yes", *arguments) as terminal:
        assert await terminal.ends() in (1, 2)
        assert words in terminal.everything.replace("\n", " ")
        assert not it.token.exists()
        it.assert_nothing_is_half_written()


@awaited
async def test_without_its_intent_a_bot_is_not_complete(folder: Path) -> None:
    async with scene(folder) as it:
        it.discord.allow_intents(message_content=False)
        (folder / "secrets").mkdir()
        (folder / "secrets/token").write_text(TOKEN)
        given = ("--token-file", "secrets/token", "--channel", f"{it.channel.id}=~/p", "--user", str(it.person.id))
        async with it.setup("--yes", *given) as terminal:
            assert await terminal.ends() == 1
            assert "not yet complete: Message Content Intent is off" in terminal.everything


@awaited
async def test_a_discord_that_is_away_is_said(folder: Path) -> None:
    async with scene(folder) as it:
        await it.discord.stop()
        async with it.setup() as terminal:
            await terminal.expects("Token (it is not shown): ")
            terminal.enters(TOKEN)
            await terminal.expects("is this machine online?")
            assert await terminal.ends() == 1
        assert it.config.read_text() == it.before
