"""Whether the store takes writes: a full disk, a lock of somebody's, a disk that was mounted read-only.

Nothing ends because of it. Whoever wanted to write gets a StoreError, keeps what it has, and tries again; workers
log on without us. Here is only the common sense between: after a failure the next tries are refused at once for a
moment (a lock costs each of them a second of everybody's time), and the log says it once and not for each try.
"""

import logging
import time
from collections.abc import Callable

from bridge.protocol.errors import LocalError

PAUSE_S = 0.5
"""After a failure; longer when it took longer: at most a third of the time is spent on failing."""
SAID_AGAIN_S = 300.0
STORE_LOOK_S = 1.0
"""How soon to look again at a store that takes no writes."""

log = logging.getLogger(__name__)


class StoreError(LocalError):
    """The store did not take (or give) something now; in words. What was begun is undone.

    ``is_damage``: waiting does not help.
    """

    def __init__(self, words: str, *, is_damage: bool = False) -> None:
        super().__init__(words)
        self.is_damage = is_damage


class Health:
    """``clock`` gives seconds, monotonic. ``problem`` is what the last try met; empty while all is well."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.problem = ""
        self._what = what
        self._clock = clock
        self._again_at = 0.0
        self._said_at: dict[str, float] = {}
        self._is_said = False

    def check(self) -> None:
        """Raises StoreError within the pause after a failure."""
        if self.problem and self._clock() < self._again_at:
            raise StoreError(self.problem)

    def failed(self, problem: str, took_s: float) -> None:
        now = self._clock()
        self._again_at = now + max(PAUSE_S, 2 * took_s)
        if problem != self.problem and now >= self._said_at.get(problem, float("-inf")) + SAID_AGAIN_S:
            self._said_at[problem] = now
            self._is_said = True
            log.error("%s; nothing is lost: whatever waits is done when it is well again", problem)
        self.problem = problem

    def well(self) -> None:
        if self.problem and self._is_said:
            log.warning("%s takes writes again", self._what)
        self.problem, self._is_said = "", False
