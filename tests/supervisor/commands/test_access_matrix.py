"""Who may what: every row of ``access_table`` × every kind of person × every place × before and after they lost it.

All of it goes the way of a real interaction (JSON in, the answer out) through the real router; only what is behind, the
sessions, is scripted and notes what was done.
"""

import re
from collections.abc import Awaitable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, cast, get_args

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.modes import ACCEPT_EDITS, DEFAULT
from bridge.protocol.push import PUSH_TOOL
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL
from bridge.render import plain_commands
from bridge.render.posts import Post, payload
from bridge.routing import actions as a
from bridge.routing import places
from bridge.routing.channel import Channel
from bridge.routing.needs import BUTTONS, COMMANDS
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import VOICE, MessageSeen
from bridge.session import custom_ids
from bridge.session.card_listing import Listing
from bridge.session.changed_files import ChangedFiles
from bridge.session.custom_ids import (
    REASON_FIELD,
    STOP_PICKER,
    HaltButton,
    ResetButton,
    StatusButton,
    TellButton,
    TogetherButton,
    TrustButton,
    TypedButton,
    WhenButton,
)
from bridge.session.managed import ManagedSession, session_from
from bridge.session.open_work import OpenPrompt, Turn
from bridge.session.permission import PermissionRequest, Person, RequestName
from bridge.session.questions import Draft
from bridge.session.rights import ANY, Access, Grant, Policy, Right
from bridge.trust.acting import Acting
from bridge.trust.decision import Verb
from lab.configured import configuration
from stages.known import Told
from stages.support import ROOT
from supervisor.commands import registration
from supervisor.commands.alone_cards import AloneCards
from supervisor.commands.answer import Answer
from supervisor.commands.interactions import Interactions
from supervisor.commands.sight import Sight
from supervisor.commands.slash import Slash
from supervisor.config_in_force import Settings
from supervisor.discord.asking import Answering, Commanding
from supervisor.discord.errors import MessageGone
from supervisor.discord.shapes import Interaction, Message, PlaceShown
from supervisor.projects.channels import ProjectChannels
from supervisor.reload import Reload
from supervisor.sessions.in_log import InLog
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Looked, Trusts

from .access_table import NOBODYS, PLACES, TABLE, Asker, Place, Row

GUILD, OTHER_GUILD, ROLE = 500, 501, 7
CHANNEL, OTHER_CHANNEL, FOREIGN_CHANNEL, DM = 600, 601, 900, 950
OWN, ANOTHERS = 700, 701
OPERATOR, STARTER = 1, 2
IDS = {OWN: "aaaaaaaa-0000-4000-8000-000000000001", ANOTHERS: "bbbbbbbb-0000-4000-8000-000000000002"}
GENERATION = "0123456789abcdef"
LISTED = Listing(GENERATION, {7: "d"})
WHERE: dict[Place, tuple[int, int]] = {
    "own thread": (OWN, GUILD),
    "another's thread": (ANOTHERS, GUILD),
    "channel": (CHANNEL, GUILD),
    "other channel": (OTHER_CHANNEL, GUILD),
    "other server": (FOREIGN_CHANNEL, OTHER_GUILD),
    "direct message": (DM, 0),
}
Moment = Literal["before", "after their removal", "after a role was taken"]
MOMENTS: tuple[Moment, ...] = ("before", "after their removal", "after a role was taken")


class Somebody(NamedTuple):
    """``given`` under the channel, to their id or to a role. Rights that are given everywhere are the operator's."""

    name: str
    given: tuple[Right, ...] = ()
    by_role: bool = False
    everywhere: bool = False
    owns: bool = False
    asked: bool = False
    invited: bool = False
    role_is_elsewhere: bool = False
    """They have the role's number in another server only."""

    def rights(self, place: Place, moment: Moment) -> set[Right]:
        if moment == "after their removal" or (moment == "after a role was taken" and self.by_role):
            return set()
        if self.everywhere and self.by_role:
            return set(self.given) if (place == "other server") == self.role_is_elsewhere else set()
        if self.everywhere:
            return set(self.given)
        is_near = place in ("own thread", "another's thread", "channel")
        is_invited = self.invited and place == "own thread"
        return ({*self.given} if is_near else set()) | ({"talk"} if is_invited else set())


