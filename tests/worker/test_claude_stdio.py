"""What a child of ours has for stdin, stdout and stderr: sockets, which nobody opens by a path (``worker.claude``)."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from stages.support import DEADLINE_S, awaited
from worker import claude

KINDS = "stat -L -c %F /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2; read -r until_told"


@awaited
async def test_a_childs_three_descriptors_are_sockets_that_cannot_be_opened_through_proc(tmp_path: Path) -> None:
    child = await claude.spawn(["/bin/sh", "-c", KINDS], str(tmp_path), {"PATH": os.defpath}, lambda: None)
    with closing(child):
        lines: list[object] = []
        async for batch in child.lines():
            lines += batch
            if len(lines) == 3:
                for number in range(3):
                    with pytest.raises(OSError, match="No such device"):
                        os.open(f"/proc/{child.pid}/fd/{number}", os.O_RDWR)
                await child.write(b"go on\n")
        assert lines == [b"socket"] * 3
        assert await child.exited(DEADLINE_S) == 0
