"""How the messages of a Discord look in a terminal. Pure."""

from collections.abc import Iterator

from twins.discord.model import Channel, Json, Message, walk

BUTTON, SELECT = 2, 3


def shown(message: Message) -> str:
    """All that a person reads in it: text, embeds, buttons, files."""
    return "\n".join(_parts(message))


def heading(message: Message, channel: Channel) -> str:
    """Who says it, and where."""
    where = f"#{channel.name}" if channel.thread is None else f"⌗ {clipped(channel.name, 40)}"
    only = " (only you see this)" if message.ephemeral else ""
    return f"{message.author.name} · {where}{only}"


def fresh(old: str, new: str) -> str:
    """What `new` shows that `old` did not: its growth, or the lines that are new."""
    if new.startswith(old):
        grown = new[len(old) :].strip("\n")
        is_on_a_new_line = not old or old.endswith("\n") or new[len(old) :].startswith("\n")
        return grown if is_on_a_new_line else f"…{grown}"
    known = set(old.splitlines())
    return "\n".join(line for line in new.splitlines() if line not in known)


def choices(message: Message) -> Iterator[tuple[str, str, list[str] | None]]:
    """What can be clicked: (label, custom_id, the values to pick in a select)."""
    for component in walk(message.components):
        if component.get("type") == BUTTON and component.get("custom_id") and not component.get("disabled"):
            yield str(component.get("label", "")), component["custom_id"], None
        for option in component.get("options") or []:
            yield str(option["label"]), component["custom_id"], [option["value"]]


def choice(message: Message, label: str) -> tuple[str, list[str] | None] | None:
    """The (custom_id, values) of what is labelled so, or else of the first whose label begins so."""
    wanted = label.casefold()
    for fits in (str.__eq__, str.startswith):
        for text, custom_id, values in choices(message):
            if wanted and fits(text.casefold(), wanted):
                return custom_id, values
    return None


def clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _parts(message: Message) -> Iterator[str]:
    if message.text:
        yield message.text
    for embed in message.embeds:
        yield from _embed(embed)
    if labels := [label for label, _, _ in choices(message)]:
        yield " ".join(f"[{label}]" for label in labels)
    if message.filenames:
        yield "files: " + ", ".join(message.filenames)


def _embed(embed: Json) -> Iterator[str]:
    footer = (embed.get("footer") or {}).get("text")
    fields = [f"{field['name']}: {field['value']}" for field in embed.get("fields") or []]
    told = [embed.get("title"), embed.get("description"), *fields, footer]
    for text in filter(None, told):
        yield from (f"│ {line}" for line in str(text).splitlines())
