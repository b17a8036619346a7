"""What both sides know of a permission request: Claude's tools that ask a person something, and the digest.

The digest is of the input that was *shown*, and a decision carries it; the worker refuses a mismatch.
"""

import hashlib

from bridge.protocol.modes import ACCEPT_EDITS

QUESTION_TOOL, PLAN_TOOL = "AskUserQuestion", "ExitPlanMode"
PLAN_MODES = (ACCEPT_EDITS,)
"""Permission modes that an approval may set: a plan's always, another's where Claude itself offers it."""
ADVICE_TO_ASK_IN_TEXT = (
    "This bridge cannot show these questions. Ask the person in plain text instead, list the choices,"
    " and end your turn; their next message is the answer."
)


def digest_of(tool_input: str) -> str:
    """sha256 (hex) of exactly the JSON text that Claude sent and the person is shown."""
    return hashlib.sha256(tool_input.encode()).hexdigest()
