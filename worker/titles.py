"""A short title for the conversation, which Claude makes of what was asked first. No I/O.

It costs a small request to Claude's API, so it is asked for once in a session's life, beside the first turn. Nothing
waits for the answer: without one the thread keeps its first words (docs/claude-protocol.md, "Control requests").
"""

from bridge.protocol import events as e
from bridge.text import one_line
from worker import control_frames as cf
from worker import frames as f
from worker.steps import Control, Step

SUBTYPE = "generate_session_title"
DESCRIPTION_CHARS = 2000
TITLE_CHARS = 200


class Titles:
    """``wanted``: the session has none yet, and somebody wants one."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.wanted = False

    def asked_of(self, prompt: e.PromptAccepted | None) -> list[Step]:
        """Claude takes this prompt up."""
        if not self.wanted or prompt is None or prompt.is_command or prompt.is_ours or not prompt.text.strip():
            return []
        self.wanted = False
        return [self._control(SUBTYPE, _titled, description=prompt.text[:DESCRIPTION_CHARS], persist=False)]


def _titled(response: cf.ControlResponse) -> list[Step]:
    title = one_line(f.part(response.response, cf.Title).title, TITLE_CHARS)
    return [e.Titled(title)] if title and not response.error else []
