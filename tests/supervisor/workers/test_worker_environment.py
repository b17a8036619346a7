"""What a worker has of the supervisor's environment (``supervisor.workers.starts``)."""

import pytest

from supervisor.workers.starts import worker_environment


@pytest.mark.parametrize(
    "name",
    [
        "DISCORD_TOKEN",
        *("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"),
        *("PYTHONSTARTUP", "PYTHONPATH", "THREADBRIDGE_SESSION", "THREADBRIDGE_STATE"),
    ],
)
def test_neither_the_token_nor_what_is_systemds_or_steers_python_is_passed_on(name: str) -> None:
    assert worker_environment({name: "x", "PATH": "/bin", "LANG": "C.UTF-8"}) == {"PATH": "/bin", "LANG": "C.UTF-8"}
