"""The journal's file at a start: long, torn, of another kind than a file, or beside a store that says nonsense."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bridge.journal import entries as j
from bridge.journal.chain import BadLineError, Head, chained, decoded
from bridge.protocol.layout import Layout
from stages.opened_stores import opened_store
from supervisor.operator import audit
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.journal import SAID_EVERY_S, Journal
from supervisor.sessions.journal_file import lines_from
from supervisor.sessions.store_health import StoreError

SESSION = "0b0f9c1e-0000-4000-8000-000000000001"


class Kept:
    """A journal of so many entries, of which the store knows the first ``known``."""

    def __init__(self, folder: Path, entries: Sequence[j.AnyEntry], known: int) -> None:
        self.layout = Layout(folder)
        self.store = opened_store(self.layout.database)
        head = Head()
        with self.path.open("wb") as file:
            for entry in entries:
                text, head = chained(head, 1.5, [entry])
                file.write(text)
                if head.n == known:
                    self.store.remember(Fact.JOURNAL, str(head))

    @property
    def path(self) -> Path:
        return self.layout.journal

    def start(self) -> Journal:
        return Journal(self.path, self.store)

    def said(self) -> list[str]:
        return [one.what for one in map(entry_of, audit.lines_of(self.path)) if isinstance(one, j.JournalBroken)]

    def faults(self) -> list[str]:
        return audit.verify(self.layout).faults


def entry_of(line: bytes) -> j.AnyEntry | None:
    try:
        found = decoded(line)
    except BadLineError:
        return None
    return found.entry if found else None


def chosen(count: int) -> list[j.AnyEntry]:
    return [j.DefaultChosen(channel_id=600, by=42, setting="model", value=f"m{number}") for number in range(count)]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path, chosen(20), 20)


@pytest.mark.parametrize("known", [0, 1, 7, 399, 400])
def test_just_what_the_store_does_not_know_is_found_in_any_length_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    monkeypatch.setattr("supervisor.sessions.journal_file.BLOCK_BYTES", 64)
    kept = Kept(tmp_path, chosen(400), known)
    assert [line.n for line in kept.start().unapplied] == list(range(known + 1, 401))
    assert kept.said() == []
    kept.store.close()


def test_each_look_for_where_to_begin_goes_back_twice_as_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a journal beside a lost store is read once, and not once for each block of it."""
    monkeypatch.setattr("supervisor.sessions.journal_file.BLOCK_BYTES", 256)
    kept, looked = Kept(tmp_path, chosen(2_000), 0), list[bytes]()

    def is_before(line: bytes) -> bool:
        looked.append(line)
        return False

    with kept.path.open("rb") as file:
        assert len(list(lines_from(file, is_before))) == 2_000
    assert 1 < len(looked) < 16, "at least 256 KB in steps that double, from 256 bytes on"
    kept.store.close()


@pytest.mark.parametrize("known", [0, 20])
def test_a_pipe_in_the_journals_place_is_not_waited_for(tmp_path: Path, known: int) -> None:
    kept = Kept(tmp_path, chosen(20), known)
    kept.path.unlink()
    os.mkfifo(kept.path)
    with pytest.raises(StoreError, match="cannot be written"), kept.store.transaction():
        kept.start().append(chosen(1))
    kept.store.close()


def test_what_workers_told_is_known_again_and_not_kept_in_memory_to_be_applied(tmp_path: Path) -> None:
    began = [j.ToolBegan(SESSION, 600, 42, generation="aa", seq=seq, tool="Bash") for seq in range(1, 50)]
    kept = Kept(tmp_path, [*began, *chosen(1)], 0)
    journal = kept.start()
    assert [line.n for line in journal.unapplied] == [50]
    assert journal.is_ahead
    with kept.store.transaction():
        journal.append(began)
    assert journal.head.n == 50, "none is told twice"
    kept.store.close()


@pytest.mark.parametrize("length", [1, 300, 65_536, 70_000, 300_000])
@pytest.mark.parametrize("filling", [b"x", b"\x00"])
def test_a_last_line_without_its_end_is_taken_off_however_long_it_is(kept: Kept, length: int, filling: bytes) -> None:
    with kept.path.open("ab") as file:
        file.write(filling * length)
    assert kept.start().head.n == 20
    assert kept.said() == kept.faults() == []


