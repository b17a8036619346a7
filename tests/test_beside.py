"""What runs beside is told as if it had been tried here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PASSES = "def test_it_holds(): pass\n"
FAILS = "def test_it_does_not_hold(): assert 1 == 2\n"
DIES = "import os\ndef test_it_dies(): os._exit(7)\n"
IS_NO_PYTHON = "def\n"


def run(folder: Path, **files: str) -> subprocess.CompletedProcess[str]:
    """Of ``here``, with each other file beside."""
    (folder / "conftest.py").write_text('pytest_plugins = ["beside"]\n')
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    beside = [word for name in files if name != "here" for word in ("--beside", f"test_{name}.py")]
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_here.py", *beside]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_what_passed_beside_is_counted(tmp_path: Path) -> None:
    done = run(tmp_path, here=PASSES, one=PASSES, other=PASSES)
    assert (done.returncode, "3 passed" in done.stdout) == (pytest.ExitCode.OK, True)


@pytest.mark.parametrize(("text", "shown"), [(FAILS, "assert 1 == 2"), (IS_NO_PYTHON, "SyntaxError")])
def test_what_failed_beside_fails_the_run_and_is_shown(tmp_path: Path, text: str, shown: str) -> None:
    done = run(tmp_path, here=PASSES, one=text)
    assert done.returncode != pytest.ExitCode.OK and shown in done.stdout and "test_one.py" in done.stdout


def test_what_died_beside_fails_the_run_and_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, here=PASSES, one=DIES, other=PASSES)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "what ran beside ended with 7" in done.stderr and "test_one.py" in done.stderr
