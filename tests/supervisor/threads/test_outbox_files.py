"""Files of Claude's on their way out: where they lie, and what is said when they cannot be sent."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from bridge.render.posts import File, Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.fake_discord import FakeDiscord
from stages.support import awaited, beside, until
from supervisor.assembly import session_manager
from supervisor.discord import sent_files
from supervisor.discord.errors import Forbidden, Found, Refused
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store import Store
from supervisor.threads.outbox import Outbox
from supervisor.threads.tries import lost_among
from worker.sending import copy, places

CHANNEL, THREAD = 222, 10**18
FILE = Post("look\n-# chart.png · 1 KiB", files=(File("chart.png", path="sent/0123abcd-chart.png"),))


class Desk:
    def __init__(self, folder: Path) -> None:
        self.discord = FakeDiscord(CHANNEL)
        self.store = Store(folder / "db")
        self.manager = session_manager(self.store)
        self.layout = Layout(folder)
        self.outbox = Outbox(self.manager, self.discord, jitter=lambda: 0.0, layout=self.layout)
        action = CreateSession(THREAD, 9, Channel(CHANNEL, "/srv"), Person(1, "Ada", 9), "hello", "a name")
        self.session_id = self.manager.create_session(action).session_id

    def shown(self) -> list[str]:
        return self.discord.shown(THREAD)

    async def settled(self) -> None:
        await until(lambda: not self.store.unsettled_sessions(), "every post is shown")


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    made = Desk(folder)
    try:
        async with beside(made.outbox.run()):
            yield made
    finally:
        made.store.close()


@awaited
async def test_a_file_is_named_by_its_place_on_this_host_when_it_is_sent_and_not_in_the_store(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.manager.show(it.session_id, "file:g:5", FILE)
        await it.settled()
        (message,) = it.discord.made(THREAD)
        assert message.post.files[0].path == str(it.layout.session(it.session_id).folder / "sent/0123abcd-chart.png")
        row = it.store.post(it.session_id, "file:g:5")
        assert row
        assert row.desired == row.shown == FILE


@awaited
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Refused("Request entity too large (413 40005; POST)", 413, 40005), "it is too large"),
        (Refused("chart.png cannot be read on the host: gone"), "chart.png cannot be read on the host: gone"),
        (Forbidden("Missing Permissions"), "the bot lacks the permission *Attach Files*"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_said_in_the_thread_and_holds_up_nothing(
    tmp_path: Path, error: Exception, why: str
) -> None:
    async with desk(tmp_path) as it:
        it.manager.show(it.session_id, "begun", Post("begun"))
        await it.settled()
        it.discord.fail("create", error)
        it.manager.show(it.session_id, "file:g:5", FILE)
        await until(lambda: len(it.shown()) == 2, "the words")
        assert f"chart.png could not be sent: {why}" in it.shown()[-1].replace("\\", "")


@awaited
@pytest.mark.parametrize(
    "stored",
    [
        "/etc/hostname",
        "../../store.db",
        "sent/../log",
        "sent/0123abcd-../../log",
        "sent/0123abcd-a/b",
        "log",
        "sent/notours.png",
        "sent/0123abcd-.hidden",
        "sent/0123abcd-a\0b",
        "sent/0123abcd-a\n",
        "sent/0123abcd-",
        " sent/0123abcd-a",
    ],
)
async def test_a_record_cannot_name_a_file_that_the_bridge_did_not_make(tmp_path: Path, stored: str) -> None:
    async with desk(tmp_path) as it:
        it.manager.show(it.session_id, "file:g:5", Post("look", files=(File("chart.png", path=stored),)))
        await it.settled()
        (message,) = it.discord.made(THREAD)
        assert not message.post.files
        assert "names no file that the bridge made" in message.post.content


def test_what_a_worker_names_its_copies_is_what_we_open(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "folder"
    for made in (project, folder / "sent", tmp_path / "scratch"):
        made.mkdir(parents=True)
    where = places(str(project), folder, tmp_path / "scratch", folder / "sent", ())
    for name in ("a.png", ".hidden", " x", "é ü+(1).tar.gz", "x" * 200 + ".txt", "-rf", "a\nb"):
        (project / name).write_text(name)
        stored = copy(str(project / name), where).stored
        assert sent_files.read(sent_files.place_of(stored, folder)).decode() == name


def test_no_link_is_followed_and_nothing_but_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    sent = tmp_path / "sent"
    sent.mkdir()
    (sent / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(sent / "fifo")
    (tmp_path / "other").symlink_to(sent)
    (sent / "file").write_text("ok")
    for path in (sent / "link", sent / "fifo", sent, tmp_path / "other" / "file", sent / "gone"):
        with pytest.raises(OSError):
            sent_files.read(path)
    assert sent_files.read(sent / "file") == b"ok"


def test_only_a_message_with_the_same_words_is_taken_for_a_lost_file() -> None:
    row = PostRow(1, "s", "file:g:5", FILE, None, None, 0, 5.0)
    assert lost_among([Found(7, "another text of ours")], row) is None
    assert lost_among([Found(7, "another text of ours"), Found(8, FILE.content)], row) == Found(8, FILE.content)
