"""BridgeRouter: an inbound fact of Discord's and what is known → a value that says what to do.

Pure: the gateway makes the facts, ``supervisor.main`` carries the values to SessionManager. There is no global
active thread and no processing flag: a fact names its thread, and a thread names its session. A permission
request is never looked for; a click names it, and must come from its own session's thread.
"""

from collections.abc import Callable, Mapping

import msgspec

from bridge.permission import PermissionRequest, Person, Policy, RequestName, Settled
from bridge.session import ManagedSession

THREAD_NAME_CHARS = 95


class Channel(msgspec.Struct, frozen=True):
    """A configured channel."""

    channel_id: int
    directory: str
    mention_only: bool = False
    containment: str = "auto"


class MessageSeen(msgspec.Struct, frozen=True):
    """A message of somebody's. ``parent_id`` is the channel of a thread, 0 for a channel itself."""

    message_id: int
    channel_id: int
    parent_id: int
    guild_id: int
    author: Person
    text: str
    is_from_person: bool
    """Not a bot, not a webhook, not one of Discord's own system messages."""
    mentions_bot: bool


class Clicked(msgspec.Struct, frozen=True):
    """A button or a modal of ours. ``reason`` is what the modal's field held."""

    custom_id: str
    channel_id: int
    guild_id: int
    person: Person
    reason: str | None = None


# --- what to do --------------------------------------------------------------------------------------


class CreateSession(msgspec.Struct, frozen=True):
    thread_id: int
    guild_id: int
    channel: Channel
    owner: Person
    text: str
    thread_name: str


class PromptSession(msgspec.Struct, frozen=True):
    session_id: str
    prompt_id: int
    text: str
    author: Person


class DecideRequest(msgspec.Struct, frozen=True):
    request: PermissionRequest
    allowed: bool
    always: bool
    reason: str
    person: Person


class AskReason(msgspec.Struct, frozen=True):
    """Open the modal for a denial's reason; it is submitted under the same custom_id."""

    custom_id: str
    tool: str


class SettleLostTurn(msgspec.Struct, frozen=True):
    """A turn was lost with its process (``name`` is its TurnEnded's): tell Claude to go on, or leave it."""

    name: RequestName
    goes_on: bool
    person: Person


class StartFresh(msgspec.Struct, frozen=True):
    session_id: str
    person: Person


class InterruptSession(msgspec.Struct, frozen=True):
    session_id: str


class EndSession(msgspec.Struct, frozen=True):
    session_id: str


class Refuse(msgspec.Struct, frozen=True):
    """Told to the person; ephemeral where Discord allows it."""

    text: str


class Ignore(msgspec.Struct, frozen=True):
    why: str


Action = (
    CreateSession
    | PromptSession
    | DecideRequest
    | AskReason
    | SettleLostTurn
    | StartFresh
    | InterruptSession
    | EndSession
    | Refuse
    | Ignore
)

NOT_ALLOWED = "You are not on the list of people who may use this bridge. Its operator can add you under [access]."
EMPTY = "There is no text in this message. Claude can only read text here so far."


