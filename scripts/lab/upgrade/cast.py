"""The sessions that an upgrade meets, one of each kind, and what must become of each.

``begin`` brings them about under the earlier version. Afterwards, under ours, either ``go_on`` is true (their workers
lived all the time) or ``recover`` is (everything was killed): a child that died can be answered nothing, so then its
cards are closed, its turn is told lost, and a person says whether Claude goes on.
"""

import asyncio

import msgspec

from lab.upgrade.earlier import Version
from lab.upgrade.stage import Stage
from playground.host.shown import choice

SOON_ASLEEP = '[sessions]\nhibernate_after = "1s"\n'
RUNS_UNTIL_TOLD = "run while ! test -e go; do sleep 0.1; done"
ANSWER = "1. Red"


class Player(msgspec.Struct, frozen=True):
    thread: int
    session: str


class Cast(msgspec.Struct, frozen=True):
    """Each by what it was doing. `missed` has a thread when somebody reads the message that nobody heard."""

    asleep: Player
    done: Player
    ended: Player
    lost: Player
    asks: Player
    wonders: Player
    works: Player
    missed: int = 0


# --- under the earlier version -----------------------------------------------------------------------


async def begin(stage: Stage, earlier: Version) -> Cast:
    """In the end nobody listens, and one message was not heard. The workers live."""
    stage.configure(SOON_ASLEEP)
    async with stage.running(earlier):
        asleep = await _finished(stage, "say I go to sleep")
        await stage.until(lambda: not stage.worker(asleep.session), "a session asleep")
    stage.configure()
    async with stage.running(earlier):
        cast = Cast(
            asleep=asleep,
            done=await _finished(stage, "say I am done"),
            ended=await _ended(stage),
            lost=await _lost(stage),
            asks=await _with_card(stage, "say I ask\nrun touch asked.txt\nsay asked and done", "Allow"),
            wonders=await _with_card(stage, "question Which colour? | Red | Blue\nsay it is answered", ANSWER),
            works=await _working(stage),
        )
        await stage.settled()
    missed = await stage.you.says(stage.channel.id, "say nobody heard this")
    return msgspec.structs.replace(cast, missed=missed.id)


async def _begun(stage: Stage, text: str) -> Player:
    message = await stage.you.says(stage.channel.id, text)
    await stage.until(lambda: stage.discord.thread_of(message), f"a thread for {text!r}")
    session_id = await stage.until(lambda: stage.session_of(message.id), f"a session for {text!r}")
    return Player(message.id, session_id)


async def _finished(stage: Stage, text: str) -> Player:
    player = await _begun(stage, text)
    await stage.shows(player.thread, "✓ done")
    return player


async def _ended(stage: Stage) -> Player:
    player = await _finished(stage, "say I was ended")
    await stage.you.runs("stop", channel_id=player.thread)
    await stage.until(lambda: not stage.worker(player.session), "the end of its worker")
    return player


async def _lost(stage: Stage) -> Player:
    player = await _with_card(stage, "say I am lost\nrun touch lost.txt", "Allow")
    stage.kill_worker(player.session)
    await stage.until(lambda: stage.card(player.thread, "Discard"), "the card of a lost turn")
    return player


async def _with_card(stage: Stage, text: str, label: str) -> Player:
    player = await _begun(stage, text)
    await stage.until(lambda: stage.card(player.thread, label), f"the button {label!r}")
    return player


async def _working(stage: Stage) -> Player:
    """With a tool that runs, and a prompt behind it."""
    player = await _with_card(stage, f"say I work\n{RUNS_UNTIL_TOLD}\nsay worked", "Allow")
    await stage.press(player.thread, "Allow")
    await stage.until(lambda: stage.card(player.thread, "Allow") is None, "a card that is decided")
    await stage.you.says(player.thread, "say this waited")
    await stage.until(lambda: stage.accepted(player.session) == 2, "a prompt that waits")
    return player


# --- under ours, with workers that lived ----------------------------------------------------------------


