"""`/project` as people run it in a server; the configuration's file is real."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.journal import entries as j
from bridge.protocol.errors import UserError
from bridge.routing.channel import Channel
from bridge.routing.places import Place
from bridge.routing.router import BridgeRouter
from bridge.session.patterns import ToolPattern
from bridge.session.permission import Person as Member
from bridge.session.rights import Access, Policy
from lab.configured import configuration
from stages.gateway_stage import Stage, stage
from stages.support import awaited
from supervisor.assembly import session_manager
from supervisor.commands.project_command import ProjectCommand
from supervisor.commands.sight import Sight
from supervisor.config_in_force import Settings
from supervisor.discord.shapes import Interaction as Asked
from supervisor.projects.channels import NO_ROOTS, ProjectChannels
from supervisor.reload import Reload
from supervisor.sessions.store import Store
from twins.discord.interactions import Interaction
from twins.discord.person import Person


def write(on: Stage, roots: str = "") -> None:
    """What the stage's configuration says, as a file."""
    first, second = on.config.channels.values()
    on.config.path.write_text(
        f'[discord]\napi_base = "{on.config.api_base}"\n[access]\nusers = [{on.ada.id}]\n'
        f'[claude]\ncommand = ["/bin/true"]\n[state]\ndirectory = "{on.config.layout.state}"\n'
        + "".join(f'[[channels]]\nid = {one.channel_id}\ndirectory = "{one.directory}"\n' for one in (first, second))
        + f"[projects]\nroots = [{roots}]\n"
    )


def allow(on: Stage, folder: Path) -> None:
    write(on, f'"{folder}"')
    on.config = msgspec.structs.replace(on.config, project_roots=(str(folder),))


async def runs(person: Person, command: str, where: int, **options: object) -> str:
    asked: Interaction = await person.runs(f"project {command}", options, where)
    return asked.answer.content if asked.answer else ""


@awaited
async def test_a_channel_is_added_is_used_and_is_removed_and_the_journal_knows(short_path: Path) -> None:
    async with stage(short_path) as on:
        srv = short_path / "srv"
        (srv / "new").mkdir(parents=True)
        allow(on, srv)
        async with on.back():
            told = await runs(on.ada, "add", on.channel.id, channel=on.unrelated, directory="new")
            assert f"<#{on.unrelated.id}> has a project now" in told
            assert f"{srv}/new" in told
            session = await on.session("hello", on.unrelated.id)
            assert session.directory == f"{srv}/new"
            assert f"<#{on.unrelated.id}>" in await runs(on.ada, "list", on.channel.id)
            told = await runs(on.ada, "remove", on.channel.id, channel=on.unrelated)
            assert "Its 1 sessions go on" in told
            said = await on.ada.says(on.unrelated.id, "nobody hears this")
            again = await on.ada.says(on.channel.id, "this one is heard")
            await on.session_of(again)
            assert on.manager.session_of_thread(said.id) is None
        lines = on.config.layout.journal.read_text()
    for kind in (j.ProjectAdded.__name__, j.ProjectRemoved.__name__):
        assert lines.count(f'"{kind}"') == 1


@awaited
async def test_who_may_not_manage_adds_nothing_and_nobody_without_roots(short_path: Path) -> None:
    async with stage(short_path) as on:
        write(on)
        before = on.config.path.read_text()
        async with on.back():
            refused = await runs(on.eve, "add", on.channel.id, channel=on.unrelated, directory="/")
            assert "You do not have the right **manage** here" in refused
            assert await runs(on.ada, "add", on.channel.id, channel=on.unrelated, directory="/tmp") == NO_ROOTS
        assert on.config.path.read_text() == before
        lines = on.config.layout.journal.read_text() if on.config.layout.journal.exists() else ""
        assert j.ProjectAdded.__name__ not in lines


# --- what a removal must not do --------------------------------------------------------------------------


class NothingIsWritten(ProjectChannels):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Reload(settings))
        self.removed: list[int] = []

    def remove(self, channel_id: int) -> None:
        self.removed.append(channel_id)


def anybody(_channel_id: int, _guild_id: int, _member: dict[str, Any]) -> bool:
    return True


class Desk:
    """A channel of server 9 with a project, and somebody who asks from some server."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self.store = Store(folder / "db")
        self.manager = session_manager(self.store)
        settings = Settings(configuration(folder, policy=policy, channels={222: Channel(222, str(folder))}))
        router = BridgeRouter(policy, settings.channels, self.manager)
        sight = Sight(anybody, anybody, lambda _: "", lambda channel_id: Place(channel_id, 0, guild_id=9))
        self.channels = NothingIsWritten(settings)
        self.command = ProjectCommand(self.manager, router, settings, sight, self.channels)

    def removes(self, person: Member, guild_id: int) -> None:
        options = [{"name": "remove", "options": [{"name": "channel", "value": "222"}]}]
        asked = Asked(1, 1, 2, "t", {"name": "project", "options": options}, guild_id, 333)
        self.command.run(asked, person)


@pytest.fixture
def removal(tmp_path: Path) -> Iterator[Callable[[Policy], Desk]]:
    made: list[Desk] = []

    def begin(policy: Policy) -> Desk:
        made.append(Desk(tmp_path, policy))
        return made[-1]

    yield begin
    for one in made:
        one.store.close()


def test_a_role_of_another_server_removes_nothing(removal: Callable[[Policy], Desk]) -> None:
    desk = removal(Policy(roles=frozenset({50})))
    with pytest.raises(UserError, match=r"\*\*manage\*\*"):
        desk.removes(Member(1, "eve", 8, frozenset({50})), 8)
    assert desk.channels.removed == []
    desk.removes(Member(1, "ada", 9, frozenset({50})), 9)
    assert desk.channels.removed == [222]


@pytest.mark.parametrize("access", [Access(second=(ToolPattern("Bash", "rm*"),)), Access(decide_own=False)])
def test_who_may_manage_does_not_take_away_by_it_who_decides_what(
    removal: Callable[[Policy], Desk], access: Access
) -> None:
    desk = removal(Policy(frozenset({1}), channels={222: access}))
    with pytest.raises(UserError, match="only the bridge's operator can remove it"):
        desk.removes(Member(1, "ada", 9), 9)
    assert desk.channels.removed == []
