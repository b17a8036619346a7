"""Our control requests, each with what its answer means. No I/O."""

from collections.abc import Callable
from itertools import count

from worker import control_frames as cf
from worker import lines_out
from worker.steps import Line, Step

type Answered = Callable[[cf.ControlResponse], list[Step]]


class OwnRequests:
    """``ask`` is a ``worker.steps.Control``."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._awaited: dict[str, tuple[str, Answered]] = {}

    @property
    def unanswered(self) -> dict[str, str]:
        """Request id → subtype."""
        return {request_id: subtype for request_id, (subtype, _) in self._awaited.items()}

    def ask(self, subtype: str, answered: Answered, /, **fields: object) -> Line:
        request_id = f"tb{next(self._numbers)}"
        self._awaited[request_id] = (subtype, answered)
        return Line(lines_out.control_request(request_id, subtype, **fields))

    def answered(self, response: cf.ControlResponse) -> list[Step]:
        """Nothing for an answer that nobody waits for."""
        awaited = self._awaited.pop(response.request_id, None)
        return awaited[1](response) if awaited else []
