"""Files in and out on the whole path: loopback Discord, real supervisor, real workers, contained children."""

import hashlib
import os
import signal
from pathlib import Path

import msgspec

from bridge.protocol import events as e
from playground.host.supervisor import Supervisor
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited
from twins.discord.faults import LOSE, Fault, Moment
from twins.discord.model import Channel, Message, Upload

ROUTE = "/attachments/{channel_id}/{attachment_id}/{filename}"
PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(50_000)
CSV = b"name,size\nada,1\n"


def known_by(data: bytes) -> str:
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"


async def attaches(house: Playhouse, text: str, *uploads: Upload) -> Channel:
    message = await house.you.says(house.host.channel.id, text, attachments=uploads)
    return await house.until(lambda: house.discord.thread_of(message), "a thread")


def with_files(house: Playhouse, thread: Channel) -> list[Message]:
    return [message for message in house.posts(thread) if message.attachments]


def outputs(log: Path) -> list[str]:
    """What the session's tools said, in their order."""
    events = [msgspec.json.decode(line, type=e.Record).event for line in log.read_bytes().splitlines()]
    return [event.output for event in events if isinstance(event, e.ToolFinished)]


def folders(house: Playhouse) -> list[Path]:
    return list((house.host.place.state / "sessions").glob("*"))


@awaited
async def test_an_image_and_a_text_file_reach_claude_though_the_supervisor_dies_during_the_download() -> None:
    async with playhouse() as house:
        house.discord.faults.add(Fault("delay", seconds=2.0), route=ROUTE)
        uploads = Upload("shot.png", PNG, "image/png"), Upload("my data.csv", CSV, "text/csv")
        message = await house.you.says(house.host.channel.id, "show what I sent", attachments=uploads)
        await house.until(lambda: house.discord.faults.struck, "the download has begun")
        os.kill(house.host.supervisor.pid, signal.SIGKILL)
        await house.host.supervisor.ended()
        place = house.host.place
        async with Supervisor(house.host.threadbridge, place.log, place.notify_socket):
            thread = await house.until(lambda: house.discord.thread_of(message), "a thread")
            await house.done(thread)
            said = house.text(thread)
            assert f"image image/png {known_by(PNG)}" in said
            assert f"files/{message.id}/shot.png {known_by(PNG)}" in said
            assert f"files/{message.id}/my data.csv {known_by(CSV)}" in said
            await house.host.threadbridge.ask("kill", "--all")


@awaited
async def test_an_expired_link_is_fetched_again() -> None:
    async with playhouse() as house:
        house.discord.faults.add(Fault("error", status=404), route=ROUTE)
        thread = await attaches(house, "show what I sent", Upload("a.csv", CSV, "text/csv"))
        await house.done(thread)
        assert known_by(CSV) in house.text(thread)
        assert house.discord.faults.struck == {"error": 1}


@awaited
async def test_a_long_paste_is_read_as_the_prompt_and_a_later_message_waits_for_it() -> None:
    async with playhouse() as house:
        thread = await house.starts("say begun")
        await house.done(thread)
        house.discord.faults.add(Fault("delay", seconds=1.0), route=ROUTE)
        paste = Upload("message.txt", b"say from the paste\n" + b"word " * 1000, "text/plain; charset=utf-8")
        await house.you.says(thread.id, attachments=[paste])
        await house.you.says(thread.id, "say after the paste")
        await house.shows(thread, "after the paste")
        text = house.text(thread)
        assert text.index("from the paste") < text.index("after the paste")


@awaited
async def test_a_file_that_claude_sends_comes_back_with_the_same_bytes_exactly_once() -> None:
    async with playhouse() as house:
        data = os.urandom(200_000)
        (house.project / "chart.png").write_bytes(data)

        def lose_the_answer(moment: Moment) -> Fault | None:
            if moment.point == "done" and moment.shows("chart.png") and not house.discord.faults.struck:
                return LOSE
            return None

        house.discord.faults.hook = lose_the_answer
        thread = await house.starts("send file chart.png | As you asked")
        await house.done(thread)
        await house.shows(thread, "As you asked")
        assert house.discord.faults.struck == {"lose": 1}
        (post,) = with_files(house, thread)
        assert [file.upload.content for file in post.attachments] == [data]
        assert post.filenames == ("chart.png",)
        assert "chart.png" in post.content


@awaited
async def test_what_lies_elsewhere_is_not_sent_and_claude_is_told_why() -> None:
    async with playhouse() as house:
        (house.project / "link").symlink_to("/etc/hostname")
        os.mkfifo(house.project / "pipe")
        with (house.project / "huge").open("wb") as huge:
            huge.truncate(1 << 36)
        database = house.host.place.state / "threadbridge.db"
        tries = ("link", "pipe", "huge", "../../../etc/passwd", str(database), "/proc/self/environ")
        thread = await house.starts("\n".join(f"send file {path}" for path in tries))
        await house.done(thread)
        assert not with_files(house, thread)
        log = next(folder / "log.jsonl" for folder in folders(house)).read_text()
        assert log.count("Not sent: ") == len(tries)
        assert '"FileSent"' not in log
        assert not [path for folder in folders(house) for path in (folder / "sent").glob("*")]


@awaited
async def test_a_child_reads_what_it_was_sent_and_cannot_write_there_nor_see_another_sessions() -> None:
    async with playhouse() as house:
        first = await attaches(house, "say one", Upload("secret.csv", CSV, "text/csv"))
        await house.done(first)
        (others,) = folders(house)
        thread = await house.starts("say two")
        await house.done(thread)
        (own,) = [folder for folder in folders(house) if folder != others]
        await house.you.says(
            thread.id,
            f"run ls {own.parent}\nrun ls {others}/files\nwrite {own}/files/a x\nwrite {own}/scratch/report.txt made\n"
            f"send file {own}/scratch/report.txt",
        )
        for _ in range(2):
            card = await house.card(thread)
            await house.press(card, "Allow")
            await house.settled(card, "allowed by")
        await house.done(thread, 2)
        listed, theirs, written = outputs(own / "log.jsonl")[:3]
        assert listed == own.name, "of all sessions it sees only its own"
        assert "No such file" in theirs or "cannot access" in theirs
        assert "Read-only file system" in written
        (post,) = with_files(house, thread)
        assert post.attachments[0].upload.content == b"made\n"


@awaited
async def test_a_deleted_message_whose_file_is_being_fetched_leaves_nothing() -> None:
    async with playhouse() as house:
        thread = await house.starts("say begun")
        await house.done(thread)
        house.discord.faults.add(Fault("delay", seconds=1.0), route=ROUTE)
        message = await house.you.says(thread.id, "say not this", attachments=[Upload("a.csv", CSV, "text/csv")])
        await house.until(lambda: house.discord.faults.struck, "the download has begun")
        await house.you.deletes(message)
        (folder,) = folders(house)
        await house.until(lambda: not (folder / "files" / str(message.id)).exists(), "the files' end")
        assert not [post for post in house.posts(thread) if post.reply_to == message.id]
        assert "say not this" not in (folder / "log.jsonl").read_text()


@awaited
async def test_an_image_that_claude_looks_at_in_the_project_is_shown_in_the_thread() -> None:
    async with playhouse() as house:
        (house.project / "chart.png").write_bytes(PNG)
        thread = await house.starts("read chart.png")
        await house.done(thread)
        (post,) = await house.until(lambda: with_files(house, thread), "the image")
        assert [a.upload.content for a in post.attachments] == [PNG]
