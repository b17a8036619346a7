"""Whether the project directory is the one that the session began in.

A child can move the directory away and put another in its place, or a link to one, and the next start would open that.
So the inode is kept: another directory has another one, however it is reached. The device's number is not compared: it
changes by itself with a reboot (btrfs, NFS).
"""

import os
from pathlib import Path


def inode_of(directory: str) -> int:
    """0 when it is not there or cannot be looked at."""
    try:
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return os.fstat(fd).st_ino
    finally:
        os.close(fd)


def replaced_in_words(directory: str) -> str:
    real = Path(directory).resolve()
    leads = "" if str(real) == str(Path(directory)) else f" (it leads to {real})"
    return f"the project directory {directory} is not the one that this session began in{leads}"
