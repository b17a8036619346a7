"""What the developer portal says of the application, and what is still to be switched on there.

Source: discord-api-docs, "Application Flags": one of two bits says that Message Content Intent is on, by whether the
application is verified.
"""

import msgspec

from bridge.routing.permissions import ALL_ASKED

PORTAL = "https://discord.com/developers/applications"
READS_MESSAGES = 1 << 18 | 1 << 19
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
