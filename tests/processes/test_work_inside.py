"""What people's projects need works behind the walls, in an empty home: git, virtual environments, pip, npm.

A shell stands in Claude's place, as root and as another user; tests/real does some of it with the real CLI.
"""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.start import WorkerStart
from processes.test_attempts import House, house  # noqa: F401 - the fixture
from supervisor.projects.repository import found_at
from worker.walls.environment import child_environment
from worker.walls.from_start import wish_of
from worker.walls.held import held
from worker.walls.probe import decide, probe

DEADLINE_S = 120
AS_ADA = "git config user.name Ada; git config user.email ada@localhost;"


class Done(msgspec.Struct):
    code: int
    said: str


def inside(house: House, script: str, project: Path, **changes: object) -> Done:  # noqa: F811
    """As the session of ``project`` would run it, in a process of this user's own."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        os._exit(_run(house, script, project, writing, changes))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return msgspec.json.decode(told, type=Done)


def _run(house: House, script: str, project: Path, writing: int, changes: dict[str, object]) -> int:  # noqa: F811
    try:
        if house.uid != os.getuid():
            os.setgroups([])
            os.setgid(house.uid)
            os.setuid(house.uid)
        start = house.wanted(**changes).start  # type: ignore[arg-type]
        found = found_at(str(project), str(house.home))
        created = msgspec.structs.replace(
            start.created, directory=str(project), git_directory=found.git_directory, work_tree=found.work_tree
        )
        os.write(writing, msgspec.json.encode(_shut_in(msgspec.structs.replace(start, created=created), script)))
    except BaseException as error:
        os.write(writing, msgspec.json.encode(Done(-1, repr(error))))
    return 0


def _shut_in(start: WorkerStart, script: str) -> Done:
    environment = child_environment(os.environ, start.environment, "s", "project")
    wish = wish_of(start, environment, "")
    shell = decide(wish, probe(wish))
    with held(shell.prefix) as (prefix, fds):
        done = subprocess.run(
            [*prefix, "/bin/sh", "-ec", script],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            cwd=start.created.directory,
            env=environment,
            pass_fds=fds,
            check=False,
        )
    return Done(done.returncode, done.stdout + done.stderr)


def own(house: House, *paths: Path) -> None:  # noqa: F811
    """What root made is the user's."""
    for top in paths:
        for path in (top, *top.rglob("*")):
            os.chown(path, house.uid, -1, follow_symlinks=False)


def test_a_commit_in_the_project(house: House) -> None:  # noqa: F811
    project = house.home / "project"
    done = inside(house, f"git init -q; {AS_ADA} git add app.py; git commit -qm one; git log --oneline", project)
    assert done.code == 0, done.said
    assert "one" in done.said and (project / ".git/HEAD").exists()


@pytest.fixture
def repo(house: House) -> Path:  # noqa: F811
    top = house.home / "repo"
    (top / "sub").mkdir(parents=True)
    (top / "sub/a.txt").write_text("a")
    (top / "beside.txt").write_text("b")
    own(house, top)
    done = inside(house, f"git init -q; {AS_ADA} git add .; git commit -qm first", top)
    assert done.code == 0, done.said
    return top


def test_in_a_directory_inside_a_repository_git_reads_and_changes_nothing(house: House, repo: Path) -> None:  # noqa: F811
    script = "echo more > a.txt; git status --short; git log --oneline; git diff; cat ../beside.txt"
    done = inside(house, script, repo / "sub")
    assert done.code == 0, done.said
    assert " M a.txt" in done.said and " D " not in done.said and "first" in done.said
    refused = inside(house, "git commit -qam second", repo / "sub")
    assert refused.code != 0 and "Read-only file system" in refused.said


def test_a_git_directory_that_the_configuration_names_writable_takes_a_commit(house: House, repo: Path) -> None:  # noqa: F811
    script = "echo more > a.txt; git commit -qam second; git log --oneline"
    done = inside(house, script, repo / "sub", writable=(str(repo / ".git"),))
    assert done.code == 0 and "second" in done.said, done.said


