"""What a worker is told at its start, also by a supervisor of an earlier version."""

import msgspec
import pytest

from bridge.protocol.events import SessionCreated
from bridge.protocol.start import WorkerStart, decode_start, encode_start


def start(containment: str) -> WorkerStart:
    return WorkerStart(
        created=SessionCreated("s", 1, 2, 3, "/srv", 4),
        start="0",
        state_directory="/state",
        endpoint="",
        server_key="",
        public_key="",
        secret_key="",
        command=("claude",),
        environment={},
        permission_mode="default",
        model="",
        bypass_permissions=False,
        containment=containment,
        protected_paths=(),
        generation="",
        applied=0,
        wake=True,
    )


@pytest.mark.parametrize("word", ["required", "auto"])
def test_a_supervisor_from_before_the_levels_gets_the_reach_of_before(word: str) -> None:
    assert decode_start(encode_start(start(word))).containment == "home"


@pytest.mark.parametrize("word", ["project", "home", "none"])
def test_todays_words_stay(word: str) -> None:
    assert decode_start(encode_start(start(word))) == start(word)


def test_what_a_newer_supervisor_adds_is_no_mistake() -> None:
    told = msgspec.json.decode(encode_start(start("project")))
    assert decode_start(msgspec.json.encode({**told, "something_new": 1})) == start("project")
