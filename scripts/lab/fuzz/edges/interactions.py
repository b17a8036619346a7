"""Clicks, commands and modals of Discord's: JSON in, answers out, decisions in the store."""

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

from bridge.session.custom_ids import REASON_FIELD, STOP_PICKER
from bridge.session.permission import Person, RequestName
from lab.fuzz.edge import Edge, hold, nothing_logged_with_a_traceback
from lab.fuzz.stage import (
    ADA,
    APPLICATION,
    ASKED,
    CHANNEL,
    EVE,
    GENERATION,
    GUILD,
    ROLE,
    THREAD,
    Stage,
    in_a_turn,
    stage,
)
from supervisor.assembly import router
from supervisor.commands import registration
from supervisor.commands.alone_cards import AloneCards
from supervisor.commands.interactions import Interactions
from supervisor.commands.sight import Sight
from supervisor.commands.slash import Slash
from supervisor.config_in_force import Settings
from supervisor.discord.errors import Found, MessageGone
from supervisor.discord.shapes import Message
from supervisor.projects.channels import ProjectChannels
from supervisor.reload import Reload
from supervisor.sessions.in_log import InLog
from supervisor.sessions.trust import Trusts

SESSION = "SESSION"
"""Stands in an input for the session's id, which is another one each time."""
VERBS = (
    *(
        "allow",
        "deny",
        "always",
        "reason",
        "edits",
        "plan",
        "skip",
        "send",
        "page0",
        "page1",
        "other0",
        "pick0",
        "pick9",
    ),
    *("option0", "option1", "option999", "continue", "discard", "nonsense"),
)
OTHERS = (
    "tb:fresh:",
    "tb:moved:",
    "tb:trust:yes:",
    "tb:when:now:",
    "tb:halt:keep:",
    "tb:when:",
    "x",
    "",
    f"tb:tell:5:{ADA}",
)
LIMITS = {"content": 2000, "title": 256, "description": 4096, "label": 80, "custom_id": 100, "placeholder": 150}


class Clicks(Edge):
    name = "interactions"
    clean = "an answer in words that only this person sees; for what is no interaction at all, nothing"

    def made(self, random: Random) -> bytes:
        return "\n".join(json.dumps(_interaction(random)) for _ in range(random.randint(1, 3))).encode()

    def feed(self, data: bytes, folder: Path) -> None:
        with stage(folder) as on, nothing_logged_with_a_traceback():
            in_a_turn(on)
            asyncio.run(_all(on, data))


def _interaction(random: Random) -> dict[str, Any]:
    kind = random.choice((2, 3, 3, 3, 4, 5, 9))
    user = {"id": str(random.choice((ADA, ADA, EVE, 112))), "username": "u", "global_name": None}
    roles = [str(ROLE)] if random.random() < 0.2 else []
    return {
        "id": str(random.randint(9000, 9005)),
        "application_id": str(APPLICATION),
        "type": kind,
        "token": "t",
        "guild_id": str(random.choice((GUILD, GUILD, GUILD, 77))),
        "channel_id": str(random.choice((THREAD, THREAD, CHANNEL, 333))),
        "channel": {"id": "1", "parent_id": str(CHANNEL)},
        "member": {"roles": roles, "user": user, "nick": None, "permissions": "0"},
        "data": _command(random) if kind in (2, 4) else _component(random, kind),
    }


def _command(random: Random) -> dict[str, Any]:
    command = random.choice(registration.COMMANDS)
    values = ("go", "", "opus", "plan", "compact", "True", str(ADA), "/etc", "~x/y", "\x00", "bypassPermissions")
    options = [{"name": one["name"], "value": random.choice(values)} for one in command.get("options", [])]
    return {"name": command["name"], "options": options}


