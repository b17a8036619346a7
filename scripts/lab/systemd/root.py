"""A Debian to boot: made once with debootstrap and kept; each run gets it with a layer of its own on top.

What a page's commands fetch from the network is lent: packages of Python lie in a folder that pip is told of, apt-get
only looks whether what it is asked for is there, and curl prints an installer that puts the scripted Claude where the
vendor's puts the real one. So the commands run as they stand there, and what they ask for is checked.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
OWN_PYTHON = {"trixie": "3.13"}
"""Of those whose own Python is new enough; another gets the one that runs this, made outside."""
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "procps", "sudo"),
    *("python3", "python3-venv", "bubblewrap", "git"),
)
PROGRAMS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
MAKE_DEADLINE_S = 1200
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux_2_5_x86_64")
WHEELS = "opt/wheels"

CLAUDE = """\
#!/bin/sh
# Stands in for Claude Code: who is logged in is a file.
case "$1 $2" in
    "auth login") touch "$HOME/.claude-is-logged-in"; echo "Logged in."; exit ;;
    "auth status") [ -e "$HOME/.claude-is-logged-in" ] || exit 1 ;;
esac
python=/usr/local/bin/python3
[ -x $python ] || python=/usr/bin/python3
PYTHONDONTWRITEBYTECODE=1 exec $python -S -E /usr/local/lib/stand-in/twins/claude/program.py "$@"
"""
APT_GET = """\
#!/bin/sh
# Stands in for apt-get: what is asked for has to be one of the packages that are there.
for word; do
    case $word in install | --yes | -y) ;; *) dpkg -s "$word" >/dev/null || exit 1 ;; esac
done
"""
CURL = """\
#!/bin/sh
# Stands in for the vendor's installer.
echo 'mkdir -p ~/.local/bin && install -m 755 /usr/local/lib/stand-in/claude ~/.local/bin/claude'
"""
PIP = f"[global]\nno-index = true\nfind-links = /{WHEELS}\ndisable-pip-version-check = true\n"


class CannotError(Exception):
    """This machine cannot do it; the text says why."""


def check() -> None:
    """Raises CannotError where nothing can be booted."""
    if os.geteuid() != 0:
        raise CannotError("only root can boot one")
    if missing := {package for program, package in PROGRAMS.items() if not shutil.which(program)}:
        raise CannotError(f"there is no {' and no '.join(sorted(missing))} (apt-get install)")
    if not Path("/sys/fs/cgroup/unified").is_dir() and not Path("/sys/fs/cgroup/cgroup.controllers").is_file():
        raise CannotError("this machine has no cgroups of version 2")


def mirror(sources: Path = Path("/etc/apt")) -> str:
    """Debian's, as this machine's apt has it. Raises CannotError."""
    for file in sorted(
        [*sources.glob("sources.list.d/*.sources"), *sources.glob("sources.list.d/*.list"), *sources.glob("*.list")]
    ):
        if found := re.search(
            r"(?:^URIs:\s*|^deb\s+(?:\[[^]]*\]\s*)?)(\S+/debian/?)(?:\s|$)", file.read_text(), re.MULTILINE
        ):
            return found[1]
    raise CannotError("apt's sources name no mirror of Debian's")


def made(cache: Path, repository: Path, suite: str = SUITE) -> Path:
    """The folder of the system, made when it is not there. Raises CannotError, which is no fault of what is tried."""
    root = cache / f"systemd-{suite}"
    if not (root / "made").is_file():
        _unmount(root)
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        print(f"making a Debian {suite} in {root} (once, about two minutes)", flush=True)
        _run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(root), mirror()])
        _provision(root)
        if suite not in OWN_PYTHON:
            _bring_python(root)
    _wheels(root, repository, OWN_PYTHON.get(suite) or f"3.{sys.version_info.minor}")
    return root


def _unmount(root: Path) -> None:
    """What a making that was broken off left mounted. Raises CannotError rather than let it be deleted through."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in reversed([place for place in mounted if Path(place).is_relative_to(root)]):
        _run(["umount", "--lazy", place])


def _provision(root: Path) -> None:
    for name, text in {"sbin/apt-get": APT_GET, "bin/curl": CURL, "lib/stand-in/claude": CLAUDE}.items():
        path = root / "usr/local" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (root / "etc/pip.conf").write_text(PIP)
    (root / "etc/hostname").write_text("fresh\n")
    _run(["chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", "ada"])
    (root / "etc/sudoers.d/ada").write_text("ada ALL=(ALL) NOPASSWD: ALL\n")
    (root / "made").touch()


def _bring_python(root: Path) -> None:
    """The one that runs this, where a person's `python3` is found before the machine's own."""
    own = root / "usr/local"
    shutil.copytree(sys.base_prefix, own, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test"))
    for library in (own / "lib").glob("libpython3.*.so*"):
        shutil.copy(library, root / "usr/lib")


def _wheels(root: Path, repository: Path, python: str) -> None:
    """Of what the lock names: fetched again when it changed."""
    lock, told = repository / "requirements.lock", root / "lock"
    if told.is_file() and told.read_bytes() == lock.read_bytes():
        return
    pip = [
        sys.executable,
        "-I",
        "-m",
        "pip",
        "download",
        "--quiet",
        "--only-binary=:all:",
        f"--python-version={python}",
    ]
    platforms = [f"--platform={name}" for name in PLATFORMS]
    _run([*pip, *platforms, "--no-deps", "--dest", str(root / WHEELS), "--requirement", str(lock)])
    shutil.copy(lock, told)


def _run(argv: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            env={**os.environ, "DPKG_FORCE": "unsafe-io"},  # nobody minds losing it in a power cut
            timeout=MAKE_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotError(f"{argv[0]}: {error}") from None
    if done.returncode:
        raise CannotError(f"{' '.join(argv[:3])} … ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")


@contextmanager
def layered(root: Path, folder: Path, repository: Path) -> Iterator[Path]:
    """That system with a layer of its own in ``folder``, and in it a checkout of the repository as it is now."""
    upper, work, merged = (folder / name for name in ("upper", "work", "merged"))
    for path in (upper, work, merged):
        path.mkdir()
    options = f"lowerdir={root},upperdir={upper},workdir={work}"
    _run(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)])
    try:
        _copy(repository, merged)
        yield merged
    finally:
        subprocess.run(["umount", "--lazy", str(merged)], check=False)


def _copy(repository: Path, merged: Path) -> None:
    checkout, twins = merged / "home/ada/threadbridge", merged / "usr/local/lib/stand-in/twins"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("bridge", "worker", "supervisor", "scripts/playground", "scripts/twins"):
        shutil.copytree(repository / name, checkout / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, checkout / name)
    shutil.copytree(repository / "scripts/twins", twins, ignore=ignore)
    _run(["chroot", str(merged), "chown", "-R", "ada:ada", "/home/ada/threadbridge"])
