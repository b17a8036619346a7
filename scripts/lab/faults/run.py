"""The fault matrix: real supervisor, real workers, a Discord on loopback, a scripted claude (scripts/faults starts it).

    scripts/faults                             the whole matrix, 14 runs a cell; writes docs/faults.md
    scripts/faults --runs 2 --seed 7           fewer
    scripts/faults --cells supervisor,worker:posted
                                               only these rows, columns, or cells
    scripts/faults --bursts                    prompts of several messages; its table stands beside that of the others
    scripts/faults --soak 200 --sessions 8     kills of the supervisor at random instants under streaming sessions

Exit code 1 when anything was lost, duplicated, misrouted or left behind.
"""

import argparse
import asyncio
import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import metadata
from pathlib import Path
from random import Random

import msgspec

from bridge.protocol.errors import UserError
from lab.faults import real as faults_real
from lab.faults import soak as faults_soak
from lab.faults.disk import can_mount
from lab.faults.round import play_round
from lab.faults.stage import Recovery, Stage, staged
from lab.faults.table import ATTACH_GOAL_S, MEANING, ROWS, Column, Outcome, Row, table, totals
from playground.__main__ import run
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.claude import Chosen
from playground.host.place import INSTALLATION, Place
from playground.host.supervisor import EXECUTED, Starts
from twins.claude.frames import VERSION

RUNS, SESSIONS, STAGES = 14, 8, 2
ROUNDS_A_STAGE = 5
SESSIONS_ON_A_SICK_DISK = 4
"""Each blow is one for all of them: of more, some would never come to their own boundary."""
NO_FULL_DISK = (
    "**Left out: a full disk.** It needs a small disk of its own, and mounting one is not allowed here (it needs root)."
    " The disk row holds only disks that refuse every write."
)
PAGE = INSTALLATION / "docs" / "faults.md"


class Kind(msgspec.Struct, frozen=True):
    """Of a matrix: with the real CLI or a scripted one; with prompts of one message each, or of several.

    And how its supervisors are started.
    """

    is_real: bool = False
    in_bursts: bool = False
    starts: Starts = EXECUTED


ORDINARY = Kind()


