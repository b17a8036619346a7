"""Messages that follow closely: kept one by one, one prompt in the end, whatever dies in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.routing.channel import Channel
from bridge.session.rights import Policy
from lab.configured import configuration
from stages.no_rest import NoRest
from stages.searched import searched
from supervisor.assembly import router, session_manager
from supervisor.config_in_force import Settings
from supervisor.discord.guilds import Guilds
from supervisor.sessions.bursts import PATIENCE_S
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.threads.inbound import Inbound

BOT, ADA, BOB = 9, 111, 112
GUILD, CHANNEL = 7, 222
WINDOW_S = 1.5
BEGAN_AT = 1_800_000_000.0


class Desk:
    """An Inbound over a store that outlives it. ``at``: seconds since the beginning, of messages and of our clock."""

    def __init__(self, folder: Path, *, mention_only: bool = False) -> None:
        self.folder = folder
        self.mention_only = mention_only
        self.now = 0.0
        self.window_s = WINDOW_S
        self.number = 0
        self.store: Store | None = None
        self.start()

    def start(self, *, hears: bool = True) -> None:
        """A supervisor takes the place of the one before, which died."""
        self.close()
        self.store = Store(self.folder / "db")
        self.manager = session_manager(self.store, lambda: BEGAN_AT + self.now, burst_s=lambda: self.window_s)
        channels = {CHANNEL: Channel(CHANNEL, str(self.folder), mention_only=self.mention_only)}
        policy = Policy(frozenset({ADA, BOB}))
        config = configuration(self.folder, policy=policy, channels=channels)
        guilds = Guilds()
        guilds.bot_id = BOT
        self.router = router(Settings(config), self.manager)
        self.inbound = Inbound(self.manager, self.router, NoRest(), policy, channels, lambda *_: None, guilds)
        self.manager.changes.listening(hears)

    def close(self) -> None:
        if self.store:
            self.store.close()

    def at(self, seconds: float) -> "Desk":
        self.now = seconds
        return self

    def says(self, text: str, author: int = ADA, channel_id: int = CHANNEL, **more: object) -> int:
        """A message of this moment; its id."""
        self.number += 1
        message_id = (int((BEGAN_AT - 1_420_070_400 + self.now) * 1000) << 22) + self.number
        self.tells(message_id, text, author, channel_id, **more)
        return message_id

    def tells(self, message_id: int, text: str, author: int = ADA, channel_id: int = CHANNEL, **more: object) -> None:
        user = {"id": str(author), "username": "Ada" if author == ADA else "Bob"}
        message = {"id": str(message_id), "channel_id": str(channel_id), "guild_id": str(GUILD), "type": 0}
        self.inbound.live({**message, "content": text, "author": user, "member": {"roles": []}, **more})

    def types(self, author: int = ADA, channel_id: int = CHANNEL) -> None:
        self.inbound.typed({"channel_id": str(channel_id), "user_id": str(author), "timestamp": 1})

    def edits(self, message_id: int, text: str, channel_id: int = CHANNEL) -> None:
        author = {"id": str(ADA), "username": "Ada"}
        what = {"id": str(message_id), "channel_id": str(channel_id), "content": text, "author": author}
        self.inbound.edited({**what, "edited_timestamp": "2027-01-01T00:00:00Z", "member": {"roles": []}})

    def deletes(self, message_id: int, channel_id: int = CHANNEL) -> None:
        self.inbound.deleted({"id": str(message_id), "channel_id": str(channel_id)})

    def sessions(self) -> list[str]:
        return [session.session_id for session in self.manager.get_all_sessions()]

    def delivered(self, session: int = 0) -> list[str]:
        """What goes to the session's worker now."""
        inbox = self.manager.inbox(self.sessions()[session])
        return [item.command.text for item in inbox if isinstance(item.command, c.Prompt)]

    def all_delivered(self) -> list[list[str]]:
        return [self.delivered(number) for number in range(len(self.sessions()))]

    def take(self, session: int, *events: e.AnyEvent) -> None:
        """The session's worker says so."""
        found = self.manager.get_session(self.sessions()[session])
        assert found
        records = [e.Record("a" * 16, found.applied + n, self.now, event) for n, event in enumerate(events, 1)]
        self.manager.reports.record(found.session_id, records)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def accepted(prompt: c.Prompt) -> e.PromptAccepted:
    what = prompt.prompt_id, "u", prompt.text, prompt.author_id, prompt.author
    return e.PromptAccepted(*what, is_message=prompt.is_message, attachments=prompt.attachments, parts=prompt.parts)


def first_wish(desk: Desk, session: int = 0) -> c.Prompt:
    (item,) = desk.manager.inbox(desk.sessions()[session])
    assert isinstance(item.command, c.Prompt)
    return item.command


