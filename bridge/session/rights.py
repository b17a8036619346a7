"""Who may do what: three rights, each given by itself to people and roles, everywhere or in one channel.

    talk     start sessions, write to Claude, steer what it does for oneself
    decide   allow and deny what Claude asks
    manage   what counts for others: looser modes, trust, rules and settings of a channel, sessions that others began

None implies another, so that somebody can decide without being able to start anything. Nobody has any by default. A
role counts only in the server where the session is. Whoever is invited into one thread may talk there, and no more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

import msgspec

from bridge.session.patterns import ToolPattern, unasked, unasked_in_directories
from bridge.session.permission import Person
from bridge.text import escape, inline_code, one_line

Right = Literal["talk", "decide", "manage"]
ANY: tuple[Right, ...] = ("talk", "decide", "manage")
MOST_NAMED = 12
"""Of those who have a right, as many are named to who has it not."""
CLASS_CHARS = 60


class Grant(msgspec.Struct, frozen=True):
    """Who has one right."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()

    def __or__(self, other: "Grant") -> "Grant":
        return Grant(self.users | other.users, self.roles | other.roles)

    def __bool__(self) -> bool:
        return bool(self.users or self.roles)

    def holds(self, person: Person, guild_id: int) -> bool:
        if person.user_id in self.users:
            return True
        return bool(guild_id) and person.guild_id == guild_id and bool(self.roles & person.role_ids)

    def depends_on_roles(self, user_id: int) -> bool:
        """Whether it takes the person's roles to know."""
        return user_id not in self.users and bool(self.roles)

    def is_within(self, other: "Grant") -> bool:
        """Whether everybody here is there too."""
        return self.users <= other.users and self.roles <= other.roles


class Access(msgspec.Struct, frozen=True):
    """Who has which right in one channel, and how it is decided there."""

    talk: Grant = Grant()
    decide: Grant = Grant()
    manage: Grant = Grant()
    decide_own: bool = True
    """Whether who asked Claude for something may also allow what Claude wants to do for it."""
    second: tuple[ToolPattern, ...] = ()
    """What two different people must allow."""

    def grant(self, right: Right) -> Grant:
        return {"talk": self.talk, "decide": self.decide, "manage": self.manage}[right]

    def holds(self, right: Right, person: Person, guild_id: int) -> bool:
        return self.grant(right).holds(person, guild_id)

    def needs_two(self, tool: str, tool_input: str) -> bool:
        return any(pattern.covers(tool, tool_input) for pattern in self.second)

    def bars(self, mode: str) -> str:
        """Why no session may be in this permission mode here, in words; empty when one may.

        What two people must allow must be asked.
        """
        named = escape(one_line(mode, CLASS_CHARS))
        return _asked_by_two(unasked(self.second, mode), f"in the mode **{named}**")

    @property
    def bars_directories(self) -> str:
        """Why Claude may not work in directories outside the project without asking here; empty when it may."""
        return _asked_by_two(unasked_in_directories(self.second), "in a directory that is allowed")

    def is_within(self, other: "Access") -> bool:
        """Whether nothing is possible here that is not there: for work in the other channel's directory."""
        people = all(self.grant(right).is_within(other.grant(right)) for right in ANY)
        return people and (other.decide_own or not self.decide_own) and set(other.second) <= set(self.second)


def _asked_by_two(left: tuple[ToolPattern, ...], where: str) -> str:
    if not left:
        return ""
    classes = ", ".join(inline_code(str(one), CLASS_CHARS) for one in left[:MOST_NAMED])
    return f"In this channel two people must allow {classes}, and {where} Claude would not ask."


class Rights(Protocol):
    """Who may what in which channel, at the moment of the question."""

    def access(self, channel_id: int, /) -> Access: ...


NO_CHANNELS: Mapping[int, Access] = MappingProxyType({})


class Policy(msgspec.Struct, frozen=True):
    """All rights. ``users`` and ``roles`` have each of them everywhere; what a channel gives comes on top."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everywhere: Access = Access()
    channels: Mapping[int, Access] = NO_CHANNELS

    def access(self, channel_id: int) -> Access:
        """Of a channel; of one that is not configured what holds everywhere."""
        here = self.channels.get(channel_id, Access())
        whole, all_over = Grant(self.users, self.roles), self.everywhere
        return msgspec.structs.replace(
            here,
            talk=whole | all_over.talk | here.talk,
            decide=whole | all_over.decide | here.decide,
            manage=whole | all_over.manage | here.manage,
        )

    def holders(self, right: Right) -> Grant:
        """Who has it everywhere or in some channel."""
        found = self.access(0).grant(right)
        for channel_id in self.channels:
            found |= self.access(channel_id).grant(right)
        return found

    @property
    def named(self) -> Grant:
        """All people and roles that it names."""
        return self.holders("talk") | self.holders("decide") | self.holders("manage")


def lacking(rights: tuple[Right, ...], access: Access) -> str:
    """For who has none of these: what is missing, and who has it. Its mentions MUST NOT ping."""
    names = " or ".join(f"**{right}**" for right in rights)
    return f"You do not have the right {names} here, so nothing was done. {holders(rights, access)}"


def holders(rights: tuple[Right, ...], access: Access) -> str:
    """Who has one of these, in mentions."""
    have = Grant()
    for right in rights:
        have |= access.grant(right)
    named = [f"<@{user}>" for user in sorted(have.users)] + [f"<@&{role}>" for role in sorted(have.roles)]
    if not named:
        return f"Nobody has it yet: the bridge's operator can give it under [access.{rights[0]}]."
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    verb = "has" if len(named) == 1 and have.users else "have"
    return f"{', '.join(named[:MOST_NAMED])}{more} {verb} it."
