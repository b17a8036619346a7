"""A message that is one of our commands: who writes one and does not pick it from Discord's list sends it as a text.

It is most likely not meant for Claude, who would make something of ``/stop`` that nobody wants. So it is not sent but
said, and its author can have it sent all the same. A name that Claude Code has a command of goes to Claude as a text,
as before: there it may be meant.
"""

import re

from bridge.routing.needs import COMMANDS
from bridge.routing.seen import MessageSeen

_COMMAND = re.compile(r"/([A-Za-z]+)( +\S.*)?")
"""On one line: more of them are a text that begins so."""
WITH_OPTIONS = frozenset(
    {"new", "continue", "model", "mode", "effort", "claude", "compact", "project", "invite", "uninvite", "status"}
)
CLAUDES = frozenset({"compact", "clear", "context", "cost"})
"""Short forms of ours for what each Claude Code has; for where none has said yet what it has."""


def command_in(message: MessageSeen) -> str:
    """The name of the command that the message is, and nothing but that; else empty."""
    if message.attachments or message.quote or message.is_forward:
        return ""
    found = _COMMAND.fullmatch(message.text.strip())
    name = found[1].lower() if found else ""
    return name if found and name in COMMANDS and (name in WITH_OPTIONS or not found[2]) else ""
