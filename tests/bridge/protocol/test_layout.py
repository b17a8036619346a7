import re
from pathlib import Path

import pytest

from bridge.protocol import layout as layouts
from bridge.protocol.errors import UserError
from bridge.protocol.layout import SOCKET_PATH_BYTES, Layout, SessionLayout, short_id

SESSION = "5c0ffee5-1234-4000-8000-000000000001"


def test_a_sessions_files_lie_under_its_first_twelve_hex_digits() -> None:
    layout = Layout(Path("/state"))
    assert short_id(SESSION) == "5c0ffee51234"
    assert layout.session(SESSION).log == Path("/state/sessions/5c0ffee51234/log.jsonl")
    assert layout.socket(SESSION, "01234567") == Path("/state/sockets/5c0ffee51234-01234567.sock")
    paths = [layout.database, layout.supervisor_lock, layout.session(SESSION).lock, layout.session(SESSION).stop_mark]
    assert len(set(paths)) == len(paths)


def paths_of(kind: type[Layout | SessionLayout], place: Path) -> set[str]:
    """The first name below the place of each path that is a property."""
    named = [name for name, value in vars(kind).items() if isinstance(value, property)]
    made = kind(place)
    return {getattr(made, name).relative_to(place).parts[0] for name in named}


def test_each_path_stands_in_the_table_of_the_layout() -> None:
    told = re.findall(r"^    (?:(sessions)/<id>/)?([\w.]+)", layouts.__doc__ or "", re.MULTILINE)
    assert {session or name for session, name in told} >= paths_of(Layout, Path("/state"))
    assert {name for session, name in told if session} >= paths_of(SessionLayout, Path("/session"))


def test_the_longest_state_path_is_accepted_and_one_byte_more_is_not() -> None:
    for letter in ("x", "é"):
        width = len(letter.encode())
        room = SOCKET_PATH_BYTES - len("//sockets/5c0ffee51234-01234567.sock")
        fits = Layout(Path("/" + letter * (room // width)))
        fits.check_socket_paths()
        assert len(bytes(fits.socket(SESSION, "01234567"))) <= SOCKET_PATH_BYTES
        with pytest.raises(UserError, match="too long"):
            Layout(Path("/" + letter * (room // width + 1))).check_socket_paths()


def test_the_refusal_says_how_much_shorter_the_path_must_be() -> None:
    with pytest.raises(UserError, match=r"shorter"):
        Layout(Path("/" + "x" * 200)).check_socket_paths()
