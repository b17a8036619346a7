"""The bridge as a person can break it here: its supervisor killed, and started again. Discord and Claude go on."""

from playground.host.bridge_host import Host
from twins.discord.forms import CannotError

KILLED = "The bridge is killed (kill -9). A Claude that works goes on; nobody hears you until it is started again."
STARTED = "The bridge starts again. What happened meanwhile comes now."


async def kill(host: Host) -> str:
    """What was done, in words. Raises CannotError when it does not run."""
    if host.supervisor.exit_code is not None:
        raise CannotError("The bridge does not run; start it again first.")
    await host.supervisor.kill()
    host.discord.world.changed()
    return KILLED


async def start(host: Host) -> str:
    """As `kill`. Raises CannotError when it runs."""
    if host.supervisor.exit_code is None:
        raise CannotError("The bridge runs; kill it first.")
    await host.supervisor.start()
    host.discord.world.changed()
    return STARTED
