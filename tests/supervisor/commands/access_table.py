"""The access matrix as one table: what can be done, which right it takes, and where it can be done at all.

``gate`` is asked first, by the name of a command; ``need`` is what it takes then, for who asks there. A deletion takes
no right: Discord lets people delete what is theirs, and it only takes back.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from bridge.routing.needs import DECIDE, MANAGE, TALK
from bridge.session.rights import ANY, Right

Place = Literal["own thread", "another's thread", "channel", "other channel", "other server", "direct message"]
PLACES: tuple[Place, ...] = (
    "own thread",
    "another's thread",
    "channel",
    "other channel",
    "other server",
    "direct message",
)
THREADS: tuple[Place, ...] = ("own thread", "another's thread")
CHANNELS: tuple[Place, ...] = ("channel", "other channel")
EVERYWHERE: tuple[Place, ...] = (*THREADS, *CHANNELS, "other server")

Rights = tuple[Right, ...]
Kind = Literal["command", "button", "menu", "modal", "message", "typing"]


class Asker(NamedTuple):
    """Who asks, as far as it matters to what it takes."""

    owns: bool
    asked: bool
    """Their prompt is what the session's running turn serves."""


Need = Rights | Callable[[Asker], Rights]


class Row(NamedTuple):
    kind: Kind
    name: str
    """A command; the word of a button, select or modal, as its custom_id has it; a kind of message."""
    needs: Mapping[Place, Need]
    """By the places where it can be done; elsewhere it does nothing, whoever asks."""
    gate: Rights = ()
    variant: str = ""


def within(places: Iterable[Place], need: Need) -> dict[Place, Need]:
    return dict.fromkeys(places, need)


def own(asker: Asker) -> Rights:
    """One's own session or turn, or what Claude does for others."""
    return (*TALK, *MANAGE) if asker.owns or asker.asked else MANAGE


def owner(asker: Asker) -> Rights:
    return (*TALK, *MANAGE) if asker.owns else MANAGE


IN_THREADS_AND_CHANNELS: tuple[Place, ...] = (*THREADS, *CHANNELS)
CHOSEN: dict[Place, Need] = within(THREADS, (*TALK, *MANAGE)) | within(CHANNELS, MANAGE)
LOOSER: dict[Place, Need] = within(IN_THREADS_AND_CHANNELS, MANAGE)
STOPPED: dict[Place, Need] = within(THREADS, own) | within(CHANNELS, ANY)