PEOPLE = [
    Somebody("nobody"),
    *(Somebody(f"who may {right}", (right,)) for right in ANY),
    *(Somebody(f"who may {right} by a role", (right,), by_role=True) for right in ANY),
    Somebody("who may talk and decide", ("talk", "decide")),
    Somebody("on the old list", ANY, everywhere=True),
    Somebody("with a role on the old list", ANY, by_role=True, everywhere=True),
    Somebody("with such a role in another server", ANY, by_role=True, everywhere=True, role_is_elsewhere=True),
    Somebody("owner", ("talk",), owns=True),
    Somebody("owner without a right", owns=True),
    Somebody("who asked", ("talk",), asked=True),
    Somebody("who asked, invited", asked=True, invited=True),
    Somebody("invited", invited=True),
    Somebody("invited, who may decide", ("decide",), invited=True),
]
PERSON = 42


def policy_for(who: Somebody, moment: Moment) -> Policy:
    """As the configuration has it; the operator and who started the other session are always there."""
    is_there = moment != "after their removal"
    grants: dict[Right, Grant] = {
        right: Grant(
            frozenset({PERSON} if is_there and not who.by_role and right in who.given else ()),
            frozenset({ROLE} if who.by_role and right in who.given else set()),
        )
        for right in ANY
    }
    operator = Grant(frozenset({OPERATOR}))
    all_over = Access(operator, operator, operator)
    if who.everywhere:
        return Policy(grants["talk"].users, grants["talk"].roles, all_over)
    return Policy(everywhere=all_over, channels={CHANNEL: Access(grants["talk"], grants["decide"], grants["manage"])})


def roles_of(who: Somebody, moment: Moment, guild_id: int) -> list[str]:
    has_it = who.by_role and moment == "before"
    return [str(ROLE)] if has_it and (guild_id == OTHER_GUILD) == who.role_is_elsewhere else []


# --- what is behind --------------------------------------------------------------------------------------


def session(thread_id: int, owner_id: int, asker_id: int) -> ManagedSession:
    created = e.SessionCreated(IDS[thread_id], thread_id, GUILD, CHANNEL, "/", owner_id)
    made = session_from(created, 1000.0)
    made.generation, made.prompts[5] = GENERATION, OpenPrompt("u5", asker_id)
    made.turn, made.admitted_mode = Turn(3, 1000.0, (5,), ""), DEFAULT
    return made


def request_of(session_id: str, variant: str) -> PermissionRequest:
    tools = {"of a plan": PLAN_TOOL, "of a question": QUESTION_TOOL, "of a push": PUSH_TOOL, "of an edit": "Edit"}
    is_outside = variant == "of an edit outside"
    tool = "Edit" if is_outside else tools.get(variant, "Bash")
    options = [{"label": "a", "description": ""}, {"label": "b", "description": ""}]
    asked = {"questions": [{"question": "q?", "header": "q", "options": options, "multiSelect": False}]}
    tool_input = msgspec.json.encode(asked if variant == "of a question" else {}).decode()
    event = e.PermissionRequested(
        "r", tool, tool_input, "d", rules=(e.SuggestedRule("Bash", "x"),), modes=(ACCEPT_EDITS,)
    )
    event = msgspec.structs.replace(event, directories=("/srv/data",) if is_outside else ())
    return PermissionRequest(RequestName(session_id, GENERATION, 7), 1.0, 0, event, draft=Draft(picks={0: (0,)}))