async def go_on(stage: Stage, cast: Cast, ours: Version, workers: dict[str, int]) -> None:
    """``workers``: who they were before the change. Raises AssertionError, NotReachedError."""
    living = [cast.done, cast.asks, cast.wonders, cast.works]
    await _are_attached(stage, ours, living)
    assert {player.session: stage.worker(player.session) for player in living} == workers, "workers were replaced"
    lines = await stage.listed(ours)
    states = {thread: str(line["state"]) for thread, line in lines.items() if thread != cast.missed}
    assert states == _states(cast, asks="awaiting", wonders="awaiting", works="busy", done="idle"), states

    await stage.press(cast.asks.thread, "Allow")
    await stage.says(cast.asks.thread, "asked and done")
    assert (stage.place.project / "asked.txt").exists()
    await stage.press(cast.wonders.thread, ANSWER)
    await stage.says(cast.wonders.thread, "it is answered")
    (stage.place.project / "go").touch()
    await stage.says(cast.works.thread, "this waited")
    await stage.says(cast.works.thread, "worked")
    for player in (cast.asks, cast.wonders, cast.works):
        await stage.shows(player.thread, "✓ done")
    await _all_go_on(stage, cast, ours)


# --- under ours, after everything was killed --------------------------------------------------------------


async def recover(stage: Stage, cast: Cast, ours: Version) -> None:
    """Raises AssertionError, NotReachedError."""
    for player, label in ((cast.asks, "Allow"), (cast.wonders, ANSWER), (cast.works, "Allow")):
        await _is_lost(stage, player, label)
    await stage.says(cast.works.thread, "this waited")
    assert not (stage.place.project / "asked.txt").exists(), "nobody allowed it"
    await stage.press(cast.asks.thread, "Continue")
    await stage.shows(cast.asks.thread, "✓ done")
    await stage.press(cast.wonders.thread, "Discard")
    await stage.until(lambda: stage.card(cast.wonders.thread, "Discard") is None, "a card that is decided")
    await _all_go_on(stage, cast, ours)


async def _is_lost(stage: Stage, player: Player, label: str) -> None:
    """The button ``label`` is gone, and a person is asked whether Claude goes on."""
    await stage.until(lambda: stage.card(player.thread, "Continue"), "the card of a lost turn")
    assert not any(choice(post, label) for post in stage.posts(player.thread)), stage.text(player.thread)
    await stage.shows(player.thread, "? lost")


# --- both -------------------------------------------------------------------------------------------------


async def _all_go_on(stage: Stage, cast: Cast, ours: Version) -> None:
    await stage.says(cast.missed, "nobody heard this")
    await stage.press(cast.lost.thread, "Continue")
    await stage.shows(cast.lost.thread, "✓ done")
    lines = await stage.listed(ours)
    assert lines[cast.ended.thread]["state"] == "ended", lines[cast.ended.thread]
    assert not stage.worker(cast.ended.session)
    assert len(lines) == len(_players(cast)) + 1, "a session of each message, and no other"
    for player in _players(cast):
        await stage.you.says(player.thread, f"say {player.session} goes on")
    for player in _players(cast):
        await stage.says(player.thread, f"{player.session} goes on")
    for thread, times in _first_words(stage, cast).items():
        assert times == 1, f"the first words of {thread} stand there {times} times"


def _first_words(stage: Stage, cast: Cast) -> dict[int, int]:
    """How often each thread shows what Claude said first: history is posted once. A card repeats what was asked."""
    said = {cast.asleep: "I go to sleep", cast.done: "I am done", cast.ended: "I was ended", cast.lost: "I am lost"}
    said |= {cast.asks: "I ask", cast.works: "I work"}
    return {player.thread: stage.said(player.thread).count(words) for player, words in said.items()}


async def _are_attached(stage: Stage, ours: Version, players: list[Player]) -> None:
    async with asyncio.timeout(30.0):
        is_attached: dict[int, bool] = {0: False}
        while not all(is_attached.values()):  # each look takes a process
            lines = await stage.listed(ours)
            is_attached = {player.thread: bool(lines[player.thread]["attached"]) for player in players}


def _states(cast: Cast, **living: str) -> dict[int, str]:
    named = {"asleep": "hibernating", "ended": "ended", "lost": "dormant", **living}
    return {getattr(cast, name).thread: state for name, state in named.items()}


def _players(cast: Cast) -> list[Player]:
    return [cast.asleep, cast.done, cast.ended, cast.lost, cast.asks, cast.wonders, cast.works]
