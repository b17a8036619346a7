"""What of a project would act by itself, in words, and the copy that acts in its stead once somebody trusts it.

A copy holds what we understand and nothing else, written anew: settings, servers, and the texts of commands, skills and
agents with the front matter that is known. Whatever is not understood is left out, and named as left out.

The digest is of the copy and its directory: who trusts it trusts exactly these bytes, and a change of what would not
act asks nobody again.
"""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.trust import documents, servers, settings
from bridge.trust.words import Told

SETTINGS, SERVERS = "settings.json", "mcp.json"
"""Their names in a copy; the folders are called as in ``.claude``."""
FOLDERS = ("commands", "skills", "agents")
_SKILL = "skill.md"
_FORM = b"threadbridge-trust-1"


class Found(msgspec.Struct, frozen=True):
    """A regular file of the project's, or of a copy."""

    data: bytes
    is_program: bool = False


class Acting(msgspec.Struct, frozen=True):
    """``files`` is the copy, by path; ``acts`` and ``left_out`` are lines for a person, whole."""

    directory: str
    files: dict[str, Found]
    acts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 (hex). What is hashed has one reading: each part stands behind its length."""
        whole = hashlib.sha256(_FORM)
        parts = [self.directory.encode("utf-8", "surrogateescape")]
        for path, file in sorted(self.files.items()):
            parts += [path.encode("utf-8", "surrogateescape"), b"x" if file.is_program else b"-", file.data]
        for part in parts:
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


def understand(found: Mapping[str, Found], directory: str, not_read: tuple[str, ...] = ()) -> Acting:
    """``found``: the project's files that could act, by their paths in it; ``not_read``: others, with the reason."""
    told = Told(left_out=[f"{one}" for one in not_read])
    files: dict[str, Found] = {}
    read = {name: _json(found[name].data) for name in (*settings.FILES, servers.FILE) if name in found}
    of_settings = settings.understand(read, directory, told)
    if whole := of_settings.whole():
        files[SETTINGS] = Found(_pretty(whole))
    if servers.FILE in read and (kept := servers.understand(read[servers.FILE], of_settings.disabled_servers, told)):
        files[SERVERS] = Found(_pretty({"mcpServers": kept}))
    for kind in FOLDERS:
        prefix = f".claude/{kind}/"
        inside = {path.removeprefix(prefix): file for path, file in found.items() if path.startswith(prefix)}
        files |= {f"{kind}/{path}": file for path, file in _folder(kind, inside, told).items()}
    return Acting(directory, files, tuple(told.acts), tuple(told.left_out))


def _json(data: bytes) -> object:
    """None for what is no JSON."""
    try:
        return msgspec.json.decode(data)
    except UNREADABLE:
        return None


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _folder(kind: str, inside: Mapping[str, Found], told: Told) -> dict[str, Found]:
    kept: dict[str, Found] = {}
    for path, file in sorted(inside.items()):
        if is_document(kind, path):
            if document := _document(kind, path, file.data, told):
                kept[path] = Found(document.text.encode())
        elif kind == "skills" and "/" in path:
            kept[path] = file
        else:
            told.leave_out(f".claude/{kind}/{path}")
    if kind == "skills":
        kept = _of_skills(kept, told)
    return kept


def is_document(kind: str, path: str) -> bool:
    """Whether the CLI reads its front matter; of a skill's files only that of SKILL.md, however it is written."""
    name = PurePosixPath(path).name.lower()
    return name == _SKILL if kind == "skills" else name.endswith(".md")


def _of_skills(kept: dict[str, Found], told: Told) -> dict[str, Found]:
    """What lies beside a SKILL.md is for Claude to read; without one nothing is a skill."""
    skills = {path.partition("/")[0] for path in kept if path.count("/") == 1 and is_document("skills", path)}
    for name in sorted({path.partition("/")[0] for path in kept} - skills):
        told.leave_out(f".claude/skills/{name}")
    for name in sorted(skills):
        if count := sum(path.startswith(f"{name}/") for path in kept) - 1:
            told.act(f"Skill {name}: Claude gets {count} more of its files, and may run them as any other file")
    return {path: file for path, file in kept.items() if path.partition("/")[0] in skills}


def _document(kind: str, path: str, data: bytes, told: Told) -> documents.Document | None:
    where = f".claude/{kind}/{path}"
    try:
        document = documents.understand(kind, data.decode())
    except UnicodeDecodeError:
        document = None
    if document is None:
        told.leave_out(f"{where}: its front matter is not written in a form that is understood")
        return None
    for key in document.left_out:
        told.leave_out(f"{where}: {key}")
    told.act(_in_words(kind, path, document))
    return document


def _in_words(kind: str, path: str, document: documents.Document) -> str:
    name = PurePosixPath(path).parent.name if kind == "skills" else PurePosixPath(path).stem
    what = {"commands": f"Command /{name}", "skills": f"Skill {name}", "agents": f"Agent {name}"}[kind]
    parts = [f"runs {command}" for command in document.runs]
    if tools := document.fields.get("allowed-tools"):
        parts.append(f"not asked about while it is used: {_listed(tools)}")
    if tools := document.fields.get("tools"):
        parts.append(f"has the tools {_listed(tools)}")
    return f"{what}: {'; '.join(parts)}" if parts else what


def _listed(value: documents.Value) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
