"""What a child cannot be started without.

Looked for first, so that the reason names it: what the system says of a program that is not there, or of a directory to
start it in, is the same, and it says it of bubblewrap.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bridge.protocol.errors import UserError


def look(directory: str, command: Sequence[str], path: str) -> None:
    """``path``: the child's $PATH. Raises UserError, in words that say what to do."""
    if not Path(directory).is_dir():
        raise UserError(
            f"the project directory {directory} is not there: it was moved or deleted, or its disk is not mounted"
        )
    if not os.access(directory, os.R_OK | os.X_OK):
        raise UserError(f"the project directory {directory} may not be read")
    program = command[0]
    if "/" in program and not Path(directory, program).exists():
        raise UserError(f"the program {program} is not there: install Claude Code, or name it in [claude] command")
    if not shutil.which(Path(directory, program) if "/" in program else program, path=path):
        where = "may not be run" if "/" in program else f"is in none of {path}"
        raise UserError(f"the program {program} {where}: install Claude Code, or name it in [claude] command")
