"""What the servers show us, by the gateway's events."""

import pytest

from bridge.routing.places import Place
from supervisor.discord.guilds import Guilds, Role
from supervisor.discord.shapes import Ready, read

GUILD = {
    "id": "7",
    "name": "Home",
    "channels": [
        {"id": "70", "type": 0, "name": "general"},
        {"id": "71", "type": 15, "name": "help", "parent_id": None},
    ],
    "threads": [{"id": "700", "type": 11, "name": "by hand", "parent_id": "70"}],
    "roles": [{"id": "7", "name": "@everyone"}, {"id": "77", "name": "claude"}],
}


@pytest.fixture
def guilds() -> Guilds:
    made = Guilds()
    made.heard("GUILD_CREATE", GUILD)
    return made


def test_channels_threads_and_roles_are_known_from_a_server_on(guilds: Guilds) -> None:
    assert guilds.names == {7: "Home"}
    thread = guilds.place(700)
    assert thread == Place(700, 11, "by hand", 70, 7)
    assert guilds.parent(thread) == Place(70, 0, "general", 0, 7)
    assert guilds.role(77) == Role(77, "claude", 7)
    assert guilds.place(1) is None
    assert guilds.parent(None) is None


def test_what_changes_is_followed(guilds: Guilds) -> None:
    guilds.heard("THREAD_CREATE", {"id": "701", "type": 11, "name": "new", "parent_id": "70", "guild_id": "7"})
    guilds.heard("CHANNEL_UPDATE", {"id": "70", "type": 5, "name": "news", "guild_id": "7"})
    guilds.heard("CHANNEL_DELETE", {"id": "71"})
    guilds.heard("GUILD_ROLE_DELETE", {"guild_id": "7", "role_id": "77"})
    guilds.heard("GUILD_ROLE_CREATE", {"guild_id": "7", "role": {"id": "78", "name": "dev"}})
    guilds.heard("THREAD_LIST_SYNC", {"guild_id": "7", "threads": [{"id": "702", "type": 12, "parent_id": "70"}]})
    guilds.heard("GUILD_UPDATE", {"id": "7", "name": "House"})
    assert [place and place.kind for place in map(guilds.place, (70, 71, 701, 702))] == [5, None, 11, 12]
    assert (guilds.role(77), guilds.role(78)) == (None, Role(78, "dev", 7))
    assert guilds.names == {7: "House"}


def test_a_server_that_is_away_for_a_moment_is_not_forgotten_and_one_that_we_left_is(guilds: Guilds) -> None:
    guilds.heard("GUILD_DELETE", {"id": "7", "unavailable": True})
    assert guilds.place(70)
    guilds.heard("GUILD_DELETE", {"id": "7"})
    assert (guilds.place(70), guilds.role(77), guilds.names) == (None, None, {})


@pytest.mark.parametrize(
    ("listed", "is_left"),
    [({}, False), ({"guilds": [{"id": "7", "unavailable": True}]}, False), ({"guilds": [{"id": "8"}]}, True)],
)
def test_a_server_that_we_were_thrown_out_of_while_we_were_away_is_forgotten_at_the_next_connection(
    guilds: Guilds, listed: dict[str, object], is_left: bool
) -> None:
    us = {"application": {"id": "1"}, "user": {"id": "9", "username": "bridge"}}
    guilds.let_in(read({**us, **listed}, Ready))
    assert (guilds.bot_id, guilds.place(70) is None, guilds.names == {}) == (9, is_left, is_left)


def test_what_cannot_be_read_changes_nothing(guilds: Guilds) -> None:
    guilds.heard("CHANNEL_UPDATE", {"id": "no number", "type": 0, "guild_id": "7"})
    guilds.heard("GUILD_CREATE", {"id": "8", "channels": "none"})
    guilds.heard("ready", None)
    assert guilds.place(70)


def test_the_role_that_is_a_bots_alone_is_known_by_its_tag(guilds: Guilds) -> None:
    role = {"id": "90", "name": "Threadbridge", "tags": {"bot_id": "9"}}
    guilds.heard("GUILD_ROLE_CREATE", {"guild_id": "7", "role": role})
    found = {}
    for bot_id in (9, 8, 0):
        guilds.bot_id = bot_id
        found[bot_id] = guilds.own_role(7), guilds.own_role(8)
    assert found == {9: (90, 0), 8: (0, 0), 0: (0, 0)}