class Result(msgspec.Struct):
    """All that one invocation has seen."""

    outcomes: list[Outcome] = []
    recoveries: list[Recovery] = []
    failures: list[str] = []
    took_s: float = 0.0
    requests: int = 0
    invalid: int = 0
    left_out: str = ""
    """What could not be tried on this machine, in words."""

    @property
    def is_clean(self) -> bool:
        return not self.failures and not any(outcome.findings for outcome in self.outcomes)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/faults", description="Faults at every boundary, and what comes of them.")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each cell of the matrix")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="sessions at a time on one supervisor")
    parser.add_argument("--stages", type=int, default=STAGES, help="supervisors at a time, each with its own Discord")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same plan (not the same instants)")
    parser.add_argument("--cells", default="", help="rows, columns or row:column, separated by commas")
    parser.add_argument("--real", action="store_true", help="with the real CLI and a scripted model on loopback")
    parser.add_argument("--bursts", action="store_true", help="people write in bursts, and Claude makes titles")
    parser.add_argument("--soak", type=int, default=0, metavar="KILLS", help="instead: kills under streaming sessions")
    parser.add_argument(
        "--page", type=Path, default=None, help=f"where the result goes (default: {PAGE.name} in docs/)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    try:
        return play(options)
    except* UserError as errors:
        print(f"faults: {', '.join(str(error) for error in errors.exceptions)}", file=sys.stderr)
    return 1


def play(options: argparse.Namespace) -> int:
    """The exit code. Raises UserError, also in groups, when something cannot run at all."""
    began = time.monotonic()
    if options.soak:
        report = run(faults_soak.soak(options.soak, options.sessions, options.seed))
        print(report.in_words())
        write_beside(options.page or PAGE, "The soak", f"Machine: {machine()}.\n\n{report.in_words()}")
        return 0 if report.is_clean else 1
    result = run(matrix(plan(options), options.seed, options.sessions, options.stages, _kind(options)))
    result.took_s = time.monotonic() - began
    print(f"\n{in_words(result)}")
    if options.page or not options.cells:
        write(options.page or PAGE, result, options)
    return 0 if result.is_clean else 1


def _kind(options: argparse.Namespace) -> Kind:
    return Kind(is_real=options.real, in_bursts=options.bursts)


def plan(options: argparse.Namespace) -> list[tuple[Row, list[Column]]]:
    """Rounds: one row each, and a column for each session. Shuffled by the seed."""
    random = Random(options.seed)
    wanted = list(_wanted(options.cells))
    rounds = []
    for row in ROWS:
        columns = [column for one, column in wanted if one is row] * options.runs
        random.shuffle(columns)
        at_once = min(options.sessions, SESSIONS_ON_A_SICK_DISK) if row is Row.DISK else options.sessions
        rounds += [(row, list(part)) for part in itertools.batched(columns, at_once)]
    random.shuffle(rounds)
    return rounds


def _wanted(cells: str) -> Iterator[tuple[Row, Column]]:
    names = {name.strip() for name in cells.split(",") if name.strip()}
    for row, column in itertools.product(ROWS, Column):
        if not names or names & {str(row), str(column), f"{row}:{column}"}:
            yield row, column


async def matrix(
    rounds: list[tuple[Row, list[Column]]], seed: int, sessions: int, stages: int, kind: Kind = ORDINARY
) -> Result:
    """All rounds, a new stage for every few of them, so many stages at a time."""
    result = Result()
    if any(row is Row.DISK for row, _ in rounds):
        result.left_out = _left_out_of_disk()
    free = asyncio.Semaphore(stages)
    async with asyncio.TaskGroup() as tasks:
        for number, part in enumerate(itertools.batched(rounds, ROUNDS_A_STAGE)):
            tasks.create_task(_on_a_stage(part, Random(f"{seed}.{number}"), sessions, result, free, kind))
    return result


def _left_out_of_disk() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return "" if can_mount(Path(folder)) else NO_FULL_DISK


@asynccontextmanager
async def _scripted_claude(place: Place) -> AsyncIterator[Chosen]:
    yield host_claude.scripted(place.home)


async def _on_a_stage(
    part: Sequence[tuple[Row, list[Column]]],
    random: Random,
    sessions: int,
    result: Result,
    free: asyncio.Semaphore,
    kind: Kind,
) -> None:
    async with free:
        with host_place.temporary() as place:
            claude_of = faults_real.real_claude if kind.is_real else _scripted_claude
            async with claude_of(place) as claude, _staged(place, sessions, claude, part, kind) as stage:
                try:
                    await _play(stage, part, random, result)
                finally:
                    result.recoveries += stage.recoveries
                    result.requests += len(stage.discord.requests)
                    result.invalid += len(stage.discord.invalid_requests)
            result.failures += stage.failures


def _staged(
    place: Place, sessions: int, claude: Chosen, part: Sequence[tuple[Row, list[Column]]], kind: Kind
) -> AbstractAsyncContextManager[Stage]:
    on_small_disk = any(row is Row.DISK for row, _ in part)
    return staged(place, sessions, claude, on_small_disk=on_small_disk, in_bursts=kind.in_bursts, starts=kind.starts)


async def _play(stage: Stage, part: Sequence[tuple[Row, list[Column]]], random: Random, result: Result) -> None:
    for row, columns in part:
        outcomes = await play_round(stage, row, columns, random)
        result.outcomes += outcomes
        _say_round(row, outcomes, stage)


def _say_round(row: Row, outcomes: Sequence[Outcome], stage: Stage) -> None:
    struck = [f"{o.column} ({o.how}, {o.settled_s:.1f} s)" if o.struck else f"{o.column} (–)" for o in outcomes]
    print(f"{row}: {', '.join(struck)}", flush=True)
    for outcome in outcomes:
        for finding in outcome.findings:
            print(f"  ✗ {outcome.column}: {finding.kind}: {finding.text}", flush=True)
    for failure in stage.failures:
        print(f"  ✗ {failure}", flush=True)


# --- the report ------------------------------------------------------------------------------------------


def in_words(result: Result) -> str:
    found = ", ".join(f"{number} {kind}" for kind, number in totals(result.outcomes).items())
    lines = [table(result.outcomes), "", f"{found}, in {result.took_s / 60:.1f} minutes"]
    if result.recoveries:
        attached = sorted(recovery.attached_s for recovery in result.recoveries)
        ready = sorted(recovery.ready_s for recovery in result.recoveries)
        lines.append(
            f"{len(attached)} restarts: ready after {ready[len(ready) // 2]:.2f} s (worst {ready[-1]:.2f} s),"
            f" all sessions attached {attached[len(attached) // 2]:.2f} s after that (worst {attached[-1]:.2f} s,"
            f" wanted {ATTACH_GOAL_S:g} s)"
        )
    lines.append(f"{result.requests} requests to Discord, {result.invalid} of them invalid (401, 403, 429)")
    if result.left_out:
        lines += ["", result.left_out]
    return "\n".join([*lines, *(f"✗ {failure}" for failure in result.failures)])


def machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("nextcord", "pyzmq", "aiohttp", "msgspec"))
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]},"
        f" Python {platform.python_version()}, {versions}, scripted claude {VERSION}"
    )


