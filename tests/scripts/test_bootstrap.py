"""scripts/bootstrap, scripts/test and scripts/run set themselves up, on machines of every kind.

Nothing here goes online: the project that is set up has a build backend of its own and needs no packages.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120
SYSTEM_PATH = "/usr/bin:/bin"

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny"
version = "1.0"
[project.optional-dependencies]
dev = []
"""

# A PEP 660 backend that makes the smallest editable wheel there is.
BACKEND = """
import zipfile
METADATA = "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\nProvides-Extra: dev\\n"
def build_editable(folder, settings=None, metadata=None):
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("tiny-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return name
"""

BASE_PYTHON = Path(sys.executable).resolve()
REAL_PYTHON = f'#!/bin/sh\nexec "{BASE_PYTHON}" "$@"\n'
# Most of the seconds that a .venv takes go into its own pip: this one borrows the base Python's, if there is one.
BORROWING_PYTHON = f"""#!/bin/sh
[ "$1 $2" != "-m venv" ] || {{ shift 2; set -- -m venv --without-pip --system-site-packages "$@"; }}
exec "{BASE_PYTHON}" "$@"
"""
HAS_PIP = subprocess.run([BASE_PYTHON, "-I", "-c", "import pip"], check=False, capture_output=True).returncode == 0
PYTHON = BORROWING_PYTHON if HAS_PIP else REAL_PYTHON
BROKEN_SHIM = '#!/bin/sh\necho "pyenv: $0: command not found" >&2\nexit 127\n'
OLD_PYTHON = "#!/bin/sh\nexit 1\n"


