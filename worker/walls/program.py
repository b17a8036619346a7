"""The CLI's own files at the level ``project``: by what the configured command really is.

A lone program (the vendor's single file) is bound at a path of ours on the read-only root, wherever it lies. A script
inside of ``node_modules`` brings its package's scope and its node. Any other script, or a program that is given a
script, stays at its own path, and files that the command names come along; what else such a wrapper needs is named by
``[containment] readable``.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from worker.walls import at_path
from worker.walls.wish import Mount

OURS = Path("/threadbridge/claude")
_HEAD_BYTES = 256


class Program(msgspec.Struct, frozen=True):
    """``argv``: the command as it is inside."""

    argv: tuple[str, ...]
    mounts: tuple[Mount, ...]


def find(command: tuple[str, ...], path: str, home: Path, is_open: Callable[[Path], bool]) -> Program:
    """``path``: the child's $PATH; ``is_open``: whether a path without links is shown anyway."""
    found = shutil.which(command[0], path=path) if command else None
    if not found:
        return Program(command, ())
    real = Path(found).resolve()
    interpreter = _interpreter(real)
    if interpreter is None and len(command) == 1:
        return Program((str(OURS),), (Mount(OURS, "read-only", str(real)),))
    shown = {mount.path: mount for mount in _shown(command, real, interpreter, path, home) if not is_open(mount.path)}
    return Program((found if is_open(Path(found).absolute()) else str(real), *command[1:]), tuple(shown.values()))


def _shown(
    command: tuple[str, ...], real: Path, interpreter: list[str] | None, path: str, home: Path
) -> Iterator[Mount]:
    yield _package(real) if interpreter else _with_its_prefix(real, home)
    yield from (Mount(Path(word), "read-only", str(Path(word).resolve())) for word in command[1:] if _is_file(word))
    if interpreter:
        yield from _runner(interpreter, path, home)


def _package(real: Path) -> Mount:
    """The scope (``node_modules/@scope``) or package of a script in node_modules; else the file."""
    parts = real.parts
    if "node_modules" not in parts[:-2]:
        return Mount(real, "read-only")
    return Mount(Path(*parts[: parts.index("node_modules") + 2]), "read-only")


def _runner(interpreter: list[str], path: str, home: Path) -> Iterator[Mount]:
    """What a script's first line names: the program, or for ``env`` the one that it finds. With what lies beside it."""
    name = next((word for word in interpreter[1:] if not word.startswith("-") and "=" not in word), "")
    program = shutil.which(name, path=path) if Path(interpreter[0]).name == "env" and name else interpreter[0]
    if not program:
        return
    real = Path(program).resolve()
    yield _with_its_prefix(real, home)
    if program != str(real) and not at_path.is_link(Path(program).parent):
        yield Mount(Path(program).absolute(), "read-only", str(real))


def _with_its_prefix(real: Path, home: Path) -> Mount:
    """A program in an installation's ``bin`` needs its ``lib``. Never a prefix that holds more of the user's."""
    prefix = real.parent.parent
    holds_more = (home.resolve() / ".local").is_relative_to(prefix)
    is_installed = real.parent.name == "bin" and at_path.is_folder(prefix / "lib") and not holds_more
    return Mount(prefix if is_installed else real, "read-only")


def _is_file(word: str) -> bool:
    return Path(word).is_absolute() and at_path.is_file(Path(word))


def _interpreter(real: Path) -> list[str] | None:
    """The words of a script's first line; None for anything else."""
    try:
        with real.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if not head.startswith(b"#!"):
        return None
    return head[2:].split(b"\n")[0].decode(errors="replace").split() or [os.devnull]
