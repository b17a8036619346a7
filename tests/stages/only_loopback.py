"""Nothing but loopback: who asks for another host's address, or speaks to one, is stopped, and the test fails.

Python tells of both before they happen (``sys.addaudithook``), whichever library wants it; nothing is looked up for it.
What a test starts as another program is not heard here, but for the supervisors of ``forked.py``.
"""

import ipaddress
import socket
import sys

NAMES = ("localhost", "")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_SENDINGS = ("socket.connect", "socket.sendto", "socket.sendmsg")

strayed: list[str] = []
"""What was stopped; it may be that nobody heard of it."""


class Strayed(AssertionError):  # noqa: N818 - a failed test, no error of a program
    """A test wants to speak to another machine."""


def hold() -> None:
    """From now on, and for the whole life of this process."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    host = wanted(event, arguments)
    if host is not None and not is_here(host):
        strayed.append(f"{event} {host}")
        raise Strayed(strayed[-1])


def wanted(event: str, arguments: tuple[object, ...]) -> str | None:
    """The host; None where none is spoken to: another event, or a socket that is not of the Internet."""
    if event in _LOOKUPS:
        return _text(arguments[0])
    if event not in _SENDINGS:
        return None
    end, address = arguments[0], arguments[1]
    is_internet = getattr(end, "family", None) in (socket.AF_INET, socket.AF_INET6)
    return _text(address[0]) if is_internet and isinstance(address, tuple) else None


def _text(host: object) -> str:
    return host.decode() if isinstance(host, bytes) else str(host or "")


def is_here(host: str) -> bool:
    """Without asking anybody: a name other than ``localhost`` is not."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in NAMES