def wish_now(desk: Desk) -> c.Prompt:
    """What goes to the worker now."""
    (item,) = desk.manager.inbox(desk.sessions()[0])
    assert isinstance(item.command, c.Prompt)
    return item.command


def test_three_quick_messages_in_the_channel_are_one_session_and_one_prompt(desk: Desk) -> None:
    for moment, text in ((0.0, "look at this"), (1.2, "the login page"), (2.4, "is slow")):
        desk.at(moment).says(text)
    assert desk.at(3.5).all_delivered() == [[]]
    assert desk.at(4.2).all_delivered() == [["look at this\n\nthe login page\n\nis slow"]]


def test_a_session_begins_with_the_first_message_and_its_worker_is_wanted_at_once(desk: Desk) -> None:
    first = desk.says("look at this")
    (session,) = desk.manager.get_all_sessions()
    assert session.thread_id == first and desk.manager.is_wanted(session.session_id)


def test_what_follows_later_is_another_thread(desk: Desk) -> None:
    desk.says("one")
    desk.at(1.6).says("two")
    assert desk.at(9.0).all_delivered() == [["one"], ["two"]]


def test_what_comes_too_late_for_its_prompt_is_the_next_one_of_its_thread(desk: Desk) -> None:
    """Discord held it back: its id tells that it followed closely."""
    first = desk.says("half a")
    desk.take(0, accepted(wish_now(desk.at(2.0))))
    desk.at(4.0).tells(first + (1200 << 22), "sentence")
    assert desk.at(9.0).all_delivered() == [["sentence"]]
    (part,) = first_wish(desk).parts
    assert part.channel_id == CHANNEL, "an edit and a deletion of it are heard there"
    desk.edits(first + (1200 << 22), "a sentence")
    assert desk.delivered() == ["a sentence"]


def test_what_comes_too_late_is_joined_by_what_comes_with_it_also_after_a_restart(desk: Desk) -> None:
    first = desk.says("a")
    desk.take(0, accepted(wish_now(desk.at(2.0))))
    desk.start()
    desk.at(4.0).tells(first + (1200 << 22), "b")
    desk.tells(first + (2400 << 22), "c")
    assert desk.at(9.0).all_delivered() == [["b\n\nc"]]


def test_what_comes_too_late_for_a_session_that_was_ended_begins_anew(desk: Desk) -> None:
    first = desk.says("half a")
    desk.at(2.0).delivered()
    desk.manager.destroy_session(desk.sessions()[0], "its thread was deleted")
    desk.at(4.0).tells(first + (1200 << 22), "sentence")
    assert desk.at(9.0).delivered(1) == ["sentence"]


def test_what_was_told_in_the_wrong_order_is_read_in_the_right_one(desk: Desk) -> None:
    first = desk.says("one")
    desk.at(1.0).tells(first + (1000 << 22), "three")
    desk.tells(first + (500 << 22), "two")
    assert desk.at(9.0).all_delivered() == [["one\n\ntwo\n\nthree"]]


def test_in_a_thread_quick_messages_are_one_prompt_too_and_slow_ones_are_not(desk: Desk) -> None:
    thread = desk.says("one")
    desk.at(10.0).delivered()
    desk.at(20.0).says("two", channel_id=thread)
    desk.at(21.0).says("three", channel_id=thread)
    desk.at(23.0).says("four", channel_id=thread)
    assert desk.at(30.0).delivered() == ["one", "two\n\nthree", "four"]


def test_who_goes_on_in_the_new_thread_still_says_the_same_thing(desk: Desk) -> None:
    thread = desk.says("one")
    desk.at(1.0).says("two", channel_id=thread)
    desk.at(2.0).says("three")
    assert desk.at(9.0).all_delivered() == [["one\n\ntwo\n\nthree"]]


def test_what_somebody_writes_in_a_thread_is_no_part_of_what_they_began_in_the_channel(desk: Desk) -> None:
    older = desk.says("older")
    desk.at(50.0).delivered()
    desk.at(60.0).says("in the thread", channel_id=older)
    desk.at(60.5).says("in the channel")
    desk.at(61.0).says("in the thread again", channel_id=older)
    assert desk.at(70.0).all_delivered() == [["older", "in the thread\n\nin the thread again"], ["in the channel"]]


def test_other_peoples_messages_in_between_are_their_own(desk: Desk) -> None:
    desk.says("one")
    desk.at(0.5).says("mine", BOB)
    desk.at(1.0).says("two")
    assert desk.at(9.0).all_delivered() == [["one\n\ntwo"], ["mine"]]


def test_in_a_thread_the_prompts_keep_the_order_in_which_they_began(desk: Desk) -> None:
    thread = desk.says("one")
    desk.at(0.5).says("mine", BOB, thread)
    desk.at(1.0).says("two", channel_id=thread)
    assert desk.at(2.3).delivered() == []
    assert desk.at(2.8).delivered() == ["one\n\ntwo", "mine"]


