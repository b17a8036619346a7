"""What the options of set-up say, so that nothing of it is asked."""

from pathlib import Path

import msgspec

from supervisor.config.table import Wrong, check_id


class Given(msgspec.Struct, frozen=True):
    """``config``: the file that is written. ``channels``: ids with directories as typed."""

    config: Path
    token_file: str = ""
    channels: tuple[tuple[int, str], ...] = ()
    users: tuple[int, ...] = ()
    is_quiet: bool = False


def channel(text: str) -> tuple[int, str]:
    """``ID=DIRECTORY``. Raises ValueError in words."""
    number, equals, directory = text.partition("=")
    if not equals or not directory.strip():
        raise ValueError(f"{text!r} is not ID=DIRECTORY, as in 234567890123456789=~/web-app")
    return discord_id(number), directory.strip()


def discord_id(text: str) -> int:
    """Raises ValueError in words."""
    bare = text.strip()
    try:
        if not (bare.isascii() and bare.isdecimal()):
            raise ValueError
        check_id("", int(bare))
    except (ValueError, Wrong):
        raise ValueError(f"{text!r} is no id of Discord's (Developer Mode, then Copy ID)") from None
    return int(bare)
