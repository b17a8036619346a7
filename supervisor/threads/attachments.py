"""Fetches the files that people send with their messages.

    inbox: Prompt(attachments with urls) ──▶ download ──▶ files/<prompt>/<name> ──▶ Prompt(attachments, stored)
                                                └─ cannot be had ──▶ Prompt(attachments, failure in words)

Handling a message only notes its files, in the inbox; what is still to be fetched is what the inbox says, so a
restart at any instant goes on, and at worst fetches a file again. The downlink keeps a prompt (and those after it)
back until each of its files is there or has failed, and a file fails after a few tries: the text is never lost
because of a file.

A file is written beside its place and renamed, so under its name it is whole. Discord's links expire after a day:
then the message is fetched again for a fresh one. The limit is for all files of one prompt together; the size that
Discord tells is looked at first, and the bytes are counted while they come.

Files live as long as their session's folder, so that Claude can look at them again; those of a prompt that was
dropped before Claude got it are deleted.
"""

import asyncio
import errno
import logging
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.protocol.commands import Prompt
from bridge.protocol.errors import RemoteError
from bridge.protocol.events import Attachment
from bridge.protocol.layout import Layout, SessionLayout
from bridge.protocol.limits import NO_LIMITS, Limits, no_room_for
from supervisor.discord.asking import Downloading
from supervisor.discord.beside_text import url_of
from supervisor.discord.errors import ChannelGone, LinkExpired, MessageGone, Refused, TooLarge
from supervisor.private_files import size_of
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import STORE_LOOK_S, StoreError

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between the tries for one file; after them it has failed."""
AT_ONCE = 4
"""Downloads at a time, of all sessions."""
LOOK_S = 60.0
"""Also looked at when nobody woke us."""
NAME_BYTES = 120
_SURELY_HARMLESS = re.compile(r"[^\w.()@+=,~ -]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")

log = logging.getLogger(__name__)


class _Hopeless(Exception):  # noqa: N818 - not an error that leaves this module
    """The file cannot be had; why, in words."""


class Attachments:
    """``most_bytes``: of all files of one prompt; ``limits``: of one session, both asked for each file; ``pauses_s``:
    between the tries.
    """

    def __init__(
        self,
        manager: SessionManager,
        layout: Layout,
        rest: Downloading,
        most_bytes: Callable[[], int],
        limits: Callable[[], Limits] = lambda: NO_LIMITS,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._manager = manager
        self._layout = layout
        self._rest = rest
        self._most_bytes = most_bytes
        self._limits = limits
        self._pauses_s = pauses_s
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._woken: set[str] = set()
        self._wake = asyncio.Event()
        manager.changes.hear_wishes(self.wake)
        self._running: set[str] = set()

    def wake(self, session_id: str) -> None:
        """Something waits in the session's inbox, or was dropped from it. Cheap; only a hint."""
        self._woken.add(session_id)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                woken, self._woken = self._woken, set()
                self._wake.clear()
                for session_id in woken or [session.session_id for session in self._manager.get_all_sessions()]:
                    if session_id not in self._running and self._manager.get_session(session_id):
                        self._running.add(session_id)
                        tasks.create_task(self._serve(session_id))
                try:
                    await asyncio.wait_for(self._wake.wait(), LOOK_S)
                except TimeoutError:
                    continue

    async def _serve(self, session_id: str) -> None:
        """All that one session waits for. What goes wrong with it ends neither us nor the others."""
        try:
            self._delete_dropped(session_id)
            while prompts := self._manager.waiting.without_files(session_id):
                await self._settle_next(session_id, prompts[0])
                self._delete_dropped(session_id)
        except StoreError:
            await asyncio.sleep(STORE_LOOK_S)
            self.wake(session_id)
        except Exception:
            log.exception("session %s: its files cannot be seen to", session_id)
        finally:
            self._running.discard(session_id)
            if session_id in self._woken:
                self._wake.set()

    def _delete_dropped(self, session_id: str) -> None:
        if not (dropped := self._manager.waiting.dropped(session_id)):
            return
        paths = self._layout.session(session_id)
        for prompt_id in dropped:
            shutil.rmtree(paths.files_of(prompt_id), ignore_errors=True)
        self._manager.waiting.files_deleted(session_id, dropped)

    # --- one file ------------------------------------------------------------------------------------

    async def _settle_next(self, session_id: str, prompt: Prompt) -> None:
        place = next(i for i, a in enumerate(prompt.attachments) if not (a.stored or a.failure))
        attachment = prompt.attachments[place]
        stored, failure = "", ""
        try:
            stored = await self._fetch(session_id, prompt, place)
        except _Hopeless as hopeless:
            failure = str(hopeless)
            log.info("session %s: the file %r failed: %s", session_id, attachment.name, failure)
        settled = self._manager.waiting.settle_attachment(
            session_id, prompt.prompt_id, attachment.attachment_id, stored=stored, failure=failure
        )
        if not settled:  # deleted, or the session was ended meanwhile
            folder = self._layout.session(session_id).files_of(_message_of(prompt, attachment))
            shutil.rmtree(folder, ignore_errors=True)

    async def _fetch(self, session_id: str, prompt: Prompt, place: int) -> str:
        """Where the file is then, below the session's folder. Raises _Hopeless."""
        attachment = prompt.attachments[place]
        paths = self._layout.session(session_id)
        room, why_not = self._room(paths, prompt.attachments, place)
        if attachment.size_bytes > room:
            raise _Hopeless(why_not)
        beside = [a for a in prompt.attachments if a.message_id == attachment.message_id]
        path = paths.files_of(_message_of(prompt, attachment)) / names_of(beside)[beside.index(attachment)]
        url, why = attachment.url, ""
        for pause_s in (*self._pauses_s, None):
            try:
                async with self._gate:
                    await self._download(url, path, room)
                return str(path.relative_to(paths.folder))
            except LinkExpired:
                why = "its link has expired and Discord gave no other"
                url = await self._fresh_url(session_id, prompt, attachment) or url
            except TooLarge:
                raise _Hopeless(why_not) from None
            except Refused as error:
                raise _Hopeless(str(error)) from None
            except RemoteError as error:
                why = f"it could not be fetched from Discord ({error})"
            except OSError as error:
                why = f"it could not be stored on the host: {_in_words(error)}"
            if pause_s is None or not self._is_awaited(session_id, prompt.prompt_id):
                break
            await asyncio.sleep(pause_s)
        raise _Hopeless(why)

    def _room(self, paths: SessionLayout, attachments: Sequence[Attachment], place: int) -> tuple[int, str]:
        """The bytes that this file may have, and in words why not more."""
        most_bytes, limits = self._most_bytes(), self._limits()
        room = room_for(attachments, place, most_bytes)
        stored = sum(size_of(path) for path in (paths.log, paths.files, paths.sent))
        left = max(0, limits.stored_bytes - stored)
        if not limits.stored_bytes or room <= left:
            return room, too_large(most_bytes)
        return left, no_room_for(attachments[place].size_bytes, stored, limits)

    def _is_awaited(self, session_id: str, prompt_id: int) -> bool:
        return any(prompt.prompt_id == prompt_id for prompt in self._manager.waiting.without_files(session_id))

    async def _download(self, url: str, path: Path, most_bytes: int) -> None:
        """The file under its name, whole and on the disk, or not at all."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(PART)
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                await self._rest.download(url, file.write, most_bytes)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    async def _fresh_url(self, session_id: str, prompt: Prompt, attachment: Attachment) -> str:
        """As the message says now. Raises _Hopeless when it has no such file (any more)."""
        session = self._manager.get_session(session_id)
        if session is None or not prompt.is_message:
            return ""
        message_id = _message_of(prompt, attachment)
        channel_id = self._manager.waiting.messages(session_id).get(message_id, session.thread_id)
        try:
            found = await self._rest.message(channel_id, message_id)
        except (MessageGone, ChannelGone):
            raise _Hopeless("its message was deleted") from None
        except RemoteError:
            return ""
        if not (url := url_of(found, attachment.attachment_id)):
            raise _Hopeless("it is no longer attached to the message")
        return url


# --- names and sizes: pure ---------------------------------------------------------------------------

PART = ".part"
"""No file of a person's can be named so: names lose their leading dots."""


