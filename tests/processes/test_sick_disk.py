"""The state's disk takes no writes for a while, below a supervisor that runs: what the operator is told meanwhile."""

from lab.faults.disk import NO_WRITES, Disk
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited

LOOKS = 40
"""Each takes a process."""


async def status(house: Playhouse, part: str) -> str:
    """The first line of `threadbridge status`, once it has ``part``."""
    line = ""
    for _ in range(LOOKS):
        line = (await house.host.threadbridge.ask("status")).out.partition("\n")[0]
        if part in line:
            break
    return line


@awaited
async def test_status_says_that_nothing_can_be_written_as_long_as_that_is_so() -> None:
    async with playhouse() as house:
        disk = Disk(house.host.place.state)
        assert await status(house, "well") == "well"
        disk.sicken(NO_WRITES, house.host.supervisor.pid)
        assert "can write nothing to the state's disk; what it says of itself is" in await status(house, "NOT WELL")
        disk.heal_all()
        assert await status(house, "well") == "well"
        thread = await house.starts("say Hello")
        await house.done(thread)
