"""An earlier commit of this repository, with a Python that imports it and nothing of ours."""

import site
import subprocess
import sys
import tarfile
import tomllib
import venv
from io import BytesIO
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from playground.host.place import INSTALLATION

DEADLINE_S = 60.0


class Version(msgspec.Struct, frozen=True):
    """A version that can run: its supervisor starts workers of the same files."""

    name: str
    python: str
    tree: Path

    @property
    def threadbridge(self) -> tuple[str, ...]:
        """The command's argv. ``-I``: of the directory that it is called in nothing is imported."""
        project = tomllib.loads((self.tree / "pyproject.toml").read_text())["project"]
        module, _, function = project["scripts"]["threadbridge"].partition(":")
        return (self.python, "-I", "-c", f"import sys, {module}; sys.exit({module}.{function}())")


OURS = Version("this one", sys.executable, INSTALLATION)


def has_commit(commit: str) -> bool:
    """Whether the history that is here goes back so far: CI's checkouts have one commit only."""
    return _git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


def unpack(commit: str, folder: Path) -> Version:
    """The commit's files below ``folder``. Raises UserError when the history here does not have it."""
    found = _git("archive", commit)
    if found.returncode:
        raise UserError(f"the commit {commit} is not in this checkout's history: {found.stderr.decode().strip()}")
    tree = folder / "tree"
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(tree, filter="data")
    return Version(commit, str(_python_of(tree, folder / "python")), tree)


def _python_of(tree: Path, folder: Path) -> Path:
    """An environment with our libraries, where the packages of the tree are found before ours.

    A folder that a .pth file names is searched, but not for further .pth files: so what says where we are is not read.
    """
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    libraries = [path for path in site.getsitepackages() if Path(path).is_dir()]
    (packages / "earlier.pth").write_text("".join(f"{path}\n" for path in (tree, *libraries)))
    return folder / "bin/python"


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    argv = ("git", "-C", str(INSTALLATION), *arguments)
    return subprocess.run(argv, capture_output=True, check=False, timeout=DEADLINE_S)
