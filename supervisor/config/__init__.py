"""One TOML file → one frozen struct. Every error names the file and the key, and says what to do.

Nothing starts half: whatever can be checked before Discord is spoken to is checked here.
"""

from supervisor.config.durations import seconds_of
from supervisor.config.model import Config
from supervisor.config.reading import find, identity, load, parse, state_directory
from supervisor.config.token import read_token

__all__ = ["Config", "find", "identity", "load", "parse", "read_token", "seconds_of", "state_directory"]
