"""The child's files have the mode that the supervisor was started with, though ours are for nobody else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stages.playhouse import playhouse
from stages.support import awaited


@contextmanager
def started_with(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
@awaited
async def test_a_file_of_the_childs_is_made_with_the_umask_of_the_supervisors_start(umask: int, mode: int) -> None:
    with started_with(umask):
        async with playhouse() as house:
            thread = await house.starts("run touch made.txt")
            await house.press(await house.card(thread), "Allow")
            await house.done(thread)
            assert (house.project / "made.txt").stat().st_mode & 0o777 == mode
            logs = [path for path in house.host.place.root.rglob("*") if path.name in {"log", "worker.stderr"}]
            assert logs and not [path for path in logs if path.stat().st_mode & 0o077]
