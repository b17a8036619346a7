"""What the pages say of the code is so, and the pages that the code cites are there."""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from bridge.protocol import wire
from bridge.routing.actions import Action
from bridge.routing.router import BridgeRouter
from lab import house
from lab.walks.table import WALKS
from stages.support import ROOT
from supervisor.discord.http import USER_AGENT
from supervisor.operator.cli import cli
from supervisor.sessions.manager import SessionManager
from test_imports import (
    BRIDGE_FLOORS,
    FOLDS_THE_SESSION,
    OF_BRIDGE_FOR_WORKERS,
    ONLY_IN,
    SPAWNS_ONLY_IN,
    SUPERVISOR_FLOORS,
    tracked,
)

MODULES = sorted(
    path.relative_to(ROOT)
    for package in ("bridge", "worker", "supervisor")
    for path in (ROOT / package).rglob("*.py")
    if not path.stem.startswith("__")
)
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
HOUSE = house.PAGE.read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def test_the_house_has_each_file_with_what_that_says_of_itself() -> None:
    assert house.page() == HOUSE, "write it anew: ./scripts/house --write"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_file_is_in_the_house_and_says_in_a_sentence_or_two_what_it_holds(module: Path) -> None:
    assert f"](../{module.as_posix()}) | " in HOUSE
    assert 10 < len(house.first_sentence(ROOT / module)) < 200


def test_what_a_file_says_of_itself_is_a_row_of_a_table(tmp_path: Path) -> None:
    told = tmp_path / "told.py"
    told.write_text('"""``list | kill``,\nand ``a `b` c``.\n\nMore.\n"""\n')
    assert house.first_sentence(told) == "`list | kill`, and ``a `b` c``."


