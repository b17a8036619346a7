"""A claude that goes into a looser mode than anybody chose: it is stopped, and the thread says why."""

import sys
from pathlib import Path

from stages.backstage import Backstage, backstage
from stages.support import awaited, until

LOOSE = r"""
import json, sys
def say(**line): print(json.dumps(line), flush=True)
for line in map(json.loads, sys.stdin):
    if line["type"] == "control_request":
        answer = {"current_permission_mode": MODE if AT == "start" else "default"}
        inner = {"subtype": "success", "request_id": line["request_id"], "response": answer}
        say(type="control_response", response=inner)
    elif line["type"] == "user" and AT == "turn":
        say(type="command_lifecycle", command_uuid=line["uuid"], state="started")
        say(type="system", subtype="init", permissionMode=MODE)
        for _ in sys.stdin:
            pass
"""


def loose(folder: Path, mode: str, at: str) -> tuple[str, ...]:
    program = folder / "loose.py"
    program.write_text(f"MODE, AT = {mode!r}, {at!r}\n{LOOSE}")
    return (sys.executable, str(program))


async def stopped(stage: Backstage) -> tuple[str, list[str]]:
    """How the session then stands, and what its thread says."""
    session = stage.session("hi")
    await until(lambda: stage.live(session).last_failure and not stage.worker_pid(session), "its end")
    return stage.live(session).shown_state(), stage.posts(session)


@awaited
async def test_a_child_that_begins_in_a_looser_mode_is_stopped_and_not_started_again_by_itself(tmp_path: Path) -> None:
    async with backstage(command=loose(tmp_path, "auto", "start")) as stage:
        state, posts = await stopped(stage)
        assert state == "broken"
        (told,) = [post for post in posts if "permission mode auto" in post]
        assert "It is not started again by itself, for that would end the same way." in told
        assert "times in a row" not in told


@awaited
async def test_a_child_that_goes_into_a_looser_mode_with_a_turn_is_stopped_and_its_turn_lost(tmp_path: Path) -> None:
    async with backstage(command=loose(tmp_path, "bypassPermissions", "turn")) as stage:
        state, posts = await stopped(stage)
        assert state == "broken"
        (card,) = [post for post in posts if "This turn was lost" in post]
        assert "permission mode bypassPermissions" in card and "nobody chose that" in card.replace("\n", " ")