class Machine:
    """A project and a home in which only the named programs are there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a project"
        self.home = folder / "home"
        self.programs = folder / "bin"
        for new in (self.root / "scripts", self.home, self.programs):
            new.mkdir(parents=True)
        for name in ("bootstrap", "pythons", "run", "test"):
            shutil.copy(ROOT / "scripts" / name, self.root / "scripts" / name)
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        (self.root / "requirements.lock").write_text("# needs nothing\n")
        (self.root / "requirements-dev.lock").write_text("# needs nothing\n")
        # Whatever Pythons this machine has are hidden behind ones that do not work.
        for name in ("python3.14", "python3.13", "python3.12"):
            self.install(self.programs / name, BROKEN_SHIM)
        self.install(self.programs / "python3", OLD_PYTHON)
        self.install(self.programs / "uv", "#!/bin/sh\nexit 2\n")

    def install(self, path: Path, program: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(program)
        path.chmod(0o755)

    def install_python(self, program: str = PYTHON) -> None:
        self.install(self.home / ".pyenv/versions/3.12.1/bin/python", program)

    def command(self, script: str, *arguments: str) -> list[str]:
        return [str(self.root / "scripts" / script), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        path = f"{self.programs}:{SYSTEM_PATH}"
        return {"HOME": str(self.home), "PATH": path, "PIP_NO_INDEX": "1", **more}

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(script, *arguments),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def made_venv(self) -> bool:
        stamp = self.root / ".venv/threadbridge-stamp"
        python = self.root / ".venv/bin/python"
        return stamp.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_python_it_says_where_it_looked_and_how_to_get_one(machine: Machine) -> None:
    ended = machine.run("bootstrap", PYTHON="/no/such/python")
    assert ended.returncode == 1
    assert "no working Python >= 3.12" in ended.stderr
    assert "/no/such/python" in ended.stderr
    assert "python3.12" in ended.stderr
    assert "uv python install 3.12" in ended.stderr


def test_a_python_that_lives_only_under_pyenv_is_found_behind_broken_shims(machine: Machine) -> None:
    machine.install(machine.home / ".pyenv/versions/3.9.18/bin/python", OLD_PYTHON)
    machine.install(machine.home / ".pyenv/versions/3.13.0/bin/python", BROKEN_SHIM)
    machine.install_python(REAL_PYTHON)
    ended = machine.run("bootstrap")
    assert ended.returncode == 0, ended.stderr
    assert machine.made_venv()
    assert ended.stdout == ""


def test_uv_is_asked_last(machine: Machine) -> None:
    machine.install(machine.home / "of uv", PYTHON)
    machine.install(machine.programs / "uv", f'#!/bin/sh\necho "{machine.home}/of uv"\n')
    assert machine.run("bootstrap").returncode == 0
    assert machine.made_venv()


def test_the_second_time_nothing_is_done_until_the_project_changes(machine: Machine) -> None:
    machine.install_python()
    assert "installing" in machine.run("bootstrap", "--dev").stderr
    assert machine.run("bootstrap", "--dev").stderr == ""
    assert machine.run("bootstrap").stderr == ""
    for changed in ("pyproject.toml", "requirements-dev.lock"):
        path = machine.root / changed
        path.write_text(path.read_text() + "\n# changed\n")
        again = machine.run("bootstrap", "--dev").stderr
        assert "installing" in again
        assert "making .venv" not in again


def test_a_broken_venv_is_made_anew(machine: Machine) -> None:
    machine.install_python()
    (machine.root / ".venv/bin").mkdir(parents=True)
    (machine.root / ".venv/bin/python").symlink_to("/no/such/python")
    assert machine.run("bootstrap").returncode == 0
    assert machine.made_venv()


def test_a_failed_installation_shows_why_and_leaves_no_stamp(machine: Machine) -> None:
    machine.install_python()
    (machine.root / "requirements.lock").write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    ended = machine.run("bootstrap")
    assert ended.returncode == 1
    assert "no-such-package" in ended.stderr
    assert "Is this machine online" in ended.stderr
    assert not machine.made_venv()


def test_what_has_no_hash_is_not_installed(machine: Machine) -> None:
    machine.install_python()
    (machine.root / "requirements.lock").write_text("tiny==1.0\n")
    ended = machine.run("bootstrap")
    assert ended.returncode == 1
    assert "hash" in ended.stderr
    assert not machine.made_venv()


def test_a_venv_of_another_name_is_made_beside_the_first(machine: Machine) -> None:
    machine.install_python()
    other = machine.root / ".cache/venv-other"
    assert machine.run("bootstrap", THREADBRIDGE_VENV=str(other)).returncode == 0
    assert (other / "threadbridge-stamp").exists()
    assert not (machine.root / ".venv").exists()


def test_a_python_of_a_wanted_version_is_found_or_not(machine: Machine) -> None:
    machine.install(machine.programs / "python3.12", REAL_PYTHON)
    own = "{}.{}".format(*sys.version_info[:2])
    assert machine.run("bootstrap", "--find", own).stdout == "python3.12\n"
    missing = machine.run("bootstrap", "--find", "3.99")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert not (machine.root / ".venv").exists()


def test_several_at_once_do_the_work_once(machine: Machine) -> None:
    machine.install_python()
    running = [
        subprocess.Popen(machine.command("bootstrap"), env=machine.environment(), stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [process.communicate(timeout=DEADLINE_S)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum("making .venv" in text for text in told) == 1
    assert machine.made_venv()


# --- run and test ---------------------------------------------------------------------------------------------


def with_recording_venv(machine: Machine) -> None:
    """A .venv that is ready, whose programs only say how they were called."""
    python = f'#!/bin/sh\n[ "$1" != -m ] || {{ echo "python $*"; exit; }}\nexec "{BASE_PYTHON}" "$@"\n'
    machine.install(machine.root / ".venv/bin/python", python)
    machine.install(machine.root / ".venv/bin/threadbridge", '#!/bin/sh\necho "threadbridge $*"\n')
    names = ("pyproject.toml", "requirements-dev.lock", "requirements.lock")
    project = b"".join((machine.root / name).read_bytes() for name in names)
    checksum = subprocess.run(["cksum"], input=project, capture_output=True, check=True).stdout.decode().strip()
    (machine.root / ".venv/threadbridge-stamp").write_text(f"{machine.root} {checksum} dev\n")


def test_run_takes_the_configuration_or_the_playground(machine: Machine) -> None:
    with_recording_venv(machine)
    assert machine.run("run").stdout == "python -m playground\n"
    assert machine.run("run", "--config", "x.toml").stdout == "threadbridge run --config x.toml\n"
    assert machine.run("run", THREADBRIDGE_CONFIG="x.toml").stdout == "threadbridge run\n"
    configuration = machine.home / ".config/threadbridge/config.toml"
    configuration.parent.mkdir(parents=True)
    configuration.touch()
    assert machine.run("run").stdout == "threadbridge run\n"
    assert machine.run("run", "--once").stdout == "python -m playground --once\n"
    assert machine.run("run", "--playground", "--port", "1").stdout == "python -m playground --port 1\n"


def test_run_tells_what_it_can_do_without_any_set_up(machine: Machine) -> None:
    ended = machine.run("run", "--help")
    assert ended.returncode == 0
    assert "scripts/run --once" in ended.stdout
    assert "set -eu" not in ended.stdout
    assert not (machine.root / ".venv").exists()


def test_test_goes_on_without_npm_and_says_so(machine: Machine) -> None:
    with_recording_venv(machine)
    machine.install(machine.programs / "npm", BROKEN_SHIM)
    ended = machine.run("test", "-k", "this")
    assert ended.stdout == "python -m pytest -k this\n"
    assert "going on without the real CLI" in ended.stderr


def test_test_installs_the_pinned_cli_once(machine: Machine) -> None:
    with_recording_venv(machine)
    machine.install(machine.programs / "npm", FAKE_NPM)
    first, second = machine.run("test"), machine.run("test")
    assert "installing @anthropic-ai/claude-code@2.1.330" in first.stderr
    assert second.stderr == ""
    (claude,) = (machine.home / ".cache/threadbridge").glob("claude-2.1.330/node_modules/@anthropic-ai/*/claude")
    assert claude.exists()
    assert [path.name for path in (machine.home / ".cache/threadbridge").iterdir()] == ["claude-2.1.330"]


@pytest.mark.parametrize(
    ("choice", "one_half", "other_half"),
    [
        ("--quick", "quick tests/bridge/render/", "tests/worker/test_stream.py"),
        ("--most", "tests/worker ", "tests/supervisor "),
    ],
)
def test_what_is_quick_needs_no_cli_and_runs_in_two_halves(
    machine: Machine, choice: str, one_half: str, other_half: str
) -> None:
    with_recording_venv(machine)
    ended = machine.run("test", choice, "tests/x.py")
    words = "-o tmp_path_retention_policy=failed -m not real and not slow --hypothesis-profile=quick"
    assert ended.stdout == f"python -m pytest {words} tests/x.py\n"
    assert ended.stderr == ""
    halves = machine.run("test", choice, "-x").stdout.splitlines()
    assert sorted((one_half in half, other_half in half) for half in halves) == [(False, True), (True, False)]
    assert all(half.endswith(" -x") for half in halves)
    assert not any("tests/processes" in half for half in halves)


def test_each_file_that_a_quick_run_names_is_there() -> None:
    named = re.findall(r"tests/[\w/.*]+", (ROOT / "scripts/test").read_text())
    assert "tests/worker/test_stream.py" in named
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_no_test_is_in_both_halves_of_the_pure_ones() -> None:
    (shown,) = re.findall(r'shown="(.*)"', (ROOT / "scripts/test").read_text())
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/bridge", f"--ignore-glob={shown}"]
    found = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "tests/bridge/render/markdown/test_cuts.py::" in found
    assert "tests/bridge/render/test_" not in found


@pytest.mark.parametrize("choice", ["--quick", "--most"])
@pytest.mark.parametrize(
    ("of_one", "of_other", "ends_with"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (5, 0, 0), (0, 5, 0), (5, 5, 5), (2, 1, 1), (5, 2, 2)],
)
def test_the_quick_tests_fail_with_either_half_and_one_without_a_test_is_none(
    machine: Machine, choice: str, of_one: int, of_other: int, ends_with: int
) -> None:
    with_recording_venv(machine)
    other = "*--ignore-glob*|*tests/supervisor\\ tests*"
    cases = f'"-m pytest"{other}) exit {of_other} ;; "-m pytest"*) exit {of_one} ;;'
    machine.install(
        machine.root / ".venv/bin/python", f'#!/bin/sh\ncase $* in {cases} esac\nexec "{BASE_PYTHON}" "$@"\n'
    )
    assert machine.run("test", choice).returncode == ends_with


def test_each_promised_python_that_is_there_runs_most_tests(machine: Machine) -> None:
    with_recording_venv(machine)
    ended = machine.run("pythons")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("python -m pytest") == 1
    assert "--cov" in ended.stdout
    assert ended.stdout.count("not on this machine") == 2


MOUNTED = "/nowhere"


def may_mount_at(machine: Machine, place: str) -> None:
    """And not where this test's own files may lie."""
    script = machine.root / "scripts/test"
    script.write_text(re.sub(r"(?m)^mounted=.*", f"mounted='{place}'", script.read_text()))


