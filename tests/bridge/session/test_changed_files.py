"""Which files a turn and a session changed, by the log."""

from bridge.protocol import events as e
from bridge.protocol.line_diff import between, counted, lines_of
from bridge.session.changed_files import ChangedFiles, of_session, of_turn

FILES = dict[str, tuple[int, int]]


class Log:
    def __init__(self) -> None:
        self.records: list[e.Record] = []

    def add(self, event: e.AnyEvent) -> int:
        self.records.append(e.Record("abcdef01", len(self.records) + 1, 0.0, event))
        return len(self.records)

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
