"""The command line of ./scripts/fuzz, and the search at one edge.

The n-th input at an edge follows from the seed, n and the kept inputs alone. One in three is made anew, nearly as it
should be; the others are made or kept ones that were changed.
"""

import argparse
import gc
import hashlib
import logging
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec

from lab.fuzz.edge import Edge
from lab.fuzz.edges import EDGES
from lab.fuzz.mutation import changed
from lab.fuzz.trial import Finding, memory_bytes, shrunk, tried

KEPT = Path(__file__).resolve().parents[3] / "tests/data/fuzz"
MOST_FINDINGS = 20
_IN_MEMORY = Path("/dev/shm")
"""Where a disk's time is nobody's."""
WARM_AFTER = 2000
MOST_MEMORY_BYTES = 4 << 30
"""Of the process: whatever wants more fails by itself, and not the machine."""
MOST_GROWTH_BYTES = 150 << 20
"""Over a whole run, after ``WARM_AFTER`` inputs: what is kept of inputs that are over."""


class Result(msgspec.Struct):
    """``grown_bytes``: of the process, from the warm-up to the end."""

    edge: str
    inputs: int = 0
    took_s: float = 0.0
    grown_bytes: int = 0
    findings: list[Finding] = []

    @property
    def is_clean(self) -> bool:
        return not self.findings and self.grown_bytes < MOST_GROWTH_BYTES

    def in_words(self) -> str:
        lines = [f"{self.edge}: {self.inputs:,} inputs in {self.took_s:.0f} s, {len(self.findings)} findings,"
                 f" memory {self.grown_bytes >> 20:+d} MB"]  # fmt: skip
        return "\n".join([*lines, *(f"  ✗ {one.where}: {one.what}" for one in self.findings)])


def kept(edge: str) -> list[bytes]:
    """The inputs that once were findings, or are worth keeping."""
    return [path.read_bytes() for path in sorted((KEPT / edge).glob("*")) if path.is_file()]


def input_of(edge: Edge, seed: int, number: int, seeds: Sequence[bytes]) -> bytes:
    """The n-th input."""
    random = Random(f"{seed}:{edge.name}:{number}")
    if random.random() < 1 / 3:
        return edge.made(random)
    base = random.choice(seeds) if seeds and random.random() < 0.4 else edge.made(random)
    return changed(random, base, seeds)


def search(edge: Edge, seed: int, seconds: float, most_inputs: int = 1 << 62) -> Result:
    """Try the kept ones, then new ones until the time is over. Each finding is told once, by its place."""
    result, seeds = Result(edge.name, findings=[]), kept(edge.name)
    began, warm = time.monotonic(), 0
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as name,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        folder = Path(name) / "input"
        while time.monotonic() - began < seconds and result.inputs < most_inputs:
            number = result.inputs - len(seeds)
            data = seeds[result.inputs] if number < 0 else input_of(edge, seed, number, seeds)
            found = tried(edge, data, folder)
            result.inputs += 1
            if found and not any(found.where == one.where for one in result.findings):
                result.findings.append(shrunk(edge, found, folder))
                if len(result.findings) >= MOST_FINDINGS:
                    break
            if result.inputs == WARM_AFTER:
                warm = memory_bytes()
    gc.collect()
    result.took_s, result.grown_bytes = time.monotonic() - began, max(0, memory_bytes() - warm) if warm else 0
    return result


def keep(edge: str, finding: Finding) -> Path:
    """Write it where the tests find it."""
    path = KEPT / edge / hashlib.sha256(finding.data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.data)
    return path


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    logging.basicConfig(level=logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    results = []
    for edge in [EDGES[name] for name in options.edges or EDGES]:
        results.append(result := search(edge, options.seed, options.seconds))
        print(result.in_words(), flush=True)
        for finding in result.findings:
            print(f"  kept: {keep(edge.name, finding).relative_to(KEPT.parents[2])}", flush=True)
    return 0 if all(result.is_clean for result in results) else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    edges = "\n".join(f"  {edge.name:15}clean errors: {edge.clean}" for edge in EDGES.values())
    parser = argparse.ArgumentParser(
        "scripts/fuzz",
        description=__doc__,
        epilog=f"edges:\n{edges}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("edges", nargs="*", metavar="edge", help="which; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each edge (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="which inputs (default 1)")
    options = parser.parse_args(arguments)
    if unknown := set(options.edges) - EDGES.keys():
        parser.error(f"no such edge: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
