"""The tables that give rights: ``[access]`` for all channels, ``[channels.access]`` for one."""

from collections.abc import Iterator, Mapping, Sequence

from bridge.session.patterns import ToolPattern
from bridge.session.rights import Access, Grant, Policy
from supervisor.config.table import Table, Wrong, check_id


class GrantTable(Table, frozen=True):
    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()


class AccessTable(Table, frozen=True):
    """``users`` and ``roles`` have all three rights."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    talk: GrantTable = GrantTable()
    decide: GrantTable = GrantTable()
    manage: GrantTable = GrantTable()


class ChannelAccess(Table, frozen=True):
    """What one channel's table says of access. ``key``: where it stands."""

    key: str
    access: AccessTable
    decide_own: bool
    second: tuple[str, ...]


def policy_of(table: AccessTable, channels: Mapping[int, ChannelAccess]) -> Policy:
    """Raises Wrong when nobody may talk anywhere, and for what is no id or no class of tools."""
    everywhere = _access("access", table)
    whole = _grant("access", table)
    policy = Policy(whole.users, whole.roles, everywhere, {i: _of_channel(one) for i, one in channels.items()})
    if not policy.access(0).talk and not any(policy.access(channel_id).talk for channel_id in channels):
        raise Wrong(
            "access.users",
            "nobody may talk to Claude yet; add your Discord user id (Settings, Advanced, Developer Mode, then"
            " right-click your name and Copy User ID)",
        )
    return policy


def gaps_of(policy: Policy, channel_ids: Sequence[int], mode: str) -> Iterator[str]:
    """What nobody can do, in words: a channel where that is so may be meant, or forgotten.

    ``mode``: the permission mode in which sessions begin.
    """
    for n, channel_id in enumerate(channel_ids):
        access = policy.access(channel_id)
        if not access.talk:
            yield f"channels[{n}]: nobody may talk there; give it under [channels.access.talk]"
        elif not access.decide:
            yield (
                f"channels[{n}]: nobody may decide what Claude asks there, so requests expire; give it under"
                " [channels.access.decide]"
            )
        elif access.second and len(access.decide.users) == 1 and not access.decide.roles:
            yield f"channels[{n}].second: two people must allow these, and only one may decide there"
        if access.bars(mode):
            yield f"channels[{n}].second: these are asked, so sessions there begin in the mode 'default', not {mode!r}"


def _of_channel(one: ChannelAccess) -> Access:
    whole, access = _grant(one.key, one.access), _access(one.key, one.access)
    return Access(
        talk=access.talk | whole,
        decide=access.decide | whole,
        manage=access.manage | whole,
        decide_own=one.decide_own,
        second=tuple(_pattern(f"{one.key.removesuffix('.access')}.second", text) for text in one.second),
    )


def _access(key: str, table: AccessTable) -> Access:
    return Access(
        _grant(f"{key}.talk", table.talk), _grant(f"{key}.decide", table.decide), _grant(f"{key}.manage", table.manage)
    )


def _grant(key: str, table: AccessTable | GrantTable) -> Grant:
    for name, ids in (("users", table.users), ("roles", table.roles)):
        for number in ids:
            check_id(f"{key}.{name}", number)
    return Grant(frozenset(table.users), frozenset(table.roles))


def _pattern(key: str, text: str) -> ToolPattern:
    try:
        return ToolPattern.parse(text)
    except ValueError:
        raise Wrong(key, f'{text!r} names no class of tools such as "Bash:rm*", "Edit:*.env" or "git_push"') from None
