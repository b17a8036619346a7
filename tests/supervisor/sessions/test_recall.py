"""A database that is lost, or comes from a backup: what the logs know, and that nothing is posted twice."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from bridge.session.permission import PermissionRequest, Person, RequestName
from bridge.session.states import SessionState
from supervisor.assembly import session_manager
from supervisor.discord.snowflakes import snowflake
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import HISTORY, PostRow
from supervisor.sessions.recall import recall
from supervisor.sessions.store import Store
from supervisor.workers.curve import server_keys

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
GENERATION = "a" * 16
ADA = Person(111, "Ada", 9)
CHANNEL, THREAD = 222, 10**18
CREATED = e.SessionCreated(SESSION, THREAD, 9, CHANNEL, "/srv", 111)


def prompt(prompt_id: int, text: str = "hello", *, is_message: bool = True) -> list[e.AnyEvent]:
    accepted = e.PromptAccepted(prompt_id, f"u{prompt_id}", text, 111, "Ada", is_message)
    return [accepted, e.PromptTaken(prompt_id), e.TurnStarted((prompt_id,))]


def answer(text: str) -> list[e.AnyEvent]:
    return [e.TextWritten(f"b-{text}", text), e.TurnEnded("completed")]


BEGUN: list[e.AnyEvent] = [
    CREATED,
    e.WorkerStarted(10, contained=True, containment="bubblewrap"),
    e.ChildStarted(11, "claude-1", resumed=False),
]
FIRST_TURN = [*prompt(THREAD), *answer("first answer"), e.PromptDone(THREAD)]
ASKED = e.PermissionRequested("r1", "Bash", '{"command":"ls"}', "digest")


class Place:
    """A state directory with one session's log."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.paths = self.layout.session(SESSION)
        self.paths.folder.mkdir(parents=True)
        self.records: list[e.Record] = []

    def log(self, *events: e.AnyEvent) -> list[e.Record]:
        """Append these; the new records."""
        at = time.time()
        new = [e.Record(GENERATION, n, at, event) for n, event in enumerate(events, len(self.records) + 1)]
        self.records += new
        with self.paths.log.open("ab") as file:
            file.writelines(msgspec.json.encode(record) + b"\n" for record in new)
        return new

    def acked(self, seq: int) -> None:
        self.paths.acked.write_text(f"{GENERATION} {seq:020d}\n")

    @contextlib.contextmanager
    def supervisor(self) -> Iterator[tuple[Store, SessionManager]]:
        store = Store(self.layout.database)
        try:
            manager = session_manager(store)
            recall(self.layout, manager)
            yield store, manager
        finally:
            store.close()

    def lose_database(self) -> None:
        for path in self.layout.state.glob("threadbridge.db*"):
            path.unlink()

    def hello(self, acked: int) -> wire.Hello:
        return wire.Hello(SESSION, wire.PROTOCOL, GENERATION, 1, len(self.records), 10, acked=acked)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def wanted(store: Store) -> list[str]:
    """What Discord will be sent."""
    return [row.desired.content for row in store.unsettled_posts(SESSION)]


def row_of(store: Store, prefix: str) -> PostRow:
    (row,) = store.posts_like(SESSION, prefix)
    return row


# --- no database -------------------------------------------------------------------------------------


