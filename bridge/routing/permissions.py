"""What the bot may do in a channel, by Discord's own rules, and which of that it needs.

Source: discord-api-docs, "Permissions" (bits, "Permission Overwrites"). A server's own permissions come first, then
what the channel says of everyone, then of roles (all that is denied, then all that is allowed), then of the member.
"""

from collections.abc import Iterable, Mapping

import msgspec

from bridge.discord_numbers import Permission

NEEDED: Mapping[str, int] = {
    "View Channels": Permission.VIEW_CHANNEL,
    "Send Messages": Permission.SEND_MESSAGES,
    "Embed Links": Permission.EMBED_LINKS,
    "Attach Files": Permission.ATTACH_FILES,
    "Read Message History": Permission.READ_MESSAGE_HISTORY,
    "Manage Threads": Permission.MANAGE_THREADS,
    "Create Public Threads": Permission.CREATE_PUBLIC_THREADS,
    "Send Messages in Threads": Permission.SEND_MESSAGES_IN_THREADS,
}
"""By the names that Discord's settings show."""
ALL_NEEDED = sum(NEEDED.values())
ALL_ASKED = ALL_NEEDED | Permission.ADD_REACTIONS
"""What an invitation asks for. A bot that may not react (every one that was invited before) shows marks as messages."""


class Overwrite(msgspec.Struct, frozen=True):
    """What a channel says of a role or a member; ``id``: whose."""

    id: int
    allow: int = 0
    deny: int = 0


def granted(base: int, overwrites: Iterable[Overwrite], guild_id: int, roles: Iterable[int], user_id: int) -> int:
    """The bits of a member in a channel. ``base``: those in the server; its id is also that of the role everyone."""
    if base & Permission.ADMINISTRATOR:
        return base | ALL_ASKED
    of = {overwrite.id: overwrite for overwrite in overwrites}
    mine = [of[role] for role in roles if role in of and role != guild_id]
    of_roles = Overwrite(0, _either(one.allow for one in mine), _either(one.deny for one in mine))
    for said in (of.get(guild_id), of_roles, of.get(user_id)):
        if said:
            base = base & ~said.deny | said.allow
    return base


def missing(bits: int) -> tuple[str, ...]:
    """What is needed and not there, by name."""
    return tuple(name for name, bit in NEEDED.items() if not bits & bit)


def _either(bits: Iterable[int]) -> int:
    found = 0
    for one in bits:
        found |= one
    return found
