"""Which rule of the trusted copy let a tool run without anybody being asked, for the thread to say."""

from pathlib import Path

import msgspec

from bridge.protocol import events as e
from bridge.trust import rules
from bridge.trust.acting import SETTINGS


class _Permissions(msgspec.Struct):
    allow: list[str] = []


class _Settings(msgspec.Struct):
    permissions: _Permissions = msgspec.field(default_factory=_Permissions)


class Unasked:
    """``copy``: the folder with the trusted copy; empty: there is none, and no rule of it allows anything."""

    def __init__(self, copy: str) -> None:
        self._rules = _allow_rules(copy)
        self._running: dict[str, e.ToolStarted] = {}

    def named(self, event: e.AnyEvent) -> e.AnyEvent:
        """The event; a ToolFinished with the rule that allowed it, if one of the copy did."""
        match event:
            case e.ToolStarted() if self._rules:
                self._running[event.tool_use_id] = event
            case e.ToolFinished() if began := self._running.pop(event.tool_use_id, None):
                rule = rules.named(event.allowed_by, self._rules, began.tool, began.tool_input)
                return msgspec.structs.replace(event, rule=rule) if rule else event
            case e.TurnEnded():
                self._running.clear()
            case _:
                pass
        return event


def _allow_rules(copy: str) -> list[str]:
    try:
        return msgspec.json.decode(Path(copy, SETTINGS).read_bytes(), type=_Settings).permissions.allow if copy else []
    except (OSError, msgspec.MsgspecError):
        return []
