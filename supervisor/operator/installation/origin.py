"""How this installation came here, and so how a newer one does."""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote

import msgspec

from bridge.protocol.errors import UNREADABLE, UserError

NAME = "threadbridge"


class _DirInfo(msgspec.Struct, frozen=True):
    editable: bool = False


class _DirectUrl(msgspec.Struct, frozen=True):
    url: str = ""
    dir_info: _DirInfo = _DirInfo()


class Origin(msgspec.Struct, frozen=True):
    """``tool``: in words. ``steps``: the argv of each program that brings the newer one."""

    tool: str
    steps: tuple[tuple[str, ...], ...]


def find(wheel: str = "", prefix: Path | None = None) -> Origin:
    """``wheel``: a file or URL of the newer one; "" where the tool knows where to look. ``prefix``: the environment.

    Raises UserError for a checkout that is to become a wheel.
    """
    prefix = prefix or Path(sys.prefix)
    if checkout := _checkout():
        if wheel:
            raise UserError(f"this is the checkout {checkout}, which git brings forward; SOURCE is for wheels")
        return Origin(f"the checkout {checkout}", _of_checkout(checkout))
    if (prefix / "uv-receipt.toml").is_file():
        steps = ("uv", "tool", "install", "--force", wheel) if wheel else ("uv", "tool", "upgrade", NAME)
        return Origin("uv tool", (steps,))
    if (prefix / "pipx_metadata.json").is_file():
        return Origin("pipx", (("pipx", "install", "--force", wheel) if wheel else ("pipx", "upgrade", NAME),))
    pip = (sys.executable, "-m", "pip", "install", "--upgrade", wheel or NAME)
    return Origin(f"pip in {prefix}", (pip,))


def _of_checkout(folder: Path) -> tuple[tuple[str, ...], ...]:
    return (("git", "-C", str(folder), "pull", "--ff-only"), (str(folder / "scripts/bootstrap"),))


def _checkout() -> Path | None:
    """The folder of an editable installation (PEP 610)."""
    try:
        return checkout_in(distribution(NAME).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None


def checkout_in(direct_url: str) -> Path | None:
    """What ``direct_url.json`` says."""
    try:
        told = msgspec.json.decode(direct_url, type=_DirectUrl)
    except UNREADABLE:
        return None
    is_checkout = told.dir_info.editable and told.url.startswith("file://")
    return Path(unquote(told.url.removeprefix("file://"))) if is_checkout else None
