"""What Discord refuses in a message (documentation, "Message resource": Create Message, Embed Limits)."""

from itertools import pairwise

from twins.discord.checks.components import check_components, check_components_v2
from twins.discord.errors import Problems, empty_message, entity_too_large
from twins.discord.mentions import check_allowed_mentions
from twins.discord.model import Json, Message, MessageFlag, Upload

MOST_CONTENT = 2000
MOST_EMBEDS = 10
MOST_EMBED_CHARACTERS = 6000
MOST_FILES = 10
MOST_FILE_BYTES = 10 * 1024 * 1024
MOST_NONCE = 25
_LEGACY_FIELDS = ("content", "embeds", "poll", "sticker_ids")
_SETTABLE_FLAGS = (
    MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.COMPONENTS_V2 | MessageFlag.EPHEMERAL
)


def check_new_message(payload: Json, uploads: dict[int, Upload]) -> None:
    """Raise ApiError if a message cannot be created from this; `uploads` by their index in the form."""
    problems = Problems()
    v2 = bool(flags_in(payload) & MessageFlag.COMPONENTS_V2)
    _check_parts(problems, payload, v2=v2, filenames=filenames_in(payload, uploads))
    _check_files(problems, payload, uploads)
    _check_nonce(problems, payload)
    problems.raise_if_any()
    if not (stripped(payload) or any(payload.get(key) for key in ("embeds", "components")) or uploads):
        raise empty_message()


def check_edit(payload: Json, uploads: dict[int, Upload], message: Message) -> None:
    """Raise ApiError if `message` cannot be edited so."""
    problems = Problems()
    was_v2 = bool(message.flags & MessageFlag.COMPONENTS_V2)
    v2 = was_v2 or bool(flags_in(payload) & MessageFlag.COMPONENTS_V2)
    if v2 and not was_v2:
        _check_upgrade(problems, payload, message)
    names = {*message.filenames, *filenames_in(payload, uploads)}
    _check_parts(problems, payload, v2=v2, filenames=names)
    _check_files(problems, payload, uploads)
    problems.raise_if_any()
    if _would_be_empty(payload, uploads, message):
        raise empty_message()


def stripped(payload: Json) -> str:
    """The content as Discord keeps it: without white space around it."""
    return str(payload.get("content") or "").strip()


def flags_in(payload: Json) -> MessageFlag:
    """The flags a caller may set; the others are ignored, as Discord does."""
    return MessageFlag(int(payload.get("flags") or 0)) & _SETTABLE_FLAGS


def filenames_in(payload: Json, uploads: dict[int, Upload]) -> set[str]:
    return {upload.filename for upload in uploads.values()}


def _check_upgrade(problems: Problems, payload: Json, message: Message) -> None:
    """A message becomes Components V2 only if what it had of the old kind is taken away in the same edit."""
    for key, had in (("content", message.content), ("embeds", message.embeds)):
        if had and key not in payload:
            _forbid_legacy(problems, key)


def _forbid_legacy(problems: Problems, key: str) -> None:
    problems.add(
        key,
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
    )


def _check_parts(problems: Problems, payload: Json, *, v2: bool, filenames: set[str]) -> None:
    if payload.get("content") is not None:
        _check_content(problems, payload)
    check_allowed_mentions(problems, payload.get("allowed_mentions"))
    _check_embeds(problems, payload.get("embeds"))
    components = payload.get("components")
    if not v2:
        check_components(problems, components)
        return
    for key in _LEGACY_FIELDS:
        if payload.get(key):
            _forbid_legacy(problems, key)
    check_components_v2(problems, components, filenames)


def _check_content(problems: Problems, payload: Json) -> None:
    if isinstance(payload["content"], str):
        problems.length("content", len(stripped(payload)), MOST_CONTENT)
    elif not isinstance(payload["content"], int | float):
        problems.add("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.")


def _check_nonce(problems: Problems, payload: Json) -> None:
    nonce = payload.get("nonce")
    if isinstance(nonce, str):
        problems.length("nonce", len(nonce), MOST_NONCE)
    elif nonce is not None and not isinstance(nonce, int):
        problems.add("nonce", "STRING_TYPE_CONVERT", "Could not interpret value as string.")


def _check_files(problems: Problems, payload: Json, uploads: dict[int, Upload]) -> None:
    problems.length("attachments", len(payload.get("attachments") or []), MOST_FILES)
    problems.length("files", len(uploads), MOST_FILES)
    if any(len(upload.content) > MOST_FILE_BYTES for upload in uploads.values()):
        raise entity_too_large()


def _would_be_empty(payload: Json, uploads: dict[int, Upload], message: Message) -> bool:
    content = stripped(payload) if "content" in payload else message.content
    embeds = payload.get("embeds") if "embeds" in payload else message.embeds
    components = payload.get("components") if "components" in payload else message.components
    attachments = payload.get("attachments") if "attachments" in payload else message.attachments
    return not (content or embeds or components or attachments or uploads)


def _check_embeds(problems: Problems, embeds: object) -> None:
    if embeds is None:
        return
    if not isinstance(embeds, list) or not all(isinstance(embed, dict) for embed in embeds):
        problems.add("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    problems.length("embeds", len(embeds), MOST_EMBEDS)
    for index, embed in enumerate(embeds):
        _check_embed(problems, f"embeds.{index}", embed)
    _check_embed_total(problems, embeds)


def _check_embed(problems: Problems, path: str, embed: Json) -> None:
    for key, most in (("title", 256), ("description", 4096)):
        if embed.get(key) is not None:
            problems.text(f"{path}.{key}", embed[key], most)
    for part, key, most in (("footer", "text", 2048), ("author", "name", 256)):
        if embed.get(part) is not None:
            problems.text(f"{path}.{part}.{key}", embed[part].get(key), most, least=1)
    for key in ("url", "image", "thumbnail"):
        _check_url(problems, f"{path}.{key}", embed.get(key))
    color = embed.get("color")
    if color is not None and not (isinstance(color, int) and 0 <= color <= 0xFFFFFF):
        problems.add(f"{path}.color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
    _check_fields(problems, f"{path}.fields", embed.get("fields") or [])


def _check_fields(problems: Problems, path: str, fields: list[Json]) -> None:
    problems.length(path, len(fields), 25)
    for index, entry in enumerate(fields):
        problems.text(f"{path}.{index}.name", entry.get("name"), 256, least=1)
        problems.text(f"{path}.{index}.value", entry.get("value"), 1024, least=1)


def _check_url(problems: Problems, path: str, value: object) -> None:
    url = value.get("url") if isinstance(value, dict) else value
    if url is None or str(url).startswith(("http://", "https://", "attachment://")):
        return
    problems.add(path, "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').")


def embed_characters(embed: Json) -> int:
    """How much of the 6,000 an embed uses."""
    parts = [embed.get("title"), embed.get("description")]
    parts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for entry in embed.get("fields") or []:
        parts += [entry.get("name"), entry.get("value")]
    return sum(len(str(part)) for part in parts if part)


def _check_embed_total(problems: Problems, embeds: list[Json]) -> None:
    """The limit goes over all embeds of the message; the one that crosses it is blamed."""
    totals = [0]
    for embed in embeds:
        totals.append(totals[-1] + embed_characters(embed))
    for index, (before, after) in enumerate(pairwise(totals)):
        if before <= MOST_EMBED_CHARACTERS < after:
            message = f"Embed size exceeds maximum size of {MOST_EMBED_CHARACTERS}"
            problems.add(f"embeds.{index}", "MAX_EMBED_SIZE_EXCEEDED", message)
