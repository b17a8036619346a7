"""What the last version before the files moved left behind comes up under this one: its state, and its workers.

Everything is real but Discord and Claude. The workers of then need the history of this repository.
"""

from pathlib import Path

import pytest

from lab.upgrade import run
from lab.upgrade.earlier import has_commit, unpack
from stages.support import ROOT, awaited

BEFORE_THE_MOVE = "8b58b94"
STATE = ROOT / "tests/data/state-0.1"


@awaited
async def test_a_state_directory_of_0_1_comes_up_with_its_open_cards_its_lost_turns_and_what_waited() -> None:
    await run.after_a_power_cut(STATE)


@pytest.mark.skipif(
    not has_commit(BEFORE_THE_MOVE),
    reason=f"NOT TESTED: this checkout's history does not reach back to {BEFORE_THE_MOVE}, so there are no workers of"
    f" then. Where it does: ./scripts/test-upgrade {BEFORE_THE_MOVE}",
)
@awaited
async def test_workers_of_0_1_go_on_under_this_supervisor_with_their_cards_their_turn_and_what_waits(
    tmp_path: Path,
) -> None:
    await run.live(unpack(BEFORE_THE_MOVE, tmp_path))