def floors_told(package: str) -> list[str]:
    """The floors of a package in the order of its table, spelled as in ``test_imports``."""
    table = ARCHITECTURE.partition(f"**{package}/**")[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    first = [row.split("|")[1].strip() for row in table.splitlines()]
    paths = [re.sub(rf"`{package}/([\w/]+?)(/|\.py)`", r"\1", cell) for cell in first]
    return ["" if path == "its own files" else path.replace("/", ".") for path in paths]


@pytest.mark.parametrize(("package", "floors"), [("bridge", BRIDGE_FLOORS), ("supervisor", SUPERVISOR_FLOORS)])
def test_the_floors_are_told_in_their_order(package: str, floors: tuple[str, ...]) -> None:
    assert floors_told(package) == list(floors)


def test_each_file_of_the_worker_is_told_once_by_what_it_is_about() -> None:
    table = ARCHITECTURE.partition("| about | files |")[2].partition("\n\n")[0]
    told = re.findall(r"`(\w+)`", table)
    assert sorted(told) == [path.stem for path in MODULES if path.parent == Path("worker")]


def test_the_plan_says_what_a_worker_imports_of_what_both_sides_agree_on() -> None:
    told = ARCHITECTURE.partition("**worker/** imports of bridge ")[2].partition(". Its files")[0]
    of_all, of_one = told.partition("; ")[0], told.partition("; ")[2]
    named = {f"bridge.{name.removesuffix('.py').strip('/')}" for name in re.findall(r"`([\w./]+)`", of_all)}
    file, *machine = re.findall(r"`([\w./]+)`", of_one)
    assert named == OF_BRIDGE_FOR_WORKERS
    assert (file, {f"bridge.session.{name}" for name in machine[:-1]}) == FOLDS_THE_SESSION


def test_each_room_of_the_scripts_is_named_and_tests_lie_in_rooms_that_there_are() -> None:
    table = ARCHITECTURE.partition("**scripts/** ")[2].partition("**tests/** ")[0]
    rooms = {path.relative_to(ROOT / "scripts") for path in (ROOT / "scripts").glob("*/*") if holds_code(path)}
    assert len(rooms) > 8 and {room for room in rooms if f"`{room.name}/`" not in table} == ROOMS_OF_PAGES
    mirrors = [
        path for room in ("bridge", "worker", "supervisor", "scripts") for path in (ROOT / "tests" / room).rglob("*/")
    ]
    held = {path.relative_to(ROOT / "tests") for path in mirrors if holds_code(path)}
    assert len(held) > 15 and {room for room in held if not (ROOT / room).is_dir()} == set()


ROOMS_OF_PAGES = {Path("lab/walks")}
"""What the table names by the page that it draws."""


def holds_code(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.py"))


def test_the_plan_names_each_state_machine_that_is_drawn() -> None:
    told = " ".join(ARCHITECTURE.partition("[machines.md](machines.md) draws them from the code: ")[2].split())
    titles = re.findall(r"^## (.+)$", (ROOT / "docs/machines.md").read_text(), re.MULTILINE)
    wishes = "which event answers which wish"
    drawn = [title[0].lower() + title[1:] for title in titles if title != "A wish"]
    assert titles[-1] == "A wish" and told.startswith(", ".join(drawn) + f", and {wishes}.")


def test_the_picture_of_the_idea_has_files_that_the_walks_go_through() -> None:
    picture = ARCHITECTURE.partition("```mermaid\n")[2].partition("```")[0]
    named = {word for box in re.findall(r"[\[{(]+([\w ·/]+)[\]})]+", picture) for word in re.split(r" · | ", box)}
    files = named - NO_FILES
    walked = {Path(place).stem for walk in WALKS for arrow in walk.arrows for place in (arrow.start, arrow.to)}
    assert len(files) > 6 and files - walked == set()


NO_FILES = {"Discord", "store", "worker", "claude", "CLI", "in", "bubblewrap", "event"}
"""Words of the picture that are no files' names."""


def test_the_house_names_each_file_that_starts_processes() -> None:
    named = ARCHITECTURE.partition("child processes only in ")[2].partition(". ")[0]
    assert set(re.findall(r"`([\w/.]+)`", named)) == SPAWNS_ONLY_IN


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_the_house_names_the_one_place_of_each_library(library: str) -> None:
    named = re.search(rf"\b{library}\s+only\s+in\s([^;]*);", ARCHITECTURE)
    assert named and set(re.findall(r"`([\w/]+\.py)`", named[1])) == ONLY_IN[library]


@pytest.mark.parametrize(("name", "kind"), [("SessionManager", SessionManager), ("BridgeRouter", BridgeRouter)])
def test_the_names_of_the_first_specification_are_there(name: str, kind: type) -> None:
    section = ARCHITECTURE.partition("### Names of the first specification")[2].partition("##")[0]
    listed = re.search(rf"`{name}` \(([^)]*)\)", section)
    named = re.findall(r"`(\w+)`", listed[1]) if listed else []
    assert len(named) > 2 and [one for one in named if not callable(getattr(kind, one, None))] == []


def test_whatever_is_asked_of_the_router_is_answered_by_a_value() -> None:
    section = ARCHITECTURE.partition("`BridgeRouter` (")[2].partition("; it returns values")[0]
    asked = re.findall(r"`(\w+)`", section.partition(")")[0])
    assert len(asked) == 3 and {get_type_hints(getattr(BridgeRouter, name))["return"] for name in asked} == {Action}


def test_the_commands_that_pages_name_are_there() -> None:
    scripts = {name for page in PAGES for name in re.findall(r"\./scripts/([\w-]+)(?![\w.-])", page.read_text())}
    assert len(scripts) > 10 and [name for name in scripts if not (ROOT / "scripts" / name).is_file()] == []


CALL = re.compile(r"threadbridge (?:--(?:state|config) \S+ )?([a-z]+)((?: [^`\n#|;)]*)?)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_and_option_that_a_page_names_is_there(page: Path) -> None:
    missing: list[tuple[str, str]] = []
    for command, rest in CALL.findall(re.sub(r"```(mermaid|toml).*?```", "", page.read_text(), flags=re.DOTALL)):
        found = cli.commands.get(command)
        within = [found, *getattr(found, "commands", {}).values()] if found else []
        known = {option for one in within for parameter in one.params for option in parameter.opts} | {"--help"}
        options = re.findall(r"(?<!\S)\[?(--[a-z-]+|-[a-z])\b", rest)
        missing += [(command, option) for option in options if option not in known] if found else [(command, "")]
    assert missing == []


def test_the_search_for_commands_finds_them() -> None:
    assert CALL.findall("`threadbridge --state DIRECTORY kill --all` and `threadbridge list [--json]`") == [
        ("kill", " --all"),
        ("list", " [--json]"),
    ]
    assert sum(len(CALL.findall(page.read_text())) for page in PAGES) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:bridge|worker|supervisor|scripts|tests|systemd|docs)/[\w./-]+)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path.rstrip("/")).exists()]
    assert missing == []