@pytest.mark.parametrize(
    "own",
    [
        {"type": 19, "message_reference": {"message_id": "5"}, "referenced_message": None},
        {"mentions": [{"id": str(BOT), "username": "claude", "bot": True}]},
    ],
    ids=["a reply", "a mention"],
)
def test_a_reply_and_a_mention_begin_their_own_prompt(desk: Desk, own: dict[str, Any]) -> None:
    desk.says("one")
    desk.at(0.5).says("two", **own)
    desk.at(1.0).says("three")
    first, second = desk.at(9.0).all_delivered()
    assert first == ["one"] and second[0].endswith("two\n\nthree")


def test_a_command_in_words_is_joined_by_nothing(desk: Desk) -> None:
    desk.says("/compact")
    desk.at(0.5).says("and then this")
    desk.at(1.0).says("/compact")
    assert desk.at(9.0).all_delivered() == [["/compact"], ["and then this"], ["/compact"]]


def test_files_come_first_and_words_after_also_when_each_is_a_message(desk: Desk) -> None:
    picture = {"id": "31", "filename": "a.png", "size": 5, "url": "http://x/a.png"}
    desk.says("", attachments=[picture])
    second = desk.at(1.0).says("what is this?", attachments=[{**picture, "id": "32"}])
    prompt = first_wish(desk.at(9.0))
    assert prompt.text == "what is this?"
    assert [(a.attachment_id, a.message_id) for a in prompt.attachments] == [(31, 0), (32, second)]


def test_who_is_seen_typing_is_waited_for_a_little_longer(desk: Desk) -> None:
    desk.says("one")
    desk.at(1.0).types()
    desk.at(1.2).types(BOB)
    assert desk.at(3.0).delivered() == []
    desk.at(4.0).says("two")
    assert desk.at(5.9).all_delivered() == [["one\n\ntwo"]]


def test_who_stops_typing_is_not_waited_for_for_ever(desk: Desk) -> None:
    desk.says("one")
    desk.at(1.0).types()
    assert desk.at(4.8).delivered() == ["one"]
    desk.at(5.0).types()
    desk.at(5.2).says("two")
    assert desk.at(9.0).all_delivered() == [["one"], ["two"]]


def test_typing_of_others_and_elsewhere_changes_nothing(desk: Desk) -> None:
    desk.says("one")
    desk.at(1.0).types(BOB)
    desk.types(channel_id=999)
    assert desk.at(1.8).delivered() == ["one"]


def test_without_a_window_each_message_is_a_prompt_at_once(desk: Desk) -> None:
    desk.window_s = 0.0
    desk.says("one")
    desk.says("two")
    assert desk.all_delivered() == [["one"], ["two"]]


def test_a_window_that_is_taken_away_lets_go_what_waits(desk: Desk) -> None:
    desk.says("one")
    desk.window_s = 0.0
    assert desk.delivered() == ["one"]


def test_edits_and_deletions_within_it_count(desk: Desk) -> None:
    first = desk.says("one")
    second = desk.at(0.5).says("tow")
    third = desk.at(1.0).says("three")
    desk.edits(second, "two")
    desk.deletes(third)
    desk.deletes(first)
    assert desk.at(9.0).all_delivered() == [["two"]]


def test_when_all_of_it_is_deleted_nobody_is_asked_anything(desk: Desk) -> None:
    for message in (desk.says("one"), desk.at(0.5).says("two")):
        desk.deletes(message)
    assert desk.at(9.0).all_delivered() == [[]]


def test_a_part_that_is_edited_while_it_waits_at_its_worker_is_mended_with_the_rest(desk: Desk) -> None:
    desk.says("one")
    second = desk.at(1.0).says("tow")
    prompt = first_wish(desk.at(9.0))
    desk.take(0, e.WorkerStarted(1, True, ""), accepted(prompt), e.PromptQueued(prompt.prompt_id))
    desk.edits(second, "two")
    (amend,) = (item.command for item in desk.manager.inbox(desk.sessions()[0]))
    assert isinstance(amend, c.Amend) and (amend.prompt_id, amend.text) == (prompt.prompt_id, "one\n\ntwo")
    assert [part.text for part in amend.parts] == ["one", "two"]


def test_to_stop_drops_what_is_not_closed_yet(desk: Desk) -> None:
    desk.says("one")
    desk.manager.interrupt(desk.sessions()[0], "stop-1", ADA)
    assert desk.at(9.0).delivered() == []


def test_a_message_that_is_told_twice_is_one_part(desk: Desk) -> None:
    desk.says("one")
    second = desk.at(1.0).says("two")
    desk.tells(second, "two")
    desk.start()
    desk.tells(second, "two")
    assert desk.at(9.0).all_delivered() == [["one\n\ntwo"]]


