"""send_file: what may be copied to the person, and what is tried to get something else out."""

import os
import socket
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from worker import sending


class Place:
    def __init__(self, root: Path) -> None:
        self.project, self.folder = root / "project", root / "state/sessions/one"
        self.scratch, self.sent = self.folder / "scratch", self.folder / "sent"
        for path in (self.project / "sub", self.scratch):
            path.mkdir(parents=True)
        self.secret = root / "secret.txt"
        self.secret.write_text("secret")
        self.places = sending.places(str(self.project), self.folder, self.scratch, self.sent, [str(root / "state")])

    def send(self, path: str | Path) -> sending.Sent:
        return sending.copy(str(path), self.places)

    def refusal(self, path: str | Path) -> str:
        with pytest.raises(UserError) as refused:
            self.send(path)
        assert not list(self.sent.glob("*")), "a refused file must leave nothing"
        return str(refused.value)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_file_of_the_project_is_copied_whole_under_its_name(place: Place) -> None:
    data = os.urandom(300_000)
    (place.project / "sub/chart.png").write_bytes(data)
    for path in ("sub/chart.png", place.project / "sub/chart.png", "./sub/../sub/chart.png"):
        sent = place.send(path)
        assert (sent.name, sent.size_bytes) == ("chart.png", len(data))
        assert (place.folder / sent.stored).read_bytes() == data
        assert Path(sent.stored).parent == Path("sent")


def test_a_file_of_the_scratch_folder_is_sent_though_the_state_directory_is_hidden(place: Place) -> None:
    (place.scratch / "a.txt").write_text("x")
    assert place.send(place.scratch / "a.txt").name == "a.txt"


def test_what_claude_changes_afterwards_does_not_change_the_copy(place: Place) -> None:
    (place.project / "a.txt").write_text("as it was")
    sent = place.send("a.txt")
    (place.project / "a.txt").write_text("another thing")
    assert (place.folder / sent.stored).read_text() == "as it was"


def test_a_link_inside_the_project_may_lead_to_another_place_inside(place: Place) -> None:
    (place.project / "real.txt").write_text("x")
    (place.project / "latest.txt").symlink_to("real.txt")
    assert place.send("latest.txt").name == "latest.txt"


@pytest.mark.parametrize("path", ["../secret.txt", "sub/../../secret.txt", "/etc/hostname", "/etc/passwd"])
def test_a_path_that_leads_out_is_refused(place: Place, path: str) -> None:
    assert "may not be sent" in place.refusal(path)


def test_a_link_that_leads_out_is_refused_and_says_where_it_leads(place: Place) -> None:
    (place.project / "link").symlink_to(place.secret)
    (place.project / "folder").symlink_to(place.secret.parent)
    assert f"(it is {place.secret})" in place.refusal("link")
    assert "may not be sent" in place.refusal("folder/secret.txt")


def test_a_neighbour_whose_name_begins_alike_is_not_the_project(place: Place) -> None:
    beside = place.project.with_name("project-old")
    beside.mkdir()
    (beside / "a.txt").write_text("x")
    assert "may not be sent" in place.refusal(beside / "a.txt")


def test_nothing_else_of_the_sessions_folder_is_sent(place: Place) -> None:
    (place.folder / "log.jsonl").write_text("x")
    assert "may not be sent" in place.refusal(place.folder / "log.jsonl")


def test_what_is_hidden_from_the_child_is_not_sent_from_a_project_that_holds_it(tmp_path: Path) -> None:
    inner = Place(tmp_path)
    whole = sending.places(str(tmp_path), inner.folder, inner.scratch, inner.sent, [str(tmp_path / "state")])
    (tmp_path / "state/threadbridge.db").write_text("x")
    with pytest.raises(UserError, match="may not be sent"):
        sending.copy(str(tmp_path / "state/threadbridge.db"), whole)
    assert sending.copy(str(inner.secret), whole).name == "secret.txt"


@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/self/maps", "/sys/kernel/notes", "/dev/zero"])
def test_a_project_that_is_the_whole_disk_gives_nothing_of_the_kernels(place: Place, path: str) -> None:
    whole = sending.places("/", place.folder, place.scratch, place.sent, [])
    with pytest.raises(UserError):
        sending.copy(path, whole)


def test_a_pipe_blocks_nobody(place: Place) -> None:
    os.mkfifo(place.project / "pipe")
    assert "no regular file" in place.refusal("pipe")


def test_sockets_and_folders_are_refused_in_words(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place.project / "s"))
        assert "no regular file" in place.refusal("s")
    assert "is a directory: pack it" in place.refusal("sub")


def test_a_huge_file_is_refused_before_it_is_read(place: Place) -> None:
    with (place.project / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert "at most 10,485,760 (10 MB)" in place.refusal("huge")


def test_a_file_of_exactly_the_limit_is_sent(place: Place) -> None:
    with (place.project / "full").open("wb") as file:
        file.truncate(sending.MOST_BYTES)
    assert place.send("full").size_bytes == sending.MOST_BYTES


def test_an_empty_or_missing_file_is_refused_in_words(place: Place) -> None:
    (place.project / "empty").touch()
    assert "is empty" in place.refusal("empty")
    assert "No such file" in place.refusal("nothing.txt")
    assert "there is no path" in place.refusal("  ")
    assert "there is no path" in place.refusal("a\0b")
    assert "cannot be opened" in place.refusal("x" * 5000)


def test_a_name_that_could_do_harm_is_made_harmless(place: Place) -> None:
    (place.project / 'a"b\r\nc<@1>.txt').write_text("x")
    assert place.send('a"b\r\nc<@1>.txt').name == "a_b__c_@1_.txt"


def test_what_is_hidden_inside_the_project_is_not_sent(tmp_path: Path) -> None:
    """The project is a whole home, and the token lies in it where the docs put it."""
    place = Place(tmp_path)
    own = place.project / ".config/threadbridge"
    own.mkdir(parents=True)
    (own / "token").write_text("the secret")
    place.places = sending.places(str(place.project), place.folder, place.scratch, place.sent, [str(own)])
    (place.project / "link").symlink_to(own / "token")
    for path in (".config/threadbridge/token", own / "token", "link"):
        assert "may not be sent" in place.refusal(path)
