"""The real CLI under faults: a model on loopback that does what the prompts of `faults_session` say."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.protocol.errors import UserError
from lab.faults.prompted import STREAM_CHARS, STREAM_S
from playground.host import claude as host_claude
from playground.host.claude import Chosen
from playground.host.place import Place
from twins.claude.script import prose
from twins.messages_api.server import Call, ScriptedModel
from twins.messages_api.turns import Block, Turn, text, tool, turn

STREAM_CHUNKS = 12
_ASKED = re.compile(r"run echo (s\d+p\d+) >> (s\d+\.txt)")
_DONE = re.compile(r"echo (s\d+p\d+) >>")


class ObedientModel(ScriptedModel):
    """What is asked for in the newest user messages is begun; what a tool has done there is closed with its «z»."""

    def _take(self, call: Call) -> Turn:
        uses, newest = _newest(call.body["messages"])
        blocks: list[Block] = [text(f"«{mark}z» done with it") for mark in _DONE.findall(uses)]
        for mark, file in _ASKED.findall(newest):
            command = {"command": f"echo {mark} >> {file}", "description": "Append a line"}
            streamed = text(prose(STREAM_CHARS), chunks=STREAM_CHUNKS, gap_s=STREAM_S / STREAM_CHUNKS)
            blocks += [text(f"«{mark}a»"), streamed, tool("Bash", command)]
        return turn(*(blocks or [text("Nothing to do.")]))


def _newest(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """(the tool uses that the newest user messages answer, what people said in them), each as one text."""
    answered, said = set(), []
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    for message in messages[last + 1 :]:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "tool_result":
                answered.add(part["tool_use_id"])
            elif part["type"] == "text":
                said.append(part["text"])
    uses = messages[last]["content"] if last >= 0 else []
    done = [str(part["input"]) for part in uses if isinstance(part, dict) and part.get("id") in answered]
    return "\n".join(done), "\n".join(said)


def program() -> str:
    """The real CLI. Raises UserError when there is none."""
    found = os.environ.get("THREADBRIDGE_TEST_CLAUDE") or shutil.which("claude")
    if not found:
        raise UserError("there is no claude on the path, and $THREADBRIDGE_TEST_CLAUDE names none")
    return found


@asynccontextmanager
async def real_claude(place: Place) -> AsyncIterator[Chosen]:
    """It works without a login and without the network."""
    async with ObedientModel() as model:
        yield host_claude.hermetic(program(), place.home, model.base_url)
