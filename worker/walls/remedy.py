"""What to do where bubblewrap cannot make its namespaces: which switch of this machine is against it, and its command.

Sources: Debian's and Ubuntu's kernels (``kernel.unprivileged_userns_clone``, ``kernel.apparmor_restrict_…``,
Ubuntu 23.10 release notes), namespaces(7) for ``user.max_user_namespaces``, os-release(5) for the distribution's name.
"""

from pathlib import Path

_PACKAGES = (
    (("debian", "ubuntu", "linuxmint", "pop", "raspbian"), "apt install bubblewrap"),
    (("fedora", "rhel", "centos", "rocky", "almalinux"), "dnf install bubblewrap"),
    (("arch", "manjaro", "endeavouros"), "pacman -S bubblewrap"),
    (("opensuse", "suse", "sles", "opensuse-leap", "opensuse-tumbleweed"), "zypper install bubblewrap"),
    (("alpine",), "apk add bubblewrap"),
)
_PROFILE = (
    "this distribution lets only programs with an AppArmor profile make user namespaces: as root, write"
    ' "abi <abi/4.0>, include <tunables/global> profile bwrap {program} flags=(unconfined) {{ userns, }}" into'
    " /etc/apparmor.d/bwrap and run apparmor_parser -r /etc/apparmor.d/bwrap"
    " (or, for all programs: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)"
)
_ELSE = (
    "in a systemd unit, no RestrictNamespaces, RestrictSUIDSGID, PrivateTmp, ProtectProc or ProcSubset; in a container,"
    " allow it user namespaces"
)
_LAST = 'or set containment = "none" for the channel, which lets Claude do whatever its user can'


def in_words(program: str, root: Path = Path("/")) -> str:
    """``program``: bubblewrap's path, "" when there is none. ``root``: where /proc and /etc are."""
    if not program:
        return f"Install it: {_package(root)}; {_LAST}"
    steps = [words.format(program=program) for words in _against(root)] or [_ELSE]
    return f"{'; '.join(steps)[0].upper()}{'; '.join(steps)[1:]}; {_LAST}"


def _against(root: Path) -> list[str]:
    found = []
    if _value(root / "proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        found.append(_PROFILE)
    if _value(root / "proc/sys/kernel/unprivileged_userns_clone") == "0":
        found.append("run as root: sysctl -w kernel.unprivileged_userns_clone=1 (to keep it: a file in /etc/sysctl.d)")
    if _value(root / "proc/sys/user/max_user_namespaces") == "0":
        found.append("run as root: sysctl -w user.max_user_namespaces=15000 (to keep it: a file in /etc/sysctl.d)")
    return found


def _package(root: Path) -> str:
    told = _value(root / "etc/os-release")
    fields = dict(line.partition("=")[::2] for line in told.splitlines())
    ids = [word.strip('"') for key in ("ID", "ID_LIKE") for word in fields.get(key, "").split()]
    found = next((command for name in ids for names, command in _PACKAGES if name in names), "")
    return f"as root, {found}" if found else "the package bubblewrap, with your distribution's own command"


def _value(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
