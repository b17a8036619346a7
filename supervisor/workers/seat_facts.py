"""One look at a seat: what is asked of the machine, the connection and the manager, for the state that it is in.

No more is asked than that state needs. So a worker that is well costs nothing, and a lock is asked only while nobody is
known to sit: its path may be renamed or removed below a worker that is well.
"""

from bridge.session.managed import ManagedSession
from supervisor.sessions.manager import SessionManager
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.downlink import Downlink
from supervisor.workers.host import Host
from supervisor.workers.seats import Facts, Seat, SeatState


class Looks:
    """Without ``cli`` nothing is asked of which Claude Code it is."""

    def __init__(self, manager: SessionManager, downlink: Downlink, host: Host, cli: ClaudeCli | None) -> None:
        self._manager = manager
        self._downlink = downlink
        self._host = host
        self._cli = cli

    def is_well(self, session_id: str) -> bool:
        """Whether the session's worker speaks with us and gets on."""
        downlink = self._downlink
        is_understood = downlink.has_heard(session_id) and downlink.stranger(session_id) != "older"
        return is_understood and not downlink.is_stuck(session_id)

    def at(self, seat: Seat, session: ManagedSession, now: float) -> Facts:
        """Raises OSError, StoreError, and LocalError when the state directory is not there.

        What is told once, a child's exit code, is kept in the seat; so is a pause that is over.
        """
        match seat.state:
            case SeatState.HELD | SeatState.ENDING:
                return self._at_held(seat, now)
            case SeatState.SPAWNED:
                return self._at_spawned(seat, now)
            case SeatState.ENDED:
                return Facts(now, may_pass=session.last_failure_may_pass, quick_deaths=session.quick_deaths)
            case SeatState.EMPTY:
                return self._at_empty(seat, now)

    def _at_held(self, seat: Seat, now: float) -> Facts:
        assert seat.held
        return Facts(
            now,
            has_ended=seat.held.watch.has_ended(),
            has_spoken=self._downlink.has_heard(seat.session_id),
            is_stuck=self._downlink.is_stuck(seat.session_id),
            is_older=self._downlink.stranger(seat.session_id) == "older",
        )

    def _at_spawned(self, seat: Seat, now: float) -> Facts:
        assert seat.spawned
        self._host.check()
        holder = self._host.holder(seat.session_id)
        if not holder and seat.spawned.code is None:
            seat.spawned.code = self._host.exit_code(seat.spawned.pid)
        return Facts(now, holder=holder)

    def _at_empty(self, seat: Seat, now: float) -> Facts:
        self._host.check()
        if holder := self._host.holder(seat.session_id):
            return Facts(now, holder=holder)
        if self._host.is_stopped(seat.session_id):
            return Facts(now, is_stopped=True)
        if now < seat.not_before:
            return Facts(now)
        seat.not_before = 0.0
        if not self._manager.is_wanted(seat.session_id):
            return Facts(now)
        return Facts(now, is_wanted=True, refusal=self._refusal(seat.session_id))

    def _refusal(self, session_id: str) -> str | None:
        """A worker that only closes a log needs no Claude Code."""
        if self._cli is None or not self._manager.has_work(session_id):
            return ""
        return self._cli.answer.refusal if self._cli.answer else None
