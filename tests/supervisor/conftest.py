"""What holds of each test of the supervisor: it leaves no store open."""

from collections.abc import Iterator

import pytest

from stages import opened_stores


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    yield
    opened_stores.close_all()
