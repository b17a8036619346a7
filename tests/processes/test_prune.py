"""`threadbridge prune` beside a running supervisor, and what the thread says to who comes back."""

from bridge.protocol.layout import Layout
from playground.host.supervisor import CommandOutput
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited, until

DEADLINE_S = 30.0


async def would_prune(house: Playhouse) -> CommandOutput:
    return await house.host.threadbridge.ask("prune", "--older-than", "0m", "--dry-run")


@awaited
async def test_an_ended_session_gives_its_files_away_and_goes_on_anew_when_somebody_writes_there() -> None:
    async with playhouse() as house:
        ask = house.host.threadbridge.ask
        thread = await house.starts("say one")
        await house.done(thread)
        kept = await would_prune(house)
        assert (kept.code, "No session that ended longer" in kept.out) == (0, True), kept.err
        assert (await ask("stop", str(thread.id))).code == 0
        sessions = Layout(house.host.place.state).sessions
        (folder,) = sessions.iterdir()
        told: list[CommandOutput] = []
        while not (told and "say one" in told[-1].out):
            assert len(told) < 100, told[-1]
            told.append(await would_prune(house))
        assert folder.exists(), "it was only said"
        nothing = await ask("prune")
        assert (nothing.code, "say --older-than" in nothing.err) == (2, True)
        pruned = await ask("prune", "--older-than", "0m", "--yes")
        assert (pruned.code, "of 1 ended sessions are removed" in pruned.out) == (0, True), pruned.err
        assert not folder.exists()
        await until(lambda: not list(Layout(house.host.place.state).pruned.iterdir()), "emptied", deadline_s=DEADLINE_S)
        await house.you.says(thread.id, "say two")
        await house.done(thread, 2)
        said = house.text(thread)
        assert said.count("Claude begins anew here, and remembers nothing of what stands above") == 1
        assert "log is gone" not in said
        assert "log and files removed" in (await ask("audit")).out
