"""One Discord message of ours, as data, and the JSON that Discord wants for it.

Everything in it is within Discord's limits (docs/discord-api.md, "Messages and components") before it gets here. A post
pings exactly the users in ``mentions``; no text in it can ping anybody else.
"""

from typing import Any, Literal

import msgspec

from bridge.discord_numbers import BUTTONS_A_ROW, ButtonStyle, Component, MessageFlag

Style = Literal["primary", "secondary", "success", "danger"]
_STYLES: dict[Style, ButtonStyle] = {
    "primary": ButtonStyle.PRIMARY,
    "secondary": ButtonStyle.SECONDARY,
    "success": ButtonStyle.SUCCESS,
    "danger": ButtonStyle.DANGER,
}


class Button(msgspec.Struct, frozen=True, omit_defaults=True):
    label: str
    custom_id: str
    style: Style = "secondary"
    disabled: bool = False


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    label: str
    value: str
    description: str = ""
    chosen: bool = False


class Select(msgspec.Struct, frozen=True, omit_defaults=True):
    """``least`` to ``most`` choices are picked at once."""

    custom_id: str
    choices: tuple[Choice, ...]
    placeholder: str = ""
    least: int = 1
    most: int = 1


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """Its content is ``text``; or what lies at ``path``, below the session's folder, when it is sent."""

    name: str
    text: str = ""
    path: str = ""


class Embed(msgspec.Struct, frozen=True, omit_defaults=True):
    title: str = ""
    description: str = ""
    footer: str = ""
    color: int = 0


class Post(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one message should show. ``where``: the session's thread, or its parent channel."""

    content: str = ""
    embed: Embed | None = None
    buttons: tuple[Button, ...] = ()
    selects: tuple[Select, ...] = ()
    """Above the buttons."""
    files: tuple[File, ...] = ()
    mentions: tuple[int, ...] = ()
    reply_to: int = 0
    silent: bool = False
    urgent: bool = False
    """A person waits for it: sent before text that only streams."""
    optional: bool = False
    """Kept right where it stands already, and not made for this: what it says stands elsewhere."""
    where: Literal["thread", "channel"] = "thread"
    thread_name: str = ""
    """Not a message: the session's thread itself, to be made from the message that has its id."""
    reaction: str = ""
    """Not a message: an emoji on the one that this would reply to."""
    is_over: bool = False
    """Of a reaction, or of a message beside one: it is to be taken away."""
    is_named: bool = False
    """Of a thread: somebody gave it that name, so it keeps it."""


def payload(post: Post, *, editing: bool = False) -> dict[str, object]:
    """The JSON of a create, or of an edit (which changes neither what it replies to nor whether it is silent).

    Links get no preview: SUPPRESS_EMBEDS, the one old flag that an edit can set and take away (discord-api-docs, "Edit
    Message"). It hides embeds of our own too, so a post with one goes without.

    Files are not part of it; an edit that does not name attachments keeps them.
    """
    body: dict[str, Any] = {
        "content": post.content,
        "embeds": [_embed(post.embed)] if post.embed else [],
        "components": _components(post),
        "allowed_mentions": {"parse": [], "users": [str(i) for i in post.mentions], "replied_user": False},
    }
    body["flags"] = MessageFlag(0) if post.embed else MessageFlag.SUPPRESS_EMBEDS
    if editing:
        return body
    body["flags"] = body["flags"] | (MessageFlag.SUPPRESS_NOTIFICATIONS if post.silent else MessageFlag(0))
    if post.reply_to:
        body["message_reference"] = {"message_id": str(post.reply_to), "fail_if_not_exists": False}
    return body


def _embed(embed: Embed) -> dict[str, object]:
    body: dict[str, object] = {"description": embed.description}
    if embed.title:
        body["title"] = embed.title
    if embed.footer:
        body["footer"] = {"text": embed.footer}
    if embed.color:
        body["color"] = embed.color
    return body


def _components(post: Post) -> list[dict[str, object]]:
    rows = [_row([_select(select)]) for select in post.selects]
    buttons = [_button(button) for button in post.buttons]
    rows += [_row(buttons[i : i + BUTTONS_A_ROW]) for i in range(0, len(buttons), BUTTONS_A_ROW)]
    return rows


def _row(components: list[dict[str, object]]) -> dict[str, object]:
    return {"type": Component.ACTION_ROW, "components": components}


def _button(button: Button) -> dict[str, object]:
    body: dict[str, object] = {
        "type": Component.BUTTON,
        "style": _STYLES[button.style],
        "label": button.label,
        "custom_id": button.custom_id,
    }
    return body | ({"disabled": True} if button.disabled else {})


def _select(select: Select) -> dict[str, object]:
    body: dict[str, object] = {
        "type": Component.STRING_SELECT,
        "custom_id": select.custom_id,
        "options": [_option(c) for c in select.choices],
    }
    if (select.least, select.most) != (1, 1):
        body |= {"min_values": select.least, "max_values": select.most}
    return body | ({"placeholder": select.placeholder} if select.placeholder else {})


def _option(choice: Choice) -> dict[str, object]:
    body: dict[str, object] = {"label": choice.label, "value": choice.value}
    if choice.description:
        body["description"] = choice.description
    return body | ({"default": True} if choice.chosen else {})
