"""Names of threads and who is in them, on the whole path."""

from stages.playhouse import Playhouse, playhouse
from stages.support import awaited
from twins.discord.model import Channel


async def listed(house: Playhouse, thread: Channel, name: str) -> str:
    """What ``threadbridge list`` says, once the name stands in it."""
    await house.until(lambda: thread.name == name, f"a thread named {name!r}")
    return (await house.host.threadbridge.ask("list")).out


@awaited
async def test_a_thread_gets_claudes_title_and_then_a_persons_name_and_the_lists_follow() -> None:
    async with playhouse(titles="claude") as house:
        thread = await house.starts("**say** hello\ntitle Mend the login page\nsay hello")
        assert thread.name.startswith("say hello")
        assert "Mend the login page" in await listed(house, thread, "Mend the login page")
        await house.done(thread)
        house.discord.world.update_thread(thread, house.you.user, {"name": "The login page"})
        await house.you.says(thread.id, "say again")
        await house.done(thread, turns=2)
        assert "The login page" in await listed(house, thread, "The login page")


@awaited
async def test_who_began_a_thread_is_a_member_of_it_and_it_is_archived_after_a_week() -> None:
    async with playhouse() as house:
        thread = await house.starts("say hello")
        assert thread.thread
        await house.until(lambda: thread.thread and house.you.id in thread.thread.members, "you in the thread")
        assert thread.thread.auto_archive_minutes == 7 * 24 * 60
