"""What a request asked that was decided: its record in the session's log, for who looks it up."""

import asyncio

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.session.permission import PermissionRequest, RequestName
from supervisor.sessions.session_logs import read_log


async def request_in_log(layout: Layout, name: RequestName) -> PermissionRequest | None:
    """None where it does not stand (any more). The whole log may be read, so beside the loop."""
    return await asyncio.to_thread(_found, layout, name)


def _found(layout: Layout, name: RequestName) -> PermissionRequest | None:
    for record in read_log(layout.session(name.session_id).log, name.seq - 1, name.generation):
        if record.seq == name.seq and isinstance(record.event, e.PermissionRequested):
            return PermissionRequest(name, record.at, 0, record.event)
    return None
