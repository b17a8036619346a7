"""A supervisor without Discord whose workers run the real claude CLI against the scripted Messages API."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from bridge.session.managed import ManagedSession
from stages.backstage import Backstage, backstage
from stages.real_environment import claude_environment, real_claude
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import Turn


class RealStage:
    def __init__(self, back: Backstage, model: ScriptedModel, home: Path) -> None:
        self.back = back
        self.model = model
        self.home = home

    def log_of(self, session: ManagedSession) -> str:
        path = self.back.layout.session(session.session_id).log
        return path.read_text() if path.exists() else ""


@contextlib.asynccontextmanager
async def stage(
    *turns: Turn,
    logged_in: bool = True,
    permission_mode: str = "default",
    answers: ScriptedModel | None = None,
    **added: str,
) -> AsyncIterator[RealStage]:
    program = real_claude()
    with tempfile.TemporaryDirectory(prefix="tb", ignore_cleanup_errors=True) as folder:
        async with answers or ScriptedModel(*turns) as model:
            environment = claude_environment(Path(folder, "home"), model.base_url, Path(folder, "tmp"))
            if not logged_in:
                del environment["ANTHROPIC_API_KEY"]
            whole = {**environment, **added}
            command = (str(program),)
            async with backstage(command=command, environment=whole, permission_mode=permission_mode) as back:
                yield RealStage(back, model, Path(folder, "home"))
