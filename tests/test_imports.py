"""Who may import what (docs/architecture.md, the house), read from the syntax trees; and what no file may name."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("bridge", "worker", "supervisor")
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))

ONLY_IN = {
    "nextcord": {"supervisor/discord/client.py"},
    "zmq": {"supervisor/workers/curve.py", "supervisor/workers/sockets.py", "worker/dealer.py"},
    "sqlite3": {"supervisor/sessions/database.py"},
    "psutil": {"supervisor/workers/trees.py"},
    "aiohttp": {"supervisor/discord/http.py"},
    "prometheus_client": {"supervisor/operator/metrics.py", "supervisor/operator/metrics_server.py"},
}
SPAWNS_ONLY_IN = {
    *("worker/attempts.py", "worker/bubblewrap.py", "worker/rank.py"),
    *("worker/walls/attacker.py", "worker/walls/probe.py"),
    *("supervisor/workers/this_machine.py", "supervisor/workers/walls.py", "supervisor/login/renewal.py"),
    *("supervisor/workers/claude_cli.py", "supervisor/operator/setup/claude.py", "supervisor/operator/logs_command.py"),
    *(f"supervisor/operator/installation/{name}.py" for name in ("acting", "command", "facts")),
}
IO_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "threading", "queue", "signal", "sched", "time"),
    *("os", "io", "sys", "shutil", "tempfile", "glob", "fcntl", "mmap", "platform", "pwd", "secrets", "random", "uuid"),
    *("socket", "socketserver", "ssl", "select", "selectors", "http", "ftplib", "smtplib", "urllib.request"),
    *("subprocess", "pty", "ctypes", "sqlite3", "logging", "webbrowser"),
}
IO_CALLS = {
    *("open", "print", "input", "exec", "eval", "__import__"),
    *("read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "rmdir", "unlink", "touch", "stat", "lstat"),
    *("exists", "is_file", "is_dir", "iterdir", "rglob", "rename", "symlink_to", "chmod", "expanduser", "cwd", "home"),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """The whole syntax tree, read and walked once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text(), str(path))))


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; of ``from a import b`` both a and a.b."""
    return frozenset(modules_in(nodes_of(path)))


def modules_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                raise AssertionError("a relative import; ours are all absolute")


def is_of(module: str, packages: set[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: i + 1]) in packages for i in range(len(parts)))


def called(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name


def ids(path: object) -> str:
    return name_of(path) if isinstance(path, Path) else str(path)


@pytest.mark.parametrize("path", [p for p in SOURCES if name_of(p).startswith("bridge/")], ids=ids)
def test_bridge_is_pure(path: Path) -> None:
    modules = set(imported(path))
    allowed = {"bridge", "msgspec", "wcwidth", *sys.stdlib_module_names}
    assert {module for module in modules if module.split(".")[0] not in allowed} == set()
    assert {module for module in modules if is_of(module, IO_MODULES)} == set()
    assert IO_CALLS.isdisjoint(called(path))


@pytest.mark.parametrize(("package", "other"), [("worker", "supervisor"), ("supervisor", "worker")])
def test_worker_and_supervisor_know_only_bridge(package: str, other: str) -> None:
    for path in SOURCES:
        if name_of(path).startswith(f"{package}/"):
            assert not any(
                is_of(module, {other, "scripts", "playground", "twins", "lab", "tests"}) for module in imported(path)
            ), path


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_an_outside_world_is_imported_in_its_one_place(library: str) -> None:
    users = {name_of(path) for path in SOURCES if any(is_of(module, {library}) for module in imported(path))}
    assert users <= ONLY_IN[library]


def dotted(node: ast.expr) -> str:
    """``a.b.c`` as it is written; of ``f(x).b`` only what follows the call, for that is no module."""
    match node:
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}"
        case ast.Name(id=name):
            return name
        case _:
            return ""


def uses(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Each ``a.b`` and ``a.b.c`` that is named, and what is imported from where, by their dotted names."""
    for node in nodes:
        match node:
            case ast.Attribute():
                yield dotted(node)
            case ast.Import() | ast.ImportFrom():
                yield from modules_in([node])


