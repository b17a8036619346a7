"""Whether this machine can shut a child in at all, for the supervisor's start and for ``threadbridge check``."""

import os
import tempfile
from pathlib import Path

from bridge.protocol.errors import UserError
from worker.walls.probe import probe, with_remedy
from worker.walls.wish import Containment, Reach


def refusal_in_words(state: Path) -> str:
    """Why a child cannot be shut in here, whatever the reason; empty when it can."""
    try:
        return refusal_here(state) or ""
    except (UserError, OSError) as error:
        return str(error)


def refusal_here(state: Path) -> str | None:
    """None when it can, else why not, and what to do. Tried on an empty home and project. Raises OSError, UserError."""
    with tempfile.TemporaryDirectory(prefix="threadbridge-probe-") as folder:
        home, project = Path(folder, "home"), Path(folder, "project")
        for made in (home, project):
            made.mkdir()
        wish = Containment(
            mode="project",
            state_directory=str(state),
            project_directory=str(project),
            home=str(home),
            uid=os.getuid(),
            reach=Reach(private=str(Path(folder, "inside")), caches=str(Path(folder, "caches"))),
        )
        refusal = probe(wish)
    return with_remedy(refusal) if refusal else None
