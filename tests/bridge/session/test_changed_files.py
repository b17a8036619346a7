"""Which files a turn and a session changed, by the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import events as e
from bridge.protocol.line_diff import between, counted, lines_of
from bridge.render.changed import answer
from bridge.session import changed_files
from bridge.session.changed_files import ChangedFiles, of_session, of_turn
from bridge.session.net_change import MOST_PIECES, NetChange
from bridge.session.permission import RequestName

NAME = RequestName("0a1b2c3d-0000-4000-8000-000000000000", "abcdef01", 1)
FILES = dict[str, tuple[int, int]]


class Log:
    def __init__(self) -> None:
        self.records: list[e.Record] = []

    def add(self, event: e.AnyEvent) -> int:
        self.records.append(e.Record("abcdef01", len(self.records) + 1, 0.0, event))
        return len(self.records)

    def changes(self, *hunks: e.Hunk, is_new: bool = False) -> None:
        """As Claude tells it, which may be anything."""
        self.add(e.ToolFinished("call", is_error=False, output="", change=e.FileChange("/p/odd", hunks, is_new)))

    def edits(self, path: str, before: str, after: str, *, fails: bool = False, tool: str = "Edit") -> None:
        hunks = tuple(between(lines_of(before), lines_of(after)))
        change = e.FileChange(path, hunks, is_new=not before)
        call = f"call {len(self.records)}"
        self.add(e.ToolStarted(call, tool, "{}"))
        self.add(e.ToolFinished(call, fails, "", change=None if fails else change))


def counts(changed: ChangedFiles) -> FILES:
    found: FILES = {}
    for file in changed.files:
        numbers = [counted(part.hunks) for part in file.parts]
        found[file.path] = (sum(a for a, _ in numbers), sum(r for _, r in numbers))
    return found


def test_a_turn_has_its_own_changes_and_the_session_all_of_them() -> None:
    log = Log()
    first = log.add(e.TurnStarted())
    log.edits("a", "1\n2\n", "1\nx\n")
    log.edits("new", "", "n\n")
    log.add(e.TurnEnded("completed"))
    second = log.add(e.TurnStarted())
    log.edits("a", "1\nx\n", "1\ny\n")
    assert counts(of_turn(log.records, first)) == {"a": (1, 1), "new": (1, 0)}
    assert counts(of_turn(log.records, second)) == {"a": (1, 1)}
    assert counts(of_session(log.records)) == {"a": (1, 1), "new": (1, 0)}


def test_a_file_that_was_put_back_is_not_among_them_and_a_new_empty_one_is() -> None:
    log = Log()
    log.add(e.TurnStarted())
    log.edits("a", "1\n", "2\n")
    log.edits("a", "2\n", "1\n")
    log.edits("empty", "", "")
    assert counts(of_session(log.records)) == {"empty": (0, 0)}


def test_what_failed_changed_nothing_and_commands_and_old_records_are_counted() -> None:
    log = Log()
    log.add(e.TurnStarted())
    log.edits("a", "1\n", "2\n", fails=True)
    log.add(e.ToolStarted("b", "Bash", "{}"))
    log.add(e.ToolFinished("b", False, ""))
    log.add(e.ToolStarted("o", "Write", "{}"))
    log.add(e.ToolFinished("o", False, ""))
    log.add(e.ToolStarted("u", "Edit", "{}"))
    log.add(e.ToolFinished("u", True, "", unknown=True))
    assert of_session(log.records) == ChangedFiles((), 1, 1)


def test_where_something_else_changed_the_file_in_between_its_parts_follow_one_on_the_other() -> None:
    log = Log()
    log.add(e.TurnStarted())
    log.edits("a", "1\n2\n3\n", "1\nx\n3\n")
    log.edits("a", "other\n1\nx\n3\n", "other\n1\ny\n3\n")
    (file,) = of_session(log.records).files
    assert len(file.parts) == 2 and not file.is_cut


def test_a_change_that_is_more_than_the_log_keeps_is_told_and_what_follows_is_there() -> None:
    log = Log()
    log.add(e.TurnStarted())
    log.add(e.ToolFinished("c", False, "", change=e.FileChange("a", is_new=True, is_cut=True)))
    (file,) = of_session(log.records).files
    assert file.is_cut and not file.parts
    log.edits("a", "1\n2\n", "1\nx\n")
    log.add(e.ToolFinished("d", False, "", change=e.FileChange("a", is_cut=True)))
    log.edits("a", "9\n2\n", "9\nx\n")
    (file,) = of_session(log.records).files
    assert file.is_cut and len(file.parts) == 2


@pytest.mark.parametrize(
    ("hunk", "is_new"),
    [
        (e.Hunk(0, (" what no new file has\n", "+x\n")), True),
        (e.Hunk(3, ("+behind its end\n",)), True),
        (e.Hunk(-1, ("-before it\n",)), False),
        (e.Hunk(1 << 50, ("-far behind it\n",)), False),
    ],
)
def test_a_change_that_fits_no_file_is_said_and_hides_no_other(hunk: e.Hunk, is_new: bool) -> None:
    log = Log()
    log.add(e.TurnStarted())
    log.changes(hunk, is_new=is_new)
    log.edits("a", "1\n", "2\n")
    found = of_session(log.records)
    assert (counts(found), found.untold) == ({"a": (1, 1)}, 1)


LINES = st.sampled_from(["+a\n", "-a\n", " a\n", "+b", "-b", "", "\n", "\r\n", "x", "+\u202e\n", "-```\n"])
HUNKS = st.builds(e.Hunk, st.integers(-2, 9), st.lists(LINES, max_size=6).map(tuple))
TURN = RequestName("0a1b2c3d-0000-4000-8000-000000000000", "abcdef01", 1)


@given(st.lists(st.tuples(st.lists(HUNKS, max_size=3), st.booleans()), max_size=5))
def test_whatever_claude_tells_of_its_edits_there_is_an_answer(told: list[tuple[list[e.Hunk], bool]]) -> None:
    log = Log()
    log.add(e.TurnStarted())
    for hunks, is_new in told:
        log.changes(*hunks, is_new=is_new)
    assert answer(of_session(log.records), TURN, "/p", whole_session=True).content


@pytest.mark.slow
def test_a_file_that_was_changed_in_very_many_places_has_parts_and_nothing_of_it_is_missing() -> None:
    log, count = Log(), 2 * MOST_PIECES
    for n in range(count):
        log.changes(e.Hunk(20 * (n * 7919 % count), (f"+line {n}",)))
    (file,) = of_session(log.records).files
    assert len(file.parts) - 1 == file.splits > 0
    came = sorted(line for part in file.parts for hunk in part.hunks for line in hunk.lines if line.startswith("+"))
    assert came == sorted(f"+line {n}" for n in range(count))
    said = answer(of_session(log.records), NAME, "/p", whole_session=True).content
    assert "in very many places" in said and "Something else" not in said


@pytest.mark.slow
def test_each_change_walks_through_no_more_than_so_many_pieces() -> None:
    net = NetChange(is_new=False)
    for n in range(MOST_PIECES):
        assert net.is_full is (2 * n + 1 > MOST_PIECES), "each place cuts one more stretch in two"
        net.add(e.FileChange("a", (e.Hunk(21 * n + 10, ("+x",)),)))


def test_of_more_edits_than_are_put_together_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed_files, "MOST_EDITS", 3)
    log = Log()
    for n in range(5):
        log.edits(f"f{n}", "1\n", "2\n")
    found = of_session(log.records)
    assert counts(found) == {f"f{n}": (1, 1) for n in range(3)} and found.left_out == 2
    assert "the newest 2 are not in this" in answer(found, NAME, "/p", whole_session=True).content
