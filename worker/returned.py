"""Images that a tool gave Claude as its result (an MCP server's screenshot, say), so that the person sees them too.

They are no files, so they are kept as ``send_file`` keeps its copies, within what the session may store. What Read
returns is the file itself, which ``read_images`` shows.
"""

import hashlib
from collections.abc import Callable, Iterator

from bridge.newest import note_newest
from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from worker import sending
from worker.prompt_files import kind_of
from worker.steps import ImagesReturned

MOST_AT_ONCE = 4
"""Of one result; a tool may return a hundred."""
MOST_REMEMBERED = 500
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


class Returned:
    """Each image is shown once."""

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}

    def kept(
        self, returned: ImagesReturned, where: sending.Places, object_to: Callable[[int], object]
    ) -> Iterator[e.FileSent | e.Noticed]:
        """What to log, each image once it is on the disk. Blocks."""
        new = [image for image in returned.images if kind_of(image) in _SUFFIXES and self._is_new(image)]
        tool = returned.tool.rpartition("__")[2]
        for image in new[:MOST_AT_ONCE]:
            try:
                sent = sending.keep(image, f"{tool}.{_SUFFIXES[kind_of(image)]}", where, object_to)
                yield e.FileSent(sent.name, sent.stored, sent.size_bytes)
            except UserError as error:
                yield e.Noticed(f"An image that {tool} gave Claude is not shown: {error}.")
        if (more := len(new) - MOST_AT_ONCE) > 0:
            yield e.Noticed(f"{tool} gave Claude {more} more image{'' if more == 1 else 's'}, not shown here.")

    def _is_new(self, image: bytes) -> bool:
        digest = hashlib.sha256(image).digest()
        was_seen = digest in self._seen
        note_newest(self._seen, digest, None, MOST_REMEMBERED)
        return not was_seen
