"""What Discord's own rules and people do to the bot: refusals of single requests, and moderators at work."""

import asyncio
from collections.abc import Callable
from random import Random

from lab.faults.session import SessionUnderFaults
from twins.discord.faults import Fault, Moment
from twins.discord.model import Message

LOCKED_S = (0.3, 3.0)
A_400, NO_CODE, LOCKED = (
    Fault("refuse", status=400),
    Fault("refuse", status=404),
    Fault("refuse", status=400, code=160005),
)
ONE_401 = Fault("refuse", status=401)
PAGES = tuple(Fault("page", status=status) for status in (200, 400, 403, 404))


def refuse(session: SessionUnderFaults, random: Random, moment: Moment | None) -> tuple[str, Fault | None]:
    """(what is done, and what of it to the request that stands here). One request, or a few in a row."""
    fault = random.choice((A_400, A_400, NO_CODE, LOCKED, ONE_401, *PAGES))
    times = 1 if fault is ONE_401 else random.choice((1, 1, 2))
    is_here = moment is not None and moment.point == "came"
    if left := times - is_here:
        session.stage.discord.faults.add(fault, channel_id=session.thread_id if is_here else None, times=left)
    return f"{fault}, {times} times", fault if is_here else None


def moderate(session: SessionUnderFaults, random: Random) -> tuple[str, Callable[[], object] | None]:
    """(what a moderator does, at once; what they do some seconds later, if anything)."""
    acts = [_delete_starter, _delete_post, _delete_card]
    random.shuffle(acts)
    for act in acts:
        if random.random() < 0.7 and (how := act(session)):
            return how, None
    return _lock(session), lambda: _set_locked(session, locked=False)


def _lock(session: SessionUnderFaults) -> str:
    return "lock the thread" if _set_locked(session, locked=True) else ""


def _set_locked(session: SessionUnderFaults, *, locked: bool) -> bool:
    if not session.thread:
        return False
    discord = session.stage.discord
    discord.world.update_thread(session.thread, discord.bot, {"locked": locked})
    return True


def _delete_starter(session: SessionUnderFaults) -> str:
    first = session.prompts[0]
    if not session.thread or first.message.deleted:
        return ""
    first.moderated = True
    session.stage.discord.world.delete(first.message)
    return "delete the starter"


def _delete_post(session: SessionUnderFaults) -> str:
    return "delete a post" if _delete_last(session, [post for post in session.posts() if not post.embeds]) else ""


def _delete_card(session: SessionUnderFaults) -> str:
    return "delete a card" if _delete_last(session, [post for post in session.posts() if post.embeds]) else ""


def _delete_last(session: SessionUnderFaults, posts: list[Message]) -> bool:
    """The newest, which is the one that still changes."""
    if not (present := [post for post in posts if not post.deleted]):
        return False
    session.taken_away.append(present[-1])
    session.stage.discord.world.delete(present[-1])
    return True


async def later(random: Random, undo: Callable[[], object]) -> None:
    await asyncio.sleep(random.uniform(*LOCKED_S))
    undo()