@cache
def used(path: Path) -> frozenset[str]:
    return frozenset(uses(nodes_of(path)))


SPAWNS = re.compile(
    r"(.*\.)?(create_subprocess_(exec|shell)|subprocess_(exec|shell))"
    r"|subprocess\.(run|Popen|call|check_call|check_output|getoutput|getstatusoutput)"
    r"|os\.(posix_spawnp?|fork|forkpty|spawn[lv]\w*|exec[lv]p?e?|system|popen)"
    r"|pty\.(spawn|fork)|multiprocessing(\..*)?|concurrent\.futures\.ProcessPoolExecutor"
)
SHELLS = re.compile(r"(.*\.)?(create_subprocess_shell|subprocess_shell)|os\.(system|popen)|subprocess\.get\w*output")


def test_children_are_spawned_in_a_few_places_only() -> None:
    assert {name_of(path) for path in SOURCES if any(map(SPAWNS.fullmatch, used(path)))} == SPAWNS_ONLY_IN


def test_nothing_goes_through_a_shell() -> None:
    assert [name_of(path) for path in SOURCES if any(map(SHELLS.fullmatch, used(path)))] == []
    given = [node for path in SOURCES for node in nodes_of(path) if isinstance(node, ast.keyword)]
    assert not any(keyword.arg == "shell" for keyword in given)


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess\nsubprocess.run(['x'])",
        "from subprocess import Popen",
        "import os\nos.posix_spawn('x', [], {})",
        "from os import execve",
        "os.execvp('x', [])",
        "os.fork()",
        "spawn = asyncio.create_subprocess_exec",
        "from multiprocessing import Process",
        "import pty\npty.spawn(['x'])",
    ],
)
def test_each_way_to_start_a_process_is_seen(line: str) -> None:
    assert any(map(SPAWNS.fullmatch, uses(ast.walk(ast.parse(line)))))


def test_what_only_speaks_of_processes_starts_none() -> None:
    harmless = "import subprocess\ndef f(done: subprocess.CompletedProcess[str]) -> None: runner.run()\nos.execution"
    assert not any(map(SPAWNS.fullmatch, uses(ast.walk(ast.parse(harmless)))))


WITH_A_PERSON = {
    "supervisor/operator/installation/command.py::_follow",
    "supervisor/operator/setup/claude.py::log_in",
}
"""What runs at the terminal may ask there, and takes as long as a person does, or a download."""


