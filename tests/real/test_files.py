"""Files with the real CLI: what reaches the API, and what comes back through its SDK MCP channel."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession
from stages.backstage import ADA
from stages.real_stage import RealStage, stage
from stages.support import awaited, until
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
SEND_FILE = "mcp__threadbridge__send_file"


def png(width: int = 16) -> bytes:
    """A whole picture: the CLI looks into it."""
    rows = b"".join(b"\0" + b"\x20\x60\xa0" * width for _ in range(width))
    parts = ((b"IHDR", width.to_bytes(4) * 2 + b"\x08\x02\0\0\0"), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def attach(it: RealStage, session: ManagedSession, prompt_id: int, text: str, **files: bytes) -> None:
    """A prompt whose files have been fetched."""
    folder = it.back.layout.session(session.session_id).files_of(prompt_id)
    folder.mkdir(parents=True)
    attachments = []
    for number, (name, data) in enumerate(files.items()):
        dotted = name.replace("_", ".")
        (folder / dotted).write_bytes(data)
        stored = f"files/{prompt_id}/{dotted}"
        attachments.append(e.Attachment(number, dotted, len(data), stored=stored))
    it.back.manager.prompt(session.session_id, prompt_id, text, ADA, attachments=tuple(attachments))


def blocks(it: RealStage) -> Iterator[dict[str, Any]]:
    """All blocks that people said in the newest request."""
    for message in it.model.calls_of("main")[-1].body["messages"]:
        if message["role"] == "user" and isinstance(message["content"], list):
            yield from message["content"]


@awaited
async def test_an_image_and_a_pdf_reach_the_api_as_blocks_and_every_path_is_told() -> None:
    async with stage(turn(text("begun")), turn(text("I see."))) as it:
        session = it.back.session("begin")
        await it.back.settles(session)
        attach(it, session, 5001, "/context @a.csv what is this", shot_png=png(), plan_pdf=PDF, a_csv=b"1,2\n")
        await it.back.settles(session, 2)
        found = list(blocks(it))
        images = [block for block in found if block["type"] == "image"]
        assert [base64.b64decode(block["source"]["data"]) for block in images] == [png()]
        documents = [block for block in found if block["type"] == "document"]
        assert [base64.b64decode(block["source"]["data"]) for block in documents] == [PDF]
        said = "\n".join(str(block.get("text", "")) for block in found)
        assert "/context @a.csv what is this" in said
        folder = it.back.layout.session(session.session_id).files_of(5001)
        assert all(f"it lies at {folder / name}" in said for name in ("shot.png", "plan.pdf", "a.csv"))


@awaited
async def test_claude_reads_a_told_path_without_asking_and_writes_nothing_there() -> None:
    async with stage(turn(text("begun"))) as it:
        session = it.back.session("begin")
        await it.back.settles(session)
        path = it.back.layout.session(session.session_id).files_of(5001) / "a.csv"
        edit = {"file_path": str(path), "old_string": "1,2", "new_string": "9,9"}
        it.model.add(
            turn(tool("Read", {"file_path": str(path)})), turn(tool("Edit", edit)), turn(text("That is read-only."))
        )
        attach(it, session, 5001, "look", a_csv=b"1,2\n")
        request = await it.back.asks(session)
        assert request.event.tool == "Edit", "the Read was not asked about"
        it.back.manager.decide(request, "allowed", ADA)
        await it.back.settles(session, 2)
        assert path.read_bytes() == b"1,2\n"
        assert "1,2" in it.log_of(session)


@awaited
@pytest.mark.parametrize("mode", ["default", "plan", "dontAsk"])
async def test_send_file_works_without_a_click_in_every_mode(mode: str) -> None:
    ends = (turn(tool(SEND_FILE, {"path": "report.txt", "caption": "Done"})), turn(text("You have it.")))
    async with stage(*ends, permission_mode=mode) as it:
        (it.back.project / "report.txt").write_text("all of it")
        session = it.back.session("send it")
        await it.back.settles(session)
        assert '"PermissionRequested"' not in it.log_of(session)
        (sent,) = [json.loads(line)["event"] for line in it.log_of(session).splitlines() if '"FileSent"' in line]
        folder = it.back.layout.session(session.session_id).folder
        assert (folder / sent["stored"]).read_text() == "all of it"
        assert (sent["name"], sent["caption"]) == ("report.txt", "Done")
        tools = [offered["name"] for offered in it.model.calls_of("main")[0].body["tools"]]
        assert SEND_FILE in tools, "it need not be searched for"


@awaited
async def test_a_file_that_may_not_be_sent_is_refused_in_words_that_reach_the_model() -> None:
    async with stage(turn(tool(SEND_FILE, {"path": "/etc/passwd"})), turn(text("I may not."))) as it:
        session = it.back.session("send it")
        await it.back.settles(session)
        assert "may not be sent: files are sent from" in json.dumps(it.model.calls_of("main")[-1].body)
        assert '"FileSent"' not in it.log_of(session)


@awaited
async def test_an_image_that_comes_during_a_tool_is_folded_in() -> None:
    slow = {"command": "sleep 1; sleep 1; echo slept", "description": "sleep"}
    async with stage(turn(tool("Bash", slow)), turn(text("I saw it."))) as it:
        session = it.back.session("first")
        await until(lambda: '"ToolStarted"' in it.log_of(session), "the running tool")
        attach(it, session, 5002, "look at this too", shot_png=png(20))
        await it.back.settles(session)
        await until(lambda: not it.back.live(session).prompts, "both prompts are done")
        assert base64.b64encode(png(20)).decode() in json.dumps(it.model.calls_of("main")[-1].body)
