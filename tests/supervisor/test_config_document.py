"""What set-up changes in a configuration, and what it leaves as a person wrote it."""

import tomllib

import pytest

from bridge.protocol.errors import UserError
from supervisor.config.document import API_BASE, Changes, changed, known

ALL = Changes("/t", {1: "/z", 5: "/n"}, (9,), ("/c",))


def test_an_empty_configuration_gets_what_is_needed_and_a_head() -> None:
    text = changed("", ALL)
    assert text.startswith("# Threadbridge's configuration")
    assert tomllib.loads(text) == {
        "discord": {"token_file": "/t"},
        "access": {"users": [9]},
        "channels": [{"id": 1, "directory": "/z"}, {"id": 5, "directory": "/n"}],
        "claude": {"command": ["/c"]},
    }


def test_comments_order_and_foreign_keys_stay() -> None:
    text = '# mine\n[discord] # d\napi_base = "http://127.0.0.1:1" # keep\n\n'
    text += '[[channels]]\nid = "1" # one\ndirectory = "/a"\n'
    text += "  # inner\n[channels.access]\nusers = [3]\n\n[limits]\ntasks = 7 # few\n"
    new = changed(text, ALL)
    assert all(comment in new for comment in ("# mine", "# d", "# keep", "# one", "  # inner", "# few"))
    read = tomllib.loads(new)
    assert read["channels"][0] == {"id": "1", "directory": "/z", "access": {"users": [3]}}
    assert read["channels"][1] == {"id": 5, "directory": "/n"}
    assert read["limits"] == {"tasks": 7} and read["discord"]["api_base"] == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "text",
    [
        'channels = [{id = 1, directory = "/a"}]\n',
        'channels = [\n  {id = "1", directory = "/a"}, # one\n]\n',
        "access.users = [1]\n",
        "[access.talk]\nusers = [1]\n[access]\nusers = [\n 1, # ada\n 2, # bob\n]\n",
        "access = {users = [1]}\n",
        "[access]\n",
        "\ufeff[discord]\r\ntoken_file = ''\r\n",
        "# nothing but words\n",
    ],
)
def test_however_it_is_written_it_holds_afterwards_what_was_there_and_what_is_new(text: str) -> None:
    before, after = known(text), known(changed(text, ALL))
    assert after.channels == {**before.channels, 1: "/z", 5: "/n"}
    assert set(after.users) == {*before.users, 9}
    assert (after.token_file, after.command) == ("/t", ("/c",))
    assert changed(changed(text, ALL), ALL) == changed(text, ALL)


def test_nothing_new_changes_no_byte() -> None:
    text = "  [access]\nusers=[  9 ]   # me\n"
    assert changed(text, Changes()) == text == changed(text, Changes(users=(9,)))


@pytest.mark.parametrize("text", ["[discord", "a = 1\na = 2\n", "[[channels]]\nid = 1\n[[channels]\n"])
def test_what_is_no_toml_is_refused_in_words(text: str) -> None:
    for ask in (lambda: known(text, "FILE"), lambda: changed(text, ALL, "FILE")):
        with pytest.raises(UserError, match="FILE is not TOML"):
            ask()


@pytest.mark.parametrize("text", ["discord = 1\n", "access = []\n", "channels = 3\n", '[access]\nusers = "me"\n'])
def test_something_else_where_a_table_is_wanted_is_refused_in_words(text: str) -> None:
    assert known(text).api_base == API_BASE
    with pytest.raises(UserError, match="cannot be changed"):
        changed(text, ALL, "FILE")


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("", False),
        ("[access]\nusers = []\n", False),
        ("[access]\nroles = [1]\n", True),
        ("[access.talk]\nusers = [1]\n", True),
        ("[[channels]]\nid = 1\ndirectory = '/a'\n[channels.access.talk]\nroles = [2]\n", True),
    ],
)
def test_whether_anybody_may_talk_is_seen_wherever_it_is_written(text: str, is_named: bool) -> None:
    assert known(text).is_anybody_named is is_named