KINDS = """\
*disk*: for 0.2 to 2.5 s, from that instant, the disk of the state directory takes no writes of anybody: it is full
(a small disk that is filled up), or it refuses every write of the supervisor and all workers, as one does that went
read-only below its open files. People go on writing meanwhile. A corrupt or lost store or log is no matter of the
instant and has tests of its own in `tests/processes`.

*refusals*: Discord refuses one request or two in a row (a 400, a 404 without a code, a thread that is locked, one 401),
or a page of something that stands between comes in place of its answer (200, 400, 403 or 404).

*moderators*: somebody deletes the newest post, the newest card or the message that the thread was made from, or locks
the thread for 0.3 to 3 s. What still matters stands there anew; what was over stays deleted."""
A_CELL = """\
A cell says: faults · lost/duplicated/misrouted/orphans/gone (characters of Claude's that a thread had shown, and shows
no more) · seconds from the fault until everything was shown as it should be, median / worst (a turn takes about 1.5 s
of it by itself)."""
WHAT_COUNTS = """\
What counts: a prompt's text shown once, in its order, in its thread; its effect (a line appended to a file) once; its
card once, decided once. A prompt whose worker or Claude was killed in its turn may be lost, if the log and the thread
say so (also by a sick disk: a worker whose log takes nothing ends its Claude, for nothing acts without its log); its
effect is never there twice, and the next prompt works."""


BESIDE = ("In bursts", "The soak")
"""Sections of other invocations, in this order behind the matrix: each is kept until it is run again."""


def write(page: Path, result: Result, options: argparse.Namespace) -> None:
    if options.bursts:
        write_beside(page, "In bursts", _bursts(result, options))
        return
    meanings = "\n".join(f"- *{column}*: {meaning}" for column, meaning in MEANING.items())
    bad = _found(result)
    page.write_text(f"""\
# Faults

Made by {_command(options)}; do not edit.
A real supervisor, real workers, a Discord on loopback with its rate limits, a claude that streams and asks for
permission. Each run breaks one thing at one boundary of a prompt's path, while the other sessions of its supervisor
meet faults of their own; while the supervisor or the gateway is away, people go on writing, editing and deleting.

Machine: {machine()}.

{A_CELL}

{in_words(result)}

{KINDS}

Where on the path:

{meanings}

{WHAT_COUNTS}
{bad and f"{chr(10)}## Found{chr(10)}{chr(10)}{bad}{chr(10)}"}
{_kept(page)}""")


def _command(options: argparse.Namespace) -> str:
    kind = " --bursts" if options.bursts else ""
    return f"`./scripts/faults{kind} --runs {options.runs} --sessions {options.sessions} --seed {options.seed}`"


def _found(result: Result) -> str:
    return "\n".join(f"- {o.row}, {o.column}: {f.kind}: {f.text}" for o in result.outcomes for f in o.findings)


def _bursts(result: Result, options: argparse.Namespace) -> str:
    return f"""\
The same with each prompt in two messages that belong together, and with Claude making titles, as a configuration has
it by default: {_command(options)}.

Machine: {machine()}.

{in_words(result)}

{_found(result)}""".rstrip()


def _kept(page: Path) -> str:
    """The sections of other invocations, as they stand."""
    text = page.read_text() if page.exists() else ""
    found = [text.index(f"## {name}\n") for name in BESIDE if f"## {name}\n" in text]
    return text[min(found) :] if found else "## The soak\n"


def write_beside(page: Path, name: str, words: str) -> None:
    """Puts one of the sections BESIDE in its place, and leaves all else as it is."""
    kept = _kept(page)
    matrix = page.read_text().removesuffix(kept) if page.exists() else "# Faults\n\n"
    told = {one: kept.partition(f"## {one}\n")[2].partition("\n## ")[0].strip() for one in BESIDE}
    sections = [f"## {one}\n\n{text}\n" for one, text in (told | {name: words}).items() if text]
    page.write_text(matrix + "\n".join(sections))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
