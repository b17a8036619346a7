"""Where a channel's sessions are to work: what was typed, as a path, and why it cannot be that one."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Ours(msgspec.Struct, frozen=True):
    """What no project may lie in. Real paths."""

    installation: Path
    state: Path
    token_folder: Path


def typed(text: str, home: str) -> Path:
    """Absolute, without ``.`` and ``..``; ``~`` is ``home``."""
    bare = text.strip().strip("\"'")
    if bare == "~" or bare.startswith("~/"):
        bare = f"{home}{bare[1:]}"
    return Path(os.path.normpath(Path.cwd() / bare))


def refusal(path: Path, ours: Ours) -> str:
    """In words; empty when sessions can work there, once it is made."""
    real = path.resolve()
    for what, place in _places(ours).items():
        if real == place or real.is_relative_to(place):
            return f"{path} lies in {what} ({place}), which is kept from Claude"
    if real == Path("/") or (ours.token_folder.is_relative_to(real) and real != Path.home().resolve()):
        return f"{path} holds the bot's token ({ours.token_folder}): name a directory that does not"
    if path.exists() and not path.is_dir():
        return f"{path} is no directory"
    return ""


def _places(ours: Ours) -> Mapping[str, Path]:
    return {
        "Threadbridge itself": ours.installation,
        "its state": ours.state,
        "the directory of the bot's token": ours.token_folder,
    }
