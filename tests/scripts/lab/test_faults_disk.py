"""The disk that the matrix breaks: nobody of ours can write, then everybody can again."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.faults import run as faults
from lab.faults.disk import FULL, NO_WRITES, Disk, small_disk

WRITER = """
import sys
log = open(sys.argv[1], "ab", buffering=0)
for line in sys.stdin:
    try:
        log.write(line.encode())
        print("written", flush=True)
    except OSError as error:
        print(type(error).__name__, error.errno, flush=True)
"""


@contextmanager
def writer(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that writes each line it is given, and says how that went."""
    argv = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def writes(process: "subprocess.Popen[str]", line: str) -> str:
    assert process.stdin and process.stdout
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_disk_that_takes_no_writes_fails_those_of_running_processes_until_it_is_healed(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with writer(tmp_path / "log") as process:
        assert writes(process, "one") == "written"
        disk.sicken(NO_WRITES, process.pid)
        assert writes(process, "two").startswith("OSError")
        disk.heal(NO_WRITES)
        assert writes(process, "three") == "written"
    assert (tmp_path / "log").read_text() == "one\nthree\n"


def test_a_disk_that_was_sickened_twice_is_well_when_both_are_over(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    with writer(tmp_path / "log") as process:
        disk.sicken(NO_WRITES, process.pid)
        disk.sicken(NO_WRITES, process.pid)
        disk.heal(NO_WRITES)
        assert writes(process, "one").startswith("OSError")
        disk.heal_all()
        assert writes(process, "two") == "written"


def test_a_full_disk_has_no_page_left_and_takes_everything_again_when_it_is_healed(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        if FULL not in disk.kinds:
            pytest.skip("may not mount here")
        disk.sicken(FULL, 0)
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "log").write_bytes(b"one")
        disk.heal(FULL)
        (tmp_path / "log").write_bytes(b"two")
    assert not list(tmp_path.iterdir()), "it is unmounted"


def test_what_cannot_be_tried_on_this_machine_is_said_and_not_left_out_silently(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with small_disk(tmp_path) as disk:
        assert disk.kinds == (NO_WRITES,)
    left_out = faults._left_out_of_disk()
    assert "Left out: a full disk" in faults.in_words(faults.Result(left_out=left_out))
    page = tmp_path / "faults.md"
    faults.write(page, faults.Result(left_out=left_out), faults.arguments([]))
    assert "Left out: a full disk" in page.read_text()
