"""What ``check`` asks Discord itself: the token, the intent, what the bot may do in each channel, and the time.

Where nobody answers, or the token is for the service's eyes alone, that is no fault of the configuration: it is a note,
and what the supervisor saw at its last start is told beside it (``supervisor.operator.preflight``).
"""

import asyncio
from collections.abc import Collection, Iterator

import msgspec

from bridge.protocol.errors import RemoteError
from supervisor.config import Config
from supervisor.discord.errors import BadToken
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.discord.shapes import Member, User
from supervisor.operator.checkup import Finding
from supervisor.operator.setup.offers import Offer, Server, Shown, offers
from supervisor.operator.setup.portal import INTENT, Application, page
from supervisor.operator.status import clock_apart

DEADLINE_S = 10.0


class Answers(msgspec.Struct, frozen=True):
    """``apart_s``: by how many seconds our clock is ahead of Discord's."""

    application: Application
    offers: dict[int, Offer]
    apart_s: float


def findings(config: Config, token: str, told: Collection[int] = ()) -> list[Finding]:
    """``told``: channels of which the supervisor's own look says more than we could."""
    try:
        answers = asyncio.run(asyncio.wait_for(_ask(config.api_base, token), DEADLINE_S))
    except BadToken:
        todo = "reset it in the developer portal (Bot, Reset Token), write the new one into the token's file, restart"
        return [Finding("token_refused", "Discord does not accept the bot's token", todo)]
    except (RemoteError, TimeoutError) as error:
        what = f"Discord could not be asked: {error or 'no answer'}"
        return [Finding("discord_unasked", what, "is this machine online? discord.api_base says whom", is_wrong=False)]
    return [*_of_answers(config, answers, told)]


def _of_answers(config: Config, answers: Answers, told: Collection[int]) -> Iterator[Finding]:
    if not answers.application.may_read:
        what, _, todo = INTENT.partition(". ")
        yield Finding("intent", what, f"{todo} ({page(answers.application.id)})")
    for channel_id in config.channels.keys() - set(told):
        if (offer := answers.offers.get(channel_id)) is None:
            what = f"the bot is shown no text or announcement channel with the id {channel_id}"
            yield Finding(
                "channel_unseen", what, "is the id right, is the bot in that server, has it View Channels there?"
            )
        elif offer.missing:
            what = f"in #{offer.name} of {offer.server!r} the bot lacks {', '.join(offer.missing)}"
            todo = "give the bot's role these: Server Settings, Roles, or the channel's settings, Permissions"
            yield Finding("permission", what, todo)
    offered = [answers.offers[one] for one in config.channels if one in answers.offers]
    if silent := [f"#{offer.name} of {offer.server!r}" for offer in offered if not offer.may_react]:
        what = (
            f"the bot may not react in {', '.join(silent)}, so a message that waits for Claude has a message below it"
        )
        todo = "for a mark that leaves nothing behind, give the bot's role Add Reactions"
        yield Finding("reactions", what, todo, is_wrong=False)
    if clock := clock_apart(answers.apart_s):
        todo = "set it by the network (timedatectl set-ntp true): how old things are is told by it"
        yield Finding("clock", clock, todo)


async def _ask(api_base: str, token: str) -> Answers:
    async with Rest(api_base, token, Pace()) as rest:
        application = await rest.look_up("/applications/@me", Application)
        bot = await rest.look_up("/users/@me", User)
        found: dict[int, Offer] = {}
        for server in await rest.look_up("/users/@me/guilds", list[Server]) or ():
            channels = await rest.look_up("/guilds/{guild_id}/channels", list[Shown], guild_id=server.id)
            route, bot_id = "/guilds/{guild_id}/members/{user_id}", bot.id if bot else 0
            member = await rest.look_up(route, Member, guild_id=server.id, user_id=bot_id)
            for offer in offers(server, channels or [], member.roles if member else (), bot_id):
                found[offer.channel_id] = offer
        return Answers(application or Application(0), found, rest.apart_s or 0.0)
