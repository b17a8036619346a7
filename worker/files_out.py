"""Files that the person gets of a child: those that Claude sends, images that it reads, images that its tools return.

A copy is on the disk before the log tells of it, and in the log before Claude hears of it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.protocol.layout import SessionLayout
from bridge.protocol.start import WorkerStart
from worker import lines_out, mcp, sending
from worker.child import Record
from worker.child_view import NO_WALLS, ChildView
from worker.read_images import ReadImages
from worker.returned import Returned
from worker.steps import FileOffered, ImagesReturned
from worker.stored import NoRoomError, Stored
from worker.walls.from_start import kept_from_claude, private_places


def places_of(start: WorkerStart, paths: SessionLayout, view: ChildView = NO_WALLS) -> sending.Places:
    """Whence a child may send files, as ``view`` sees them."""
    hidden = kept_from_claude(start)
    where = sending.places(start.created.directory, paths.folder, paths.scratch, paths.sent, hidden)
    return msgspec.structs.replace(where, private=private_places(start), view=view)


class FilesOut:
    """``places``: whence, at the time of asking."""

    def __init__(self, directory: str, view: ChildView, places: Callable[[], sending.Places], stored: Stored) -> None:
        self._directory = directory
        self._places = places
        self._stored = stored
        self._read_images = ReadImages(view.status)
        self._returned = Returned()

    async def send(self, offered: FileOffered, record: Record) -> bytes:
        """The answer for Claude."""
        call, is_error = offered.call, False
        try:
            sent = await self._copied(call.path)
            record(e.FileSent(sent.name, sent.stored, sent.size_bytes, call.caption))
            self._read_images.sent(Path(self._directory, call.path))
            words = f"{sent.name} ({sent.size_bytes:,} bytes) is on its way to the person."
        except UserError as error:
            words, is_error = f"Not sent: {error}.", True
        return lines_out.mcp_answer(offered.request_id, mcp.told(call.call_id, words, is_error=is_error))

    async def show_read(self, event: e.AnyEvent, record: Record) -> None:
        """The image that Claude has read with this event, as far as it might send it."""
        if not (path := self._read_images.image_of(event)):
            return
        with contextlib.suppress(UserError):
            try:
                sent = await self._copied(path)
            except NoRoomError as error:
                record(e.Noticed(f"The image that Claude looked at is not shown: {error}."))
            else:
                record(e.FileSent(sent.name, sent.stored, sent.size_bytes))

    async def show_returned(self, returned: ImagesReturned, record: Record) -> None:
        for event in await asyncio.to_thread(self._kept, returned):
            record(event)

    def _kept(self, returned: ImagesReturned) -> list[e.FileSent | e.Noticed]:
        return list(self._returned.kept(returned, self._places(), self._stored.object_to))

    async def _copied(self, path: str) -> sending.Sent:
        return await asyncio.to_thread(sending.copy, path, self._places(), self._stored.object_to)
