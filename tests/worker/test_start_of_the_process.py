"""What a worker's process does not take along at its start (``worker/__main__.py``)."""

import subprocess
import sys


def test_a_worker_starts_without_what_it_never_uses() -> None:
    argv = [sys.executable, "-I", "-X", "importtime", "-m", "worker", "--help"]
    imported = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stderr
    names = {line.rpartition("|")[2].strip() for line in imported.splitlines() if line.startswith("import time:")}
    assert {"asyncio", "zmq", "worker.main"} <= names
    assert not {"_ssl", "aiohttp", "nextcord", "sqlite3", "wcwidth", "click"} & names
