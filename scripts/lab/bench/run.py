"""Measures what a person in a thread sees: real supervisor, real workers, loopback Discord (scripts/bench starts it).

    scripts/bench turn                     every scenario once: a table of wanted and measured
    scripts/bench turn --runs 5            so often each: median (worst)
    scripts/bench turn --limits fixed      only with this kind of Discord's limits
    scripts/bench turn --only "long fence" some of them, separated by commas
    scripts/bench turn --json              everything measured, for a program
    scripts/bench thread                   a day's work: what somebody has to read, press and be pinged for

Exit code 1 when a target is missed.
"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata

import msgspec

from bridge.protocol.errors import UserError
from lab.bench import table as bench_table
from lab.bench import thread as bench_thread
from lab.bench import turn as bench_turn
from lab.bench.measure import Take
from lab.bench.turn import SCENARIOS, Scenario
from playground.__main__ import run
from twins.claude.frames import VERSION
from twins.discord.limits import Kind
from twins.discord.loopback import NotReachedError

KINDS: tuple[Kind, ...] = ("leaking", "fixed")
type Runs = dict[Kind, dict[str, list[Take]]]
"""By the kind of limits, and by scenario."""


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench", description="Measures what a person in a thread sees.")
    benches = parser.add_subparsers(dest="bench", required=True)
    turn = benches.add_parser("turn", help="one turn, a long fence, four turns at once, long paragraphs")
    turn.add_argument("--runs", type=_positive, default=1, help="how often each scenario is played")
    turn.add_argument("--only", default="", help=f"of {', '.join(s.name for s in SCENARIOS)}; separated by commas")
    turn.add_argument("--limits", default=",".join(KINDS), help="leaking, fixed, or both, separated by a comma")
    turn.add_argument("--latency", type=float, default=0.0, metavar="S", help="hold each REST request back so long")
    turn.add_argument("--json", action="store_true", help="everything measured, for a program")
    thread = benches.add_parser("thread", help="a day's work: posts, pings and taps, and its height on a phone")
    thread.add_argument("--only", default="", help=f"of {'; '.join(w.name for w in bench_thread.WORKS)}; by semicolons")
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    if options.bench == "thread":
        return _threads([name.strip() for name in options.only.split(";") if name.strip()])
    try:
        scenarios, kinds = _chosen(options.only), _kinds(options.limits)
        runs = run(_play(scenarios, kinds, options.runs, options.latency))
    except (UserError, NotReachedError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    missed = [f"{kind} limits: {miss}" for kind, takes in runs.items() for miss in bench_table.missed(takes)]
    print(as_json(runs, missed) if options.json else in_words(runs, missed))
    return 1 if missed else 0


def _threads(only: Sequence[str]) -> int:
    try:
        found = run(bench_thread.play_all(only))
    except (UserError, NotReachedError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    missed = [miss for one in found for miss in bench_thread.missed(*one)]
    print("\n".join([machine(), "", bench_thread.table(found), "", *(f"✗ {miss}" for miss in missed)]))
    return 1 if missed else 0


def _chosen(only: str) -> list[Scenario]:
    names = _names(only)
    if unknown := [name for name in names if name not in {scenario.name for scenario in SCENARIOS}]:
        raise UserError(f"there is no scenario {unknown[0]!r}; see scripts/bench turn --help")
    return [scenario for scenario in SCENARIOS if not names or scenario.name in names]


def _kinds(limits: str) -> list[Kind]:
    names = _names(limits)
    if unknown := [name for name in names if name not in KINDS]:
        raise UserError(f"there are no {unknown[0]!r} limits; see scripts/bench turn --help")
    return [kind for kind in KINDS if kind in names]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


async def _play(scenarios: Sequence[Scenario], kinds: Sequence[Kind], runs: int, latency_s: float) -> Runs:
    """Run by run, so that what else the machine does meets all of them alike."""
    takes: Runs = {kind: {scenario.name: [] for scenario in scenarios} for kind in kinds}
    for number in range(runs):
        for kind in kinds:
            for scenario in scenarios:
                print(f"run {number + 1} of {runs}, {kind}: {scenario.name} …", file=sys.stderr, flush=True)
                takes[kind][scenario.name] += await bench_turn.play(scenario, latency_s=latency_s, limits=kind)
    return takes


def in_words(runs: Runs, missed: Sequence[str]) -> str:
    verdict = [f"✗ {miss}" for miss in missed] or ["✓ every target is met"]
    tables = [part for kind, takes in runs.items() for part in (f"{kind} limits:", "", bench_table.table(takes), "")]
    return "\n".join([machine(), "", *tables, *verdict])


def as_json(runs: Runs, missed: Sequence[str]) -> str:
    told = {"machine": machine(), "missed": list(missed), "takes": msgspec.to_builtins(runs, str_keys=True)}
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()


def machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("nextcord", "pyzmq", "aiohttp", "msgspec"))
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]},"
        f" Python {platform.python_version()}, {versions}, scripted claude {VERSION}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
