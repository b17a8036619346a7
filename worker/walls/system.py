"""What of the machine itself is open at the level ``project``: where programs are, and a list of /etc.

``/etc`` is a list because a root child owns all of it and needs no capability to read it: ``/etc/shadow``, host keys,
and the bot's token, which the unit keeps there. What a program needs of it to find names, hosts, certificates, its
libraries and the time is not secret. Links stay links where they lead to what is open; what any other leads to is
bound in its place (the ``resolv.conf`` of a resolver's in /run).
"""

from collections.abc import Iterator
from pathlib import Path

from worker.walls import at_path
from worker.walls.wish import SHOWN_AGAIN, Mount, within

DIRECTORIES = (
    *("/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *(
        "/nix/store",
        "/nix/var/nix/profiles",
        "/gnu/store",
        "/run/current-system",
        "/snap",
        "/home/linuxbrew/.linuxbrew",
    ),
    *("/var/lib/ca-certificates", "/sys/devices/system/cpu", "/sys/devices/system/node"),
)
"""Read-only. The last two tell a program how many processors there are."""
ETC = (
    *("passwd", "group", "hosts", "hostname", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf", "services"),
    *("protocols", "rpc", "ethertypes", "networks", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"),
    *("localtime", "timezone", "locale.conf", "locale.gen", "default/locale", "os-release", "lsb-release"),
    *("debian_version", "redhat-release", "system-release", "fedora-release", "alpine-release", "arch-release"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ssl/ca-bundle.pem", "ca-certificates", "ca-certificates.conf"),
    *("pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf", "crypto-policies"),
    *("gitconfig", "gitattributes", "bash.bashrc", "bashrc", "profile", "profile.d", "zsh", "inputrc", "shells"),
    *("mime.types", "magic", "magic.mime", "terminfo", "fonts", "vim", "nanorc", "java", "maven", "perl", "php"),
    *("python3", "python3.11", "python3.12", "python3.13", "ImageMagick-6", "ImageMagick-7", "claude-code", "static"),
)
"""Below /etc. ``claude-code``: what the machine's administrator set for every Claude."""
LINKS = {"/var/run": "/run", "/var/lock": "/run/lock"}


def mounts(hidden: tuple[Path, ...]) -> Iterator[Mount]:
    """``hidden``: what no link may lead into."""
    for name in DIRECTORIES:
        yield from _shown(Path(name), hidden)
    for name in ETC:
        yield from _shown(Path("/etc", name), hidden)
    yield from (Mount(path, "read-only") for path in map(Path, SHOWN_AGAIN) if at_path.is_folder(path))
    yield from (Mount(Path(path), "link", target) for path, target in LINKS.items())


def _shown(path: Path, hidden: tuple[Path, ...]) -> Iterator[Mount]:
    if not at_path.is_link(path):
        if at_path.exists(path):
            yield Mount(path, "read-only")
        return
    real = path.resolve()
    if is_open(real):
        yield Mount(path, "link", str(path.readlink()))
    elif at_path.exists(real) and not any(within(real, folder) for folder in hidden):
        yield Mount(path, "read-only", str(real))


def is_open(real: Path) -> bool:
    """Whether a path without links is shown by the list above."""
    folders = (*DIRECTORIES, *SHOWN_AGAIN, *(f"/etc/{name}" for name in ETC))
    return any(within(real, Path(folder)) for folder in folders)
