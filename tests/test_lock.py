"""What is installed is what the lock files say: all that pyproject.toml asks for, in exact versions, with hashes."""

import re
import tomllib

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stages.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
FILES = {
    "requirements.lock": NEEDED,
    "requirements-dev.lock": NEEDED + PROJECT["project"]["optional-dependencies"]["dev"],
}
PYTHONS = ("3.12", "3.13", "3.14")


def entries(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Each locked requirement with its hashes, by its name."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: dict[str, tuple[Requirement, list[str]]] = {}
    for line in filter(str.strip, text.splitlines()):
        requirement, *hashes = line.split("--hash=")
        one = Requirement(requirement)
        found[canonicalize_name(one.name)] = (one, [value.strip() for value in hashes])
    return found


def applies(marker: Marker | None, python: str) -> bool:
    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return marker is None or marker.evaluate({**here, "implementation_name": "cpython"})


@pytest.mark.parametrize("name", FILES)
def test_a_lock_file_has_exact_versions_with_hashes_and_no_addresses(name: str) -> None:
    locked = entries(name)
    assert all(str(one.specifier).startswith("==") and one.url is None for one, _ in locked.values())
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for _, hashes in locked.values() for digest in hashes)
    assert [key for key, (_, hashes) in locked.items() if not hashes] == []
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", FILES)
def test_a_lock_file_is_in_step_with_the_project(name: str, python: str) -> None:
    locked = entries(name)
    for asked in map(Requirement, FILES[name]):
        one, _ = locked[canonicalize_name(asked.name)]
        assert applies(one.marker, python)
        assert asked.specifier.contains(str(one.specifier).removeprefix("==")), f"run scripts/lock: {asked}"


def test_what_runs_is_locked_alike_for_those_who_test_it() -> None:
    with_tests = entries("requirements-dev.lock")
    assert {key: with_tests[key] for key in entries("requirements.lock")} == entries("requirements.lock")
