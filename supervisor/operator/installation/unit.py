"""The unit of the service, as a text, for the systemd that is there.

What each line is for stands above it in the unit itself, since that is where somebody looks who wants to change it.
systemd/ in the repository has both kinds as they are written for the newest systemd (held by a test).

A reload is an ``ExecReload=`` that waits for the supervisor's answer: every systemd knows that, and it can fail in
words, which ``Type=notify-reload`` (253) cannot.

Sources: systemd.service(5), systemd.exec(5), systemd.resource-control(5); the versions stand in their texts.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

NAME = "threadbridge.service"
CREDENTIAL = "discord-token"
SUBGROUPS = 254
"""The first systemd that puts a service into a part of its own cgroup (``DelegateSubgroup=``)."""
SLOWER_AND_SLOWER = 254
"""… and that waits longer with each restart (``RestartSteps=``)."""
OF_SYSTEM = Path("/etc/threadbridge")
"""Configuration and token of the machine's service."""
ENCRYPTED, PLAIN = OF_SYSTEM / "discord-token.cred", OF_SYSTEM / "token"
"""Its credential, where the machine can encrypt one and where it cannot."""
PAUSE_S, STEPS, LONGEST_PAUSE_S = 2, 6, 60
STEADY_PAUSE_S = 10
"""Where the pauses do not grow."""
LIMIT_S, MOST_STARTS = 60, 10
NEVER_AGAIN = (78, 203, 217, 243)
"""Our own word for a wrong configuration; systemd's for no program, no user, no credential (systemd.exec(5))."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

type Kind = Literal["user", "system"]
type Credential = Literal["", "plain", "encrypted"]


class Wanted(msgspec.Struct, frozen=True):
    """``command``: argv of `threadbridge`. ``credential_file`` holds the token, of a system unit."""

    kind: Kind
    command: tuple[str, ...]
    config: str
    path: str = SYSTEM_PATH
    user: str = "threadbridge"
    systemd: int = 999
    credential: Credential = ""
    credential_file: str = ""


def text(wanted: Wanted) -> str:
    sections = {"Unit": _unit(wanted), "Service": _service(wanted), "Install": _install(wanted)}
    return "\n\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in sections.items()) + "\n"


def words(argv: tuple[str, ...]) -> str:
    """A command line of a unit: nothing in it is a specifier or a variable."""
    return " ".join(_quoted(word.replace("%", "%%").replace("$", "$$")) for word in argv)


def _quoted(word: str) -> str:
    if re.fullmatch(r"[\w@%+=:,./$-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unit(wanted: Wanted) -> Iterator[str]:
    yield "Description=Threadbridge: Claude Code in Discord"
    if wanted.kind == "system":
        yield "Wants=network-online.target"
        yield "After=network-online.target"
    yield "# Ten starts within a minute are the last (`systemctl reset-failed` allows more). With our pauses they are"
    yield "# never so many: what may pass, such as a disk that takes no writes, is waited for as long as it lasts."
    yield f"StartLimitIntervalSec={LIMIT_S}"
    yield f"StartLimitBurst={MOST_STARTS}"


def _service(wanted: Wanted) -> Iterator[str]:
    run = (*wanted.command, "run", "--config", wanted.config)
    yield "Type=notify"
    yield "NotifyAccess=main"
    if wanted.kind == "system":
        yield from _whose(wanted)
    yield "# Also where the vendor's installer puts claude, which is on no service's path by itself."
    yield f"Environment={_quoted('PATH=' + wanted.path.replace('%', '%%'))}"
    yield f"ExecStart={words(run)}"
    yield "# Waits until the new configuration is in force, or says why the old one stays."
    yield f"ExecReload={words((*wanted.command, '--config', wanted.config, 'reload'))}"
    yield from _life(wanted)
    yield from _walls(wanted)


def _whose(wanted: Wanted) -> Iterator[str]:
    yield f"User={wanted.user}"
    yield "StateDirectory=threadbridge"
    yield "StateDirectoryMode=0700"
    yield "# Holds a note where the state is, so that `threadbridge list` finds it from any shell."
    yield "RuntimeDirectory=threadbridge"
    yield "# It is hidden from Claude, and what is made anew under a hidden name would be seen."
    yield "RuntimeDirectoryPreserve=yes"
    if wanted.credential:
        key = "LoadCredentialEncrypted" if wanted.credential == "encrypted" else "LoadCredential"
        yield "# The bot's token; Claude never sees it."
        yield f"{key}={CREDENTIAL}:{wanted.credential_file}"


def _life(wanted: Wanted) -> Iterator[str]:
    yield "# Workers and their Claudes go on when the supervisor stops, restarts or is upgraded."
    yield "KillMode=process"
    yield "# About six for each session that runs."
    yield "LimitNOFILE=65536"
    yield "# A tool that takes all memory is ended, and not the service with it."
    yield "OOMPolicy=continue"
    yield "# The kernel holds each session to [limits]; before systemd 254 each worker counts by itself instead."
    yield "Delegate=yes"
    if wanted.systemd >= SUBGROUPS:
        yield "DelegateSubgroup=supervisor"
    yield "Restart=always"
    if wanted.systemd >= SLOWER_AND_SLOWER:
        yield f"RestartSec={PAUSE_S}"
        yield f"RestartSteps={STEPS}"
        yield f"RestartMaxDelaySec={LONGEST_PAUSE_S}"
    else:
        yield f"RestartSec={STEADY_PAUSE_S}"
    yield "# The configuration, the program, the user or the token is not there: starting again changes nothing."
    yield f"RestartPreventExitStatus={' '.join(map(str, NEVER_AGAIN))}"
    yield "WatchdogSec=60"


def _walls(wanted: Wanted) -> Iterator[str]:
    yield "# What the supervisor, its workers and all Claudes can never do. Claude's own walls come on top."
    yield "NoNewPrivileges=yes"
    yield "LockPersonality=yes"
    yield "RestrictRealtime=yes"
    yield "SystemCallArchitectures=native"
    yield "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK"
    yield "# Those that bubblewrap shuts Claude in with."
    yield "RestrictNamespaces=user mnt pid ipc uts"
    if wanted.kind == "system":
        yield from _of_the_machine()
    yield from _NOT_HERE


def _of_the_machine() -> Iterator[str]:
    """What only the machine's own manager can do for a service."""
    yield "CapabilityBoundingSet="
    yield "ProtectSystem=full"
    yield "PrivateDevices=yes"
    yield "ProtectProc=invisible"
    for name in ("Hostname", "Clock", "KernelLogs", "KernelModules", "KernelTunables"):
        yield f"Protect{name}=yes"


_NOT_HERE = (
    "# Not here, each because it breaks something:",
    "# RestrictSUIDSGID: bubblewrap can make no directories then (mkdir: Function not implemented).",
    "# ProcSubset=pid: bubblewrap does not find /proc/sys/kernel/overflowuid.",
    "# PrivateTmp: it is emptied when the service stops, below workers that go on.",
    "# MemoryDenyWriteExecute: node and Claude's own program translate code as they run.",
    "# ProtectControlGroups: the service divides its own cgroup (Delegate).",
)


def _install(wanted: Wanted) -> Iterator[str]:
    yield f"WantedBy={'default.target' if wanted.kind == 'user' else 'multi-user.target'}"
