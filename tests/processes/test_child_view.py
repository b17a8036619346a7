"""A path that a child names is opened as the child sees it (``worker.child_view``), with bubblewrap's own mounts."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker import bubblewrap
from worker.child_view import NO_WALLS, ChildView
from worker.shutting_in import refusal_in_words

PLANTS = 'echo inside > "$0/note"; ln -s "$0/note" "$0/link"; ln -s /proc/1/root/etc "$0/magic"; echo ready; read -r _'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder that is another one inside; beside it stands what the child could not have meant."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "note").write_text("outside\n")
    (folder / "only outside").write_text("")
    return folder


@pytest.fixture
def view(here: Path) -> Iterator[ChildView]:
    if refusal := refusal_in_words(here.parent):
        pytest.skip(refusal)
    walls = [bubblewrap.find(os.environ["PATH"]), "--unshare-user", "--unshare-pid", "--die-with-parent"]
    mounts = ["--bind", "/", "/", "--tmpfs", str(here), "--proc", "/proc"]
    argv = [*walls, *mounts, "--", "/bin/sh", "-c", PLANTS, str(here)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.defpath}) as child:
        assert child.stdin and child.stdout and child.stdout.readline() == b"ready\n"
        yield ChildView(child.pid)
        child.stdin.close()


def content(view: ChildView, path: Path) -> str:
    place = view.place(path)
    try:
        return Path(f"/proc/self/fd/{place}").read_text()
    finally:
        os.close(place)


def test_a_name_means_what_it_means_inside(view: ChildView, here: Path) -> None:
    assert content(NO_WALLS, here / "note") == "outside\n"
    assert content(view, here / "note") == "inside\n"
    assert view.status(here / "only outside") is None


def test_no_link_leads_out_of_what_the_child_sees(view: ChildView, here: Path) -> None:
    assert content(view, here / "link") == "inside\n", "what an absolute link names is looked for inside"
    assert view.has_link(here / "link") and not view.has_link(here / "note")
    with pytest.raises(OSError, match="symbolic links"):
        view.place(here / "magic/hostname")


def test_of_a_child_that_has_ended_nothing_is_opened(here: Path) -> None:
    with subprocess.Popen(["/bin/true"]) as child:
        child.wait()
    with pytest.raises(FileNotFoundError):
        ChildView(child.pid).place(here / "note")