class BridgeRouter:
    """``session_of`` finds a thread's session; ``request_of`` a pending request or how it ended."""

    def __init__(
        self,
        policy: Policy,
        channels: Mapping[int, Channel],
        session_of: Callable[[int], ManagedSession | None],
        request_of: Callable[[RequestName], PermissionRequest | Settled | None],
    ) -> None:
        self._policy = policy
        self._channels = channels
        self._session_of = session_of
        self._request_of = request_of

    def handle_message(self, message: MessageSeen) -> Action:
        if not message.is_from_person:
            return Ignore("not written by a person")
        if session := self._session_of(message.channel_id):
            return self.handle_session_message(message, session)
        return self.handle_new_message(message)

    def handle_new_message(self, message: MessageSeen) -> Action:
        """A message in a channel: it may start a session, whose thread will have the message's id."""
        channel = self._channels.get(message.channel_id)
        if channel is None or message.parent_id:
            return Ignore("not a channel or thread of ours")
        if channel.mention_only and not message.mentions_bot:
            return Ignore("the bot was not mentioned")
        if not self._policy.allows(message.author, message.guild_id):
            return Ignore("not allowed") if not message.mentions_bot else Refuse(NOT_ALLOWED)
        if not message.text.strip():
            return Refuse(EMPTY)
        return CreateSession(
            thread_id=message.message_id,
            guild_id=message.guild_id,
            channel=channel,
            owner=message.author,
            text=message.text,
            thread_name=thread_name(message.text),
        )

    def handle_session_message(self, message: MessageSeen, session: ManagedSession) -> Action:
        if not self._policy.allows(message.author, session.guild_id):
            return Refuse(NOT_ALLOWED) if message.mentions_bot else Ignore("not allowed")
        if not message.text.strip():
            return Refuse(EMPTY)
        return PromptSession(session.session_id, message.message_id, message.text, message.author)

    def handle_click(self, click: Clicked) -> Action:
        """The click's own custom_id names the request, and its channel must be the session's thread."""
        if fresh := session_to_start_fresh(click.custom_id):
            return self._start_fresh(fresh, click)
        if not (parsed := RequestName.parse(click.custom_id)):
            return Ignore("not a button of ours")
        verb, name = parsed
        session = self._session_of(click.channel_id)
        if session is None or session.session_id != name.session_id:
            return Refuse("This button belongs to another thread, so it decides nothing here.")
        if not self._policy.allows(click.person, session.guild_id):
            return Refuse("Only people on the bridge's list may decide this. The request stays open.")
        if verb in ("continue", "discard"):
            return SettleLostTurn(name, verb == "continue", click.person)
        match self._request_of(name):
            case None:
                return Refuse("This request is not known (any more), so it cannot be decided.")
            case Settled() as settled:
                return Refuse(settled.in_words())
            case request:
                return self._decide(verb, request, click)

    def _decide(self, verb: str, request: PermissionRequest, click: Clicked) -> Action:
        if verb == "reason" and click.reason is None:
            return AskReason(click.custom_id, request.event.tool)
        reason = (click.reason or "").strip()
        if verb == "deny" and request.is_plan:
            reason = "The person wants you to keep planning. Ask what to change, or refine the plan."
        return DecideRequest(
            request=request,
            allowed=verb in ("allow", "always"),
            always=verb == "always",
            reason=reason,
            person=click.person,
        )

    def _start_fresh(self, session_id: str, click: Clicked) -> Action:
        session = self._session_of(click.channel_id)
        if session is None or session.session_id != session_id:
            return Refuse("This button belongs to another thread, so it does nothing here.")
        if not self._policy.allows(click.person, session.guild_id):
            return Refuse(NOT_ALLOWED)
        return StartFresh(session_id, click.person)

    def abort(self, thread_id: int, person: Person) -> Action:
        """``/stop`` in a thread: end the turn, or the session when it is idle."""
        if (session := self._session_of(thread_id)) is None:
            return Refuse("This thread has no session of Claude's.")
        if not self._policy.allows(person, session.guild_id):
            return Refuse(NOT_ALLOWED)
        if session.is_processing or session.prompts:
            return InterruptSession(session.session_id)
        return EndSession(session.session_id)

    def may_talk(self, person: Person, guild_id: int) -> bool:
        return self._policy.allows(person, guild_id)

    def channel(self, channel_id: int) -> Channel | None:
        return self._channels.get(channel_id)


def session_to_start_fresh(custom_id: str) -> str | None:
    """The session id of a "Start fresh" button's custom_id."""
    if not custom_id.startswith("tb:fresh:"):
        return None
    parsed = RequestName.parse(f"tb:allow:{custom_id.removeprefix('tb:fresh:')}:00000000:0")
    return parsed[1].session_id if parsed else None


def thread_name(text: str) -> str:
    """The first 95 characters on one line; a thread's name has 1 to 100 (DISCORD.md section 4)."""
    return " ".join(text.split())[:THREAD_NAME_CHARS].strip() or "Claude"