@pytest.mark.parametrize(
    ("user", "memory_is_there", "unshares", "tmpdir", "is_in_memory"),
    [
        *((0, True, True, "", True), (0, True, False, "", False), (0, False, True, "", False)),
        *((1000, True, True, "", False), (0, True, True, "/elsewhere", False)),
    ],
)
def test_the_whole_suite_writes_into_memory_where_it_may_mount_some(
    machine: Machine, *, user: int, memory_is_there: bool, unshares: bool, tmpdir: str, is_in_memory: bool
) -> None:
    with_recording_venv(machine)
    may_mount_at(machine, MOUNTED)
    machine.install(machine.programs / "npm", BROKEN_SHIM)
    machine.install(machine.programs / "id", f"#!/bin/sh\necho {user}\n")
    machine.install(machine.programs / "awk", f"#!/bin/sh\nexit {int(not memory_is_there)}\n")
    machine.install(machine.programs / "unshare", f"#!/bin/sh\n{'echo $*' if unshares else 'exit 1'}\n")
    said = machine.run("test", TMPDIR=tmpdir).stdout.splitlines()
    assert any(line.startswith("python -m pytest -n 4 ") for line in said) is not is_in_memory
    assert (
        any("tmpfs" in line and f"TMPDIR={MOUNTED}" in line and "-m pytest -n 4" in line for line in said)
        is is_in_memory
    )


