"""What a thread is called: by its first words, then by Claude's title, and from then on as a person calls it."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.opened_stores import opened_store
from stages.support import awaited, beside, until
from supervisor.assembly import session_manager
from supervisor.discord.errors import Archived, Forbidden, Unavailable
from supervisor.threads.names import Names

GUILD, CHANNEL, THREAD = 7, 222, 10**18
ADA = Person(111, "Ada", GUILD)


class Desk:
    """One session's thread; what Discord is asked and answers."""

    def __init__(self, folder: Path) -> None:
        self.store = opened_store(folder / "db")
        self.manager = session_manager(self.store)
        action = CreateSession(THREAD, GUILD, Channel(CHANNEL, str(folder)), ADA, "fix it please", "fix it please")
        self.session = self.manager.create_session(action)
        self.errors: list[RemoteError] = []
        self.renamed: list[str] = []
        self.names = Names(self.manager, self)

    async def rename(self, thread_id: int, name: str) -> None:
        assert thread_id == THREAD
        if self.errors:
            raise self.errors.pop(0)
        self.renamed.append(name)

    def made(self) -> "Desk":
        row = self.store.post(self.session.session_id, "thread")
        assert row
        with self.store.transaction():
            self.store.note_shown(row.id, THREAD, row.desired)
        return self

    def take(self, *events: e.AnyEvent) -> None:
        first = self.session.applied + 1
        records = [e.Record("a" * 16, seq, 5.0, event) for seq, event in enumerate(events, first)]
        self.manager.reports.record(self.session.session_id, records)

    def tells(self, name: str = "", *, archived: bool = False, called: str = "THREAD_UPDATE") -> None:
        thread: dict[str, Any] = {"id": str(THREAD), "thread_metadata": {"archived": archived}}
        thread |= {"name": name} if name else {}
        match called:
            case "THREAD_UPDATE":
                self.names.seen(thread)
            case "THREAD_LIST_SYNC":
                self.names.listed({"guild_id": str(GUILD), "threads": [thread]})
            case _:
                self.names.guild_seen({"id": str(GUILD), "threads": [thread]})

    @property
    def title(self) -> str:
        return self.manager.title(self.session.session_id)

    def post(self, key: str) -> str:
        row = self.store.post(self.session.session_id, key)
        return row.desired.content if row else ""

    def running(self) -> AbstractAsyncContextManager[None]:
        return beside(self.names.run())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@awaited
async def test_claudes_title_is_given_once(desk: Desk) -> None:
    desk.made().take(e.Titled("Mend the login page"))
    async with desk.running():
        await until(lambda: desk.renamed, "a rename")
        desk.tells("Mend the login page")
    assert desk.renamed == ["Mend the login page"] and desk.title == "Mend the login page"
    assert desk.manager.name_to_give(desk.session.session_id) is None


def test_a_thread_that_is_still_to_be_made_gets_the_title_from_the_beginning(desk: Desk) -> None:
    desk.take(e.Titled("Mend the login page"))
    assert desk.title == "Mend the login page"
    assert desk.manager.name_to_give(desk.session.session_id) is None


@pytest.mark.parametrize("called", ["THREAD_UPDATE", "THREAD_LIST_SYNC", "GUILD_CREATE"])
def test_a_persons_name_is_followed_and_never_taken_away(desk: Desk, called: str) -> None:
    desk.made().tells("Ada's own", called=called)
    desk.take(e.Titled("Mend the login page"))
    assert desk.title == "Ada's own"
    assert desk.manager.name_to_give(desk.session.session_id) is None


def test_a_name_that_a_person_gives_while_ours_waits_wins(desk: Desk) -> None:
    desk.made().take(e.Titled("Mend the login page"))
    desk.tells("Ada's own")
    assert desk.title == "Ada's own" and desk.manager.name_to_give(desk.session.session_id) is None


def test_the_old_name_told_again_while_ours_waits_is_nobodys_wish(desk: Desk) -> None:
    desk.made().take(e.Titled("Mend the login page"))
    desk.tells("fix it please")
    assert desk.manager.name_to_give(desk.session.session_id) == "Mend the login page"


def test_a_rename_whose_answer_was_lost_is_known_by_what_discord_tells(desk: Desk) -> None:
    desk.made().take(e.Titled("Mend the login page"))
    desk.tells("Mend the login page")
    assert desk.manager.name_to_give(desk.session.session_id) is None
    desk.tells("Ada's own")
    assert desk.title == "Ada's own"


@awaited
async def test_what_discord_does_not_take_now_is_tried_again_and_holds_up_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.threads.names.PAUSE_S", 0.001)
    desk.errors += [Unavailable("a rate limit", 0.001), Unavailable("again", 0.001)]
    desk.made().take(e.Titled("Mend the login page"))
    async with desk.running():
        await until(lambda: desk.renamed, "a rename")


@pytest.mark.parametrize("error", [Forbidden("not allowed"), Archived("it is archived")])
@awaited
async def test_a_thread_that_cannot_be_renamed_keeps_its_name(desk: Desk, error: RemoteError) -> None:
    desk.errors.append(error)
    desk.made().take(e.Titled("Mend the login page"))
    async with desk.running():
        await until(lambda: not desk.errors, "a try")
        await until(lambda: desk.title == "fix it please", "the old name")
    assert desk.renamed == []


def asks(desk: Desk) -> None:
    desk.made().take(
        e.WorkerStarted(1, True, ""),
        e.ChildStarted(2, "c", False),
        e.PromptAccepted(THREAD, "u", "fix it please", ADA.user_id, "Ada"),
        e.TurnStarted((THREAD,)),
        e.PermissionRequested("r", "Bash", '{"command":"ls"}', "digest"),
    )


@pytest.mark.parametrize("how", ["told", "not listed"])
def test_an_archived_thread_whose_session_waits_for_somebody_is_told_in_the_channel(desk: Desk, how: str) -> None:
    asks(desk)
    if how == "told":
        desk.tells("fix it please", archived=True)
    else:
        desk.names.guild_seen({"id": str(GUILD), "threads": []})
    row = desk.store.post(desk.session.session_id, "archived")
    assert row and row.desired.where == "channel" and row.desired.mentions == (ADA.user_id,)
    assert desk.session.url() in row.desired.content
    desk.tells("fix it please")
    assert desk.post("archived").startswith("-# ✓")


def test_an_archived_thread_in_which_nobody_is_waited_for_is_told_nowhere(desk: Desk) -> None:
    desk.made().tells("fix it please", archived=True)
    desk.names.guild_seen({"id": str(GUILD), "threads": []})
    assert desk.post("archived") == ""
