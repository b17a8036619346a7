"""The URL of a repository's remote: which ones are pushed to, and how one is written down.

A URL is recorded when a session is created, and shown on each card, so no password may stand in it: of an https URL
all before the ``@`` is left out (a token often stands there as the user's name), of an ssh URL the password. Who pushes
has the credential helper and the keys of the user's own.

Only https, ssh and git are known, and paths of this machine. Everything else (``ext::``, which runs a command, and
whatever helpers are installed) is nothing that we push to (git-push(1), "GIT URLS").
"""

import posixpath
import re

MOST_CHARS = 500
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9_+.-]+::")
_SCP = re.compile(r"(?:[^/:@\s]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^/:@\s\[\]-][^/:@\s\[\]]*):[^\s]+")
"""``user@host:path``: git's own rule is that no slash stands before the first colon."""
_HOST = re.compile(r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][\w.+-]*", re.ASCII)
_SECRET = re.compile(r"(?<=://)[^/@\s]+@")


def recorded(url: str, base: str) -> str:
    """What is kept of it; "" for what is never pushed to. ``base``: the directory that a relative path begins in."""
    if not url or len(url) > MOST_CHARS or not url.isprintable() or " " in url or url.startswith("-"):
        return ""
    if _HELPER.match(url):
        return ""
    if found := _SCHEME.fullmatch(url):
        return _with_scheme(found[1].lower(), found[2])
    if ":" in url.partition("/")[0]:
        user, at, _ = url.partition("@")
        return url if _SCP.fullmatch(url) and not (at and not _USER.fullmatch(user)) else ""
    return posixpath.normpath(posixpath.join(base, url))


def local_path(url: str) -> str:
    """The path of a remote on this machine, of a recorded URL; "" for any other."""
    return url if url.startswith("/") else ""


def protocols(url: str) -> str:
    """As GIT_ALLOW_PROTOCOL wants it (git(1)): what a push to a recorded URL may use."""
    return "file" if local_path(url) else "https:ssh:git"


def without_secrets(text: str) -> str:
    """Text in which URLs may stand, without what stands before their ``@``."""
    return _SECRET.sub("", text)


def _with_scheme(scheme: str, rest: str) -> str:
    if scheme == "file":
        return posixpath.normpath(rest) if rest.startswith("/") else ""
    place, slash, path = rest.partition("/")
    login, _, host = place.rpartition("@")
    user = login.partition(":")[0]
    if scheme not in ("https", "ssh", "git") or not slash or not path or not _HOST.fullmatch(host):
        return ""
    if user and not _USER.fullmatch(user):
        return ""
    return f"{scheme}://{f'{user}@' if user and scheme == 'ssh' else ''}{host}/{path}"
