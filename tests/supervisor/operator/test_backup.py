"""A state directory in one file and back: whole, private, and nothing that only a running bridge needs."""

import os
import shutil
import tarfile
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from supervisor import state_directory
from supervisor.assembly import session_manager
from supervisor.operator import backup
from supervisor.sessions.store import Store


def filled(folder: Path) -> Layout:
    """With a session that has a log, a lock, a link and a file of a child's."""
    layout = Layout(folder / "state")
    os.close(state_directory.prepare(layout))
    with closing(Store(layout.database)) as store:
        channel = Channel(600, "/srv/app")
        action = CreateSession(700, 500, channel, Person(111, "Ada", 500), "hello", "hello")
        session = session_manager(store).create_session(action)
    paths = layout.session(session.session_id)
    (paths.inside / "home").mkdir(parents=True)
    for path, text in ((paths.log, "a record\n"), (paths.lock, "x"), (paths.inside / "home/kept", "kept")):
        path.write_text(text)
    (paths.inside / "home/link").symlink_to("/etc/passwd")
    layout.keys.write_text("secret")
    layout.login.mkdir()
    (layout.login / "token").write_text("secret")
    return layout


def test_all_that_counts_comes_back_and_nothing_else(tmp_path: Path) -> None:
    layout, file = filled(tmp_path), tmp_path / "backup.tar.gz"
    with closing(Store(layout.database)):
        backup.write(layout, file)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        names = {name.rpartition("/")[2] for name in archive.getnames()}
    assert {"threadbridge.db", "journal.jsonl", "version", "log.jsonl", "kept"} <= names
    assert names.isdisjoint({"token", "supervisor.keys", "lock", "link", "supervisor.lock"})
    back = Layout(tmp_path / "back")
    backup.restore(file, back)
    with closing(Store(back.database, read_only=True)) as store:
        (row,) = store.sessions()
    assert back.session(row.session.session_id).log.read_text() == "a record\n"
    assert back.journal.read_bytes() == layout.journal.read_bytes()
    assert back.state.stat().st_mode & 0o777 == 0o700
    os.close(state_directory.prepare(back))


def test_what_a_channel_began_with_is_as_it_was_though_it_was_taken_back_since(tmp_path: Path) -> None:
    """``restore`` and docs/operations.md say so: who brings a backup back has to look."""
    layout, back, file = filled(tmp_path), Layout(tmp_path / "back"), tmp_path / "backup.tar.gz"
    with closing(Store(layout.database)) as store:
        manager = session_manager(store)
        manager.choose_default(600, "permission_mode", "acceptEdits")
        backup.write(layout, file)
        manager.choose_default(600, "permission_mode", "")
    backup.restore(file, back)
    with closing(Store(back.database)) as store:
        assert session_manager(store).default(600, "permission_mode") == "acceptEdits"


def test_what_a_child_puts_in_the_place_of_its_file_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another file is copied."""
    layout, file = filled(tmp_path), tmp_path / "backup.tar.gz"
    (tmp_path / "token").write_text("secret")
    (kept,) = layout.sessions.glob("*/*/home/kept")
    planted, pipe = kept.with_name("planted"), kept.with_name("pipe")
    for name in (planted, pipe):
        name.write_text("mine")
    copy, copied = shutil.copyfileobj, list[IO[bytes]]()

    def slowly(source: IO[bytes], target: IO[bytes]) -> None:
        copied.append(source)
        if len(copied) == 2:  # behind the store
            planted.unlink()
            planted.symlink_to(tmp_path / "token")
            pipe.unlink()
            os.mkfifo(pipe)
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfileobj", slowly)
    backup.write(layout, file)
    assert planted.is_symlink()
    with tarfile.open(file) as archive:
        found = {member.name.rpartition("/")[2]: archive.extractfile(member) for member in archive if member.isfile()}
        assert not any(part and part.read() == b"secret" for part in found.values())
    assert found.keys().isdisjoint({"planted", "pipe"})


def test_a_file_of_holes_is_left_out_since_it_would_take_the_whole_disk(tmp_path: Path) -> None:
    layout, file = filled(tmp_path), tmp_path / "backup.tar.gz"
    (kept,) = layout.sessions.glob("*/*/home/kept")
    with kept.with_name("holes").open("wb") as holes:
        holes.truncate(1 << 40)
    backup.write(layout, file)
    with tarfile.open(file) as archive:
        names = {name.rpartition("/")[2] for name in archive.getnames()}
    assert "kept" in names and "holes" not in names


@pytest.mark.parametrize(
    "left", [2, 10, 2_000, -5, None], ids=["two bytes", "few", "a part", "nearly all", "a bit flipped"]
)
def test_half_a_backup_and_a_damaged_one_are_refused_in_words_and_leave_nothing(
    tmp_path: Path, left: int | None
) -> None:
    layout, file = filled(tmp_path), tmp_path / "backup.tar.gz"
    (kept,) = layout.sessions.glob("*/*/home/kept")
    kept.write_bytes(os.urandom(50_000))
    backup.write(layout, file)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0 if left else 1
    file.write_bytes(data[:left])
    back = Layout(tmp_path / "back")
    with pytest.raises(UserError, match=r"cannot be restored, and nothing of it is there: .") as refused:
        backup.restore(file, back)
    assert "\n" not in str(refused.value)
    assert not back.state.exists()


def test_a_disk_that_is_full_leaves_nothing_of_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, file, back = filled(tmp_path), tmp_path / "backup.tar.gz", Layout(tmp_path / "back")
    backup.write(layout, file)
    marked: list[bool] = []

    def fill(archive: tarfile.TarFile, path: Path, **_: object) -> None:
        marked.append(back.restored.exists())
        archive.extract(layout.database.name, path, filter="data")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", fill)
    with pytest.raises(UserError, match=r"nothing of it is there: .*No space left"):
        backup.restore(file, back)
    assert marked == [True], "whatever dies in the middle, it is known to be restored"
    assert not [*back.state.iterdir()]


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    layout, file = filled(tmp_path), tmp_path / "backup.tar.gz"
    backup.write(layout, file)
    before = file.read_bytes()
    with pytest.raises(UserError, match="cannot be made: File exists"):
        backup.write(layout, file)
    assert file.read_bytes() == before
    with pytest.raises(UserError, match="is not empty"):
        backup.restore(file, layout)


def test_what_is_no_backup_is_refused_and_so_is_a_state_without_a_store(tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w"):
        pass
    (tmp_path / "text").write_text("no archive")
    for source in (other, tmp_path / "text", tmp_path / "gone"):
        with pytest.raises(UserError):
            backup.restore(source, Layout(tmp_path / "new"))
    with pytest.raises(UserError, match="there is nothing to back up"):
        backup.write(Layout(tmp_path / "new"), tmp_path / "b")
    assert not (tmp_path / "b").exists()
