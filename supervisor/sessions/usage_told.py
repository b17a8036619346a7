"""How far a usage limit is used: said once for each mark and window, in the thread whose Claude hears it first.

The limit is the login's, and all sessions of a bridge have one login; so what was said stands in the store, beside
what each child tells by itself. It outlives a restart of either.
"""

from bridge.protocol import events as e
from bridge.protocol.login import usage_mark
from bridge.render import limits
from supervisor.sessions.store import Store
from supervisor.sessions.usage_table import Said

SAME_WINDOW_S = 600.0
"""Ends of a window that are told so close to each other are one."""
UNTOLD_WINDOW_S = 5 * 3600.0
"""Of a window whose end nobody tells: so long as the shortest one."""


def tell_of_usage(store: Store, session_id: str, record: e.Record) -> None:
    """Within the caller's transaction."""
    if not isinstance(record.event, e.UsageNoted):
        return
    event, now = record.event, Said(usage_mark(record.event.percent), record.event.resets_at, record.at)
    before = store.usage_said(event.limit)
    if before and _is_same_window(before, now) and now.mark <= before.mark:
        return
    store.note_usage_said(event.limit, now)
    store.desire(session_id, f"usage:{record.generation}:{record.seq}", limits.used(event))


def _is_same_window(before: Said, now: Said) -> bool:
    if before.resets_at and now.resets_at:
        return now.resets_at < before.resets_at + SAME_WINDOW_S
    return now.at < before.at + UNTOLD_WINDOW_S
