"""`/project` as people run it in a server; the configuration's file is real."""

from pathlib import Path

import msgspec

from bridge.journal import entries as j
from stages.gateway_stage import Stage, stage
from stages.support import awaited
from supervisor.projects.channels import NO_ROOTS
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
async def test_a_channel_is_added_is_used_and_is_removed_and_the_journal_knows(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        srv = tmp_path / "srv"
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
async def test_who_may_not_manage_adds_nothing_and_nobody_without_roots(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        write(on)
        before = on.config.path.read_text()
        async with on.back():
            refused = await runs(on.eve, "add", on.channel.id, channel=on.unrelated, directory="/")
            assert "You do not have the right **manage** here" in refused
            assert await runs(on.ada, "add", on.channel.id, channel=on.unrelated, directory="/tmp") == NO_ROOTS
        assert on.config.path.read_text() == before
        lines = on.config.layout.journal.read_text() if on.config.layout.journal.exists() else ""
        assert j.ProjectAdded.__name__ not in lines
