"""What the scripted claude keeps on disk: the transcript that a later `--resume` needs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from twins.claude.frames import Tally, folder_name, timestamp

if TYPE_CHECKING:
    from twins.claude.frames import Json

CONFIG = os.environ.get("CLAUDE_CONFIG_DIR") or os.environ.get("HOME", "/") + "/.claude"


class Past(NamedTuple):
    """What a transcript tells about a session: the prompts that were taken, and what was spent."""

    prompt_uuids: frozenset[str]
    total: Tally


class Transcript:
    """`projects/<folder>/<session>.jsonl`, made at the first turn. Lines are appended and never changed."""

    def __init__(self, session_id: str, cwd: str, path: str | None = None) -> None:
        self.path = path or f"{CONFIG}/projects/{folder_name(cwd)}/{session_id}.jsonl"
        self._session_id = session_id
        self._cwd = cwd

    @classmethod
    def find(cls, session_id: str, cwd: str) -> Transcript | None:
        """The transcript of this session, whatever directory it began in."""
        projects = f"{CONFIG}/projects"
        for folder in [folder_name(cwd), *_names(projects)]:
            path = f"{projects}/{folder}/{session_id}.jsonl"
            if os.path.exists(path):  # noqa: PTH110  (pathlib costs start time)
                return cls(session_id, cwd, path)
        return None

    @classmethod
    def newest(cls, cwd: str) -> str | None:
        """The id of the session that was last written to in this directory."""
        folder = f"{CONFIG}/projects/{folder_name(cwd)}"
        names = [name for name in _names(folder) if name.endswith(".jsonl")]
        newest = max(names, key=lambda name: os.stat(f"{folder}/{name}").st_mtime_ns, default=None)  # noqa: PTH116
        return newest.removesuffix(".jsonl") if newest else None

    def append(self, line: Json) -> None:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)  # noqa: PTH103, PTH120
        whole = {**line, "sessionId": self._session_id, "cwd": self._cwd, "timestamp": timestamp()}
        with open(self.path, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(json.dumps(whole) + "\n")

    def past(self) -> Past:
        """Reads the file; nothing has happened yet if there is none."""
        if not os.path.exists(self.path):  # noqa: PTH110
            return Past(frozenset(), Tally())
        uuids: set[str] = set()
        total = Tally()
        with open(self.path, encoding="utf-8") as file:  # noqa: PTH123
            for text in file:
                line = json.loads(text)
                uuids |= _prompt_uuids(line)
                if line["type"] == "scripted-total":
                    total = Tally(line["input_tokens"], line["output_tokens"])
        return Past(frozenset(uuids), total)


def _prompt_uuids(line: Json) -> set[str]:
    """The uuids of the prompts that a line tells of: its own, or that of a message folded into a turn."""
    uuid = line.get("uuid") if line["type"] == "user" else line.get("attachment", {}).get("source_uuid")
    return {uuid} if uuid else set()


def write_plan(plan: str) -> str:
    """Writes the plan file that plan mode is about; returns its path."""
    path = f"{CONFIG}/plans/scripted-plan.md"
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(plan)
    return path


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except FileNotFoundError:
        return []
