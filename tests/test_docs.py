"""What the pages say of the code is so, and the pages that the code cites are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.support import ROOT
from test_imports import tracked

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


# --- what is cited ------------------------------------------------------------------------------------

OBSERVED = ("docs/claude-protocol.md", "docs/discord-api.md")
"""Pages that say only what the code relies on: each of their sections is cited."""
CITING = (".py", ".md", ".sh", ".toml", ".service", "")
# docs/PAGE.md, "Section" and perhaps , "Another" and "One more"; a line may break within.
CITATION = re.compile(r'(docs/[\w-]+\.md), ("[^"\n]+"(?:(?:, | and )"[^"\n]+")*)')
ELSEWHERE = re.compile(r"\b[A-Z]{4,}\.md\b|\bsections? \d|§")
"""A document that is not in the repository, or a section by number."""
KNOWN = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CLAUDE.md", "AGENTS.md", "SKILL.md"}
"""Ours, and what projects have for Claude."""


def citing() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        if path.suffix in CITING and "data" not in path.parts and path != Path(__file__):
            yield path, re.sub(r"\s*\n[#\s]*", " ", path.read_text())


def citations() -> Iterator[tuple[Path, str, str]]:
    for path, text in citing():
        for page, sections in CITATION.findall(text):
            yield from ((path, page, section) for section in re.findall(r'"([^"]+)"', sections))


def sections_of(page: str) -> list[str]:
    path = ROOT / page
    return re.findall(r"^##+ (.+)$", path.read_text(), re.MULTILINE) if path.exists() else []


def test_each_section_that_is_cited_is_there() -> None:
    assert [(path.name, page, section) for path, page, section in citations() if section not in sections_of(page)] == []


@pytest.mark.parametrize("page", OBSERVED)
def test_each_section_of_what_was_observed_is_relied_on(page: str) -> None:
    relied_on = {section for path, cited, section in citations() if cited == page and path.suffix != ".md"}
    assert set(sections_of(page)) - relied_on == set()


def test_nothing_is_cited_that_is_not_in_the_repository() -> None:
    found = {path.name: set(ELSEWHERE.findall(text)) - KNOWN for path, text in citing()}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_search_for_citations_finds_them() -> None:
    assert CITATION.findall('(docs/a-page.md, "One thing", "Two" and "Three 3"). "x"') == [
        ("docs/a-page.md", '"One thing", "Two" and "Three 3"')
    ]
    assert ELSEWHERE.findall("PLANS.md, section 2") == ["PLANS.md", "section 2"]
