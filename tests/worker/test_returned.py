"""Images that a tool returned: kept, told, once each, within what may be stored."""

from collections.abc import Callable
from pathlib import Path

from bridge.protocol import events as e
from worker import sending
from worker.returned import MOST_AT_ONCE, Returned
from worker.steps import ImagesReturned
from worker.stored import NoRoomError

PNG, GIF = b"\x89PNG\r\n\x1a\n", b"GIF89a"


def kept(
    root: Path, returned: Returned, *images: bytes, object_to: Callable[[int], object] = lambda size_bytes: None
) -> list[e.FileSent | e.Noticed]:
    where = sending.places(str(root), root / "session", root / "scratch", root / "session/sent", [])
    return list(returned.kept(ImagesReturned("mcp__browser__take_shot", images), where, object_to))


def test_an_image_is_on_the_disk_under_its_tools_name_before_it_is_told(tmp_path: Path) -> None:
    one, other = kept(tmp_path, Returned(), PNG + b"1", GIF + b"2")
    assert isinstance(one, e.FileSent) and isinstance(other, e.FileSent)
    assert (one.name, one.size_bytes, other.name) == ("take_shot.png", 9, "take_shot.gif")
    assert (tmp_path / "session" / one.stored).read_bytes() == PNG + b"1"


def test_each_image_is_shown_once_and_what_is_none_not_at_all(tmp_path: Path) -> None:
    returned = Returned()
    assert len(kept(tmp_path, returned, PNG, PNG, b"<svg>", b"%PDF-1.4 %%EOF")) == 1
    assert kept(tmp_path, returned, PNG) == []


def test_of_very_many_some_are_shown_and_the_rest_is_told(tmp_path: Path) -> None:
    events = kept(tmp_path, Returned(), *(PNG + bytes([n]) for n in range(MOST_AT_ONCE + 3)))
    assert [type(event) for event in events] == [e.FileSent] * MOST_AT_ONCE + [e.Noticed]
    assert events[-1] == e.Noticed("take_shot gave Claude 3 more images, not shown here.")


def test_what_has_no_room_or_is_too_large_is_told(tmp_path: Path) -> None:
    def full(size_bytes: int) -> None:
        raise NoRoomError(f"{size_bytes} bytes have no room")

    assert kept(tmp_path, Returned(), PNG, object_to=full) == [
        e.Noticed("An image that take_shot gave Claude is not shown: 8 bytes have no room.")
    ]
    (told,) = kept(tmp_path, Returned(), PNG + b"x" * sending.MOST_BYTES)
    assert isinstance(told, e.Noticed) and "10 MB" in told.text
    assert not (tmp_path / "session/sent").exists()