# --- lines of tools, which no fdatasync of their own makes safe ------------------------------------------


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Two hundred entries that the store knows, and behind them three of tools, written by a service."""
    monkeypatch.setattr("supervisor.sessions.journal_file.BLOCK_BYTES", 256)
    made = Kept(tmp_path, chosen(200), 200)
    journal = made.start()
    for seq in (1, 2, 3):
        with made.store.transaction():
            journal.append([j.ToolBegan(SESSION, 600, 42, generation="aa", seq=seq, tool="Bash")])
    yield made
    made.store.close()


def lines(kept: Kept) -> list[bytes]:
    return kept.path.read_bytes().splitlines(keepends=True)


def test_they_are_part_of_what_the_store_knows(tools: Kept) -> None:
    assert tools.faults() == []
    tools.start()
    assert tools.said() == []


@pytest.mark.parametrize("left", [200, 201, 202])
def test_that_they_were_cut_off_is_found_and_said_once(tools: Kept, left: int) -> None:
    tools.path.write_bytes(b"".join(lines(tools)[:left]))
    assert tools.faults() == [f"entry 203 was written, and the journal ends with {left}: its end was cut off"]
    for _ in range(3):
        tools.start()
    assert tools.said() == [f"entry 203 was written, and the journal ends with {left}: its end was cut off"]
    assert tools.faults() != [], "the service goes on, and it stays said"


def test_that_the_last_one_was_edited_is_found(tools: Kept) -> None:
    *others, last = lines(tools)
    tools.path.write_bytes(b"".join([*others, last.replace(b"Bash", b"Read")]))
    assert tools.faults() == ["entry 203 is another one than the one that was written"]
    tools.start()
    assert tools.said() == ["entry 203 is another one than the one that was written"]


def test_a_power_cut_may_have_taken_them(tools: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boot_id").write_text("another start of the machine\n")
    monkeypatch.setattr("supervisor.sessions.journal.BOOT_ID", tmp_path / "boot_id")
    tools.path.write_bytes(b"".join(lines(tools)[:201]))
    assert tools.faults() == []
    tools.start()
    assert tools.said() == []


def test_where_the_machine_tells_no_start_nothing_is_made_of_it(
    tools: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.sessions.journal.BOOT_ID", tmp_path / "none")
    journal = tools.start()
    with tools.store.transaction():
        journal.append([j.ToolBegan(SESSION, 600, 42, generation="aa", seq=4, tool="Bash")])
    tools.path.write_bytes(b"".join(lines(tools)[:202]))
    assert tools.faults() == []


def test_a_later_entry_that_is_synchronised_counts_for_them(tools: Kept) -> None:
    journal = tools.start()
    with tools.store.transaction():
        journal.applied()
        journal.append(chosen(300))
    tools.start()
    assert tools.said() == tools.faults() == []


def test_lines_with_nothing_in_them_are_found_at_the_start_as_well(kept: Kept) -> None:
    with kept.path.open("ab") as file:
        file.write(b"\n\n")
    kept.start()
    assert [said[:20] for said in kept.said()] == ["a line is no entry ("]


def test_what_is_broken_is_said_in_one_entry_however_often_the_service_starts(kept: Kept) -> None:
    kept.path.write_bytes(b"".join(kept.path.read_bytes().splitlines(keepends=True)[:15]))
    for _ in range(3):
        kept.start()
    assert kept.said() == ["entry 20 was written, and the journal ends with 15: its end was cut off"]
    assert kept.faults() != []


def test_a_store_whose_head_is_none_is_a_fault_and_no_reason_to_stay_down(kept: Kept) -> None:
    kept.store.remember(Fact.JOURNAL, "nonsense")
    assert kept.faults() == ["the store's head is none: 'nonsense' is no number and hash, as in 12:9f86d0…"]
    journal = kept.start()
    assert (len(journal.unapplied), len(kept.said())) == (20, 1)


def test_a_link_in_the_journals_place_is_named_so(kept: Kept) -> None:
    kept.path.rename(kept.path.with_name("elsewhere"))
    kept.path.symlink_to("elsewhere")
    with pytest.raises(StoreError, match="it is a link, which may lead anywhere: put the file itself there"):
        kept.start()


def test_the_head_is_said_again_after_the_clock_was_set_back(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    now = 2e9
    journal = Journal(kept.path, kept.store, lambda: now)
    with caplog.at_level("INFO"):
        journal.say_head()
        now = 1.8e9
        journal.say_head()
        now += SAID_EVERY_S - 1
        journal.say_head()
    assert [record.message.split(",")[0] for record in caplog.records] == ["journal: 20 entries"] * 2
