"""Runs the real claude CLI hermetically: a home of its own, no login, nothing but loopback."""

import os
import stat
from pathlib import Path

import pytest

PLACEHOLDER_KEY = "sk-ant-placeholder-for-loopback"
"""Makes the CLI believe that it is logged in. Only the scripted model ever sees it."""


def real_claude() -> Path:
    """The pinned CLI that scripts/test provides. Without it the test is skipped, but fails where $CI is set."""
    named = os.environ.get("THREADBRIDGE_TEST_CLAUDE", "")
    if named and os.access(named, os.X_OK):
        return Path(named)
    reason = f"THREADBRIDGE_TEST_CLAUDE={named!r} is no program: run ./scripts/test, which provides the real CLI"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def claude_environment(home: Path, base_url: str, tmp: Path) -> dict[str, str]:
    """The whole environment of a hermetic CLI.

    In `-p` mode neither onboarding nor the question about trust comes up. Everything that the CLI would write outside
    the home (peer sockets under $XDG_RUNTIME_DIR, images and task output under $TMPDIR) is led into `tmp`.

    Args:
        home: becomes $HOME; made if it is not there.
        base_url: of the scripted model.
        tmp: a folder for temporary files; keep its path short, sockets are made below it (107 bytes at most).
    """
    runtime = tmp / "run"
    for folder in (home, tmp, runtime):
        folder.mkdir(parents=True, exist_ok=True)
    runtime.chmod(stat.S_IRWXU)
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp),
        "CLAUDE_CODE_TMPDIR": str(tmp),
        "XDG_RUNTIME_DIR": str(runtime),
        "ANTHROPIC_API_KEY": PLACEHOLDER_KEY,
        "ANTHROPIC_BASE_URL": base_url,
        "NO_PROXY": "127.0.0.1",
        "IS_SANDBOX": "1",  # lets root use the CLI's permission modes
        **dict.fromkeys(_SWITCHED_OFF, "1"),
    }


_SWITCHED_OFF = (
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "DISABLE_AUTOUPDATER",
    "DISABLE_BUG_COMMAND",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
)
