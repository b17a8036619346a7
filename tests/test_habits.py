"""What tests keep to: they do not sleep, they end, and they speak to nobody but loopback."""

import ast
import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import only_loopback
from stages.bounded import within
from test_imports import ROOT, name_of, nodes_of

TESTS = sorted((ROOT / "tests").rglob("*.py"))

# --- they do not sleep --------------------------------------------------------------------------------

LOOKS_AGAIN = {
    "stages/support.py::until": "between two looks, until a deadline",
    "scripts/playground/test_host_once.py::until": "the same, of a playground that is no part of this process",
    "processes/test_metrics.py::shows": "the same, over HTTP",
    "processes/test_discord.py::test_stop_ends_the_turn_then_the_session_and_continue_wakes_it": "by another command",
}
UNDER_A_JUMPING_CLOCK = {
    "stages/scripted_worker.py::until",
    "stages/scripted_workers.py::passes",
    "stages/fake_discord.py::_arrive",
    "supervisor/discord/test_gateway_away.py::login",
    "supervisor/discord/test_gateway_away.py::connect",
    "supervisor/threads/test_outbox.py::measured_turn",
    "supervisor/threads/test_outbox.py::stream",
    "worker/test_uplink.py::until",
}
"""Of stages whose tests are all played so: no time goes by."""
NOTHING_HAPPENS = {
    "processes/test_room.py::test_a_session_that_sleeps_is_not_looked_at": "for three of the looks that are not taken",
    "processes/test_limits.py::test_another_sessions_card_comes_within_two_seconds": "the wild one takes its time",
    "supervisor/discord/test_rest.py::handle": "a server that does not answer, for as long as nobody waits for it",
}
"""Real time has to go by."""


def sleeps_in(tree: ast.AST, within: tuple[ast.AST, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Each sleep of more than nothing: the function that it stands in, and whether a clock jumps there."""
    for node in ast.iter_child_nodes(tree):
        functions = (*within, node) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else within
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep"), args=[ast.Constant(value=0)]):
                pass
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
                yield _name(functions[-1]) if functions else "", any(map(_is_jumping, functions))
        yield from sleeps_in(node, functions)


def _name(function: ast.AST) -> str:
    return function.name if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else ""


def _is_jumping(function: ast.AST) -> bool:
    made = function.decorator_list if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else []
    return any(isinstance(one, ast.Name) and one.id == "jumping" for one in made)


def sleeps(path: Path) -> Iterator[str]:
    (tree,) = (node for node in nodes_of(path) if isinstance(node, ast.Module))
    for function, jumps in sleeps_in(tree):
        if not jumps:
            yield f"{name_of(path).removeprefix('tests/')}::{function}"


def test_no_test_sleeps_but_those_that_say_why() -> None:
    found = {name for path in TESTS for name in sleeps(path)}
    assert found == {*LOOKS_AGAIN, *UNDER_A_JUMPING_CLOCK, *NOTHING_HAPPENS}


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("def test_a():\n    time.sleep(1)", [("test_a", False)]),
        ("@awaited\nasync def test_a():\n    await asyncio.sleep(PAUSE_S)", [("test_a", False)]),
        ("async def test_a():\n    async def b():\n        await sleep(0.1)", [("b", False)]),
        ("class A:\n    def b(self):\n        [time.sleep(1) for _ in c]", [("b", False)]),
        ("@jumping\nasync def test_a():\n    await asyncio.sleep(3600)", [("test_a", True)]),
        ("async def test_a():\n    await asyncio.sleep(0)", []),
        ("time.sleep(2)", [("", False)]),
    ],
)
def test_each_sleep_is_seen(code: str, seen: list[tuple[str, bool]]) -> None:
    assert list(sleeps_in(ast.parse(code))) == seen


# --- they end -----------------------------------------------------------------------------------------


def for_ever() -> None:
    while True:
        pass


async def for_ever_in_a_loop() -> None:
    while True:
        try:
            await asyncio.sleep(0)
        except Exception:  # as a loop that goes on after whatever happens
            continue


@pytest.mark.parametrize("loop", [for_ever, lambda: asyncio.run(for_ever_in_a_loop())])
def test_what_never_ends_fails(loop: object) -> None:
    assert callable(loop)
    with pytest.raises(pytest.fail.Exception, match="not over after"), within(0.05):
        loop()


def test_this_test_too_has_an_end() -> None:
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0


# --- they speak to loopback only ----------------------------------------------------------------------

ELSEWHERE = "192.0.2.1"
"""Nobody's (RFC 5737)."""


@pytest.fixture
def strays() -> Iterator[None]:
    """The test tries it on purpose."""
    yield
    only_loopback.strayed.clear()


@pytest.mark.usefixtures("strays")
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_nobody_connects_to_another_machine(kind: int) -> None:
    with socket.socket(socket.AF_INET, kind) as end, pytest.raises(only_loopback.Strayed, match=ELSEWHERE):
        end.connect((ELSEWHERE, 9))
    assert only_loopback.strayed


@pytest.mark.usefixtures("strays")
def test_nobody_asks_where_another_machine_is() -> None:
    with pytest.raises(only_loopback.Strayed, match=r"a\.example"):
        socket.getaddrinfo("a.example", 443)


def test_loopback_and_what_is_no_host_may_be_spoken_to() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2], 5).close()
    assert only_loopback.is_here("::1") and only_loopback.is_here("127.8.0.1") and only_loopback.is_here("localhost")
    assert not only_loopback.is_here("localhost.example") and not only_loopback.is_here("10.0.0.1")