def test_the_next_supervisor_joins_what_was_written_while_nobody_listened(desk: Desk) -> None:
    desk.says("one")
    desk.at(600.0).start(hears=False)
    assert desk.delivered() == []
    desk.now, now = 1.0, 600.5
    part = desk.number
    message_id = (int((BEGAN_AT - 1_420_070_400 + 1.0) * 1000) << 22) + part + 1
    desk.now = now
    desk.tells(message_id, "two")
    desk.manager.changes.listening(True)
    assert desk.at(603.0).all_delivered() == [["one\n\ntwo"]]


def test_discord_is_not_waited_for_for_ever(desk: Desk) -> None:
    desk.says("one")
    desk.at(600.0).start(hears=False)
    assert desk.at(600.0 + PATIENCE_S - 0.1).delivered() == []
    assert desk.at(600.0 + PATIENCE_S + 0.1).delivered() == ["one"]


def test_a_clock_that_is_set_back_keeps_nothing_waiting(desk: Desk) -> None:
    desk.at(7200.0).says("one")
    assert desk.at(0.0).delivered() == ["one"]


def test_nothing_joins_what_may_be_on_its_way(desk: Desk) -> None:
    desk.says("one")
    assert desk.at(2.0).delivered() == ["one"]
    desk.start()
    desk.at(1.0).says("two")
    assert desk.at(9.0).all_delivered() == [["one", "two"]], "it is the next prompt of the same thread"


def test_an_accepted_burst_is_gone_from_the_inbox_as_a_whole(desk: Desk) -> None:
    desk.says("one")
    desk.at(1.0).says("two")
    prompt = first_wish(desk.at(9.0))
    desk.take(0, e.WorkerStarted(1, True, ""), accepted(prompt))
    assert desk.all_delivered() == [[]]


def test_a_rebuilt_store_knows_that_the_parts_were_asked(desk: Desk) -> None:
    desk.says("one")
    second = desk.at(1.0).says("two")
    prompt = first_wish(desk.at(9.0))
    (session,) = desk.manager.get_all_sessions()
    created = e.SessionCreated(session.session_id, session.thread_id, GUILD, CHANNEL, session.directory, ADA)
    records = [e.Record("a" * 16, 1, 1.0, created), e.Record("a" * 16, 2, 2.0, accepted(prompt))]
    desk.close()
    (desk.folder / "db").unlink()
    desk.store = None
    desk.start()
    desk.manager.reports.recall(created, 1.0, records, records)
    assert desk.manager.cursor(CHANNEL) == second


def test_a_message_beside_a_thread_that_an_earlier_state_answered_was_a_part_of_it(desk: Desk) -> None:
    desk.says("one", thread={"id": "5", "owner_id": str(BOT)})
    desk.at(1.0).says("two")
    desk.at(8.0).says("three")
    assert desk.at(20.0).all_delivered() == [[], ["three"]]


def test_a_command_with_a_thread_was_sent_to_claude_by_an_earlier_state_and_nobody_says_otherwise(desk: Desk) -> None:
    desk.says("/queue", thread={"id": "5", "owner_id": str(BOT)})
    assert len(desk.manager.get_all_sessions()) == 1, "as any other prompt of one"


def test_a_command_of_which_nothing_could_be_said_is_looked_at_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = desk.says("one")

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk.manager, "show", full)
    command = desk.at(9.0).says("/queue", channel_id=thread)
    assert desk.manager.cursor(thread) < command, "so it is read back"


class Dies(Exception):  # noqa: N818 - no error of the product's
    """The supervisor, at a chosen step."""


STEP = st.tuples(st.floats(0.1, 3.0), st.sampled_from([ADA, ADA, BOB]), st.booleans())


@searched(12)
@given(st.lists(STEP, min_size=1, max_size=8))
def test_whatever_dies_between_any_two_steps_each_message_is_asked_once_and_in_the_same_company(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, int, bool]]
) -> None:
    """With a restart at some of the steps the same prompts come out as without."""

    def play(*, dies: bool) -> list[list[str]]:
        desk = Desk(tmp_path_factory.mktemp("desk"))
        try:
            moment = 0.0
            for number, (pause_s, author, dies_here) in enumerate(steps):
                moment += pause_s
                desk.at(moment - 0.05).all_delivered()
                if dies and dies_here:
                    desk.start()
                desk.at(moment).says(f"{number}", author)
                if dies and dies_here:
                    desk.start()
            return desk.at(moment + 60.0).all_delivered()
        finally:
            desk.close()

    whole = play(dies=False)
    assert play(dies=True) == whole
    said = [part for prompts in whole for prompt in prompts for part in prompt.split("\n\n")]
    assert sorted(said) == sorted(str(number) for number in range(len(steps)))
