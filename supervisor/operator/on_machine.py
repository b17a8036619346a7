"""What ``check`` looks for around the bridge: the unit's PATH and program, the disk, and who may write our files."""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from bridge.protocol.layout import Layout
from bridge.text import human_size
from supervisor.config import Config
from supervisor.operator.checkup import Finding
from supervisor.operator.installation.facts import unit_path
from supervisor.operator.installation.unit import Kind
from supervisor.operator.status import LITTLE_DISK, NEARLY_LITTLE

KINDS: tuple[Kind, ...] = ("user", "system")
ANEW = "`threadbridge install` writes the unit anew, with the right one"


def findings(config: Config, layout: Layout, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    units = [path for kind in KINDS if (path := unit_path(kind, environ)).exists()]
    return [*(f for unit in units for f in of_unit(unit, config)), *_of_disk(layout), *_of_file(config.path)]


def of_unit(unit: Path, config: Config) -> Iterator[Finding]:
    """Whether the service would find what it runs. A unit without a PATH of its own has systemd's."""
    path, program = _said(unit)
    if program and not os.access(program, os.X_OK):
        yield Finding("unit_program", f"{unit} starts {program}, which is not there (any more)", ANEW)
    if not path:
        return
    claude = config.command[0]
    needed = {} if claude.startswith("/") and os.access(claude, os.X_OK) else {claude: True}
    for name, is_wrong in {**needed, "bwrap": _is_shut_in(config), "git": False}.items():
        if not shutil.which(name, path=path):
            what = f"{name} is not on the PATH of {unit} ({path})"
            yield Finding("unit_path", what, f"install it, or: {ANEW}", is_wrong=is_wrong)


def _is_shut_in(config: Config) -> bool:
    return any(channel.containment != "none" for channel in config.channels.values())


def _said(unit: Path) -> tuple[str, str]:
    """(PATH, program); empty for what it does not say, or we may not read."""
    path = program = ""
    with suppress(OSError, UnicodeDecodeError, ValueError):
        for line in unit.read_text().splitlines():
            key, _, value = line.partition("=")
            if key == "Environment":
                found = [word for word in shlex.split(value) if word.startswith("PATH=")]
                path = found[-1].removeprefix("PATH=").replace("%%", "%") if found else path
            elif key == "ExecStart":
                program = shlex.split(value)[0].replace("%%", "%")
    return path, program


def _of_disk(layout: Layout) -> Iterator[Finding]:
    free = shutil.disk_usage(layout.state).free
    todo = "`threadbridge prune` removes what ended long ago; below 200 MiB nothing can be relied upon"
    if free < NEARLY_LITTLE:
        what = f"{human_size(free)} are free where the state is, {layout.state}"
        yield Finding("disk", what, todo, is_wrong=free < LITTLE_DISK)


def _of_file(config: Path) -> Iterator[Finding]:
    """Who writes it may let in whom they like."""
    with suppress(OSError):
        if (mode := config.stat().st_mode) & 0o022:
            what = f"others can write the configuration {config} (mode {mode & 0o777:o})"
            yield Finding("config_writable", what, f"chmod go-w {shlex.quote(str(config))}")