def runs_without_deadline(tree: ast.AST) -> Iterator[str]:
    """The functions in which another program is run to its end, however long that takes."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        for node in ast.walk(function):
            match node:
                case ast.Call(func=ast.Attribute(attr="communicate")):
                    waits = True
                case ast.Call(func=ast.Attribute()):
                    waits = dotted(node.func) in ("subprocess.run", "subprocess.check_output", "subprocess.check_call")
                case _:
                    continue
            if waits and "timeout" not in {keyword.arg for keyword in node.keywords}:
                yield function.name


def test_a_program_that_is_run_to_its_end_has_a_deadline() -> None:
    found = {
        f"{name_of(path)}::{function}"
        for path in SOURCES
        for tree in nodes_of(path)
        if isinstance(tree, ast.Module)
        for function in runs_without_deadline(tree)
    }
    assert found == WITH_A_PERSON


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("subprocess.run(['x'], check=False)", ["f"]),
        ("process.communicate()", ["f"]),
        ("return subprocess.check_output(['x'])", ["f"]),
        ("subprocess.run(['x'], timeout=DEADLINE_S)", []),
        ("runner.run(x)", []),
    ],
)
def test_each_run_without_a_deadline_is_seen(code: str, seen: list[str]) -> None:
    assert list(runs_without_deadline(ast.parse(f"def f():\n    {code}"))) == seen


def names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for part in nodes:
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name


def test_a_permission_request_is_never_guessed_to_be_the_most_recent_sessions() -> None:
    guess = re.compile(r"(most_?recent|last_?active|current|active)_?(session|thread)$", re.IGNORECASE)
    deciding = re.compile(r"permission|decid|decision|click|request|reason|expire", re.IGNORECASE)
    for path in SOURCES:
        functions = [node for node in nodes_of(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in functions:
            if deciding.search(function.name):
                assert not any(guess.search(name) for name in names_in(ast.walk(function))), (path, function.name)
        names = {function.name for function in functions} | set(names_in(nodes_of(path)))
        assert not any(re.search("permission_?thread", name, re.IGNORECASE) for name in names)


def test_the_shared_values_and_the_worker_have_no_most_recent_session() -> None:
    for path in SOURCES:
        if not name_of(path).startswith("supervisor/"):
            assert not any("most_recent" in name for name in names_in(nodes_of(path))), path


# --- floors: a room imports of its own and of the rooms below ------------------------------------------

BRIDGE_FLOORS = (
    "text",
    "newest",
    "discord_numbers",
    "protocol",
    "trust",
    "session",
    "journal",
    "render.markdown",
    "render",
    "routing",
)
SUPERVISOR_FLOORS = (
    "",
    "discord",
    "projects",
    "login",
    "sessions",
    "workers",
    "threads",
    "commands",
    "operator",
    "assembly",
    "main",
)
LOADED_LATE = {"supervisor/operator/cli.py": {"supervisor.main"}}
"""A command starts what is above it, and only when it runs: the others need no library of Discord's."""
OF_BRIDGE_FOR_WORKERS = {"bridge.protocol", "bridge.trust", "bridge.text", "bridge.newest"}
FOLDS_THE_SESSION = ("worker/history.py", {"bridge.session.managed", "bridge.session.open_work"})
"""The one exception: what is open in a session is folded by one machine on both sides."""


def floor_of(module: str, package: str, floors: Sequence[str]) -> int:
    """The longest room that the module is in; a file of the package itself is on the floor ``""``."""
    rooms = [room for room in floors if room and is_of(module, {f"{package}.{room}"})]
    return floors.index(max(rooms, key=len, default=""))


def module_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")


@pytest.mark.parametrize(("package", "floors"), [("bridge", BRIDGE_FLOORS), ("supervisor", SUPERVISOR_FLOORS)])
def test_a_room_imports_only_from_below(package: str, floors: Sequence[str]) -> None:
    for path in SOURCES:
        if not name_of(path).startswith(f"{package}/") or path.stem == "__init__":
            continue
        floor = floor_of(module_of(path), package, floors)
        above = {m for m in imported(path) if m.startswith(f"{package}.") and floor_of(m, package, floors) > floor}
        above -= LOADED_LATE.get(name_of(path), set())
        assert above == set(), path


@pytest.mark.parametrize("name", sorted(LOADED_LATE))
def test_what_is_loaded_late_is_imported_in_the_function_that_needs_it(name: str) -> None:
    (tree,) = (node for node in nodes_of(ROOT / name) if isinstance(node, ast.Module))
    assert LOADED_LATE[name].isdisjoint(modules_in(tree.body))
    assert LOADED_LATE[name] <= imported(ROOT / name)


def test_the_worker_imports_only_what_both_sides_agree_on() -> None:
    folding, machine = FOLDS_THE_SESSION
    for path in SOURCES:
        if name_of(path).startswith("worker/"):
            allowed = OF_BRIDGE_FOR_WORKERS | (machine if name_of(path) == folding else set())
            ours = {m for m in imported(path) if m.startswith("bridge.")}
            packages = {m.rpartition(".")[0] for m in allowed}
            assert {m for m in ours if not is_of(m, allowed) and m not in packages} == set(), path


def test_the_twins_import_nothing_of_ours() -> None:
    for path in sorted((ROOT / "scripts/twins").rglob("*.py")):
        assert not any(is_of(m, {*OURS, "playground", "lab", "tests"}) for m in imported(path)), path


