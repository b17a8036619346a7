"""What the pages say of the code is so."""

import re
from pathlib import Path

import pytest

from support import ROOT

MODULES = sorted(
    path.relative_to(ROOT)
    for package in ("bridge", "worker", "supervisor")
    for path in (ROOT / package).rglob("*.py")
    if not path.stem.startswith("__")
)
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_house_names_each_module(module: Path) -> None:
    assert re.search(rf"[`/]{module.stem}(\.py)?`", ARCHITECTURE), f"docs/architecture.md does not name {module}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:bridge|worker|supervisor|scripts|tests|systemd|docs)/[\w./-]+)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path.rstrip("/")).exists()]
    assert missing == []
