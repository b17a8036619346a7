"""The journal and the store: one never says more than the other for long, whatever dies in between."""

import shutil
from pathlib import Path

import pytest

from bridge.journal.chain import decoded, faults
from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.protocol.records import encode_record
from bridge.render import lost
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import First, PermissionRequest, Person, RequestName
from bridge.session.questions import Draft
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.operator import audit
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.recall import recall
from supervisor.sessions.remembered import remember
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

ADA = Person(42, "Ada")
THREAD, CHANNEL = 1001, 600
GENERATION = "ab" * 8


class Desk:
    """A state directory; ``reborn`` is what the next supervisor makes of it."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.store = opened_store(self.layout.database)
        self.manager = session_manager(self.store)

    def reborn(self) -> SessionManager:
        self.store.close()
        self.store = opened_store(self.layout.database)
        self.manager = session_manager(self.store)
        recall(self.layout, self.manager)
        remember(self.manager)
        return self.manager

    def loses_its_database(self) -> SessionManager:
        self.store.close()
        for path in self.layout.state.glob("threadbridge.db*"):
            path.unlink()
        return self.reborn()

    def session(self) -> str:
        channel = Channel(CHANNEL, str(self.layout.state))
        made = self.manager.create_session(CreateSession(THREAD, 500, channel, ADA, "one", "one"))
        return made.session_id

    def logs(self, session_id: str, *events: e.AnyEvent) -> None:
        """What a worker would have written, acknowledged by us."""
        session = self.manager.row(session_id).session
        created = e.SessionCreated(session_id, THREAD, 500, CHANNEL, session.directory, 42)
        records = [e.Record(GENERATION, seq, float(seq), event) for seq, event in enumerate((created, *events), 1)]
        paths = self.layout.session(session_id)
        paths.folder.mkdir(parents=True, exist_ok=True)
        paths.log.write_bytes(b"".join(e_line(record) for record in records))
        self.manager.reports.record(session_id, records)

    def kinds(self) -> list[str]:
        lines = filter(None, map(decoded, audit.lines_of(self.layout.journal)))
        return [type(line.entry).__name__ for line in lines]


def e_line(record: e.Record) -> bytes:
    return encode_record(record)[1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_decided_stands_in_the_journal_before_it_is_in_the_store(desk: Desk) -> None:
    session_id = desk.session()
    desk.manager.destroy_session(session_id, "ended by Ada", 42)
    assert desk.kinds() == ["SessionBegun", "SessionEnded"]
    verdict = audit.verify(desk.layout)
    assert (verdict.faults, verdict.count, verdict.newer) == ([], 2, 0)


def test_what_the_store_did_not_take_is_taken_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = desk.session()
    execute = Store._execute

    def sick(store: Store, sql: str, values: tuple[object, ...] = ()) -> object:
        if sql == "COMMIT":
            raise StoreError("the disk is full")
        return execute(store, sql, values)

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(Store, "_execute", sick)
        desk.manager.destroy_session(session_id, "ended")
    assert desk.kinds() == ["SessionBegun"]
    assert desk.manager.row(session_id).ended_at is None
    assert audit.verify(desk.layout).faults == []


def test_where_the_journal_cannot_be_written_nothing_is_done(desk: Desk) -> None:
    session_id = desk.session()
    kept = desk.layout.journal.read_bytes()
    desk.layout.journal.unlink()
    desk.layout.journal.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        desk.manager.destroy_session(session_id, "ended")
    assert desk.manager.row(session_id).ended_at is None
    desk.layout.journal.rmdir()
    desk.layout.journal.write_bytes(kept)
    desk.store.health.well()
    desk.manager.destroy_session(session_id, "ended")
    assert desk.manager.row(session_id).ended_at is not None


def test_a_death_between_the_journal_and_the_store_is_made_up_for_at_the_next_start(desk: Desk) -> None:
    session_id = desk.session()
    desk.store._execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = desk.layout.database.read_bytes()
    desk.manager.destroy_session(session_id, "ended by Ada")
    desk.manager.set_default(CHANNEL, "model", "opus", 42)
    desk.store.close()
    for path in desk.layout.state.glob("threadbridge.db*"):
        path.unlink()
    desk.layout.database.write_bytes(before)
    manager = desk.reborn()
    assert manager.row(session_id).end_reason == "ended by Ada"
    assert manager.default(CHANNEL, "model") == "opus"
    assert audit.verify(desk.layout).faults == []
    assert desk.kinds() == ["SessionBegun", "SessionEnded", "DefaultChosen"], "nothing is told twice"


def test_a_record_that_is_folded_again_after_such_a_death_is_told_once(desk: Desk) -> None:
    session_id = desk.session()
    desk.store._execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = desk.layout.database.read_bytes()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.TurnEnded("completed", (7,)))
    told = desk.kinds()
    desk.store.close()
    for path in desk.layout.state.glob("threadbridge.db*"):
        path.unlink()
    desk.layout.database.write_bytes(before)
    desk.reborn()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.TurnEnded("completed", (7,)))
    assert desk.kinds() == told == ["SessionBegun", "PromptGiven", "TurnOver"]


def test_a_lost_database_knows_again_what_ended_and_what_a_channel_begins_with(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.TurnEnded("completed", (7,)))
    desk.manager.set_default(CHANNEL, "effort", "high", 42)
    desk.manager.destroy_session(session_id, "ended by Ada", 42)
    manager = desk.loses_its_database()
    assert manager.row(session_id).end_reason == "ended by Ada"
    assert manager.shown_state(session_id) == "ended"
    assert manager.default(CHANNEL, "effort") == "high"
    assert audit.verify(desk.layout).faults == []


def test_a_lost_database_knows_that_an_ended_session_was_gone_on_with(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.TurnEnded("completed", (7,)))
    desk.manager.destroy_session(session_id, "ended by Ada", 42)
    desk.manager.prompt(session_id, 8, "and now", ADA)
    assert desk.loses_its_database().row(session_id).ended_at is None


@pytest.mark.parametrize("goes_on", [0, 2002])
def test_a_lost_database_knows_that_a_lost_turns_card_was_clicked(desk: Desk, goes_on: int) -> None:
    session_id = desk.session()
    desk.logs(
        session_id,
        e.PromptAccepted(7, "u", "one", 42, "Ada"),
        e.TurnStarted((7,)),
        e.TurnEnded("lost", (7,), reason=lost.LOG_LOST),
    )
    assert desk.manager.settle_lost_turn(RequestName(session_id, GENERATION, 4), ADA, goes_on)
    manager = desk.loses_its_database()
    assert manager.row(session_id).view.lost_turn is None
    assert not manager.settle_lost_turn(RequestName(session_id, GENERATION, 4), ADA, goes_on), "the first click won"


QUESTION = (
    '{"questions":[{"question":"Which?","header":"h","multiSelect":true,"options":[{"label":"a"},{"label":"b"}]}]}'
)


def test_a_lost_database_knows_what_was_chosen_so_far_of_an_open_question(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(
        session_id,
        e.PromptAccepted(7, "u", "one", 42, "Ada"),
        e.TurnStarted((7,)),
        e.PermissionRequested("r", "AskUserQuestion", QUESTION, "d" * 64),
    )
    chosen = Draft(picks={0: (1,)})
    assert desk.manager.draft(RequestName(session_id, GENERATION, 4), chosen, 42)
    noted = desk.manager.row(session_id).view.cards[4].draft
    manager = desk.loses_its_database()
    assert manager.row(session_id).view.cards[4].draft == noted and noted.picks == chosen.picks


def test_a_lost_database_knows_who_allowed_first_and_who_is_invited(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(
        session_id,
        e.PromptAccepted(7, "u", "one", 42, "Ada"),
        e.TurnStarted((7,)),
        e.PermissionRequested("r", "Bash", '{"command":"rm x"}', "d" * 64),
    )
    first = First(43, "Bob", "d" * 64)
    request = desk.manager.request_of(RequestName(session_id, GENERATION, 4))
    assert isinstance(request, PermissionRequest)
    assert desk.manager.allow_first(request, first)
    assert desk.manager.invite(session_id, 44, ADA)
    manager = desk.loses_its_database()
    again = manager.request_of(RequestName(session_id, GENERATION, 4))
    assert isinstance(again, PermissionRequest)
    assert again.first == first
    assert manager.invited(session_id) == {44}


def test_a_lost_database_knows_what_was_let_ask_again_and_what_a_shared_card_lists(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(
        session_id,
        e.PromptAccepted(7, "u", "one", 42, "Ada"),
        e.TurnStarted((7,)),
        *(e.PermissionRequested("r", "Bash", f'{{"command":"{name}"}}', name * 64) for name in ("a", "b", "c")),
        e.PermissionResolved(4, "expired"),
    )
    view = desk.manager.row(session_id).view
    listings = [one.name for one in view.listings]
    assert list(view.expired) == [4]
    before = desk.loses_its_database()
    assert [one.name for one in before.row(session_id).view.listings] == listings, "the same buttons decide the same"
    assert before.let_ask_again(RequestName(session_id, GENERATION, 4), ADA, 777)
    after = desk.loses_its_database()
    assert not after.let_ask_again(RequestName(session_id, GENERATION, 4), ADA, 778), "once"


def test_a_lost_database_begins_anew_what_was_to_begin_anew_unless_it_did(desk: Desk) -> None:
    session_id = desk.session()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.ResumeFailed("c", "gone"))
    desk.manager.start_fresh(session_id, 42)
    assert desk.loses_its_database().row(session_id).fresh
    late = e.Record(GENERATION, 5, 1e12, e.ChildStarted(9, "c", False))
    log = desk.layout.session(session_id).log
    log.write_bytes(log.read_bytes() + e_line(e.Record(GENERATION, 4, 4.0, e.ModeChanged("default"))) + e_line(late))
    assert not desk.loses_its_database().row(session_id).fresh


def test_half_a_line_of_a_power_cut_is_no_fault(desk: Desk) -> None:
    session_id = desk.session()
    with desk.layout.journal.open("ab") as file:
        file.write(b'{"n":2,"at":1.0,"bef')
    desk.reborn().destroy_session(session_id, "ended")
    assert desk.kinds() == ["SessionBegun", "SessionEnded"]
    assert audit.verify(desk.layout).faults == []


def cut(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"by":42', b'"by":43'))


def replaced(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".old"))
    path.unlink()


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\x00" * 300 + b"\n")


@pytest.mark.parametrize("harm", [cut, emptied, edited, replaced, torn])
def test_a_journal_that_was_tampered_with_is_found_now_and_after_it_went_on(desk: Desk, harm: object) -> None:
    session_id = desk.session()
    desk.manager.set_default(CHANNEL, "model", "opus", 42)
    desk.manager.destroy_session(session_id, "ended", 42)
    assert callable(harm)
    harm(desk.layout.journal)
    assert audit.verify(desk.layout).faults
    manager = desk.reborn()
    manager.set_default(CHANNEL, "model", "sonnet", 42)
    assert manager.default(CHANNEL, "model") == "sonnet"
    assert audit.verify(desk.layout).faults, "the service goes on, and it stays said"


def test_a_copy_of_the_head_that_was_kept_elsewhere_finds_a_store_and_a_journal_rewritten_together(
    desk: Desk, tmp_path: Path
) -> None:
    session_id = desk.session()
    desk.manager.destroy_session(session_id, "ended", 42)
    head = str(audit.verify(desk.layout).head)
    (tmp_path / "other").mkdir()
    forged = Desk(tmp_path / "other")
    forged.session()
    forged.manager.destroy_session(forged.manager.get_all_sessions()[0].session_id, "ended", 43)
    assert audit.verify(forged.layout).faults == []
    assert audit.verify(forged.layout, (head,)).faults == ["entry 2 is another one than the one that was written"]
    forged.store.close()


def test_a_journal_that_somebody_else_writes_meanwhile_is_not_written_over(desk: Desk) -> None:
    session_id = desk.session()
    with desk.layout.journal.open("ab") as file:
        file.write(b"another line\n")
    with pytest.raises(StoreError, match="changed by somebody else"):
        desk.manager.destroy_session(session_id, "ended")
    assert b"another line" in desk.layout.journal.read_bytes()


def test_the_journal_is_nobody_elses_to_read(desk: Desk) -> None:
    desk.session()
    assert desk.layout.journal.stat().st_mode & 0o777 == 0o600


def test_a_long_journal_is_only_looked_through_behind_the_head(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.sessions.journal_file.BLOCK_BYTES", 256)
    for number in range(200):
        desk.manager.set_default(CHANNEL, "model", f"m{number}", 42)
    manager = desk.reborn()
    assert manager.sessions.journal.unapplied == []
    manager.set_default(CHANNEL, "model", "last", 42)
    assert list(faults(audit.lines_of(desk.layout.journal), [manager.sessions.journal.head])) == []
    assert desk.loses_its_database().default(CHANNEL, "model") == "last"


def ends_for(desk: Desk, ended: e.TurnEnded) -> str:
    session_id = desk.session()
    desk.logs(session_id, e.PromptAccepted(7, "u", "one", 42, "Ada"), e.TurnStarted((7,)), ended)
    return session_id


def test_a_lost_database_knows_who_wants_to_go_on_at_a_limits_reset(desk: Desk) -> None:
    session_id = ends_for(desk, e.TurnEnded("failed", (7,), error="usage_limit_reached", resets_at=9e9))
    desk.manager.want_reset(session_id, wanted=True, person=ADA)
    view = desk.loses_its_database().row(session_id).view
    assert (view.limit_wanted, view.limit_by, view.limit_by_name) == (True, 42, "Ada")


def test_a_lost_database_knows_that_going_on_after_an_outage_was_cancelled(desk: Desk) -> None:
    session_id = ends_for(desk, e.TurnEnded("failed", (7,), error="overloaded"))
    desk.manager.want_reset(session_id, wanted=False, person=ADA)
    assert desk.loses_its_database().row(session_id).view.limit_key == ""


def test_a_lost_database_lets_nothing_go_on_in_what_was_ended(desk: Desk) -> None:
    session_id = ends_for(desk, e.TurnEnded("failed", (7,), error="overloaded"))
    desk.manager.destroy_session(session_id, "ended by Ada", 42)
    assert desk.loses_its_database().row(session_id).view.limit_key == ""