def test_the_newest_version_in_the_changes_is_the_projects_and_what_discord_is_told() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == version
    assert version.startswith(re.findall(r"threadbridge, ([\d.]+)", USER_AGENT)[0])


def libraries() -> set[str]:
    """Those that pyproject.toml asks for to run."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {re.split(r"[^\w-]", one)[0] for one in asked}


def test_the_table_of_libraries_has_each_that_is_needed() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Libraries")[2].partition("Nothing else")[0]
    assert libraries() <= set(re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE))


def test_each_room_has_its_line_in_where_a_change_belongs() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where a change")[2].partition("## Held")[0]
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "bridge").rglob("__init__.py")}
    rooms |= {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "supervisor").rglob("__init__.py")}
    missing = {room for room in rooms - {"bridge", "supervisor"} if f"`{room}/`" not in table}
    assert missing == set()


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


@pytest.mark.parametrize(
    ("page", "version", "of"),
    [
        ("docs/claude-protocol.md", r"\*\*claude ([\d.]+)\*\*", ("scripts/test", r"^claude_version=(.+)$")),
        ("docs/discord-api.md", r"nextcord is\s+\*\*([\d.]+)\*\*", ("pyproject.toml", r'"nextcord>=([\d.]+),')),
        (
            "docs/discord-api.md",
            r"\*\*version (\d+)\*\*",
            ("supervisor/config/file.py", r'api_base: str = ".*/v(\d+)"'),
        ),
    ],
)
def test_what_was_observed_names_its_version_and_it_is_the_one_that_is_run(
    page: str, version: str, of: tuple[str, str]
) -> None:
    """Before the first section, so it is that of every one that names no other."""
    head = (ROOT / page).read_text().partition("\n## ")[0]
    path, written = of
    assert re.findall(version, head) == re.findall(written, (ROOT / path).read_text(), re.MULTILINE) != []


def test_nothing_is_cited_that_is_not_in_the_repository() -> None:
    found = {path.name: set(ELSEWHERE.findall(text)) - KNOWN for path, text in citing()}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_search_for_citations_finds_them() -> None:
    assert CITATION.findall('(docs/a-page.md, "One thing", "Two" and "Three 3"). "x"') == [
        ("docs/a-page.md", '"One thing", "Two" and "Three 3"')
    ]
    assert ELSEWHERE.findall("PLANS.md, section 2") == ["PLANS.md", "section 2"]


# --- the rules between supervisor and worker ---------------------------------------------------------

WIRE = (ROOT / "docs/wire.md").read_text()
RULES = [rule for rule in re.split(r"\n(?=- |\n)", WIRE) if rule.startswith("- ")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[2:60])
def test_each_rule_of_the_wire_names_tests_that_are_there(rule: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", rule)
    assert "MUST" in rule and named
    for path, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{test}"


def test_each_must_of_the_wire_is_a_rule() -> None:
    explained = WIRE.partition("## Messages")[2]
    assert explained.count("MUST") == sum(rule.count("MUST") for rule in RULES)
    assert "MUST" not in (wire.__doc__ or "")


def test_the_wires_messages_have_the_fields_that_the_page_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (`.+`) \|$", WIRE, re.MULTILINE)
    told = {name: (sender, re.findall(r"`(\w+)`", fields)) for name, sender, fields in rows}
    sides: dict[str, tuple[type[wire.Message], ...]] = {"worker": get_args(wire.Up), "supervisor": get_args(wire.Down)}
    assert told == {
        kind.__name__: (sender, [field.encode_name for field in msgspec.structs.fields(kind) if field.required])
        for sender, kinds in sides.items()
        for kind in kinds
    }
    assert f"`PROTOCOL`: {wire.OLDEST_PROTOCOL} to {wire.PROTOCOL})" in WIRE


def test_the_wires_deadlines_are_the_codes() -> None:
    rows = re.findall(r"^\| `([\w.]+)\.(\w+)` \| ([\d.]+) \|", WIRE, re.MULTILINE)
    assert rows and all(getattr(import_module(module), name) == float(value) for module, name, value in rows)


def test_each_stage_of_the_tests_has_its_line() -> None:
    told = (ROOT / "tests/stages/README.md").read_text()
    stages = {path.name for path in (ROOT / "tests/stages").glob("*.py")}
    assert {name for name in stages if f"`{name}`" not in told} == set()
