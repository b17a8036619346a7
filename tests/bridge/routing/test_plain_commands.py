"""A message that is one of our commands is not sent to Claude by itself, and nothing else is taken for one."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render import plain_commands as told
from bridge.routing import actions as a
from bridge.routing.channel import Channel
from bridge.routing.needs import COMMANDS
from bridge.routing.plain_commands import CLAUDES, WITH_OPTIONS, command_in
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import MessageSeen
from bridge.session.managed import ManagedSession, session_from
from bridge.session.permission import Person
from bridge.session.rights import Policy
from stages.known import Told

ADA, EVE = Person(42, "ada", 500), Person(66, "eve", 500)
SESSION = "aaaaaaaa-0000-4000-8000-000000000001"
THREAD, CHANNEL = 700, 600


@dataclass
class Offering(Told):
    commands: Collection[str] = ()

    def claude_commands(self, _channel_id: int, _session: ManagedSession | None) -> Collection[str]:
        return self.commands


def said(text: str, place: int = THREAD, author: Person = ADA, **fields: object) -> MessageSeen:
    seen = MessageSeen(900, place, 0, 500, author, text, is_from_person=True, mentions_bot=False)
    return msgspec.structs.replace(seen, **fields)


def handled(message: MessageSeen, *claudes: str, is_prompt: bool = False) -> a.Action:
    session = session_from(e.SessionCreated(SESSION, THREAD, 500, CHANNEL, "/srv", 42), 1000.0)
    known = Offering(lambda thread: session if thread == THREAD else None, commands=claudes)
    router = BridgeRouter(Policy(users=frozenset({42})), {CHANNEL: Channel(CHANNEL, "/srv")}, known)
    return router.handle_message(message, is_prompt=is_prompt)


@pytest.mark.parametrize("place", [THREAD, CHANNEL])
@pytest.mark.parametrize("name", sorted(set(COMMANDS) - CLAUDES))
def test_each_command_of_ours_is_said_and_not_sent_in_a_thread_and_in_a_channel(place: int, name: str) -> None:
    assert handled(said(f"/{name}", place)) == a.OfferCommand(name)
    assert handled(said(f" /{name.capitalize()} ", place)) == a.OfferCommand(name)


@pytest.mark.parametrize("text", ["/mode plan", "/new fix it", "/status state:idle", "/continue with the tests"])
def test_what_was_given_to_it_is_a_part_of_it(text: str) -> None:
    assert isinstance(handled(said(text)), a.OfferCommand)
    assert set(COMMANDS) > WITH_OPTIONS


@pytest.mark.parametrize(
    "text",
    ["/queue the build", "queue", "/queue\nand then go on", "/que", "/queues", "//queue", "say /queue", "/", "/ queue"],
)
@pytest.mark.parametrize("place", [THREAD, CHANNEL])
def test_a_text_that_is_more_or_something_else_goes_to_claude(place: int, text: str) -> None:
    assert isinstance(handled(said(text, place)), a.PromptSession | a.CreateSession)


def test_one_with_a_file_or_an_answer_to_something_is_no_command() -> None:
    assert command_in(said("/queue"))
    assert not command_in(said("/queue", attachments=(e.Attachment(1, "a.png", 5),)))
    assert not command_in(said("/queue", quote="[In reply to what eve wrote:]\n> x"))
    assert not command_in(said("/queue", is_forward=True))


@pytest.mark.parametrize("place", [THREAD, CHANNEL])
def test_a_name_that_claude_code_has_goes_to_claude(place: int) -> None:
    sent = a.PromptSession | a.CreateSession
    assert isinstance(handled(said("/status", place), "status", "compact"), sent)
    assert handled(said("/queue", place), "status", "compact") == a.OfferCommand("queue")
    assert isinstance(handled(said("/compact", place)), sent), "each has it, also where none said so yet"
    assert handled(said("/cost", place), "compact") == a.OfferCommand("cost"), "this one has none of that name"
    assert handled(said("/status", place)) == a.OfferCommand("status"), "a project's own, before a session told of it"


def test_its_author_can_have_it_sent_with_the_right_that_each_prompt_takes() -> None:
    assert isinstance(handled(said("/queue"), is_prompt=True), a.PromptSession)
    begun = handled(said("/queue", CHANNEL), is_prompt=True)
    assert isinstance(begun, a.CreateSession) and begun.text == "/queue"
    assert isinstance(handled(said("/queue", author=EVE)), a.Whisper), "who may not talk hears that first"
    assert isinstance(handled(said("/queue", author=EVE), is_prompt=True), a.Whisper)


def test_the_button_is_there_until_it_was_used() -> None:
    offered = told.offered("queue", 900, 42)
    assert "`/queue` is a command of this bridge" in offered.content and offered.reply_to == 900
    assert [button.custom_id for button in offered.buttons] == ["tb:tell:900:42"]
    assert told.failed("x" * 900, 900, 42).buttons == offered.buttons
    assert told.sent(900).buttons == told.not_sent("gone", 900).buttons == ()
