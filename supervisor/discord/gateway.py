"""Our end of Discord's gateway: one connection, kept up, whatever happens to it.

nextcord does the socket (heartbeats, compression, RESUME) and nothing else. Its parsers for what concerns us
are replaced by ours, which get Discord's own JSON in the order of arrival, within the call that received it:
nextcord would start a task for each event, drop what it has not in its cache, and wait up to 1,024 s between
two attempts to connect (docs/discord-api.md, "nextcord" and "Gateway").

    LOGIN ──▶ CONNECTING ──READY──▶ GUILDS ──ready──▶ READ BACK ──▶ back_at is set
      ▲            ▲                                                    │
      │            └──────── RESUME, within DEADLINE_S ◀──socket lost───┤
      └── a fresh client, after 1 to 30 s ◀── anything else ────────────┘

Each step has a deadline: whoever hears from Discord moves it. A bad token and a missing intent are final only when they
are seen a few times before the first READY; later they are looked at again, ever more seldom (``token_watch``).
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol

import msgspec
import nextcord
from nextcord.http import Route

from bridge.protocol.errors import RemoteError, UserError, first_of
from bridge.render import replies
from bridge.render.posts import Post
from bridge.routing.places import unfit_in_words
from bridge.routing.router import BridgeRouter
from supervisor.commands.interactions import InteractionRest, Interactions
from supervisor.commands.registration import CommandRest, forget_registration, register
from supervisor.commands.slash import Sight, Slash, SlashRest
from supervisor.config import Config
from supervisor.discord.alone import Name, Nonces, NotAloneError
from supervisor.discord.client import OF_GUILDS, Client, closed, in_words
from supervisor.discord.guilds import Guilds
from supervisor.discord.identify_budget import IdentifyBudget, TooManyIdentifiesError
from supervisor.discord.survey import LookUps, Survey, Surveyor
from supervisor.discord.token_watch import REFUSED, TRIES, pause_s
from supervisor.discord.twins import OwnJson, Twins
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.trust import Trusts
from supervisor.threads.inbound import DeletedJson, GuildJson, Inbound, InboundRest, UserJson, Where, read
from supervisor.threads.own_posts import OwnPosts

DEADLINE_S = 45.0
"""For each step of a connection: login, connect, RESUME."""
LEAVE_S = 3.0
"""From the word that we stop answering to our silence."""
RETRY_MIN_S, RETRY_MAX_S = 1.0, 30.0
IDENTIFY_GAP_S = 5.0
MOST_LOSSES, LOSSES_WINDOW_S = 5, 60.0
"""A socket lost more often than this is not resumed at once, but after the pause of a fresh connection."""
PRESENCE_INTERVAL_S, PRESENCE_LOOK_S = 15.0, 1.0

log = logging.getLogger(__name__)
logging.getLogger("nextcord.http").setLevel(logging.ERROR)
"""Its warnings show the beginning of the token."""


class GatewayRest(InboundRest, InteractionRest, SlashRest, CommandRest, LookUps, Protocol):
    """What all of the gateway needs of REST: ``supervisor.discord.rest.Rest`` has it."""

    @property
    def token_trouble(self) -> str: ...

    nonces: Nonces

    def hold(self, words: str) -> None: ...


class _IdJson(msgspec.Struct, frozen=True):
    id: int


class _ReadyJson(msgspec.Struct, frozen=True):
    application: _IdJson
    user: UserJson


class FlappingError(RemoteError):
    """Discord accepts the socket and drops it, again and again."""


class Gateway:
    """``back_at``: Unix seconds since when Discord is connected and read back; None while it is away.

    ``state`` says in words how it stands.
    """

    def __init__(
        self, config: Config, manager: SessionManager, router: BridgeRouter, rest: GatewayRest, token: str
    ) -> None:
        self.back_at: float | None = None
        self.was_back = asyncio.Event()
        """Set once, when ``back_at`` is for the first time."""
        self.bot_name = ""
        self.state = "not connected to Discord yet"
        self.presence_interval_s = PRESENCE_INTERVAL_S
        self.identify_gap_s = IDENTIFY_GAP_S
        self._config = config
        self._manager = manager
        self._rest = rest
        self._token = token
        self._channels = config.channels
        self.guilds = Guilds()
        self._inbound = Inbound(manager, router, rest, config.policy, config.channels, self._tell, self._where)
        self._inbound.on_caught_up = self._caught_up
        self._own_posts = OwnPosts(manager, rest)
        self._twins = Twins(rest.nonces, self._inbound.is_ours, self._tell, self._stand_aside)
        self._name, self._aside, self._api_base = Name(), "", config.api_base
        trusts = Trusts(config, manager)
        sight = Sight(self._sees, self.unfit)
        slash = Slash(manager, router, rest, config.channels, sight, trusts, may_bypass=config.bypass_permissions)
        self._interactions = Interactions(manager, router, rest, slash, trusts)
        self._client: Client | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._deadline: asyncio.Timeout | None = None
        self._connected = self._ready = self._was_ready = False
        self._refusals = 0
        self._losses: deque[float] = deque(maxlen=MOST_LOSSES)
        self._identified_at = 0.0
        self._application_id = 0
        self._retry_s = RETRY_MIN_S
        Route.BASE = config.api_base

    @property
    def status(self) -> str:
        """``state``, or what keeps us from doing anything in it."""
        return self._rest.token_trouble or self.state

    async def run(self) -> None:
        """Until cancelled. Raises UserError when the token or an intent is refused, and nothing else."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._inbound.run())
                tasks.create_task(self._own_posts.run())
                tasks.create_task(self._keep_presence())
                tasks.create_task(self._stay_connected())
        except* UserError as errors:
            raise first_of(errors) from None
        finally:
            self._tasks = None
            self._name.release()

    # --- the connection ------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        while True:
            if self._aside:
                self._away(self._aside)
                await asyncio.Event().wait()
            wait_s = self._retry_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts, keeps no secret
            self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)
            try:
                await self._connect()
                reason = "the connection ended"
            except nextcord.LoginFailure:
                wait_s, reason = self._not_let_in(REFUSED)
            except nextcord.ConnectionClosed as closed:
                reason = f"the gateway closed with code {closed.code}"
                if closed.code in _NOT_LET_IN:
                    wait_s, reason = self._not_let_in(_NOT_LET_IN[closed.code])
            except NotAloneError as error:
                wait_s, reason = RETRY_MAX_S, str(error)
            except TooManyIdentifiesError as error:
                wait_s, reason = error.wait_s, str(error)
            except TimeoutError:
                reason = f"nothing was heard within {DEADLINE_S:.0f} s"
            except Exception as error:
                log.debug("the connection ended", exc_info=True)
                reason = in_words(error)
            self._away(f"Discord is away ({reason}); next attempt in {wait_s:.0f} s")
            log.warning("%s", self.state)
            await asyncio.sleep(wait_s)

    def _not_let_in(self, words: str) -> tuple[float, str]:
        """(seconds until the next look, why). Raises UserError when it is believed and nobody was ever let in."""
        self._refusals += 1
        if not self._was_ready and self._refusals >= TRIES:
            raise UserError(words)
        return pause_s(self._refusals), words

    async def _connect(self) -> None:
        """One client, from its login to its end."""
        client = self._client = Client(self._hear, self._allow_identify)
        self._losses.clear()
        self.state = self.state if self._refusals else "connecting to Discord"
        try:
            async with asyncio.timeout(DEADLINE_S) as self._deadline:
                await client.login(self._token)
                self._be_alone(client)
                self._expect(DEADLINE_S)
                await client.connect(reconnect=False)
        finally:
            self._client = self._deadline = None
            await closed(client)

    def _be_alone(self, client: Client) -> None:
        """Raises NotAloneError while another supervisor of this machine answers with this token."""
        try:
            if client.user:
                self._name.claim(client.user.id, self._api_base)
        except NotAloneError as error:
            self._rest.hold(str(error))
            raise
        self._rest.hold("")

    def _stand_aside(self, words: str) -> None:
        """For good: whoever was started before us answers. A restart looks again."""
        self._aside = f"not answering: {words}; end one of the two, and start this one again"
        log.error("%s", self._aside)
        self._start(self._leave())

    async def _leave(self) -> None:
        """Once what was to be said about it is said."""
        await asyncio.sleep(LEAVE_S)
        self._rest.hold(self._aside)
        self._away(self._aside)
        if self._client:
            await self._client.close()

    def _expect(self, seconds: float | None) -> None:
        """How long from now the silence of Discord may last; None: nextcord watches the heartbeat itself."""
        if self._deadline:
            when = None if seconds is None else asyncio.get_running_loop().time() + seconds
            self._deadline.reschedule(when)

    def _allow_identify(self) -> float:
        """The seconds to wait before an IDENTIFY that may be sent. Raises TooManyIdentifiesError."""
        fact = self._manager.fact("identify_budget")
        now = time.time()
        budget, wait_s = (msgspec.json.decode(fact, type=IdentifyBudget) if fact else IdentifyBudget()).take(now)
        with contextlib.suppress(StoreError):  # a sick disk is no reason to stay away; the gap below still holds
            self._manager.remember("identify_budget", msgspec.json.encode(budget).decode())
        if wait_s:
            raise TooManyIdentifiesError(wait_s)
        gap_s = min(max(0.0, self._identified_at + self.identify_gap_s - now), self.identify_gap_s)
        self._identified_at = now + gap_s
        return gap_s

    # --- what is heard -------------------------------------------------------------------------------

    def _hear(self, event: str, data: Any) -> None:
        """Called by nextcord for each event, in order. A mistake of ours must not end its connection."""
        try:
            if not isinstance(data, dict | None):
                raise msgspec.ValidationError("it is no object")
            self.guilds.heard(event, data or {})
            self._heard(event, data or {})
            if event in OF_GUILDS:
                self._caught_up()
        except FlappingError:
            raise
        except msgspec.ValidationError as error:
            log.warning("an event %s that cannot be read: %s", event, error)
        except Exception:
            log.exception("%s could not be handled", event)

    def _heard(self, event: str, data: Any) -> None:
        match event:
            case "MESSAGE_CREATE" if self._aside:
                pass
            case "MESSAGE_CREATE":
                self._look_for_twins(data)
                self._inbound.live(data)
            case "MESSAGE_UPDATE":
                self._inbound.edited(data)
            case "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK":
                gone = read(data, DeletedJson)
                self._own_posts.deleted((*gone.ids, gone.id))
                self._inbound.deleted(data)
            case "INTERACTION_CREATE" if not self._aside:
                self._start(self._interactions.handle(data))
            case "THREAD_DELETE" | "CHANNEL_DELETE":
                self._inbound.channel_deleted(read(data, _IdJson).id)
            case "READY":
                ready = read(data, _ReadyJson)
                self._was_ready, self._refusals = True, 0
                self._application_id = ready.application.id
                self._inbound.bot_id, self.bot_name = ready.user.id, ready.user.username
                self._is_connected()
            case "GUILD_CREATE" if not data.get("unavailable"):
                self._guild_seen(read(data, GuildJson))
            case "GUILD_DELETE" if not data.get("unavailable"):
                forget_registration(self._manager, read(data, _IdJson).id)
            case "ready":
                self._ready = True
                self._own_posts.look()
                self._twins.ready()
                self._say_what_is_missing()
                self._caught_up()
            case "RESUMED":
                self._is_connected()
                self._ready = True
                self._caught_up()
            case "disconnect":
                self._lost()

    def _where(self, guild_id: int, channel_id: int) -> Where:
        place = self.guilds.place(channel_id)
        return Where(place, self.guilds.parent(place), self.guilds.own_role(guild_id, self._inbound.bot_id))

    def _look_for_twins(self, data: Any) -> None:
        with contextlib.suppress(msgspec.ValidationError):
            self._twins.heard(read(data, OwnJson), self._inbound.bot_id)

    def _is_connected(self) -> None:
        self._connected = True
        self._retry_s = RETRY_MIN_S
        self._expect(None)

    def _lost(self) -> None:
        """nextcord tries to resume at once, and without end: not for longer than the deadline, nor too often."""
        self._away("the connection to Discord was lost; resuming")
        self._expect(DEADLINE_S)
        now = time.monotonic()
        self._losses.append(now)
        if len(self._losses) == MOST_LOSSES and now - self._losses[0] < LOSSES_WINDOW_S:
            raise FlappingError(f"the connection was lost {MOST_LOSSES} times within {LOSSES_WINDOW_S:.0f} s")

    def _away(self, state: str) -> None:
        self._connected = self._ready = False
        self.back_at = None
        self.state = state

    def _guild_seen(self, guild: GuildJson) -> None:
        self._inbound.guild_seen(guild)
        if any(self._inbound.guild_of(channel_id) == guild.id for channel_id in self._channels):
            self._start(self._register(guild.id))

    def _caught_up(self) -> None:
        """Whether we are back: connected, all guilds here, nothing left to read back."""
        if not (self._connected and self._ready):
            return
        if behind := self._inbound.behind:
            self.state = f"connected to Discord, reading back what was written meanwhile (in {behind} places)"
        else:
            self.back_at = self.back_at or time.time()
            self.was_back.set()
            self.state = "connected to Discord" + self._missing() + self._unread()

    def _missing(self) -> str:
        unseen = [str(channel_id) for channel_id in self._channels if not self.guilds.place(channel_id)]
        words = f"; it shows us no channel {', '.join(unseen)}" if unseen else ""
        unfit = [f"; channel {channel_id} {why}" for channel_id in self._channels if (why := self.unfit(channel_id))]
        return words + "".join(unfit)

    async def survey(self) -> Survey:
        """What the configuration's ids are on Discord. Only once we were back."""
        surveyor = Surveyor(self._config, self.guilds, self._rest, self._inbound.bot_id)
        return await surveyor.survey(self.bot_name, time.time())

    def unfit(self, channel_id: int) -> str:
        """Why no session can begin in a channel that we are shown; empty where one can."""
        place = self.guilds.place(channel_id)
        return unfit_in_words(place) if place else ""

    def _unread(self) -> str:
        gaps = self._inbound.gaps
        return f"; what was written meanwhile cannot be read back yet (in {gaps} places)" if gaps else ""

    def _say_what_is_missing(self) -> None:
        if missing := self._missing():
            log.warning("connected to Discord%s: is the id right, is the bot in that server, may it see it?", missing)

    # --- what we do ----------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks, "the gateway is not running"
        self._tasks.create_task(work)

    def _tell(self, channel_id: int, post: Post, nonce: str) -> None:
        self._start(self._say(channel_id, post, nonce))

    async def _say(self, channel_id: int, post: Post, nonce: str) -> None:
        try:
            await self._rest.create(channel_id, post, nonce)
        except RemoteError as error:
            log.warning("channel %s could not be told: %s", channel_id, error)

    async def _register(self, guild_id: int) -> None:
        try:
            await register(self._manager, self._rest, self._application_id, guild_id)
        except RemoteError as error:
            log.warning("the slash commands could not be registered in server %s: %s", guild_id, error)

    async def _keep_presence(self) -> None:
        """What the bot is shown to do: sent when it changed, and in each new connection."""
        shown: tuple[Client | None, str] = (None, "")
        while True:
            text = replies.presence(self._manager.active_session_count(), self._manager.working_session_count())
            client = self._client
            if client is None or not self.back_at or shown == (client, text):
                await asyncio.sleep(min(PRESENCE_LOOK_S, self.presence_interval_s))
                continue
            try:
                await client.change_presence(activity=nextcord.CustomActivity(text))
                shown = (client, text)
            except Exception as error:  # the connection was lost; it is shown in the next one
                log.debug("the presence could not be set: %s", in_words(error))
            await asyncio.sleep(self.presence_interval_s)

    def _sees(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        """Whether a member of that guild may read and write in a channel, by Discord's own permissions."""
        channel = self._client.get_channel(channel_id) if self._client else None
        if self._client is None or not isinstance(channel, nextcord.TextChannel) or channel.guild.id != guild_id:
            return False
        somebody = nextcord.Member(data=member, guild=channel.guild, state=self._client._connection)  # type: ignore[arg-type]
        permissions = channel.permissions_for(somebody)
        return bool(permissions.view_channel and permissions.send_messages)


_INTENT_REFUSED = (
    "Discord does not let this bot read messages: switch on Message Content Intent in the developer portal"
    " (your application, Bot, Privileged Gateway Intents), and start again."
)
_NOT_LET_IN = {4004: REFUSED, 4014: _INTENT_REFUSED}
"""Close codes after which only a person can help, if they are right (documentation, "Gateway Close Event Codes")."""
