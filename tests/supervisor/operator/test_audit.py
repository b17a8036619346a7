"""``threadbridge audit`` and ``audit verify``, as they are typed."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.operator import audit
from supervisor.operator.cli import cli
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store


@pytest.fixture
def state(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    store = Store(layout.database)
    manager = session_manager(store)
    for thread in (1001, 1002):
        action = CreateSession(thread, 500, Channel(600, str(tmp_path)), Person(42, "Ada"), "one", "one")
        manager.create_session(action)
    manager.destroy_session(manager.get_all_sessions()[0].session_id, "ended by Ada", 42)
    store.close()
    return layout


def typed(layout: Layout, *words: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(cli, ["--state", str(layout.state), *words])
    return done.exit_code, done.stdout.splitlines()


def test_each_entry_is_a_line_that_says_who_and_what(state: Layout) -> None:
    code, lines = typed(state, "audit")
    assert (code, len(lines)) == (0, 3)
    assert "by 42" in lines[2]
    assert "session ended: ended by Ada" in lines[2]


def test_the_lines_of_one_session_and_of_lately(state: Layout) -> None:
    store = Store(state.database)
    first = session_manager(store).get_all_sessions()[0].session_id
    store.close()
    assert len(typed(state, "audit", "--session", first[:13])[1]) == 2
    assert len(typed(state, "audit", "--since", "1h")[1]) == 3
    assert typed(state, "audit", "--since", "2999-01-01")[1] == []


def test_as_json_the_lines_are_as_they_stand_in_the_file(state: Layout) -> None:
    assert typed(state, "audit", "--json")[1] == state.journal.read_text().splitlines()


def test_a_whole_journal_is_verified_with_its_head(state: Layout) -> None:
    code, (line,) = typed(state, "audit", "verify")
    assert code == 0
    assert line.startswith("3 entries, as they were written; head 3:")
    head = line.rpartition(" ")[2]
    assert typed(state, "audit", "verify", "--head", head)[0] == 0
    assert typed(state, "audit", "verify", "--head", f"3:{'0' * 64}")[0] == 1


def test_a_rewritten_one_is_not(state: Layout) -> None:
    state.journal.write_text(state.journal.read_text().replace("ended by Ada", "ended by Bob"))
    code, lines = typed(state, "audit", "verify")
    assert (code, lines) == (1, ["entry 3 is another one than the one that was written"])


def test_where_nothing_ever_happened_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert typed(Layout(tmp_path), "audit") == (0, [])
    assert typed(Layout(tmp_path), "audit", "verify") == (0, ["0 entries, as they were written; head 0:"])


def test_what_is_no_file_is_not_waited_for(state: Layout) -> None:
    state.journal.unlink()
    os.mkfifo(state.journal)
    for words in (("audit",), ("audit", "verify")):
        done = CliRunner().invoke(cli, ["--state", str(state.state), *words])
        assert isinstance(done.exception, UserError)
        assert "is no file" in str(done.exception)


def test_a_head_of_the_stores_and_one_that_was_told_must_both_be_the_journals(state: Layout) -> None:
    head = str(audit.verify(state).head)
    store = Store(state.database)
    store.remember(Fact.JOURNAL, f"3:{'0' * 64}")
    store.close()
    assert audit.verify(state, (head,)).faults == ["entry 3 is another one than the one that was written"]
