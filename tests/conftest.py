"""How the property tests search: the same examples every time, so that a red test is red everywhere.

`--hypothesis-profile=search` looks at many more, chosen anew each time: after a change of what they try.
`scripts/test --quick` and `--most` look at a few.

And what no test can do: go on for ever, or speak to another machine (``test_habits.py``).
"""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from stages import bounded, only_loopback
from stages.searched import SURE

pytest_plugins = ["beside"]

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("sure", max_examples=SURE, deadline=None, derandomize=True, database=None)
settings.register_profile("quick", max_examples=SURE // 5, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "search", max_examples=5000, deadline=None, database=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile("sure")

only_loopback.hold()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with bounded.within():
        return (yield)


@pytest.fixture(autouse=True)
def _stays_here() -> Iterator[None]:
    yield
    assert only_loopback.strayed == []


_LONG_FIRST = ("tests/scripts/test_bootstrap.py", "tests/processes/", "tests/real/", "tests/scripts/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for processes are begun first, so that none of them is still running when all else is done."""

    def rank(item: pytest.Item) -> int:
        return next((n for n, place in enumerate(_LONG_FIRST) if item.nodeid.startswith(place)), len(_LONG_FIRST))

    items.sort(key=rank)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A shorter one than ``tmp_path``: for a state directory, whose sockets' paths have an end."""
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        yield Path(folder).resolve()
