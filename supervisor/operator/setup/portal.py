"""What the developer portal says of the application, and what is still to be switched on there.

One of two bits says that Message Content Intent is on.
"""

import msgspec

from bridge.discord_numbers import ApplicationFlag
from bridge.routing.permissions import ALL_ASKED

PORTAL = "https://discord.com/developers/applications"
READS_MESSAGES = ApplicationFlag.GATEWAY_MESSAGE_CONTENT | ApplicationFlag.GATEWAY_MESSAGE_CONTENT_LIMITED
INTENT = (
    "Message Content Intent is off, so Discord would hide what people write. In the developer portal: your application,"
    " Bot, Privileged Gateway Intents, switch it on, Save Changes."
)


class Application(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    flags: int = 0

    @property
    def may_read(self) -> bool:
        return bool(self.flags & READS_MESSAGES)


def page(application_id: int) -> str:
    """Where its switches are."""
    return f"{PORTAL}/{application_id}/bot"


def invite(application_id: int) -> str:
    """The link that brings the bot into a server, with what it needs there."""
    return (
        f"https://discord.com/oauth2/authorize?client_id={application_id}"
        f"&scope=bot%20applications.commands&permissions={ALL_ASKED}"
    )