class Backstage:
    """What a SessionManager would know; what it is told to do is noted in ``did``."""

    def __init__(self, who: Somebody) -> None:
        mine = PERSON if who.owns else STARTER
        asker = PERSON if who.asked else STARTER
        self.did: list[str] = []
        self.known = {OWN: session(OWN, mine, asker), ANOTHERS: session(ANOTHERS, STARTER, STARTER)}
        self.invited_people = {PERSON} if who.invited else set[int]()
        self.sessions = SimpleNamespace(note=lambda *_: None)
        typed = SimpleNamespace(is_message=lambda *_: self._do("plain"), denies=lambda *_: self._do("because"))
        self.delivery = SimpleNamespace(note=lambda *_: None, typed=typed)
        self.rules = SimpleNamespace(of=lambda *_: [])
        self.waiting = SimpleNamespace(
            all=lambda _id: [], requeue=lambda *_: self._do("requeue"), session_with=lambda *_: None
        )

    def _do(self, what: str) -> bool:
        self.did.append(what)
        return True

    def session_of_thread(self, thread_id: int) -> ManagedSession | None:
        return self.known.get(thread_id)

    def get_session(self, session_id: str) -> ManagedSession | None:
        return next((one for one in self.known.values() if one.session_id == session_id), None)

    def get_all_sessions(self) -> list[ManagedSession]:
        return list(self.known.values())

    active_sessions = get_all_sessions

    def offering_session(self, channel_id: int) -> ManagedSession | None:
        return self.most_recent_session(channel_id)

    def most_recent_session(self, channel_id: int, *_: object) -> ManagedSession | None:
        return self.known[OWN] if channel_id in (CHANNEL, OTHER_CHANNEL) else None

    def create_session(self, _action: object) -> ManagedSession:
        self._do("create_session")
        return self.known[OWN]

    def row(self, _session_id: str) -> SimpleNamespace:
        return SimpleNamespace(
            ended_at=None, end_reason="", view=SimpleNamespace(lost_turn=None, limit_key="", limit_wanted=False)
        )

    def offers_of(self, _session: object) -> e.ChildOffered:
        return e.ChildOffered(commands=(e.Offer("compact"),))

    def setting(self, *_: object) -> str:
        return DEFAULT

    default = setting

    @property
    def store(self) -> SimpleNamespace:
        """Of its posts only the one below a message that is one of our commands."""
        return SimpleNamespace(post=lambda *_: SimpleNamespace(desired=plain_commands.offered("queue", 5, PERSON)))

    def title(self, _session_id: str) -> str:
        return "t"

    shown_state = title

    def clock(self) -> float:
        return 2000.0

    def listing(self, _session_id: str, name: str) -> Listing | None:
        return LISTED if name == LISTED.name else None

    def equals_of(self, _name: RequestName) -> list[PermissionRequest]:
        return []

    next_beside = equals_of

    def request_of(self, name: RequestName) -> PermissionRequest:
        return request_of(name.session_id, "")

    async def request(self, name: RequestName) -> PermissionRequest | None:
        self._do("show")
        found = request_of(name.session_id, "")
        return found if isinstance(found, PermissionRequest) else None

    async def changes(self, _turn: RequestName, *, whole_session: bool) -> ChangedFiles | None:
        self._do("show the session's changes" if whole_session else "show the turn's changes")
        return ChangedFiles()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._do("transaction")
        yield

    def __getattr__(self, name: str) -> Any:
        """Anything else is something to do."""
        return lambda *_args, **_kwargs: self._do(name)


