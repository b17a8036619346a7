"""Routes about channels and threads."""

from twins.discord.errors import Problems, thread_is_archived, unknown_guild
from twins.discord.limits import Limits
from twins.discord.model import Channel, Json, Permission
from twins.discord.rest import Call, Route
from twins.discord.wire import thread_member_json
from twins.discord.world import World

AUTO_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
_CHANNEL = "/channels/{channel_id}"


class ChannelRoutes:
    def __init__(self, world: World, limits: Limits) -> None:
        self.typings: list[tuple[int, float]] = []
        self._world = world
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            ("GET", _CHANNEL, lambda call: self._world.channel_json(self._seen(call))),
            ("PATCH", _CHANNEL, self._patch),
            ("DELETE", _CHANNEL, self._delete),
            ("POST", f"{_CHANNEL}/typing", self._type),
            ("POST", f"{_CHANNEL}/messages/{{message_id}}/threads", self._start_thread),
            ("GET", "/guilds/{guild_id}/threads/active", self._active),
            ("GET", f"{_CHANNEL}/threads/archived/public", self._archived),
            ("GET", f"{_CHANNEL}/threads/archived/private", lambda _call: self._listed([])),
            ("GET", f"{_CHANNEL}/users/@me/threads/archived/private", lambda _call: self._listed([])),
            ("PUT", f"{_CHANNEL}/thread-members/@me", lambda call: self._join(call, self._world.bot.id)),
            (
                "PUT",
                f"{_CHANNEL}/thread-members/{{user_id}}",
                lambda call: self._join(call, call.id("user_id")),
            ),
            ("GET", f"{_CHANNEL}/thread-members", self._thread_members),
        ]

    def _seen(self, call: Call, wanted: Permission = Permission.VIEW_CHANNEL) -> Channel:
        channel = self._world.channel(call.id("channel_id"))
        self._world.require(channel, wanted)
        return channel

    def _patch(self, call: Call) -> Json:
        channel = self._seen(call)
        changes = call.payload
        _check_channel(changes)
        if "name" in changes or "topic" in changes:
            self._limits.admit_rename(channel.id)
        if channel.thread is None:
            self._world.require(channel, Permission.MANAGE_CHANNELS)
            self._world.update_channel(channel, changes)
        else:
            self._patch_thread(channel, changes)
        return self._world.channel_json(channel)

    def _patch_thread(self, thread: Channel, changes: Json) -> None:
        state = thread.thread
        assert state is not None
        if state.owner_id != self._world.bot.id or "locked" in changes or state.locked:
            self._world.require(thread, Permission.MANAGE_THREADS)
        if state.archived and changes.get("archived") is not False and set(changes) - {"archived", "locked"}:
            raise thread_is_archived()
        self._world.update_thread(thread, self._world.bot, changes)

    def _delete(self, call: Call) -> Json:
        channel = self._seen(call)
        wanted = Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
        self._world.require(channel, wanted)
        self._world.delete_channel(channel)
        return self._world.channel_json(channel)

    def _type(self, call: Call) -> None:
        channel = self._seen(call, Permission.SEND_MESSAGES)
        self.typings.append((channel.id, self._world.clock.monotonic()))
        self._world.type_in(channel, self._world.bot)

    def _start_thread(self, call: Call) -> Json:
        channel = self._seen(call, Permission.CREATE_PUBLIC_THREADS)
        message = self._world.message(channel, call.id("message_id"))
        payload = call.payload
        _check_channel({"name": payload.get("name"), **payload})
        minutes = payload.get("auto_archive_duration") or 4320
        thread = self._world.start_thread(message, self._world.bot, payload["name"], minutes)
        return self._world.channel_json(thread)

    def _active(self, call: Call) -> Json:
        if call.id("guild_id") != self._world.id:
            raise unknown_guild()
        return self._listed([thread for thread in self._world.threads() if self._world.visible(thread)])

    def _archived(self, call: Call) -> Json:
        """Newest archived first; `before` is a time stamp, `limit` a number."""
        channel = self._seen(call, Permission.READ_MESSAGE_HISTORY)
        threads = [
            (thread.thread.archive_changed_at, thread)
            for thread in self._world.threads(channel.id, archived=True)
            if thread.thread
        ]
        threads.sort(key=lambda pair: pair[0], reverse=True)
        before = call.query.get("before")
        found = [thread for at, thread in threads if before is None or at.isoformat() < before]
        limit = int(call.query.get("limit", 50))
        return {**self._listed(found[:limit]), "has_more": len(found) > limit}

    def _listed(self, threads: list[Channel]) -> Json:
        mine = [
            thread_member_json(thread.id, self._world.bot.id, thread.thread.members[self._world.bot.id])
            for thread in threads
            if thread.thread and self._world.bot.id in thread.thread.members
        ]
        listed = [self._world.channel_json(thread) for thread in threads]
        return {"threads": listed, "members": mine, "has_more": False}

    def _join(self, call: Call, user_id: int) -> None:
        thread = self._seen(call)
        if thread.thread and thread.thread.archived:
            raise thread_is_archived()
        self._world.join(thread, self._world.members[user_id])

    def _thread_members(self, call: Call) -> list[Json]:
        thread = self._seen(call)
        members = thread.thread.members if thread.thread else {}
        return [thread_member_json(thread.id, user, at) for user, at in members.items()]


def _check_channel(changes: Json) -> None:
    problems = Problems()
    if "name" in changes:
        problems.text("name", changes["name"], 100, least=1)
    if changes.get("auto_archive_duration") is not None:
        problems.choice("auto_archive_duration", changes["auto_archive_duration"], AUTO_ARCHIVE_MINUTES)
    problems.raise_if_any()