def _message_of(prompt: Prompt, attachment: Attachment) -> int:
    """The message that the file came with."""
    return attachment.message_id or prompt.prompt_id


def too_large(most_bytes: int) -> str:
    return f"the files of one message may have {most_bytes / 1e6:g} MB together, and with this one it is more"


def room_for(attachments: Sequence[Attachment], place: int, most_bytes: int) -> int:
    """The bytes that are left for this file by those before it."""
    used = sum(a.size_bytes for a in attachments[:place] if not a.failure)
    return max(0, most_bytes - used)


def names_of(attachments: Sequence[Attachment]) -> list[str]:
    """A safe name for each; those that would be the same get a number in front."""
    names: list[str] = []
    for attachment in attachments:
        name, number = safe_name(attachment.name), 1
        taken = {other.casefold() for other in names}
        while (numbered := name if number == 1 else f"{number}-{name}").casefold() in taken:
            number += 1
        names.append(numbered)
    return names


def safe_name(name: str) -> str:
    """A file's name that is one below its folder on any system, and tells a person and Claude which file it is.

    No folders, no control or invisible characters, no leading dot or dash, not too long; the suffix stays.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    clean = _SURELY_HARMLESS.sub("_", last).lstrip(".- ").rstrip(". ")
    if not clean.strip("._ "):
        clean = f"file{clean}" if clean.startswith(".") else "file"
    if _RESERVED.fullmatch(clean):
        clean = f"_{clean}"
    return _shortened(clean)


def _shortened(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > NAME_BYTES // 4:
        stem, dot, suffix = name, "", ""
    kept = stem.encode()[: NAME_BYTES - len(f"{dot}{suffix}".encode())].decode(errors="ignore")
    return f"{kept}{dot}{suffix}"


def _in_words(error: OSError) -> str:
    return "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else (error.strerror or str(error))
