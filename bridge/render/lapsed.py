"""What was wished and is not carried out: who wished it lost the right for it before it was delivered."""

from collections.abc import Sequence

from bridge.protocol import commands as c
from bridge.render.posts import Post
from bridge.session.rights import Access, Right, holders
from bridge.text import escape, one_line

VALUE_CHARS = 100
_STAYS_OPEN = "The request stays open."

type Lost = Sequence[tuple[int, tuple[Right, ...]]]
"""People, each with the rights of which they have none any more."""


def decision(lost: Lost, access: Access) -> Post:
    return Post(
        f"⚠ A decision of {_who(lost)} was not carried out: {_reason(lost)} {_STAYS_OPEN} {_have(lost, access)}"
    )


def decision_not_counted(why: str) -> Post:
    """The configuration is another one since. ``why``: a sentence."""
    return Post(f"⚠ A decision was not carried out, since the configuration was changed meanwhile. {why} {_STAYS_OPEN}")


def mode_barred(why: str) -> Post:
    """Likewise of ``/mode``."""
    return Post(f"⚠ A mode was not set, since the configuration was changed meanwhile. {why}")


def rule(lost: Lost, access: Access) -> Post:
    return Post(
        f"⚠ A rule of {_who(lost)} allows nothing any more: {_reason(lost)} {_have(lost, access)}"
        " `/rules` lists and revokes it."
    )


def setting(command: c.Configure, lost: Lost, access: Access) -> Post:
    """Of ``/model``, ``/mode`` or ``/effort``."""
    name = {"permission_mode": "mode"}.get(command.setting, escape(one_line(command.setting, VALUE_CHARS)))
    value = escape(one_line(command.value, VALUE_CHARS)) or "default"
    return Post(f"⚠ The {name} **{value}** that {_who(lost)} chose was not set: {_reason(lost)} {_have(lost, access)}")


def change(command: c.Amend | c.Requeue, lost: Lost, access: Access) -> Post:
    """Of a prompt that waited."""
    what = "An edit" if isinstance(command, c.Amend) else "A choice of when"
    return Post(
        f"⚠ {what} by {_who(lost)} did not reach Claude: {_reason(lost)} {_have(lost, access)}",
        reply_to=command.prompt_id,
    )


def _who(lost: Lost) -> str:
    return " and ".join(f"<@{user_id}>" for user_id in dict.fromkeys(user_id for user_id, _ in lost))


def _rights(lost: Lost) -> tuple[Right, ...]:
    return tuple(dict.fromkeys(right for _, rights in lost for right in rights))


def _reason(lost: Lost) -> str:
    names = " or ".join(f"**{right}**" for right in _rights(lost))
    return f"who made it no longer has the right {names}."


def _have(lost: Lost, access: Access) -> str:
    return holders(_rights(lost), access)