def _component(random: Random, kind: int) -> dict[str, Any]:
    verb, seq = random.choice(VERBS), random.randint(4, 8)
    custom_id = f"tb:{verb}:{SESSION}:{GENERATION}:{seq}"
    if random.random() < 0.2:
        custom_id = random.choice(
            (STOP_PICKER, random.choice(OTHERS) + SESSION, random.choice(OTHERS) + f"{SESSION}:1000")
        )
    data: dict[str, Any] = {"custom_id": custom_id, "values": random.choice((["0"], ["0", "1"], ["99"], [SESSION]))}
    if kind == 5:
        field = random.choice((REASON_FIELD, "answer0", "answer1", "answer99"))
        data["components"] = [{"type": 18, "component": {"custom_id": field, "value": "because"}}]
    return data


async def _all(on: Stage, data: bytes) -> None:
    rest = _Rest()
    trusts, routes = Trusts(on.config, on.manager), router(Settings(on.config), on.manager)
    sight = Sight(lambda *_: True, lambda *_: True, lambda _: "")
    settings = Settings(on.config)
    slash = Slash(on.manager, routes, rest, settings, sight, trusts, ProjectChannels(settings, Reload(settings)))
    alone = AloneCards(on.manager, rest)
    interactions = Interactions(on.manager, routes, rest, slash, trusts, InLog(on.config.layout), alone)
    plain = RequestName(on.session.session_id, GENERATION, 5).custom_id("allow").split(":")[2]
    for line in data.replace(SESSION.encode(), plain.encode()).split(b"\n"):
        try:
            asked = json.loads(line)
        except (ValueError, RecursionError):
            continue
        before = len(on.decisions())
        await interactions.handle(asked)
        for decided in on.decisions()[before:]:
            _is_theirs(on, asked, decided.decided_by, decided.digest)
        rest.answered = 0


def _is_theirs(on: Stage, asked: Any, by: int, digest: str) -> None:
    """A decision is of a click by a person who may, on a button that names the request."""
    user, roles = asked["member"]["user"], {int(role) for role in asked["member"].get("roles", [])}
    hold(int(user["id"]) == by and (by == ADA or ROLE in roles), f"a decision by {by}, who may not")
    hold(int(asked["guild_id"]) == GUILD and int(asked["channel_id"]) == THREAD, "a decision from elsewhere")
    found = RequestName.parse(str(asked["data"]["custom_id"]))
    hold(found and found[1].session_id == on.session.session_id, "a decision by a button that names no request")
    assert found
    told = on.session.requests.get(found[1].seq)
    hold(told is None or told.event.digest == digest, "a decision on another request than the button names")
    hold(digest in {one.event.digest for one in on.session.requests.values()} and len(ASKED) == 3, "of nothing")
    hold(not isinstance(on.manager.request_of(found[1]), Person), "no request")


class _Rest:
    """Takes what Discord would, and refuses nothing but what Discord would refuse."""

    def __init__(self) -> None:
        self.answered = 0

    def age_s(self, _discord_id: int) -> float:
        return 0.0

    async def answer_interaction(self, _id: int, _token: str, kind: int, data: dict[str, Any] | None = None) -> None:
        self.answered += 1
        hold(self.answered == 1, "an interaction is answered twice")
        hold(kind in range(4, 10), f"an answer of the kind {kind}")
        _fits(data)

    async def edit_interaction_answer(
        self, _application_id: int, _token: str, data: dict[str, Any], *_: object
    ) -> None:
        _fits(data)

    async def bulk_put_commands(self, *_: object) -> None: ...

    async def message(self, _channel_id: int, _message_id: int) -> Message:
        raise MessageGone("Unknown Message")

    async def create(self, _channel_id: int, _post: object, nonce: str, _priority: object = None) -> Found:
        hold(len(nonce) <= 25, "a nonce of more than 25 characters")
        return Found(5000, "", nonce)

    async def delete(self, *_: int) -> None: ...


def _fits(node: object, key: str = "") -> None:
    match node:
        case dict():
            for name, inside in node.items():
                _fits(inside, str(name))
        case list() | tuple():
            for inside in node:
                _fits(inside)
        case str() if key in LIMITS:
            hold(len(node.encode("utf-16-le")) // 2 <= LIMITS[key], f"{key} of {len(node)} characters")
            node.encode()
