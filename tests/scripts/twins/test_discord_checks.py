"""What the loopback Discord refuses, without a server."""

from typing import Any

import pytest

from twins.discord.checks.commands import check_commands
from twins.discord.checks.components import check_modal
from twins.discord.checks.message import check_edit, check_new_message
from twins.discord.clock import HandClock, Snowflakes, moment_of
from twins.discord.commands import Commands
from twins.discord.errors import ApiError
from twins.discord.mentions import allowed_part, mentioned_in
from twins.discord.model import MessageFlag, Permission, Pinged, Upload
from twins.discord.world import World, numbered

V2 = int(MessageFlag.COMPONENTS_V2)
DEFAULT_TWICE = [{"label": n, "value": n, "default": True} for n in "ab"]
POST = ("POST", "/channels/{channel_id}/messages")


def button(custom_id: str = "b", **more: object) -> dict[str, Any]:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": "Go", **more}


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


def select(count: int, **more: object) -> dict[str, Any]:
    options = [{"label": str(n), "value": str(n)} for n in range(count)]
    return {"type": 3, "custom_id": "s", "options": options, **more}


def text(content: str) -> dict[str, Any]:
    return {"type": 10, "content": content}


def a_world() -> World:
    world = World(HandClock(), "guild", "bot")
    world.add_channel("general")
    return world


def refusal(payload: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        check_new_message(payload, {})
    return caught.value


@pytest.mark.parametrize(
    "payload",
    [
        {"content": "x" * 2000},
        {"content": "😀" * 2000},
        {"content": " " * 50 + "x" * 2000},
        {"embeds": [{"description": "x" * 4096}, {"description": "x" * 1904}]},
        {"content": "x", "nonce": "n" * 25},
        {"content": "x", "components": [row(*(button(str(n)) for n in range(5))) for _ in range(1)]},
        {"content": "x", "components": [row(select(25, min_values=0, max_values=25))]},
        {"flags": V2, "components": [{"type": 17, "components": [text("x" * 4000), row(button())]}]},
        {"flags": V2, "components": [text(str(n)) for n in range(40)]},
        {"flags": V2, "components": [{"type": 9, "components": [text("t")], "accessory": button()}]},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "roles": ["1"]}},
    ],
)
def test_a_message_at_a_limit_is_taken(payload: dict[str, Any]) -> None:
    check_new_message(payload, {})


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"content": "x", "nonce": "n" * 26}, "nonce"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, "embeds.1"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"embeds": [{"fields": [{"name": "", "value": "x"}]}]}, "embeds.0.fields.0.name"),
        ({"content": "x", "components": [row(button())] * 6}, "components"),
        ({"content": "x", "components": [row(select(26))]}, "components.0.components.0.options"),
        ({"content": "x", "components": [row(select(2, max_values=3))]}, "components.0.components.0.options"),
        (
            {"content": "x", "components": [row(select(2, min_values=0, required=True))]},
            "components.0.components.0.min_values",
        ),
        (
            {"content": "x", "components": [row({**select(0), "options": DEFAULT_TWICE})]},
            "components.0.components.0.options",
        ),
        (
            {"content": "x", "components": [row(*(button(str(n)) for n in range(6)))]},
            "components.0.components",
        ),
        ({"content": "x", "components": [row(button(label="x" * 81))]}, "components.0.components.0.label"),
        ({"content": "x", "components": [row(button("c" * 101))]}, "components.0.components.0.custom_id"),
        ({"content": "x", "components": [row(button(), button())]}, "components"),
        ({"content": "x", "components": [text("no flag")]}, "components.0.type"),
        ({"content": "x", "flags": V2, "components": [text("t")]}, "content"),
        ({"flags": V2, "components": [text("x" * 3000), text("x" * 1001)]}, "components"),
        ({"flags": V2, "components": [text("x")] * 41}, "components"),
        ({"flags": V2, "components": [{"type": 13, "file": {"url": "attachment://a"}}]}, "components"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions.users"),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0"),
    ],
)
def test_a_message_over_a_limit_is_refused_at_the_path(payload: dict[str, Any], path: str) -> None:
    error = refusal(payload)
    assert (error.status, error.code) == (400, 50035)
    node: Any = error.errors
    for part in path.split("."):
        node = node[part]
    assert node["_errors"][0]["code"]


@pytest.mark.parametrize("payload", [{}, {"content": ""}, {"content": " \n "}, {"embeds": []}])
def test_an_empty_message_is_refused(payload: dict[str, Any]) -> None:
    assert refusal(payload).code == 50006


def test_a_file_over_ten_mebibytes_is_refused() -> None:
    with pytest.raises(ApiError, match="too large"):
        check_new_message({}, {0: Upload("big", bytes(10 * 1024 * 1024 + 1))})


def test_a_message_becomes_v2_only_when_its_content_goes_and_stays_so() -> None:
    world = a_world()
    channel = next(iter(world.channels.values()))
    post = world.post(channel, world.bot, {"content": "old"})
    with pytest.raises(ApiError):
        check_edit({"flags": V2, "components": [text("new")]}, {}, post)
    upgrade = {"content": None, "flags": V2, "components": [text("new")]}
    check_edit(upgrade, {}, post)
    world.edit(post, upgrade)
    world.edit(post, {"flags": 0, "components": [text("newer")]})
    assert post.flags & MessageFlag.COMPONENTS_V2
    assert post.text == "newer"


