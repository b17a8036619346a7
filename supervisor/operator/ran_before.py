"""Whether the configuration is one with which this version ran here before: then all that it names was there.

What is missing now (Claude's program, a project, the token's file) may lie on a disk that is away and comes back; in a
configuration that never ran it may as well be a mistake, which only a person mends. The last supervisor left in the
state directory what it ran with; nothing is known where that is away too.
"""

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from bridge.protocol.errors import NotNowError, UserError
from supervisor import config as configuration
from supervisor.config import Config
from supervisor.operator import health_file

WORDS = "this configuration ran here before, so it may be back soon, and is tried again"


def load(path: Path) -> tuple[Config, str]:
    """The configuration, and the token. Raises UserError; NotNowError for what may come back by itself."""
    try:
        loaded = configuration.load(path)
        return loaded, configuration.read_token(loaded)
    except NotNowError:
        raise
    except UserError as error:
        if _ran_with(path):
            raise NotNowError(f"{error} ({WORDS})") from None
        raise


def _ran_with(path: Path) -> bool:
    with suppress(UserError, OSError):
        digest, layout = configuration.identity(path)
        told = health_file.last(layout)
        return told is not None and (told.version, told.config_digest) == (version("threadbridge"), digest)
    return False