def graph_of(paths: Iterable[Path], root: Path) -> dict[str, set[str]]:
    """Which module imports which of the same ones, also where it is only for annotations or within a function."""
    files = {
        path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
        for path in paths
    }
    return {name: {module for module in imported(path) if module in files} - {name} for name, path in files.items()}


@pytest.mark.parametrize("where", ["the product", "scripts"])
def test_no_file_imports_itself_by_way_of_others(where: str) -> None:
    scripts = ROOT / "scripts"
    graph = graph_of(scripts.rglob("*.py"), scripts) if where == "scripts" else graph_of(SOURCES, ROOT)
    assert len(graph) > 50
    TopologicalSorter(graph).prepare()  # CycleError names the circle


# --- what no file may name ---------------------------------------------------------------------------

# Each with a letter in brackets, so that this file does not name them either.
FOREIGN = re.compile(
    r"(?<![\w.~})-])/(?:w[o]rk|r[o]ot)/"
    r"|\.\./sh[a]red/"
    r"|\b(?:py[p]i\.org|python[h]osted\.org|npm[j]s\.(?:org|com)|crates\.[i]o|yarn[p]kg\.com|go[l]ang\.org)\b"
)


def tracked() -> list[Path]:
    """The files of the repository, also those that are not committed yet."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, check=False, text=True)
    if found.returncode:
        pytest.skip("not in a git checkout")
    return [path for name in found.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_place_on_its_makers_machine_or_a_registry() -> None:
    found = {}
    for path in tracked():
        text = path.read_bytes().decode(errors="replace")
        if match := FOREIGN.search(text):
            found[name_of(path)] = text[max(0, match.start() - 40) : match.end() + 40]
    assert found == {}


@pytest.mark.parametrize(
    "text", [" /w{o}rk/main", '"/r{o}ot/.claude"', "../sh{a}red/x", "https://py{p}i.org/simple", "registry.npm{j}s.org"]
)
def test_the_search_for_foreign_names_finds_them(text: str) -> None:
    assert FOREIGN.search(re.sub("[{}]", "", text))
    assert not FOREIGN.search(re.sub("[{}]", "", "/home/ada/w{o}rk/x and $HOME/r{o}ot/x and the r{o}ot/ of it"))


def test_what_joins_the_parts_sets_nothing_into_one_afterwards() -> None:
    """Each gets what it needs in its constructor, so whoever reads that knows all that it rests on."""
    set_into = [
        ast.unparse(node)
        for node in nodes_of(ROOT / "supervisor" / "assembly.py")
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del)
    ]
    assert set_into == []
    assert "setattr" not in called(ROOT / "supervisor" / "assembly.py")


MOST_OF_A_FUNCTION = 30
ONE_LIST = {
    "supervisor/assembly.py::ears": 48,
    "supervisor/config/checked.py::checked": 35,
    "supervisor/workers/starts.py::bare_start": 35,
    "scripts/twins/claude/frames.py::init": 33,
    "scripts/twins/claude/session.py::__init__": 32,
}
"""Longer, because each is one list (who is made of what, a struct's fields, a frame's), of which no part has a name."""


@pytest.mark.parametrize("room", [*OURS, "scripts"])
def test_a_longer_function_is_one_list(room: str) -> None:
    found = [
        (f"{name_of(path)}::{node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in (ROOT / room).rglob("*.py")
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(found) > 300
    longer = {name: count for name, count in found if count > MOST_OF_A_FUNCTION}
    assert longer == {name: count for name, count in ONE_LIST.items() if name.startswith(f"{room}/")}


MOST_LINES = 400
"""A file that is longer holds a second noun."""


@pytest.mark.parametrize("room", [*OURS, "scripts"])
def test_no_file_is_longer_than_one_noun_needs(room: str) -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in (ROOT / room).rglob("*.py")}
    assert len(lines) > 50
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
