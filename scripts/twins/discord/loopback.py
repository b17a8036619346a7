"""A Discord on loopback: REST and gateway for one bot in one guild, and what tests need to look at it.

Point nextcord at it with `nextcord.http.Route.BASE = discord.api_base`; the gateway's URL comes from there.
It refuses what the documentation says Discord refuses, so that a bridge's mistakes show. Where Discord is not
documented, `discord_limits` and `discord_world` name the source or say that it is a guess.

    async with LoopbackDiscord("token") as discord:
        channel = discord.add_channel("general")
        ada = discord.add_person("Ada")
        message = await ada.says(channel.id, "hello", mention_bot=True)
        thread = await discord.until(lambda: discord.thread_of(message), 5, "a thread for the message")
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Self

from aiohttp import web

from twins.discord.clock import Clock
from twins.discord.commands import Commands
from twins.discord.events import Dispatch
from twins.discord.faults import Faults
from twins.discord.gateway import Gateway
from twins.discord.interactions import Interaction, Interactions, Kind
from twins.discord.limits import Kind as LimitsKind
from twins.discord.limits import Limits
from twins.discord.model import Channel, ChannelType, Json, Message, MessageType, Permission, Revision, Role, User
from twins.discord.person import Person
from twins.discord.rest import Request, Rest
from twins.discord.routes.channels import ChannelRoutes
from twins.discord.routes.guild import GuildRoutes
from twins.discord.routes.interactions import InteractionRoutes
from twins.discord.routes.messages import MessageRoutes
from twins.discord.session import Intent
from twins.discord.wire import role_json
from twins.discord.world import Manner, World

RECHECK_S = 0.25
"""How often `until` looks again without a change here: its predicate may depend on other things."""


class NotReachedError(AssertionError):
    """What a test waited for did not come; the text shows what was waited for and all threads."""


class LoopbackDiscord:
    """The server and the driver. Ids are integers; all times are seconds.

    The parts are reachable for what has no method here: `world` (state), `gateway` (frames pass
    `Gateway.transmit`), `rest` (requests pass `Rest.answer`), `faults` (trouble for both), `interactions`, `clock`.
    """

    def __init__(
        self,
        token: str = "loopback-token",
        *,
        limits: bool = True,
        limits_kind: LimitsKind = "leaking",
        clock: Clock | None = None,
        heartbeat_interval_s: float = 41.25,
        world: World | None = None,
    ) -> None:
        """`world`: one that was there before, with its clock. `limits_kind`: how its buckets get empty again."""
        self.token = token
        self.clock = clock or (world.clock if world else Clock())
        self.world = world or World(self.clock, "Loopback", "Threadbridge")
        self.limits = Limits(self.clock, enabled=limits, kind=limits_kind)
        self.interactions = Interactions(self.world)
        self.faults = Faults()
        self.gateway = Gateway(self.world, token, heartbeat_interval_s, self.faults)
        self.rest = Rest(self.clock, self.limits, token, self._notice, self.faults)
        self.guild_commands = Commands(self.world.ids, self.world.application_id, self.world.id)
        self.global_commands = Commands(self.world.ids, self.world.application_id, None)
        self.world.emit = self.gateway.dispatch
        self.world.changed = self._notice
        self._guild_routes = GuildRoutes(self.world, self.guild_commands, self.global_commands)
        self._channel_routes = ChannelRoutes(self.world, self.limits)
        self._message_routes = MessageRoutes(self.world, self.limits)
        self._runner: web.AppRunner | None = None
        self._change = asyncio.Event()

    # --- the server

    async def start(self, port: int = 0) -> Self:
        """Listen on 127.0.0.1; port 0 takes a free one."""
        application = self.rest.application(
            [
                *self._guild_routes.routes(),
                *self._channel_routes.routes(),
                *self._message_routes.routes(),
                *InteractionRoutes(self.world, self.interactions).routes(),
            ]
        )
        application.router.add_get("/gateway", self.gateway.serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._know_address(site.port)
        return self

    async def stop(self) -> None:
        """Close everything. Raises the mistakes that this server made itself, if any."""
        self.gateway.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._raise_crashes()

    def _raise_crashes(self) -> None:
        if self.rest.crashes:
            raise ExceptionGroup("the loopback Discord itself failed", self.rest.crashes)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def api_base(self) -> str:
        """For `nextcord.http.Route.BASE`."""
        return f"{self.world.origin}/api/v10"

    def _know_address(self, port: int) -> None:
        self.world.origin = f"http://127.0.0.1:{port}"
        self.gateway.url = self._guild_routes.gateway_url = f"ws://127.0.0.1:{port}/gateway"

    # --- the guild

    @property
    def guild_id(self) -> int:
        return self.world.id

    @property
    def bot(self) -> User:
        return self.world.bot

    def add_channel(self, name: str, kind: ChannelType = ChannelType.TEXT, category: Channel | None = None) -> Channel:
        """A text channel, or one of another kind. A bot that is connected hears of it."""
        channel = self.world.add_channel(name, kind, category.id if category else None)
        self.world.emit(Dispatch("CHANNEL_CREATE", self.world.channel_json(channel)))
        return channel

    def direct(self, person: Person) -> Channel:
        """Where a person and the bot talk alone; no server shows it."""
        return self.world.add_channel(f"with {person.name}", ChannelType.DIRECT)

    def add_role(self, name: str, permissions: int = 0, *, mentionable: bool = False) -> Role:
        role = self.world.add_role(name, permissions, mentionable=mentionable)
        data: Json = {"guild_id": str(self.guild_id), "role": role_json(role)}
        self.world.emit(Dispatch("GUILD_ROLE_CREATE", data))
        return role

    def add_person(self, name: str, roles: Sequence[Role] = (), *, owner: bool = False, bot: bool = False) -> Person:
        """A member of the guild; with `bot`, another bot."""
        user = self.world.add_user(name, [role.id for role in roles], bot=bot, owner=owner)
        self.world.join_guild(user)
        return Person(self, user)

    def deny(self, channel_id: int, permissions: Permission) -> None:
        """Take permissions from the bot in a channel and its threads (Permission.NONE gives all back)."""
        channel = self.world.channel(channel_id)
        channel.denied = permissions
        self.world.emit(Dispatch("CHANNEL_UPDATE", self.world.channel_json(channel)))

    def hide(self, channel_id: int, person: Person) -> None:
        """Let a person not read in a channel."""
        channel = self.world.channel(channel_id)
        channel.hidden_from |= {person.id}
        self.world.emit(Dispatch("CHANNEL_UPDATE", self.world.channel_json(channel)))

    def allow_intents(self, *, message_content: bool = True, members: bool = True) -> None:
        """What the developer portal has switched on; an IDENTIFY with more is closed with 4014."""
        allowed = Intent((1 << 32) - 1)
        allowed &= ~(Intent(0) if message_content else Intent.MESSAGE_CONTENT)
        allowed &= ~(Intent(0) if members else Intent.GUILD_MEMBERS)
        self.gateway.allowed_intents = allowed
        self._message_routes.content_allowed = self._guild_routes.reads_messages = message_content

    def invite_bot(self, *, is_joined: bool = True) -> None:
        """Whether REST counts the guild among the bot's; nothing else minds it."""
        self._guild_routes.is_joined = is_joined

    def archive(self, thread_id: int, *, locked: bool = False) -> None:
        """As a moderator or the passing of time does it."""
        changes: Json = {"archived": True, "locked": locked}
        self.world.update_thread(self.world.channel(thread_id), self.bot, changes)

    def delete_channel(self, channel_id: int) -> None:
        self.world.delete_channel(self.world.channel(channel_id))

    def change_channel(self, channel: Channel, **changes: object) -> None:
        """As somebody who manages channels does it: `name`, `type`, `parent_id`."""
        self.world.update_channel(channel, changes)

    def webhook_says(self, channel_id: int, name: str, text: str) -> Message:
        """A message that a webhook called `name` posts."""
        payload: Json = {"content": text, "allowed_mentions": {"parse": ["users"]}}
        return self.world.post(self.world.channel(channel_id), self.world.add_webhook(name), payload)

    def system_message(self, channel_id: int, kind: MessageType, author: User, text: str = "") -> Message:
        """A message that Discord itself writes about `author`: somebody joined, pinned, ..."""
        channel = self.world.channel(channel_id)
        return self.world.post(channel, author, {"content": text}, manner=Manner(kind))

    # --- looking

    @property
    def requests(self) -> list[Request]:
        """Every REST request, in the order of the answers."""
        return self.rest.requests

    @property
    def invalid_requests(self) -> list[Request]:
        """Those that count towards Discord's ban: 401, 403 and 429."""
        return [request for request in self.requests if request.invalid]

    @property
    def typings(self) -> list[tuple[int, float]]:
        """Each time that the bot showed typing: channel id and time."""
        return self._channel_routes.typings

    @property
    def presences(self) -> list[Json]:
        """Each presence that the bot set, newest last."""
        return self.gateway.presences

    @property
    def connected(self) -> bool:
        """Whether a bot has identified or resumed and its socket is open."""
        return bool(self.gateway.live)

    @property
    def greeted(self) -> bool:
        """Whether a bot set its presence over the connection that it has now."""
        return any(connection.has_presence for connection in self.gateway.live)

    def messages(self, channel_id: int) -> list[Message]:
        """What a channel or thread shows to everybody, oldest first."""
        return self.world.listed(self.world.channel(channel_id))

    def ephemerals(self, channel_id: int) -> list[Message]:
        """What it shows to one person each, oldest first."""
        found = self.world.ephemerals.values()
        return [message for message in found if message.channel_id == channel_id and not message.deleted]

    def threads(self, channel_id: int | None = None, *, archived: bool = False) -> list[Channel]:
        return self.world.threads(channel_id, archived=archived)

    def thread_of(self, message: Message) -> Channel | None:
        """The thread that was started from this message."""
        found = self.world.channels.get(message.id)
        return found if found is not None and found.thread else None

    def history(self, message: Message) -> list[Revision]:
        """Everything that a message ever showed, with times; the last is what it shows now."""
        return list(message.revisions)

    async def until[T](self, predicate: Callable[[], T], deadline_s: float, what: str) -> T:
        """Wait until `predicate` gives something true and return that.

        It is asked again after every change here. Raises NotReachedError after `deadline_s` real seconds.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + deadline_s
        while not (found := predicate()):
            self._raise_crashes()
            left_s = give_up_at - loop.time()
            if left_s <= 0:
                raise NotReachedError(f"not within {deadline_s} s: {what}\n{self.picture()}")
            await self._next_change(min(left_s, RECHECK_S))
        return found

    def picture(self) -> str:
        """All channels and threads with their last messages, for error texts."""
        lines = [f"bot connected: {self.connected}, requests: {len(self.requests)}"]
        for channel in self.world.channels.values():
            lines.append(f"{'thread' if channel.thread else 'channel'} {channel.name!r} ({channel.id})")
            lines += [f"    {_line(message)}" for message in self.messages(channel.id)[-12:]]
        lines += [f"ephemeral: {_line(message)}" for message in list(self.world.ephemerals.values())[-5:]]
        refused = [request for request in self.requests if request.status >= 400][-5:]
        lines += [f"refused: {seen.method} {seen.route} {seen.status}" for seen in refused]
        return "\n".join(lines)

    # --- trouble

    @property
    def latency_s(self) -> float:
        """How long each REST request is held back (seconds)."""
        return self.rest.latency_s

    @latency_s.setter
    def latency_s(self, seconds: float) -> None:
        self.rest.latency_s = seconds

    async def change_token(self, token: str) -> None:
        """Somebody resets the bot's token in the developer portal. `token` stays the one that the bot was given."""
        self.rest.change_token(token)
        await self.gateway.change_token(token)

    def drop_gateway(self) -> None:
        """Break every gateway socket as a lost network does. A RESUME then gets what was missed."""
        self.gateway.drop()

    def forge_click(self, channel_id: int, custom_id: str, user: User, message_id: int | None = None) -> Interaction:
        """An interaction that no client would send: nothing is checked, nothing is awaited."""
        message = None if message_id is None else self.world.everything.get(message_id)
        data: Json = {"custom_id": custom_id, "component_type": 2}
        return self.interactions.create(Kind.COMPONENT, user, channel_id, data, message)

    # --- change

    def _notice(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    async def _next_change(self, most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._change.wait()


def _line(message: Message) -> str:
    buttons = " ".join(
        f"[{component.get('label') or component.get('custom_id')}]"
        for row in message.components
        for component in row.get("components") or []
        if component.get("type") == 2
    )
    text = message.text if len(message.text) <= 200 else message.text[:197] + "..."
    return f"{message.author.name}: {text!r} {buttons} {' '.join(message.filenames)}".rstrip()
