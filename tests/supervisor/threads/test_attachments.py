"""Fetching what people attach, with a scripted network: nothing is delivered too early, nothing stays behind."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.layout import Layout, SessionLayout
from bridge.protocol.limits import Limits
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.no_rest import NoRest
from stages.opened_stores import opened_store
from stages.support import awaited, beside, until
from supervisor.assembly import session_manager
from supervisor.discord.errors import LinkExpired, MessageGone, Refused, TooLarge, Unavailable
from supervisor.discord.shapes import Message, read
from supervisor.threads import attachments as a
from supervisor.workers.endpoint import deliverable

ADA = Person(111, "Ada", 7)
THREAD, LIMIT = 1000, 1_000_000
URL = "https://cdn.example/"


class ScriptedNetwork(NoRest):
    """What each link gives, or the errors that fetching it meets, one after the other."""

    def __init__(self) -> None:
        self.holds: dict[str, bytes] = {}
        self.errors: dict[str, list[Exception]] = {}
        self.message_json: dict[str, object] | Exception = MessageGone("gone")
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def download(self, url: str, take: Callable[[bytes], object], most_bytes: int) -> None:
        self.fetched.append(url)
        if errors := self.errors.get(url):
            raise errors.pop(0)
        if url not in self.holds:
            raise LinkExpired("404")
        data = self.holds[url]
        take(data[: len(data) // 2])
        await self.gate.wait()
        if len(data) > most_bytes:
            raise TooLarge("too large")
        take(data[len(data) // 2 :])

    async def message(self, channel_id: int, message_id: int) -> Message:
        if isinstance(self.message_json, Exception):
            raise self.message_json
        return read({"id": message_id, "channel_id": channel_id, "author": {"id": "1"}, **self.message_json}, Message)


class Desk:
    """A store with one session, whose thread began with a message."""

    def __init__(self, folder: Path) -> None:
        self.store = opened_store(folder / "db")
        self.manager = session_manager(self.store)
        self.layout = Layout(folder)
        self.network = ScriptedNetwork()
        self.limits = Limits()
        action = CreateSession(THREAD, 7, Channel(222, "/srv/app"), ADA, "begin", "begin")
        self.session_id = self.manager.create_session(action, handled_in=222).session_id
        self.store.answered(self.session_id, f"prompt:{THREAD}")

    @property
    def paths(self) -> SessionLayout:
        return self.layout.session(self.session_id)

    def attach(self, prompt_id: int, *files: e.Attachment, text: str = "see these") -> None:
        self.manager.prompt(self.session_id, prompt_id, text, ADA, handled_in=THREAD, attachments=files)

    def offers(self, number: int, name: str, data: bytes, size: int | None = None) -> e.Attachment:
        self.network.holds[URL + name] = data
        return e.Attachment(number, name, len(data) if size is None else size, url=URL + name)

    def waiting(self) -> dict[int, c.Prompt]:
        inbox = [item.command for item in self.manager.inbox(self.session_id)]
        return {prompt.prompt_id: prompt for prompt in inbox if isinstance(prompt, c.Prompt)}

    def deliverable(self) -> list[int]:
        rows = deliverable(self.manager.inbox(self.session_id))
        return [row.command.prompt_id for row in rows if isinstance(row.command, c.Prompt)]

    def post(self, key: str) -> str:
        row = self.store.post(self.session_id, key)
        return row.desired.content if row else ""

    def fetching(self) -> AbstractAsyncContextManager[None]:
        loop = a.Attachments(
            self.manager, self.layout, self.network, lambda: LIMIT, lambda: self.limits, pauses_s=(0.001,) * 3
        )
        return beside(loop.run())

    async def settled(self, prompt_id: int) -> tuple[e.Attachment, ...]:
        await until(lambda: prompt_id in self.deliverable(), f"prompt {prompt_id}, settled")
        return self.waiting()[prompt_id].attachments


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@awaited
async def test_files_are_fetched_below_the_sessions_folder_and_noted_in_the_wish(desk: Desk) -> None:
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"), desk.offers(2, "b.csv", b"1,2"))
        png, csv = await desk.settled(2001)
    assert (png.stored, csv.stored) == ("files/2001/a.png", "files/2001/b.csv")
    assert (desk.paths.folder / png.stored).read_bytes() == b"pixels"
    assert sorted(path.name for path in desk.paths.files_of(2001).iterdir()) == ["a.png", "b.csv"]
    assert desk.paths.files_of(2001).stat().st_mode & 0o777 == 0o700


@awaited
async def test_a_prompt_waits_for_its_files_and_later_prompts_wait_for_it_but_a_stop_does_not(desk: Desk) -> None:
    desk.network.gate.clear()
    async with desk.fetching():
        desk.manager.prompt(desk.session_id, 2000, "before", ADA)
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        desk.manager.prompt(desk.session_id, 2002, "after", ADA)
        desk.manager.configure(desk.session_id, "x", "model", "opus")
        await until(lambda: desk.network.fetched, "the download")
        assert desk.deliverable() == [2000]
        rows = deliverable(desk.manager.inbox(desk.session_id))
        assert any(isinstance(row.command, c.Configure) for row in rows)
        desk.network.gate.set()
        await desk.settled(2001)
    assert desk.deliverable() == [2000, 2001, 2002]


@awaited
async def test_a_restart_in_the_middle_of_a_download_fetches_the_file_whole(desk: Desk) -> None:
    desk.network.gate.clear()
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.bin", b"x" * 1000))
        await until(lambda: desk.network.fetched, "the download")
    assert not list(desk.paths.files_of(2001).iterdir()), "half a file must not stay"
    desk.network.gate.set()
    async with desk.fetching():
        (found,) = await desk.settled(2001)
    assert (desk.paths.folder / found.stored).read_bytes() == b"x" * 1000


@awaited
async def test_an_expired_link_of_a_message_that_was_answered_is_looked_for_there(desk: Desk) -> None:
    fresh = {"id": "1", "filename": "a.png", "size": 3, "url": URL + "fresh"}
    desk.network.message_json = {"referenced_message": {"attachments": [fresh]}}
    desk.network.holds[URL + "fresh"] = b"new"
    async with desk.fetching():
        desk.attach(2001, e.Attachment(1, "answered-a.png", 3, url=URL + "stale", origin=e.ANSWERED))
        (found,) = await desk.settled(2001)
    assert (desk.paths.folder / found.stored).read_bytes() == b"new"


@awaited
async def test_an_expired_link_is_replaced_by_what_the_message_says_now(desk: Desk) -> None:
    fresh = {"id": "1", "filename": "a.png", "size": 3, "url": URL + "fresh"}
    desk.network.message_json = {"attachments": [fresh]}
    desk.network.holds[URL + "fresh"] = b"new"
    async with desk.fetching():
        desk.attach(2001, e.Attachment(1, "a.png", 3, url=URL + "stale"))
        (found,) = await desk.settled(2001)
    assert (desk.paths.folder / found.stored).read_bytes() == b"new"
    assert desk.network.fetched == [URL + "stale", URL + "fresh"]


@awaited
async def test_a_link_that_stays_expired_fails_after_a_few_tries_and_the_text_goes_on(desk: Desk) -> None:
    stale = {"id": "1", "filename": "a.png", "size": 3, "url": URL + "stale"}
    desk.network.message_json = {"attachments": [stale]}
    async with desk.fetching():
        desk.attach(2001, e.Attachment(1, "a.png", 3, url=URL + "stale"))
        (found,) = await desk.settled(2001)
    assert "link has expired" in found.failure
    assert len(desk.network.fetched) == 4
    assert desk.waiting()[2001].text == "see these"
    assert "a.png: its link has expired" in desk.post("files:2001").replace("\\", "")


@awaited
async def test_a_file_that_was_taken_off_the_message_fails_at_once(desk: Desk) -> None:
    desk.network.message_json = {"attachments": []}
    async with desk.fetching():
        desk.attach(2001, e.Attachment(1, "a.png", 3, url=URL + "stale"))
        (found,) = await desk.settled(2001)
    assert found.failure == "it is no longer attached to the message"
    assert len(desk.network.fetched) == 1


@awaited
async def test_a_network_that_comes_back_is_waited_for(desk: Desk) -> None:
    desk.network.errors[URL + "a.png"] = [Unavailable("503"), Unavailable("no answer")]
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        (found,) = await desk.settled(2001)
    assert found.stored
    assert not desk.post("files:2001")


@awaited
async def test_a_link_that_is_none_fails_at_once(desk: Desk) -> None:
    desk.network.errors[URL + "a.png"] = [Refused("its link is no https link")]
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        (found,) = await desk.settled(2001)
    assert found.failure == "its link is no https link"


@awaited
async def test_files_above_the_limit_together_fail_and_the_others_are_fetched(desk: Desk) -> None:
    async with desk.fetching():
        desk.attach(
            2001,
            desk.offers(1, "large.bin", b"x" * 700_000),
            desk.offers(2, "too.bin", b"x" * 700_000),
            desk.offers(3, "small.bin", b"x" * 300_000),
        )
        large, too, small = await desk.settled(2001)
    assert large.stored
    assert small.stored
    assert "1 MB together" in too.failure
    assert URL + "too.bin" not in desk.network.fetched, "its told size was enough"


@awaited
async def test_a_file_that_is_larger_than_it_said_is_cut_off_and_fails(desk: Desk) -> None:
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "liar.bin", b"x" * (LIMIT + 1), size=10))
        (found,) = await desk.settled(2001)
    assert "1 MB together" in found.failure
    assert not list(desk.paths.files_of(2001).iterdir())


@awaited
async def test_a_deleted_message_leaves_no_files_behind(desk: Desk) -> None:
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        await desk.settled(2001)
        desk.manager.waiting.amend(desk.session_id, 2001, None)
        await until(lambda: not desk.paths.files_of(2001).exists(), "the files' end")
    assert not desk.manager.waiting.dropped(desk.session_id)


@awaited
async def test_a_message_that_is_deleted_during_the_download_leaves_no_files_behind(desk: Desk) -> None:
    desk.network.gate.clear()
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        await until(lambda: desk.network.fetched, "the download")
        desk.manager.waiting.amend(desk.session_id, 2001, None)
        desk.network.gate.set()
        await until(lambda: not desk.paths.files_of(2001).exists(), "the files' end")


@awaited
async def test_files_of_a_prompt_that_was_dropped_before_a_restart_are_deleted_after_it(desk: Desk) -> None:
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        await desk.settled(2001)
    desk.manager.destroy_session(desk.session_id, "ended")
    assert desk.paths.files_of(2001).exists()
    async with desk.fetching():
        await until(lambda: not desk.paths.files_of(2001).exists(), "the files' end")


@awaited
async def test_a_stop_drops_what_waits_for_its_files_and_what_waits_behind_it(desk: Desk) -> None:
    desk.network.gate.clear()
    async with desk.fetching():
        desk.manager.prompt(desk.session_id, 2000, "with the worker already", ADA)
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        desk.manager.prompt(desk.session_id, 2002, "after", ADA)
        await until(lambda: desk.network.fetched, "the download")
        desk.manager.interrupt(desk.session_id, "x", ADA.user_id)
        assert list(desk.waiting()) == [2000]
        desk.network.gate.set()
        await until(lambda: not desk.paths.files_of(2001).exists(), "the files' end")
    assert "stopped" in desk.post("mark:2001")
    assert "stopped" in desk.post("mark:2002")


@awaited
async def test_an_edit_keeps_the_files_and_a_file_keeps_the_edit(desk: Desk) -> None:
    desk.network.gate.clear()
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        await until(lambda: desk.network.fetched, "the download")
        desk.manager.waiting.amend(desk.session_id, 2001, "see it better")
        desk.network.gate.set()
        (found,) = await desk.settled(2001)
    assert found.stored
    assert desk.waiting()[2001].text == "see it better"


@awaited
async def test_a_disk_that_takes_nothing_fails_the_file_and_not_the_prompt(desk: Desk) -> None:
    desk.paths.folder.mkdir(parents=True)
    desk.paths.files.write_text("a file where the folder should be")
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "a.png", b"pixels"))
        (found,) = await desk.settled(2001)
    assert "could not be stored on the host" in found.failure


# --- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("photo.png", "photo.png"),
        ("Übersicht (2) – neu.pdf", "Übersicht (2) _ neu.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\cmd.exe", "cmd.exe"),
        ("/abs/olute", "olute"),
        (".bashrc", "bashrc"),
        (".part", "part"),
        ("-rf", "rf"),
        ("..", "file"),
        ("", "file"),
        ("   ", "file"),
        ("a\nb\0c\x1b[31m.txt", "a_b_c__31m.txt"),
        ("\u202egnp.exe", "_gnp.exe"),
        ("`$(id)`;rm *.sh", "__(id)__rm _.sh"),
        ("con", "_con"),
        ("a.", "a"),
    ],
)
def test_names_are_made_safe(given: str, safe: str) -> None:
    assert a.safe_name(given) == safe


def test_a_long_name_keeps_its_suffix() -> None:
    name = a.safe_name("ä" * 300 + ".tar.gz")
    assert name.endswith((".tar.gz", "ä.gz"))
    assert len(name.encode()) <= a.NAME_BYTES
    assert len(a.safe_name("x" * 400).encode()) <= a.NAME_BYTES


def test_files_of_one_name_are_told_apart_on_any_file_system() -> None:
    files = [e.Attachment(n, name, 1) for n, name in enumerate(("a.png", "A.png", "x/a.png", "2-a.png"))]
    names = a.names_of(files)
    assert len({name.casefold() for name in names}) == 4
    assert names[0] == "a.png"


@awaited
async def test_a_file_for_which_the_session_has_no_room_is_not_fetched_and_its_sender_is_told_which_key(
    desk: Desk,
) -> None:
    desk.paths.sent.mkdir(parents=True)
    (desk.paths.sent / "before.bin").write_bytes(b"x" * 90)
    desk.limits = Limits(stored_bytes=100)
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "fits.txt", b"y" * 8), desk.offers(2, "not.txt", b"z" * 8))
        fits, refused = await desk.settled(2001)
    assert fits.stored and not refused.stored
    assert "limits.stored" in refused.failure and "100 bytes" in refused.failure and "98 bytes" in refused.failure
    assert [path.name for path in desk.paths.files_of(2001).iterdir()] == ["fits.txt"]


@awaited
async def test_a_file_that_is_larger_than_it_was_said_to_be_ends_where_the_room_does(desk: Desk) -> None:
    desk.limits = Limits(stored_bytes=10)
    async with desk.fetching():
        desk.attach(2001, desk.offers(1, "liar.txt", b"y" * 50, size=5))
        (refused,) = await desk.settled(2001)
    assert "limits.stored" in refused.failure
    assert not list(desk.paths.files_of(2001).iterdir())