def test_components_without_an_id_are_numbered_around_those_with_one() -> None:
    fresh = numbered([{"type": 17, "components": [{**text("a"), "id": 2}, text("b")]}])
    assert (fresh[0]["id"], [part["id"] for part in fresh[0]["components"]]) == (1, [2, 3])


def test_allowed_mentions_decide_who_is_pinged() -> None:
    mentioned = mentioned_in("<@1> <@!2> <@&3> @everyone")
    assert mentioned == Pinged(frozenset({1, 2}), frozenset({3}), True)
    assert allowed_part(mentioned, None) == mentioned
    assert not allowed_part(mentioned, {"parse": []})
    assert allowed_part(mentioned, {"users": ["2"]}) == Pinged(frozenset({2}))
    assert allowed_part(mentioned, {"parse": ["everyone"]}) == Pinged(everyone=True)


def test_an_edit_without_allowed_mentions_pings_and_is_remembered() -> None:
    world = a_world()
    channel = next(iter(world.channels.values()))
    ada = world.add_user("Ada", [])
    post = world.post(channel, world.bot, {"content": ada.mention, "allowed_mentions": {"parse": []}})
    assert not post.pinged
    world.edit(post, {"content": f"{ada.mention} again"})
    world.edit(post, {"content": "quiet"})
    assert not post.mentions
    assert post.pinged == Pinged(frozenset({ada.id}))


def test_text_in_components_pings_too_and_only_who_exists() -> None:
    world = a_world()
    channel = next(iter(world.channels.values()))
    role = world.add_role("team", 0, mentionable=False)
    payload = {"flags": V2, "components": [text(f"<@&{role.id}> <@12345> @here")]}
    post = world.post(channel, world.bot, payload)
    assert post.pinged == Pinged(frozenset(), frozenset({role.id}), True)
    channel.denied = Permission.MENTION_EVERYONE
    assert not world.post(channel, world.bot, payload).pinged


def test_a_reply_pings_its_addressee_unless_told_otherwise() -> None:
    world = a_world()
    channel = next(iter(world.channels.values()))
    question = world.post(channel, world.add_user("Ada", []), {"content": "?"})
    reply = {"content": "!", "message_reference": {"message_id": str(question.id)}}
    assert world.post(channel, world.bot, reply).pinged
    assert not world.post(channel, world.bot, {**reply, "allowed_mentions": {"parse": []}}).pinged


def test_a_nonce_is_forgotten_after_some_minutes() -> None:
    clock = HandClock()
    world = World(clock, "guild", "bot")
    payload = {"content": "x", "nonce": "1", "enforce_nonce": True}
    post = world.post(world.add_channel("general"), world.bot, payload)
    assert world.with_nonce(world.bot, payload) is post
    clock.advance(600)
    assert world.with_nonce(world.bot, payload) is None


def test_permissions_of_a_thread_are_its_parents() -> None:
    world = a_world()
    channel = next(iter(world.channels.values()))
    post = world.post(channel, world.bot, {"content": "x"})
    thread = world.start_thread(post, world.bot, "t", 60)
    channel.denied = Permission.SEND_MESSAGES_IN_THREADS
    with pytest.raises(ApiError) as missing:
        world.require(thread, Permission.SEND_MESSAGES_IN_THREADS)
    assert missing.value.code == 50013
    channel.denied = Permission.VIEW_CHANNEL
    with pytest.raises(ApiError) as blind:
        world.require(thread, Permission.NONE)
    assert blind.value.code == 50001


@pytest.mark.parametrize(
    "modal",
    [
        {"title": "", "custom_id": "m", "components": [text("t")]},
        {"title": "x" * 46, "custom_id": "m", "components": [text("t")]},
        {"title": "t", "custom_id": "m", "components": []},
        {"title": "t", "custom_id": "m", "components": [text("t")] * 6},
        {"title": "t", "custom_id": "m", "components": [row(button())]},
        {"title": "t", "custom_id": "m", "components": [{"type": 18, "label": "x" * 46}]},
    ],
)
def test_a_modal_over_its_limits_is_refused(modal: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        check_modal(modal)
    assert caught.value.code == 50035


@pytest.mark.parametrize(
    "command",
    [
        {"name": "Upper", "description": "d"},
        {"name": "two words", "description": "d"},
        {"name": "x", "description": ""},
        {"name": "x", "description": "d" * 101},
        {"name": "x", "description": "d", "options": [{"type": 3, "name": "o", "description": "d"}] * 26},
        {
            "name": "x",
            "description": "d",
            "options": [
                {"type": 3, "name": "a", "description": "d"},
                {"type": 3, "name": "b", "description": "d", "required": True},
            ],
        },
    ],
)
def test_a_command_over_its_limits_is_refused(command: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        check_commands([command])
    assert caught.value.code == 50035


def test_an_overwrite_keeps_ids_and_counts_only_new_commands() -> None:
    scope = Commands(Snowflakes(HandClock()), 1, 2)
    first = scope.overwrite([{"name": "a", "description": "d"}, {"name": "b", "description": "d"}])
    second = scope.overwrite([{"name": "a", "description": "changed"}])
    assert second[0]["id"] == first[0]["id"]
    assert scope.created == 2
    assert scope.find("b") is None


def test_snowflakes_grow_and_carry_their_time() -> None:
    clock = HandClock()
    ids = Snowflakes(clock)
    made = [ids.next() for _ in range(100)]
    assert made == sorted(set(made))
    assert abs((moment_of(made[-1]) - clock.wall()).total_seconds()) < 1
