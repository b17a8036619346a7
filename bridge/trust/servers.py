"""A project's MCP servers (``.mcp.json``), as far as they are understood: a program, or an address."""

import re
from collections.abc import Collection, Mapping

from bridge.trust.words import Told

FILE = ".mcp.json"
_NAME = re.compile(r"(?!threadbridge)[A-Za-z0-9](?:[A-Za-z0-9.-]|_(?!_)){0,63}", re.IGNORECASE)
"""Never one that could be taken for our own server, whose tool nobody is asked about."""
_PROGRAM = {"type": str, "command": str, "args": list, "env": dict}
_REMOTE = {"type": str, "url": str, "headers": dict}
_REMOTE_TYPES = ("http", "sse")
NO_OBJECT = "it is no JSON object that can be read"


def understand(file: object, disabled: Collection[str], told: Told) -> dict[str, object]:
    """The servers that are kept, by their names. ``disabled``: those that the project itself turned off."""
    servers = file.get("mcpServers") if isinstance(file, Mapping) else None
    if not isinstance(file, Mapping) or not isinstance(servers, Mapping | None):
        told.leave_out(f"{FILE}: {NO_OBJECT}")
        return {}
    for key in file:
        if key not in ("mcpServers", "$schema"):
            told.leave_out(f"{FILE}: {key}")
    return {
        name: server
        for name, given in (servers or {}).items()
        if name not in disabled and (server := _server(name, given, told))
    }


def _server(name: str, given: object, told: Told) -> dict[str, object] | None:
    if not _NAME.fullmatch(name) or not isinstance(given, Mapping):
        told.leave_out(f"{FILE}: the server {name}")
        return None
    kind = given.get("type", "stdio")
    known = _PROGRAM if kind == "stdio" else _REMOTE
    kept = {key: given[key] for key, of in known.items() if key in given and _fits(given[key], of)}
    needed = "command" if known is _PROGRAM else "url"
    if (kind != "stdio" and kind not in _REMOTE_TYPES) or not kept.get(needed):
        told.leave_out(f"{FILE}: the server {name}")
        return None
    for key in given:
        if key not in kept:
            told.leave_out(f"{FILE}: {key} of the server {name}")
    told.act(_in_words(name, kept))
    return kept


def _fits(value: object, of: type) -> bool:
    if isinstance(value, list):
        return of is list and all(isinstance(item, str) for item in value)
    if isinstance(value, dict):
        return of is dict and all(isinstance(item, str) for item in value.values())
    return of is str and isinstance(value, str)


def _in_words(name: str, kept: Mapping[str, object]) -> str:
    if "url" in kept:
        headers = _pairs(kept.get("headers"))
        return f"MCP server {name}: talks to {kept['url']}" + (f" with the headers {headers}" if headers else "")
    args, env = kept.get("args"), _pairs(kept.get("env"))
    words = [str(kept["command"]), *(map(str, args) if isinstance(args, list) else ())]
    return f"MCP server {name}: runs {' '.join(words)}" + (f" with {env} in its environment" if env else "")


def _pairs(value: object) -> str:
    return ", ".join(f"{key}={item}" for key, item in value.items()) if isinstance(value, dict) else ""
