"""Plays the scores: a supervisor of its own for each scenario, so many threads at once, and what came of each."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from lab.bench import claude as bench_claude
from lab.bench import measure as bench_measure
from lab.bench import score as bench_score
from lab.bench.measure import Call, State, Take, Written
from lab.bench.score import LENGTH_S, Score
from playground.host import place as host_place
from playground.host.bridge_host import Host, hosted
from playground.host.claude import Chosen, needed_by_scripts
from playground.host.place import Place
from twins.discord.limits import Kind
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Message
from twins.discord.rest import Request

START_S = 30.0
END_S = 20.0
"""After the last delta, for the last write."""
QUIET_S = 1.0
"""Nothing is left to be shown, and nobody asks for anything for so long: it is over."""
SCRIPT = Path(bench_claude.__file__)


class Scenario(msgspec.Struct, frozen=True):
    """`score` names what is played, in so many threads at once."""

    name: str
    score: str
    threads: int = 1


SCENARIOS = (
    Scenario("one turn", "mixed"),
    Scenario("long fence", "fence"),
    Scenario("four at once", "mixed", 4),
    *(Scenario(f"{count} sentences", f"sentences{count}") for count in (2, 4, 7, 20)),
)


async def play(
    scenario: Scenario, length_s: float = LENGTH_S, latency_s: float = 0.0, limits: Kind = "leaking"
) -> list[Take]:
    """A take for each thread; Discord holds each request back for `latency_s`, and has that kind of limits.

    Raises UserError when something does not start or does not come to rest, NotReachedError when a turn does not end.
    """
    discord_of = partial(LoopbackDiscord, limits_kind=limits)
    with host_place.temporary() as place:
        async with hosted(place, _claude(place), burst="0", titles="words", discord_of=discord_of) as host:
            await _connected(host)
            host.discord.latency_s = latency_s
            return await _takes(host, scenario, length_s)


def _claude(place: Place) -> Chosen:
    environment = {"HOME": str(place.home), bench_score.TIMES_VARIABLE: str(place.project)}
    command = (sys.executable, "-S", "-E", str(SCRIPT))
    needed = needed_by_scripts()
    return Chosen("the scripted one, playing a score", command, environment, is_scripted=True, readable=needed)


async def _connected(host: Host) -> None:
    for name, text in bench_score.FILES.items():
        (host.place.project / name).write_text(text)
    await host.until_ready(START_S)


async def _takes(host: Host, scenario: Scenario, length_s: float) -> list[Take]:
    names = [f"take-{number}" for number in range(scenario.threads)]
    prompts = [bench_score.prompt(scenario.score, length_s, name) for name in names]
    asked = [await host.you.says(host.channel.id, prompt) for prompt in prompts]
    notes = [host.place.project / f"{name}.json" for name in names]
    await host.discord.until(lambda: all(note.exists() for note in notes), START_S + length_s, "all turns have ended")
    await _at_rest(host)
    score = bench_score.SCORES[scenario.score](length_s)
    return [_take(host, score, message, note) for message, note in zip(asked, notes, strict=True)]


async def _at_rest(host: Host) -> None:
    """Until everything is shown and no request comes any more. A write that waits for its rate limit counts."""
    try:
        async with asyncio.timeout(END_S):
            seen = -1
            while seen != len(host.discord.requests) or _is_waiting(host.place):
                seen = len(host.discord.requests)
                await asyncio.sleep(QUIET_S)
    except TimeoutError:
        raise UserError(f"not everything is shown {END_S:g} s after the result") from None


def _is_waiting(place: Place) -> bool:
    """Whether a post is not yet shown as the supervisor wants it (supervisor/sessions/schema.sql)."""
    query = "SELECT 1 FROM posts WHERE failed = '' AND (shown IS NULL OR shown <> desired)"
    with closing(sqlite3.connect(f"{Layout(place.state).database.as_uri()}?mode=ro", uri=True)) as store:
        return store.execute(query).fetchone() is not None


def _take(host: Host, score: Score, asked: Message, note: Path) -> Take:
    thread = host.discord.thread_of(asked)
    if thread is None:
        raise UserError("there is no thread for a prompt")
    times = json.loads(note.read_bytes())
    written = Written(times["deltas"], list(_sizes(score)), times["result"])
    calls = [
        Call(bench_measure.kind_of(request.method, request.route), request.status)
        for request in host.discord.requests
        if _is_for(request, thread, asked)
    ]
    states = sorted(_states(host.discord, thread), key=lambda state: state.at)
    return bench_measure.measured(score.answer, score.characters, written, states, calls)


def _sizes(score: Score) -> Iterator[int]:
    for passage in score.passages:
        size = -(-len(passage.text) // passage.deltas)
        yield from (min(size, len(passage.text) - at) for at in range(0, len(passage.text), size))


def _is_for(request: Request, thread: Channel, asked: Message) -> bool:
    """Those to the thread, and those to its channel that make the thread or name it."""
    body = json.dumps(request.body)
    names = (asked.content, f"/{thread.id}", str(asked.id))
    return request.channel_id == thread.id or (
        request.channel_id == thread.parent_id and any(name in body for name in names)
    )


def _states(discord: LoopbackDiscord, thread: Channel) -> Iterator[State]:
    """Every revision of every message of ours about this thread."""
    channel: Sequence[Message] = list(discord.world.channel(_channel_of(thread)).messages.values())
    about = (message for message in channel if f"/{thread.id}" in message.content)
    for message in chain(thread.messages.values(), about):
        if message.author is discord.bot:
            is_inside = message.channel_id == thread.id
            for seen in message.revisions:
                yield State(seen.at, message.id, seen.content, seen.deleted, is_inside)


def _channel_of(thread: Channel) -> int:
    assert thread.parent_id is not None
    return thread.parent_id
