"""Routes about the bot itself, the guild, its members and the application commands."""

from twins.discord.commands import Commands
from twins.discord.errors import Problems, unknown_guild, unknown_member, unknown_user
from twins.discord.model import Json
from twins.discord.rest import Call, Route
from twins.discord.wire import member_json, role_json, user_json
from twins.discord.world import World

_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


LIMITED_MESSAGE_CONTENT = 1 << 19
"""Of an application's flags: Message Content Intent is on, of one that is not verified."""


class GuildRoutes:
    """`reads_messages`: the intent is on in the developer portal; `is_joined`: somebody invited the bot."""

    def __init__(self, world: World, own: Commands, everywhere: Commands) -> None:
        self.gateway_url = ""
        self.reads_messages = True
        self.is_joined = True
        self._world = world
        self._own = own
        self._everywhere = everywhere

    def routes(self) -> list[Route]:
        return [
            ("GET", "/gateway", lambda _call: {"url": self.gateway_url}),
            ("GET", "/gateway/bot", self._gateway_bot),
            ("GET", "/users/@me", lambda _call: user_json(self._world.bot)),
            ("GET", "/users/@me/guilds", self._guilds),
            ("GET", "/users/{user_id}", self._user),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/applications/@me", self._application),
            ("GET", "/guilds/{guild_id}", self._guild),
            ("GET", "/guilds/{guild_id}/channels", self._channels),
            ("GET", "/guilds/{guild_id}/roles", self._roles),
            ("GET", "/guilds/{guild_id}/members/{user_id}", self._member),
            ("GET", "/guilds/{guild_id}/members", self._members),
            *self._command_routes(_GLOBAL),
            *self._command_routes(_GUILD),
        ]

    def _command_routes(self, template: str) -> list[Route]:
        one = template + "/{command_id}"
        return [
            ("GET", template, lambda call: self._scope(call).all()),
            ("PUT", template, self._overwrite),
            ("POST", template, lambda call: self._scope(call).upsert(call.payload)),
            ("GET", one, lambda call: self._scope(call).get(call.id("command_id"))),
            ("DELETE", one, lambda call: self._scope(call).delete(call.id("command_id"))),
        ]

    def _scope(self, call: Call) -> Commands:
        if "guild_id" not in call.parameters:
            return self._everywhere
        self._require_guild(call)
        return self._own

    def _overwrite(self, call: Call) -> object:
        scope = self._scope(call)
        if not isinstance(call.body, list):
            problems = Problems()
            problems.add("commands", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            problems.raise_if_any()
            return None
        return scope.overwrite(call.body)

    def _gateway_bot(self, _call: Call) -> Json:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}

    def _application(self, _call: Call) -> Json:
        world = self._world
        return {
            "id": str(world.application_id),
            "name": world.bot.name,
            "icon": None,
            "description": "",
            "rpc_origins": [],
            "bot_public": False,
            "bot_require_code_grant": False,
            "owner": user_json(world.members.get(world.owner_id, world.bot)),
            "team": None,
            "verify_key": "0" * 64,
            "flags": LIMITED_MESSAGE_CONTENT if self.reads_messages else 0,
        }

    def _guilds(self, _call: Call) -> list[Json]:
        """The bot's, each with its permissions there, as channels do not change them."""
        world = self._world
        if not self.is_joined:
            return []
        return [{"id": str(world.id), "name": world.name, "permissions": str(world.permissions_of(world.bot))}]

    def _require_guild(self, call: Call) -> None:
        if call.id("guild_id") != self._world.id:
            raise unknown_guild()

    def _guild(self, call: Call) -> Json:
        self._require_guild(call)
        return self._world.rest_json()

    def _channels(self, call: Call) -> list[Json]:
        self._require_guild(call)
        channels = self._world.channels.values()
        return [self._world.channel_json(channel) for channel in channels if channel.thread is None]

    def _roles(self, call: Call) -> list[Json]:
        self._require_guild(call)
        return [role_json(role) for role in self._world.roles.values()]

    def _user(self, call: Call) -> Json:
        found = self._world.users.get(call.id("user_id"))
        if found is None:
            raise unknown_user()
        return user_json(found)

    def _member(self, call: Call) -> Json:
        self._require_guild(call)
        found = self._world.members.get(call.id("user_id"))
        if found is None:
            raise unknown_member()
        return member_json(found)

    def _members(self, call: Call) -> list[Json]:
        self._require_guild(call)
        after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 1))
        later = sorted(user for user in self._world.members if user > after)
        return [member_json(self._world.members[user]) for user in later[:limit]]
