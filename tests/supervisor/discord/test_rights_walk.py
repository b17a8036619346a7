"""Rights, walked through on a loopback Discord: one asks, another decides, a third one manages, a fourth is invited."""

from pathlib import Path

import msgspec
import pytest

from bridge.session.patterns import ToolPattern
from bridge.session.rights import Access, Grant, Policy
from stages.gateway_stage import DEADLINE_S, Stage, buttons, stage
from stages.support import awaited
from twins.discord.interactions import Interaction
from twins.discord.person import Person

pytestmark = pytest.mark.slow


class Walk:
    """Tom talks, Dora and Dan decide by a role, Mona manages; Ada and Bob are as the stage has them."""

    def __init__(self, s: Stage) -> None:
        deciders = s.discord.add_role("deciders")
        self.s, self.deciders = s, deciders
        self.tom, self.mona = s.discord.add_person("Tom"), s.discord.add_person("Mona")
        self.dora, self.dan = s.discord.add_person("Dora", [deciders]), s.discord.add_person("Dan", [deciders])
        access = Access(
            Grant(frozenset({self.tom.id})),
            Grant(roles=frozenset({deciders.id})),
            Grant(frozenset({self.mona.id})),
            decide_own=False,
            second=(ToolPattern("Bash", "rm*"),),
        )
        s.config = msgspec.structs.replace(s.config, policy=Policy(channels={s.channel.id: access}))

    async def ran(self, who: Person, command: str, channel_id: int, **options: object) -> str:
        await self.s.discord.until(self.s.discord.guild_commands.all, DEADLINE_S, "the commands")
        return said(await who.runs(command, options, channel_id))


def said(made: Interaction) -> str:
    assert made.answer
    return made.answer.content


@awaited
async def test_each_does_what_they_may_and_hears_who_may_the_rest(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        walk = Walk(s)
        tom, dora, dan, mona, eve = walk.tom, walk.dora, walk.dan, walk.mona, s.eve
        async with s.back():
            session = await s.session_of(await tom.says(s.channel.id, "tidy up"))
            await s.make_thread(session)
            thread = session.thread_id
            s.begins_turn(session)

            # who decides starts nothing, and is told in a quiet line
            await s.heard(s.channel.id, await dora.says(s.channel.id, "and I?", mention_bot=True))
            await s.discord.until(
                lambda: any("**talk**" in m.text for m in s.discord.messages(s.channel.id)), DEADLINE_S, "why not"
            )
            assert s.manager.get_all_sessions() == [session]

            # who asked does not allow it; one who decides does
            card = await s.asks(session, "ls")
            refused = await tom.clicks(card, buttons(card)["Allow"])
            assert "**decide**" in said(refused) and f"<@&{walk.deciders.id}>" in said(refused)
            assert not s.decisions(session)
            await dora.clicks(card, buttons(card)["Allow"])
            assert [one.decided_by for one in s.decisions(session)] == [dora.id]

            # a decider whose role was taken is none any more
            dan.has_roles([])
            card = await s.asks(session, "rm x")
            assert "**decide**" in said(await dan.clicks(card, buttons(card)["Allow"]))
            dan.has_roles([walk.deciders.id])

            # two people for rm
            await dora.clicks(card, buttons(card)["Allow"])
            assert "another person must" in said(await dora.clicks(card, buttons(card)["Allow"]))
            await dan.clicks(card, buttons(card)["Allow"])
            assert [(one.also_by, one.decided_by) for one in s.decisions(session)][-1] == (dora.id, dan.id)

            # modes and others' turns are for who manages
            assert "**manage**" in await walk.ran(tom, "mode", thread, mode="acceptEdits")
            assert "**manage**" in await walk.ran(dora, "stop", thread)
            assert "acceptEdits" in await walk.ran(mona, "mode", thread, mode="acceptEdits")

            # invited into this thread, and nowhere else
            assert "owner" in await walk.ran(dora, "invite", thread, person=eve)
            assert "may write to Claude" in await walk.ran(tom, "invite", thread, person=eve)
            await s.heard(thread, await eve.says(thread, "me too"))
            assert s.prompts(session)[-1] == "me too"
            await s.heard(s.channel.id, await eve.says(s.channel.id, "and here?"))
            assert s.manager.get_all_sessions() == [session]
            assert "any more" in await walk.ran(mona, "uninvite", thread, person=eve)
            await s.heard(thread, await eve.says(thread, "still?"))
            assert s.prompts(session)[-1] == "me too"