class Rest:
    def __init__(self, behind: Backstage) -> None:
        self._behind = behind

    async def create(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(message_id=12345)

    async def delete(self, *_: object) -> None:
        self._behind._do("delete")

    async def message(self, *_: object) -> Message:
        """It was deleted meanwhile: what becomes of one that is there is tried elsewhere."""
        self._behind._do("message")
        raise MessageGone("Unknown Message")


class ScriptedTrusts:
    def __init__(self, behind: Backstage) -> None:
        self._behind = behind

    async def offer(self, _session: object) -> Looked:
        return Looked(Acting("/", {}), asks=False)

    async def look(self, *_: object) -> Looked:
        return Looked(Acting("/", {}), asks=False)

    def trusted(self, _channel_id: int) -> list[object]:
        return []

    async def judge(self, *_: object) -> str:
        self._behind._do("judge")
        return "judged"


class ToldOf(Told):
    """What the sessions behind the scene are, in a row's variant; ``guests``: invited to the own one."""

    def __init__(self, behind: Backstage, variant: str, guests: frozenset[int]) -> None:
        super().__init__(behind.session_of_thread, lambda name: request_of(name.session_id, variant))
        self._behind, self._guests = behind, guests

    def invited(self, session_id: str) -> Collection[int]:
        return self._guests if session_id == IDS[OWN] else ()

    def listing(self, session_id: str, name: str) -> Listing | None:
        return self._behind.listing(session_id, name)


CHANNELS = {number: Channel(number, "/") for number in (CHANNEL, OTHER_CHANNEL)}


class World:
    """One person at one moment, in front of a router that knows the policy of that moment."""

    def __init__(self, who: Somebody, moment: Moment, variant: str) -> None:
        self.behind = Backstage(who)
        is_invited = who.invited and moment != "after their removal"
        told = ToldOf(self.behind, variant, frozenset({PERSON}) if is_invited else frozenset())
        self.router = BridgeRouter(policy_for(who, moment), CHANNELS, told)
        manager, trusts = cast(SessionManager, self.behind), cast(Trusts, ScriptedTrusts(self.behind))
        rest = cast(Commanding, Rest(self.behind))
        settings, projects = configured()
        slash = Slash(manager, self.router, rest, settings, SIGHT, trusts, projects)
        in_log = cast(InLog, self.behind)
        alone = AloneCards(manager, cast(Answering, rest))
        self.interactions = Interactions(manager, self.router, cast(Answering, rest), slash, trusts, in_log, alone)

    def answers(self, asked: Interaction) -> Answer:
        answer = self.interactions._answer(asked)
        if answer.later:
            finished = now(answer.later())
            return Answer(answer.kind, finished)
        return answer


@cache
def configured() -> tuple[Settings, ProjectChannels]:
    """What no person and no moment changes, made once for thirty thousand of them."""
    settings = Settings(configuration(Path("/"), channels=CHANNELS))
    return settings, ProjectChannels(settings, Reload(settings))


def place_of(channel_id: int) -> places.Place | None:
    guild_id = next((guild for number, guild in WHERE.values() if number == channel_id), 0)
    return places.Place(channel_id, 0, guild_id=guild_id) if guild_id else None


SIGHT = Sight(lambda *_: True, lambda *_: True, lambda _: "", place_of)


def now(work: Awaitable[dict[str, Any] | Post]) -> dict[str, Any]:
    """What comes of work that waits for nothing."""
    try:
        work.__await__().send(None)
    except StopIteration as done:
        return payload(done.value, editing=True) if isinstance(done.value, Post) else done.value
    raise AssertionError("it waits for something")


# --- what is sent ----------------------------------------------------------------------------------------

_COMMAND, _CLICK, _TYPING, _MODAL = 2, 3, 4, 5


def options_of(row: Row, channel_id: int = CHANNEL) -> list[dict[str, object]]:
    if row.name == "project":
        given_inside = [{"name": "channel", "value": str(CHANNEL if channel_id in IDS else channel_id)}]
        return [{"name": row.variant, "options": given_inside}]
    given: Mapping[str, object] = {
        "claude": {"command": "compact"},
        "invite": {"person": "77"},
        "uninvite": {"person": "77"},
        "new": {"prompt": "go"},
        "continue": {"prompt": "go"},
    }.get(row.name, {})
    if row.variant and row.variant != "shown":
        looser, stricter = "acceptEdits", "plan"
        value = {"model": "opus", "effort": "high"}.get(row.name, stricter if row.variant == "stricter" else looser)
        given = {row.name: value} | ({"for_channel": "True"} if row.variant == "for the channel" else {})
    return [{"name": name, "value": value} for name, value in given.items()]


def custom_id_of(row: Row, session_id: str) -> str:
    name = RequestName(session_id, GENERATION, 7)
    plain = session_id.replace("-", "")
    match row.name.split():
        case ["trust", verb]:
            return TrustButton(cast(Verb, verb), "a" * 64).custom_id()
        case ["when", when]:
            return WhenButton(session_id, 5, cast(e.When, when)).custom_id()
        case ["halt", fate]:
            return HaltButton(session_id, cast(Literal["keep", "drop"], fate)).custom_id()
        case ["plain" | "because" as verb]:
            return f"tb:{verb}:{plain}:5"
        case ["list", verb]:
            return TogetherButton(cast(custom_ids.TogetherVerb, verb), session_id, LISTED.name).custom_id()
        case ["rule"]:
            return f"tb:rule:{'a' * 16}"
        case ["tell"] | ["wide", _]:
            numbers = f"5:{PERSON}" if row.name == "tell" else f"{row.name.split()[1]}:{CHANNEL}"
            return f"tb:{row.name.split()[0]}:{numbers}"
        case ["reset", verb]:
            return ResetButton("on" if verb == "on" else "off", session_id).custom_id()
        case ["fresh" | "moved" | "strict" as word]:
            return f"tb:{word}:{plain}"
        case ["stop"]:
            return STOP_PICKER
        case ["status", word]:
            return StatusButton().custom_id(cast(Literal["next", "back"], word))
        case _:
            return name.custom_id(row.name)


def interaction(row: Row, who: Somebody, place: Place, moment: Moment) -> Interaction:
    channel_id, guild_id = WHERE[place]
    session_id = IDS.get(channel_id, IDS[OWN])
    data: dict[str, Any] = {"name": row.name, "options": options_of(row, channel_id)}
    kind = {"command": _COMMAND, "typing": _TYPING, "modal": _MODAL}.get(row.kind, _CLICK)
    if kind in (_CLICK, _MODAL):
        data = {"custom_id": custom_id_of(row, session_id), "values": [IDS[OWN] if row.name == "stop" else "0"]}
    if kind == _MODAL:
        field = "answer0" if row.name.startswith("other") else REASON_FIELD
        data["components"] = [{"component": {"custom_id": field, "value": "because"}}]
    above = PlaceShown(channel_id, parent_id=CHANNEL) if channel_id in IDS else None
    user = {"id": str(PERSON), "username": "somebody"}
    member = {"roles": roles_of(who, moment, guild_id), "user": user} if guild_id else None
    return Interaction(9000, 1, kind, "t", data, guild_id, channel_id, above, member)


def message(row: Row, who: Somebody, place: Place, moment: Moment) -> MessageSeen:
    channel_id, guild_id = WHERE[place]
    roles = frozenset(int(role) for role in roles_of(who, moment, guild_id))
    author = Person(PERSON, "somebody", guild_id, roles)
    seen = MessageSeen(9000, channel_id, 0, guild_id, author, "go", is_from_person=True, mentions_bot=False)
    match row.name:
        case "file":
            return msgspec.structs.replace(seen, text="", attachments=(e.Attachment(1, "a.png", 5),))
        case "reply":
            return msgspec.structs.replace(seen, quote="[In reply to what eve wrote:]\n> allow it")
        case "forward":
            return msgspec.structs.replace(seen, text="", quote="[Forwarded message:]\n> allow it", is_forward=True)
        case "mention":
            return msgspec.structs.replace(seen, mentions_bot=True)
        case "voice":
            return msgspec.structs.replace(seen, text="", is_voice=True)
        case "of a bot":
            return msgspec.structs.replace(seen, is_from_person=False)
        case "of Discord's own":
            return msgspec.structs.replace(seen, is_from_person=False, is_post=False)
        case _:
            return seen


# --- what comes of it ------------------------------------------------------------------------------------

_ELSEWHERE = re.compile(
    "belongs to another|no session of Claude's here|not configured|has no session of|work in a session's"
)
_RIGHT = re.compile(r"\*\*(talk|decide|manage)\*\*")


def outcome(row: Row, who: Somebody, place: Place, moment: Moment) -> str:
    """``done``, ``elsewhere``, ``only in a server``, ``ignored``, or the rights of which one is missing."""
    world = World(who, moment, row.variant)
    if row.kind == "message":
        return _of_message(world, row, who, place, moment)
    answer = world.answers(interaction(row, who, place, moment))
    if answer.kind == 8:
        return "ignored" if answer.data == {"choices": []} else "done"
    said = str((answer.data or {}).get("content", ""))
    if "works only in a server" in said:
        return "only in a server"
    if "do not have the right" in said:
        assert f"<@{OPERATOR}>" in said or f"<@&{ROLE}>" in said, "it says who has it"
        assert world.behind.did == [], "nothing was done"
        return " or ".join(_RIGHT.findall(said.partition("here, so")[0]))
    if _ELSEWHERE.search(said):
        assert world.behind.did == [], "nothing was done"
        return "elsewhere"
    assert "went wrong" not in said and "not known" not in said, said
    return "done"


def _of_message(world: World, row: Row, who: Somebody, place: Place, moment: Moment) -> str:
    seen = message(row, who, place, moment)
    if row.name == "edit":
        thread = world.behind.session_of_thread(seen.channel_id)
        lacks = world.router.lacks_in(thread, ("talk",), seen.author) if thread else ""
        return (lacks and "talk") or ("done" if thread else "ignored")
    match world.router.handle_message(seen):
        case a.CreateSession() | a.PromptSession():
            return "done"
        case a.Refuse(text=text) if row.name == "voice":
            assert text == VOICE, "a right to talk is asked first"
            return "done"
        case a.Whisper(text=""):
            return "ignored"
        case a.Whisper(text=text) if place == "direct message":
            assert "direct message" in text
            return "only in a server"
        case a.Whisper(text=text) if "not configured" in text:
            return "elsewhere"
        case a.Whisper(text=text):
            assert "do not have the right" in text
            return " or ".join(_RIGHT.findall(text.partition("here, so")[0]))
        case a.Ignore():
            return "ignored"
        case action:
            raise AssertionError(action)


def expected(row: Row, who: Somebody, place: Place, moment: Moment) -> str:
    has = who.rights(place, moment)
    if row.kind == "message":
        is_known = bool(who.given) and not who.by_role and moment != "after their removal"
        if place == "direct message" and is_known and row.name not in ("edit", *NOBODYS):
            return "only in a server"
        if place not in row.needs:
            return "elsewhere" if row.name == "mention" and place == "other server" and has else "ignored"
        return "done" if has.intersection(("talk",)) else "talk"
    if place == "direct message":
        return "ignored" if row.kind == "typing" else "only in a server"
    if row.kind in ("button", "menu", "modal") and place not in row.needs:
        return "elsewhere" if row.name != "stop" or has else " or ".join(ANY)
    if row.gate and not has.intersection(row.gate):
        return "ignored" if row.kind == "typing" else " or ".join(row.gate)
    if place not in row.needs:
        return "ignored" if row.kind == "typing" else "elsewhere"
    is_own = place == "own thread" or (place == "channel" and row.name == "stop")
    need = row.needs[place]
    need = need(Asker(who.owns and is_own, who.asked and is_own)) if callable(need) else need
    return "done" if has.intersection(need) else " or ".join(need)


def named(row: Row) -> str:
    return " ".join(filter(None, (row.kind, row.name, row.variant)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("row", TABLE, ids=named)
def test_each_cell(row: Row, place: Place) -> None:
    cells = [(who, moment) for who in PEOPLE for moment in MOMENTS]
    found = {(who.name, moment): outcome(row, who, place, moment) for who, moment in cells}
    assert found == {(who.name, moment): expected(row, who, place, moment) for who, moment in cells}


# --- no cell is empty ------------------------------------------------------------------------------------


def test_every_command_is_in_the_table_and_its_right_is_said() -> None:
    registered = {str(command["name"]) for command in registration.COMMANDS}
    assert {row.name for row in TABLE if row.kind == "command"} == registered == set(COMMANDS)


def words_in_source() -> Iterator[str]:
    """The first word of each custom_id that any module spells."""
    for folder in ("bridge", "supervisor"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from re.findall(r"[\"'(]tb:([a-z]+)", path.read_text())


def verbs_of_cards() -> set[str]:
    spelled = re.sub(r"\(\?:([a-z|]+)\)\[0-9\]\{1,3\}", r"\1", custom_ids.CARD_VERBS)
    return set(spelled.split("|"))


def word_of(custom_id: str) -> str:
    """Which kind of button it is, without a place; empty for one that is none of ours."""
    if card := custom_ids.card_button(custom_id):
        return custom_ids.place_of(card[0])[0]
    word = custom_id.split(":")[1] if custom_id.startswith("tb:") else ""
    parsers = (
        *(custom_ids.trust_button, custom_ids.rule_button, custom_ids.steering_button, custom_ids.reset_button),
        *(custom_ids.together_button, custom_ids.channel_mode_button),
        *(TypedButton.parse, TellButton.parse, StatusButton.parse),
    )
    is_ours = any(parse(custom_id) for parse in parsers)
    return word if is_ours or word in ("fresh", "moved", "strict", "stop") else ""


def test_every_button_menu_and_modal_is_in_the_table_and_its_right_is_said() -> None:
    words = set(words_in_source()) | verbs_of_cards()
    clicks = [row for row in TABLE if row.kind in ("button", "menu", "modal")]
    in_table = {re.sub("[0-9]+$", "", row.name.split()[0]) for row in clicks}
    assert in_table == words == set(BUTTONS)
    assert {word_of(custom_id_of(row, IDS[OWN])) for row in clicks} == words


def test_every_command_that_is_completed_while_typing_is_in_the_table() -> None:
    completed = {
        str(command["name"])
        for command in registration.COMMANDS
        if any(one.get("autocomplete") for one in command.get("options", []))
    }
    assert {row.name for row in TABLE if row.kind == "typing"} == completed


@pytest.mark.parametrize(
    ("word", "kinds"), [("trust", Verb), ("when", e.When), ("halt", custom_ids.Fate), ("list", custom_ids.TogetherVerb)]
)
def test_each_kind_of_a_button_is_in_the_table(word: str, kinds: object) -> None:
    named = {row.name.split()[1] for row in TABLE if row.kind == "button" and row.name.split()[0] == word}
    assert named == set(get_args(kinds))


def test_every_way_in_which_a_message_can_be_another_kind_of_message_is_in_the_table() -> None:
    """A field that is added to what is known of a message is either of who and where, or makes a row of its own."""
    who_and_where = {"message_id", "channel_id", "parent_id", "guild_id", "author", "place", "parent"}
    kinds = {
        "text": "text",
        "mentions_bot": "mention",
        "attachments": "file",
        "quote": "reply",
        "is_reply": "reply",
        "is_forward": "forward",
        "is_voice": "voice",
        "is_from_person": "of a bot",
        "is_post": "of Discord's own",
    }
    assert who_and_where | kinds.keys() == set(MessageSeen.__struct_fields__)
    assert {row.name for row in TABLE if row.kind == "message"} == {*kinds.values(), "edit"}


def test_every_option_of_a_command_is_known_to_the_table() -> None:
    """An option may take another right: one that is added is either of no matter for rights, or makes a variant."""
    of_no_matter = {("new", "directory"), ("claude", "arguments"), ("compact", "arguments")}
    of_no_matter |= {("status", option) for option in ("channel", "state", "person")}
    options = {
        (str(command["name"]), str(one["name"]))
        for command in registration.COMMANDS
        for one in command.get("options", [])
    }
    given = {(row.name, str(one["name"])) for row in TABLE if row.kind == "command" for one in options_of(row)}
    assert options - of_no_matter == given


def test_the_search_for_words_would_find_a_new_one(tmp_path: Path) -> None:
    assert {"trust", "stop", "fresh", "moved", "when", "halt"} <= set(words_in_source())
    assert {"allow", "page", "continue"} <= verbs_of_cards()
