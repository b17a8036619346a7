"""Whom a text pings: mentions in it, cut down by `allowed_mentions` and by permissions.

Source: Discord documentation, "Message resource", section "Allowed Mentions Object". Stricter than Discord
in one point: a mention inside a code block counts too, so that a bridge which relies on code blocks is
found out.
"""

import re
from collections.abc import Collection

from twins.discord.errors import Problems
from twins.discord.model import Json, Pinged

_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_KINDS = ("users", "roles", "everyone")
_MOST_IDS = 100


def mentioned_in(text: str) -> Pinged:
    """Everything that `text` mentions, allowed or not."""
    return Pinged(
        frozenset(int(found) for found in _USER.findall(text)),
        frozenset(int(found) for found in _ROLE.findall(text)),
        bool(_EVERYONE.search(text)),
    )


def allowed_part(mentioned: Pinged, allowed: Json | None) -> Pinged:
    """What `allowed_mentions` lets through; without it everything passes."""
    if allowed is None:
        return mentioned
    parse = allowed.get("parse") or []
    users = mentioned.users if "users" in parse else mentioned.users & ids_in(allowed, "users")
    roles = mentioned.roles if "roles" in parse else mentioned.roles & ids_in(allowed, "roles")
    return Pinged(users, roles, mentioned.everyone and "everyone" in parse)


def existing_part(
    mentioned: Pinged, users: Collection[int], pingable_roles: Collection[int], *, may_everyone: bool
) -> Pinged:
    """What is there and may be pinged by the author."""
    return Pinged(
        mentioned.users & frozenset(users),
        mentioned.roles & frozenset(pingable_roles),
        mentioned.everyone and may_everyone,
    )


def reply_pings(allowed: Json | None) -> bool:
    """A reply pings its addressee unless `allowed_mentions` is there without `replied_user`."""
    return allowed is None or bool(allowed.get("replied_user", False))


def ids_in(allowed: Json, kind: str) -> frozenset[int]:
    return frozenset(int(entry) for entry in allowed.get(kind) or [])


def check_allowed_mentions(problems: Problems, allowed: object) -> None:
    """Add what Discord would refuse in `allowed_mentions`."""
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        problems.add("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return
    parse = allowed.get("parse") or []
    for index, kind in enumerate(parse):
        problems.choice(f"allowed_mentions.parse.{index}", kind, _KINDS)
    for kind in ("users", "roles"):
        _check_ids(problems, kind, allowed.get(kind) or [], parsed=kind in parse)


def _check_ids(problems: Problems, kind: str, ids: object, *, parsed: bool) -> None:
    path = f"allowed_mentions.{kind}"
    if not isinstance(ids, list) or not all(str(entry).isdecimal() for entry in ids):
        problems.add(path, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
        return
    problems.length(path, len(ids), _MOST_IDS)
    if ids and parsed:
        problems.add(
            path,
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
            f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
        )
