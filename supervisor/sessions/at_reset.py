"""Turns that a usage limit ended, or that the API was not there, and that are taken up again when that is over.

Who wants that, and until when it is waited, stands in the session's view, with the card that shows it; so a restart
changes nothing, and it is only looked at the clock. A turn that began meanwhile has settled it.
"""

from collections.abc import Callable
from contextlib import suppress

from bridge.render import outages
from bridge.render.mended_flow import MendedFlow
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

MARGIN_S = 5.0
"""The API's clock may be behind ours."""


class AtReset:
    """``by_itself``: whether nobody needs to ask for it, asked each time."""

    def __init__(self, manager: SessionManager, by_itself: Callable[[], bool]) -> None:
        self._manager = manager
        self._by_itself = by_itself

    def look(self) -> None:
        """What the clock makes due. Never raises: a store that is sick is asked again."""
        with suppress(StoreError):
            for session in self._manager.active_sessions():
                view = self._manager.row(session.session_id).view
                if not view.limit_key:
                    continue
                if self._by_itself() and not (view.limit_wanted or view.limit_declined):
                    self._manager.want_reset(session.session_id, wanted=True, person=None)
                if view.limit_wanted and _is_over(view, self._manager.clock()):
                    self._manager.limit_is_free(session.session_id)


def _is_over(view: MendedFlow, now: float) -> bool:
    """An outage's pause is ours, and no longer where the clock was set back meanwhile; a limit's end is the API's."""
    pause_s = outages.pause_s(view.outages) if view.is_outage else None
    was_set_back = pause_s is not None and now < view.limit_at - pause_s - MARGIN_S
    return was_set_back or now >= view.limit_at + MARGIN_S