PLANTED = [
    "echo x > ../.git/hooks/post-commit",
    "git config core.fsmonitor /bin/false",
    "mv ../.git/hooks ../.git/away",
    "mkdir -p ../.git/commondir/x",
    "echo /tmp > ../.git/commondir",
    "mkdir ../.git/rebase-merge",
    "echo x > ../.git/config.worktree",
    "echo x > ../beside.txt",
    "mv ../.git ../.gone",
]


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("where", ["sub", "tree"])
def test_what_git_would_run_for_its_other_users_cannot_be_changed(
    house: House,  # noqa: F811
    repo: Path,
    plant: str,
    where: str,
) -> None:
    if where == "tree":
        assert inside(house, "git worktree add -q tree", repo).code == 0
    before = sorted(path.relative_to(repo) for path in (repo / ".git").iterdir())
    config = (repo / ".git/config").read_text()
    refused = inside(house, plant, repo / where).code != 0
    assert refused or (where, plant) == ("tree", "echo x > ../beside.txt"), (
        "what is beside a worktree is a private place"
    )
    assert (repo / ".git/config").read_text() == config and (repo / "beside.txt").read_text() == "b"
    assert sorted(path.relative_to(repo) for path in (repo / ".git").iterdir()) == before


def test_a_commit_in_a_linked_worktree(house: House, repo: Path) -> None:  # noqa: F811
    done = inside(house, "git worktree add -q tree", repo)
    assert done.code == 0, done.said
    script = "echo more > sub/a.txt; git commit -qam in-the-tree; git log --oneline; git status --short"
    done = inside(house, script, repo / "tree")
    assert done.code == 0 and "in-the-tree" in done.said, done.said
    assert inside(house, "echo x > ../.git/hooks/post-commit", repo / "tree").code != 0


def test_a_git_file_that_is_changed_later_opens_nothing(house: House, repo: Path) -> None:  # noqa: F811
    """The repository was found when the session began; here it is looked for again, and does not name us back."""
    project = house.home / "project"
    (project / ".git").write_text(f"gitdir: {repo}/.git\n")
    own(house, project)
    assert inside(house, f"cat {repo}/.git/HEAD", project).code != 0


def test_a_virtual_environment_and_pip(house: House) -> None:  # noqa: F811
    project = house.home / "project"
    with zipfile.ZipFile(project / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "print('tiny works')\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    own(house, project)
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode:
        pip = f"{python} -m pip install -q --no-index --target lib ./tiny-1.0-py3-none-any.whl"
        install = f"{pip}; PYTHONPATH=lib {python} -m tiny"
    else:
        install = (
            f"{python} -m venv v; v/bin/pip install -q --no-index ./tiny-1.0-py3-none-any.whl; v/bin/python -m tiny"
        )
    done = inside(house, install, project)
    assert done.code == 0 and "tiny works" in done.said, done.said


def test_npm(house: House) -> None:  # noqa: F811
    npm = shutil.which("npm")
    assert npm, "npm is what the real CLI is installed with"
    project = house.home / "project"
    (project / "dep").mkdir()
    (project / "dep/package.json").write_text('{"name": "dep", "version": "1.0.0", "main": "i.js"}')
    (project / "dep/i.js").write_text("console.log('dep works')")
    own(house, project)
    script = "npm init -y >/dev/null; npm install --offline --no-audit --no-fund ./dep; node -e 'require(\"dep\")'"
    done = inside(house, script, project, readable=(str(Path(npm).resolve().parents[4]),))
    assert done.code == 0 and "dep works" in done.said, done.said
    caches = house.home / ".local/state/threadbridge/caches/222/.npm/_cacache"
    assert caches.is_dir() and not (house.home / ".npm").exists()
