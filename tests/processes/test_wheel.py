"""The wheel, built and installed as people do it, gives the command and the playground. Nothing goes online.

What Threadbridge needs is lent by the environment of the tests; that pyproject.toml asks for all of it is seen from the
imports.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stages.support import ROOT
from test_imports import SOURCES, imported, tracked

pytestmark = pytest.mark.slow

PACKED = {"bridge": "bridge", "worker": "worker", "supervisor": "supervisor"}
PACKED |= {f"scripts/{name}": name for name in ("playground", "twins")}
FILES = ("pyproject.toml", "README.md", "LICENSE")
DEADLINE_S = 180


def run(argv: Sequence[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
    return subprocess.run(
        argv, cwd=folder, env=plain | environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def done(argv: Sequence[str | Path], folder: Path) -> str:
    found = run(argv, folder)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def pip(folder: Path, *arguments: str | Path) -> None:
    done([sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", *arguments], folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKED:
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / "source" / name)
    pip(folder, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder / "built", folder / "source")
    (built,) = (folder / "built").glob("threadbridge-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment in which nothing else is installed."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv/bin/python"
    done([sys.executable, "-I", "-m", "venv", "--without-pip", folder / "venv"], folder)
    pip(folder, "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = done([python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip()
    # A line of such a file is a folder to import from; what stands in that folder's own .pth files is not followed.
    Path(packages, "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv/bin/threadbridge"


def test_all_of_the_product_and_the_playground_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    ours = {
        f"{PACKED[name]}/{path.relative_to(ROOT / name)}"
        for path in tracked()
        for name in PACKED
        if path.is_relative_to(ROOT / name)
    }
    with zipfile.ZipFile(wheel) as packed:
        found = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert found == ours


def test_the_installed_command_knows_its_version_and_its_commands(installed: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in done([installed, "--version"], installed.parent)
    told = done([installed, "--help"], installed.parent)
    assert {"run", "list", "check", "try"} <= set(re.findall(r"^  (\w+)  ", told, re.MULTILINE))


def test_the_installed_command_plays_a_whole_conversation(installed: Path, tmp_path: Path) -> None:
    told = done([installed, "try", "--once", "--claude", "scripted"], tmp_path)
    assert "Every step was seen" in told


def test_what_is_imported_is_asked_for() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {canonicalize_name(Requirement(line).name) for line in asked}
    playground = [path for name in ("playground", "twins") for path in (ROOT / "scripts" / name).rglob("*.py")]
    modules = {module.split(".")[0] for path in [*SOURCES, *playground] for module in imported(path)}
    foreign = modules - set(PACKED.values()) - sys.stdlib_module_names
    of = packages_distributions()
    assert {module for module in foreign if not {canonicalize_name(one) for one in of.get(module, ())} & names} == set()