def test_without_a_database_a_session_is_known_from_its_log_and_nothing_is_posted_again(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    with place.supervisor() as (store, manager):
        session = manager.session_of_thread(THREAD)
        assert session
        assert (session.session_id, session.turn_count, session.state) == (SESSION, 1, SessionState.IDLE)
        assert session.applied == len(place.records)
        assert manager.has_thread(SESSION)
        assert manager.title(SESSION) == "hello"
        assert wanted(store) == [], "not each thread of a server is opened again to say it"
        manager.prompt(SESSION, THREAD + 1, "and now?", ADA)
        manager.prompt(SESSION, THREAD + 2, "and then?", ADA)
        (only,) = wanted(store)
        assert "it was read again from its log" in only


def test_what_was_never_acknowledged_is_posted(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    place.acked(len(place.records))
    place.log(*prompt(THREAD + 1), *answer("second answer"))
    with place.supervisor() as (store, _manager):
        (second,) = wanted(store)
        assert "second answer" in second
        assert "first answer" not in second


def test_messages_that_are_in_the_log_are_not_handled_twice_and_later_ones_are_read_back(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN, *prompt(THREAD + 5), *prompt(THREAD + 9, is_message=False))
    with place.supervisor() as (_store, manager):
        assert manager.cursor(THREAD) == THREAD + 5
        assert manager.cursor(CHANNEL) == THREAD


def test_a_log_that_does_not_tell_messages_apart_counts_every_prompt(place: Place) -> None:
    place.log(*BEGUN, *prompt(THREAD, is_message=False), *prompt(THREAD + 9, is_message=False))
    with place.supervisor() as (_store, manager):
        assert manager.cursor(THREAD) == THREAD + 9


def test_an_open_request_is_still_decided_by_its_old_buttons_and_its_end_is_posted(place: Place) -> None:
    place.log(*BEGUN, *prompt(THREAD), ASKED)
    place.acked(len(place.records))
    seq = place.records[-1].seq
    with place.supervisor() as (store, manager):
        request = manager.request_of(RequestName(SESSION, GENERATION, seq))
        assert isinstance(request, PermissionRequest)
        assert row_of(store, "card:") not in store.unsettled_posts(SESSION)
        assert manager.decide(request, "allowed", ADA)
        manager.reports.hello(SESSION, place.hello(seq))
        manager.reports.record(SESSION, place.log(e.PermissionResolved(seq, "allowed", decided_by=111, decider="Ada")))
        card = row_of(store, "card:")
        assert "· allowed by <@111>" in str(card.desired)
        assert card in store.unsettled_posts(SESSION)
        assert [button.label for button in card.desired.buttons] == ["Show"]


def test_a_running_turn_goes_on_in_a_post_of_its_own(place: Place) -> None:
    place.log(*BEGUN, *prompt(THREAD), e.TextWritten("b1", "told before"))
    place.acked(len(place.records))
    with place.supervisor() as (store, manager):
        manager.reports.hello(SESSION, place.hello(len(place.records)))
        manager.reports.record(SESSION, place.log(e.TextWritten("b2", "told now"), e.TurnEnded("completed")))
        (now,) = [text for text in wanted(store) if "told" in text]
        assert "told now" in now
        assert "told before" not in now


def test_a_session_that_was_silent_for_long_hears_nothing_of_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_600_000_000.0)
    place.log(*BEGUN, *FIRST_TURN, e.ChildExited(0, wanted=True))
    monkeypatch.undo()
    with place.supervisor() as (store, _manager):
        assert wanted(store) == []


def test_a_lost_post_is_looked_for_only_below_the_history_that_we_do_not_know(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    with place.supervisor() as (store, _manager):
        known = max(row.message_id or 0 for row in store.posts_like(SESSION, ""))
        assert snowflake(time.time() - 60) < known < snowflake(time.time())


def test_a_session_whose_thread_may_not_exist_yet_makes_it(place: Place) -> None:
    place.log(*BEGUN, *prompt(THREAD, "what is this?"))
    with place.supervisor() as (store, manager):
        assert not manager.has_thread(SESSION)
        assert row_of(store, "thread").desired == Post(thread_name="what is this?", urgent=True)


def test_recalling_is_done_once(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    with place.supervisor() as (store, _manager):
        before = store.posts_like(SESSION, "")
    with place.supervisor() as (store, manager):
        assert store.posts_like(SESSION, "") == before
        assert len(manager.get_all_sessions()) == 1


def test_a_log_that_cannot_be_read_hinders_no_other(place: Place) -> None:
    place.log(*BEGUN)
    other = place.layout.sessions / "0123456789ab"
    other.mkdir()
    (other / "log.jsonl").write_bytes(b"no record\n")
    (place.layout.sessions / "a-file").touch()
    with place.supervisor() as (_store, manager):
        assert [session.session_id for session in manager.get_all_sessions()] == [SESSION]


def test_a_half_written_last_line_is_left_out(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    with place.paths.log.open("ab") as file:
        file.write(b'{"generation": "aaaa')
    with place.supervisor() as (_store, manager):
        session = manager.get_session(SESSION)
        assert session
        assert session.applied == len(place.records)


# --- a database from a backup ------------------------------------------------------------------------


def backup_with_first_turn(place: Place) -> None:
    """A database that knows and shows the first turn; all of it stands in Discord."""
    with place.supervisor() as (store, manager):
        session = manager.session_of_thread(THREAD)
        assert session is None
    place.log(*BEGUN, *FIRST_TURN)
    with place.supervisor() as (store, _manager), store.transaction():
        for n, row in enumerate(store.unsettled_posts(SESSION), 1):
            store.note_shown(row.id, THREAD + 100 + n, row.desired)


def test_what_a_later_state_of_the_database_showed_is_folded_and_not_posted(place: Place) -> None:
    backup_with_first_turn(place)
    place.log(*prompt(THREAD + 7, "again"), *answer("second answer"))
    place.acked(len(place.records))
    with place.supervisor() as (store, manager):
        session = manager.get_session(SESSION)
        assert session
        assert (session.applied, session.turn_count) == (len(place.records), 2)
        assert manager.cursor(THREAD) == THREAD + 7
        assert wanted(store) == []


def test_a_worker_that_runs_tells_it_with_its_hello(place: Place) -> None:
    backup_with_first_turn(place)
    with place.supervisor() as (store, manager):
        old = len(place.records)
        new = place.log(*prompt(THREAD + 7, "again"), *answer("second answer"), e.PromptDone(THREAD + 7))
        assert manager.reports.hello(SESSION, place.hello(acked=len(place.records))).applied == old
        assert manager.reports.record(SESSION, new[:2]) == old + 2
        manager.reports.hello(SESSION, place.hello(acked=len(place.records)))
        assert manager.reports.record(SESSION, new[2:]) == len(place.records)
        assert manager.cursor(THREAD) == THREAD + 7
        assert wanted(store) == []
        manager.prompt(SESSION, THREAD + 8, "and now?", ADA)
        assert len(wanted(store)) == 1, "it is said once"
        live = place.log(*prompt(THREAD + 8), *answer("third answer"))
        manager.reports.record(SESSION, live)
        assert next(text for text in wanted(store) if "answer" in text).startswith("third answer")


def test_wishes_that_were_done_meanwhile_are_not_done_again(place: Place) -> None:
    backup_with_first_turn(place)
    with place.supervisor() as (_store, manager):
        manager.prompt(SESSION, THREAD + 7, "again", ADA)
        assert manager.inbox(SESSION)
    place.log(*prompt(THREAD + 7, "again"), *answer("second answer"), e.PromptDone(THREAD + 7))
    place.acked(len(place.records))
    with place.supervisor() as (_store, manager):
        assert not manager.inbox(SESSION)


def test_a_post_that_the_backup_had_not_made_yet_is_looked_for_before_it_is_made(place: Place) -> None:
    backup_with_first_turn(place)
    with place.supervisor() as (_store, manager):
        manager.show(SESSION, "news", Post("some news"))
    place.log(*prompt(THREAD + 7, "again"))
    place.acked(len(place.records))
    with place.supervisor() as (store, _manager):
        assert row_of(store, "news").attempted_at == 0


def test_a_card_that_the_backup_shows_open_is_settled_where_it_stands(place: Place) -> None:
    backup_with_first_turn(place)
    place.log(*prompt(THREAD + 7), ASKED)
    seq = place.records[-1].seq
    with place.supervisor() as (store, manager):
        manager.reports.record(SESSION, place.records)
        card = row_of(store, "card:")
        with store.transaction():
            store.note_shown(card.id, 4711, card.desired)
    place.log(e.PermissionResolved(seq, "denied", decided_by=111, decider="Ada"))
    place.acked(len(place.records))
    with place.supervisor() as (store, _manager):
        card = row_of(store, "card:")
        assert card.message_id == 4711
        assert "· denied by <@111>" in str(card.desired)
        assert card in store.unsettled_posts(SESSION)


def test_an_ordinary_start_recalls_nothing(place: Place) -> None:
    backup_with_first_turn(place)
    place.acked(len(place.records))
    place.log(*prompt(THREAD + 7))
    with place.supervisor() as (store, manager):
        session = manager.get_session(SESSION)
        assert session
        assert session.applied < len(place.records), "the worker's hello tells the rest"
        assert wanted(store) == []


def test_history_has_rows_that_are_never_sent(place: Place) -> None:
    place.log(*BEGUN, *FIRST_TURN)
    with place.supervisor() as (store, _manager):
        rows = store._execute("SELECT key FROM posts WHERE failed = ?", (HISTORY,))
        assert [key for (key,) in rows] == [f"turn:{GENERATION}:6.0.0"]


# --- keys --------------------------------------------------------------------------------------------


def test_the_supervisors_keys_outlive_the_store(place: Place) -> None:
    with place.supervisor() as (store, _manager):
        keys = server_keys(store)
    place.lose_database()
    with place.supervisor() as (store, _manager):
        assert server_keys(store) == keys
    assert (place.layout.state / "supervisor.keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b'{"public": "x", "secret": "y"}', b"\xff\xfe"])
def test_keys_that_cannot_be_read_are_replaced(place: Place, content: bytes) -> None:
    (place.layout.state / "supervisor.keys").write_bytes(content)
    with place.supervisor() as (store, _manager):
        keys = server_keys(store)
        assert keys.secret
        assert server_keys(store) == keys