def test_what_is_tried_beside_and_what_waits_are_all_tests(machine: Machine) -> None:
    with_recording_venv(machine)
    machine.install(machine.programs / "npm", BROKEN_SHIM)
    (whole,) = [line for line in machine.run("test", TMPDIR="/elsewhere").stdout.splitlines() if " --beside " in line]
    waiting, *beside = whole.split(" --beside ")
    rooms = {word for word in (*waiting.split(), *beside[1:]) if word.startswith("tests/")}
    assert len(rooms) > 3 and all((ROOT / room).is_dir() for room in rooms)
    assert beside[0].split() == ["tests", *(f"--ignore={room}" for room in (*waiting.split()[-3:], *beside[1:]))]


def test_the_whole_suite_does_not_hide_what_it_needs_itself(machine: Machine) -> None:
    with_recording_venv(machine)
    may_mount_at(machine, MOUNTED)
    machine.install(machine.programs / "npm", BROKEN_SHIM)
    for name, said in (("id", "0"), ("awk", ""), ("unshare", "tmpfs")):
        machine.install(machine.programs / name, f"#!/bin/sh\necho {said}\n")
    assert "tmpfs" in machine.run("test").stdout
    assert "tmpfs" not in machine.run("test", THREADBRIDGE_CACHE=f"{MOUNTED}/cache").stdout
    may_mount_at(machine, str(machine.root.parent))
    assert "tmpfs" not in machine.run("test").stdout


FAKE_NPM = """#!/bin/sh
while [ "$1" != --prefix ]; do shift; done
folder=$2/node_modules/@anthropic-ai/claude-code-linux-x64
mkdir -p "$folder"
printf '#!/bin/sh\\necho "2.1.330 (Claude Code)"\\n' >"$folder/claude"
chmod +x "$folder/claude"
"""
