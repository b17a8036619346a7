"""Who may connect as a session's worker."""

import msgspec
import pytest

from supervisor.workers.admission import objection, peer_of
from supervisor.workers.sockets import Knock

UID, PID, KEY = 1000, 4711, "k" * 40
RIGHT = Knock("s", f"localhost:{UID}:100:{PID}", "CURVE", KEY)


def test_the_lock_holder_with_the_starts_key_may_connect() -> None:
    assert objection(RIGHT, KEY, PID, UID) == ""


@pytest.mark.parametrize(
    ("changes", "start_key", "holder", "why"),
    [
        ({}, "", PID, "no worker of this session"),
        ({"key": "x" * 40}, KEY, PID, "key"),
        ({"key": ""}, KEY, PID, "key"),
        ({"mechanism": "NULL"}, KEY, PID, "key"),
        ({"mechanism": "PLAIN"}, KEY, PID, "key"),
        ({"address": f"localhost:1001:100:{PID}"}, KEY, PID, "uid is 1001"),
        ({"address": "127.0.0.1"}, KEY, PID, "uid is -1"),
        ({"address": f"localhost:{UID}:100:0"}, KEY, 0, "not the holder"),
        ({}, KEY, PID + 1, "not the holder"),
        ({}, KEY, 0, "not the holder"),
    ],
)
def test_who_lacks_one_of_the_three_is_refused(changes: dict[str, str], start_key: str, holder: int, why: str) -> None:
    assert why in objection(msgspec.structs.replace(RIGHT, **changes), start_key, holder, UID)


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("localhost:0:0:9", (9, 0)),
        ("localhost:0:0:x", (0, -1)),
        ("localhost:-1:0:9", (0, -1)),
        ("localhost:0:9", (0, -1)),
        ("", (0, -1)),
    ],
)
def test_a_peer_is_who_the_kernel_says(address: str, peer: tuple[int, int]) -> None:
    assert peer_of(address) == peer