COMMANDS = [
    *(Row("command", name, within(IN_THREADS_AND_CHANNELS, TALK), TALK) for name in ("new", "continue")),
    *(Row("command", name, within(THREADS, TALK), TALK) for name in ("queue", "compact", "clear", "context", "cost")),
    Row("command", "claude", within(THREADS, TALK), TALK),
    Row("command", "stop", STOPPED, ANY),
    *(Row("command", name, within(IN_THREADS_AND_CHANNELS, ANY), ANY, "shown") for name in ("model", "mode", "effort")),
    *(Row("command", name, CHOSEN, ANY, "chosen") for name in ("model", "effort")),
    Row("command", "mode", CHOSEN, ANY, "stricter"),
    Row("command", "mode", LOOSER, ANY, "looser"),
    *(Row("command", name, LOOSER, ANY, "for the channel") for name in ("model", "mode", "effort")),
    Row("command", "rules", within(IN_THREADS_AND_CHANNELS, ANY), ANY),
    Row("command", "trust", within(IN_THREADS_AND_CHANNELS, ANY), ANY),
    *(Row("command", "project", within(EVERYWHERE, MANAGE), MANAGE, verb) for verb in ("add", "list", "remove")),
    *(Row("command", name, within(THREADS, owner), ANY) for name in ("invite", "uninvite")),
    *(Row("command", name, within(EVERYWHERE, ANY), ANY) for name in ("status", "help")),
]
CLICKS = [
    *(Row("button", word, within(THREADS, DECIDE)) for word in ("allow", "always", "deny", "reason")),
    *(Row("button", word, within(THREADS, DECIDE)) for word in ("keep", "hour")),
    *(Row("button", word, within(THREADS, MANAGE), DECIDE) for word in ("chour", "cweek", "cever")),
    Row("button", "dir", within(THREADS, DECIDE), variant="of an edit outside"),
    Row("button", "cdir", within(THREADS, MANAGE), DECIDE, variant="of an edit outside"),
    Row("button", "rule", within(IN_THREADS_AND_CHANNELS, (*DECIDE, *MANAGE))),
    Row("modal", "reason", within(THREADS, DECIDE)),
    *(Row("button", word, within(THREADS, DECIDE), variant="of a plan") for word in ("allow", "plan")),
    Row("button", "edits", within(THREADS, DECIDE), variant="of a plan"),
    Row("button", "edits", within(THREADS, DECIDE), variant="of an edit"),
    Row("modal", "plan", within(THREADS, DECIDE), variant="of a plan"),
    *(
        Row("button", word, within(THREADS, DECIDE), variant="of a question")
        for word in ("option0", "other0", "skip", "send", "page0")
    ),
    Row("menu", "pick0", within(THREADS, DECIDE), variant="of a question"),
    Row("modal", "other0", within(THREADS, DECIDE), variant="of a question"),
    *(Row("button", word, within(THREADS, DECIDE), variant="of a push") for word in ("allow", "deny", "reason")),
    Row("modal", "reason", within(THREADS, DECIDE), variant="of a push"),
    *(Row("button", word, within(THREADS, ANY)) for word in ("show", "diff", "sdiff")),
    Row("button", "continue", within(THREADS, TALK)),
    Row("button", "discard", within(THREADS, DECIDE)),
    Row("button", "fresh", within(THREADS, TALK)),
    *(Row("button", f"reset {verb}", within(THREADS, TALK)) for verb in ("on", "off")),
    Row("button", "moved", within(THREADS, DECIDE)),
    *(Row("button", f"trust {verb}", within(IN_THREADS_AND_CHANNELS, MANAGE)) for verb in ("yes", "no", "revoke")),
    *(Row("button", f"when {when}", within(THREADS, TALK)) for when in ("next", "later", "now")),
    *(Row("button", f"halt {fate}", within(THREADS, own)) for fate in ("keep", "drop")),
    *(Row("button", f"wide {verb}", within((*THREADS, "channel"), MANAGE)) for verb in ("on", "off")),
    Row("button", "strict", within(THREADS, (*TALK, *MANAGE))),
    Row("button", "again", within(THREADS, TALK)),
    Row("button", "plain", within(THREADS, TALK)),
    Row("button", "tell", within(IN_THREADS_AND_CHANNELS, TALK)),
    Row("button", "because", within(THREADS, DECIDE)),
    *(Row("button", f"list {verb}", within(THREADS, DECIDE)) for verb in ("all", "none", "each")),
    Row("menu", "stop", within(("channel",), own), ANY),
    *(Row("button", f"status {word}", within(EVERYWHERE, ANY), ANY) for word in ("next", "back")),
]
NOBODYS = ("of a bot", "of Discord's own")
"""Whoever seems to have written these, nothing is done."""
MESSAGES = [
    *(
        Row("message", name, within(IN_THREADS_AND_CHANNELS, TALK))
        for name in ("text", "mention", "file", "reply", "forward", "voice")
    ),
    *(Row("message", name, {}) for name in NOBODYS),
    Row("message", "edit", within(THREADS, TALK)),
]
TYPING = [
    *(Row("typing", name, within(IN_THREADS_AND_CHANNELS, ANY), ANY) for name in ("model", "mode", "effort")),
    Row("typing", "claude", within(THREADS, TALK), TALK),
    Row("typing", "new", within(IN_THREADS_AND_CHANNELS, TALK), TALK),
]
TABLE = [*COMMANDS, *CLICKS, *MESSAGES, *TYPING]
