"""One session under faults: numbered prompts, each with unmistakable texts and one line appended to one file.

A prompt `s7p2` lets Claude say «s7p2a», stream a text, append `s7p2` to a file (which is asked about), and say
«s7p2z». Whatever dies in between: nothing of that may be missing, twice, out of order or elsewhere, unless its worker
or child was killed; then the log says that its turn was lost, and so must the thread.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOG, worker_exit_in_words
from bridge.routing.bursts import between_s
from lab.faults.eyes import LogTail
from lab.faults.gone import Seen
from lab.faults.prompted import Prompted, script
from lab.faults.stage import Stage
from lab.faults.table import Finding
from playground.host import shown as host_shown
from supervisor.config.durations import seconds_of
from supervisor.config.file import DiscordTable
from twins.discord.clock import snowflake_at
from twins.discord.forms import CannotError
from twins.discord.model import Channel, Message
from worker.transcript import uuids_taken

BETWEEN_HALVES_S = 0.6
SENTENCE = "sentence number 1 of"
CLICK_AGAIN_S = 2.0
PATIENCE_S = 2.0
WINDOW_S = seconds_of(DiscordTable().burst) or 0.0
THREAD_WITHIN_S = 40.0
LOOK_S = 0.05
FOOTERS = {"completed": "✓ done", "failed": "✗ failed", "interrupted": "■ interrupted", "lost": "? lost"}
NO_LOG = tuple(f"⚠ {words[0].upper()}{words[1:]}" for words in map(worker_exit_in_words, (EXIT_DISK_FULL, EXIT_LOG)))
_MARKS = re.compile(r"«(s\d+p\d+[a-z])»")

MARKS_OF_A_WAIT = ("-# ◷", "-# ✎")
"""Below a prompt that waits, and one that was edited meanwhile; taken away when the prompt is taken up."""


class SessionUnderFaults:
    """`number` is unique on its stage. `play` runs while it is used: it clicks Allow on each card."""

    def __init__(self, stage: Stage, number: int, channel: Channel, random: Random) -> None:
        self.stage = stage
        self.name = f"s{number}"
        self.random = random
        self.prompts: list[Prompted] = []
        self.session_id = ""
        self.clicked: dict[int, str] = {}
        """The custom_id that was pressed on a card, by the card's id."""
        self._seen = Seen()
        self.taken_away: list[Message] = []
        """Posts that a moderator deleted: those that still mattered stand there anew."""
        self._channel = channel
        self._you = stage.person()
        self._you.patience_s = PATIENCE_S
        self._tail: LogTail | None = None

    @property
    def file(self) -> Path:
        return self.stage.place.project / f"{self.name}.txt"

    @property
    def thread_id(self) -> int:
        return self.prompts[0].message.id

    @property
    def thread(self) -> Channel | None:
        return self.stage.discord.thread_of(self.prompts[0].message)

    # --- people --------------------------------------------------------------------------------------

    async def begins(self) -> Prompted:
        return await self._says(self._channel.id)

    async def goes_on(self) -> Prompted:
        """A further prompt, in the thread."""
        return await self._says(self.thread_id)

    async def changes_their_mind(self, prompted: Prompted) -> None:
        """Edit or delete a message that nobody can have read yet."""
        if self.random.random() < 0.5:
            prompted.deleted = True
            for message in prompted.messages:
                await self._you.deletes(message)
        else:
            last = prompted.messages[-1]
            await self._you.edits(last, last.content.replace("done with it", "done otherwise"))

    async def _says(self, where: int) -> Prompted:
        mark = f"{self.name}p{len(self.prompts) + 1}"
        halves = script(mark, self.file.name)
        if not self.stage.in_bursts:
            halves = ("\n".join(halves),)
        prompted = Prompted(mark, await self._you.says(where, halves[0]))
        self.prompts.append(prompted)
        for more in halves[1:]:
            await asyncio.sleep(self.random.uniform(0.0, BETWEEN_HALVES_S))
            if self._is_late_for(prompted):
                where = await self._thread_to_go_on_in()
            prompted.rest.append(await self._you.says(where, more))
        return prompted

    def _is_late_for(self, prompted: Prompted) -> bool:
        """Said now it is no part any more; in the channel it would begin a session of its own."""
        return between_s(prompted.message.id, snowflake_at(datetime.now(UTC))) > WINDOW_S

    async def _thread_to_go_on_in(self) -> int:
        """This stage was held up between two messages of one prompt."""
        async with asyncio.timeout(THREAD_WITHIN_S):
            while not self.thread:  # noqa: ASYNC110 - a twin's
                await asyncio.sleep(LOOK_S)
        return self.thread_id

    async def play(self) -> None:
        """Allow what is asked, until cancelled. A click that fails is repeated, as a person would."""
        pressed: dict[int, float] = {}
        while True:
            self._seen.look(self.said())
            for card in self._open_cards():
                if time.monotonic() - pressed.get(card.id, 0.0) > CLICK_AGAIN_S:
                    await asyncio.sleep(self.random.uniform(0.02, 0.15))
                    await self._press(card)
                    pressed[card.id] = time.monotonic()
            await asyncio.sleep(LOOK_S)

    async def _press(self, card: Message) -> None:
        if allow := host_shown.choice(card, "Allow"):
            self.clicked[card.id] = allow[0]
            with suppress(CannotError):
                await self._you.clicks(card, allow[0], may_fail=True)

    # --- looking -------------------------------------------------------------------------------------

    def know(self) -> str:
        """The session's id, once the store has it."""
        if not self.session_id and (found := self.stage.eyes.session_of(self.thread_id)):
            self.session_id = found
            self.stage.session_ids.add(found)
        return self.session_id

    @property
    def tail(self) -> LogTail:
        """Its log, read anew by each user's `look`."""
        if self._tail is None or not self.session_id:
            self._tail = self.stage.eyes.log(self.know() or "0" * 32)
        return self._tail

    def logged(self, *kinds: str) -> list[dict[str, object]]:
        return self.tail.of(*kinds) if self.know() else []

    def posts(self) -> list[Message]:
        """What the bot shows in the thread, oldest first; and what it rightly leaves deleted, at its place."""
        if not self.thread:
            return []
        bot = self.stage.discord.bot
        shown = [m for m in self.stage.discord.messages(self.thread_id) if m.author is bot]
        gone = [m for m in self.taken_away if not self._is_made_anew(m, shown)]
        return sorted([*shown, *gone], key=lambda m: m.id)

    def _is_made_anew(self, gone: Message, shown: list[Message]) -> bool:
        if _is_card(gone):
            cards = sum(_is_card(m) for m in shown)
            return cards >= len(self.logged("PermissionRequested")) or bool(host_shown.choice(gone, "Allow"))
        marks = _MARKS.findall(gone.text)
        if marks or SENTENCE in gone.text:
            text = "\n".join(m.text for m in shown)
            return all(f"«{mark}»" in text for mark in marks) and (SENTENCE not in gone.text or SENTENCE in text)
        return any(m.text == gone.text for m in shown)

    def text(self) -> str:
        return "\n".join(post.text for post in self.posts())

    def said(self) -> str:
        """What Claude said. A card speaks to a person, and that of a lost turn repeats what was asked."""
        return "\n".join(post.text for post in self.posts() if not post.text.startswith("<@"))

    def _open_cards(self) -> list[Message]:
        return [post for post in self.posts() if host_shown.choice(post, "Allow") and not post.deleted]

    def is_lost(self, prompted: Prompted) -> bool:
        """Whether the log says that a turn took it and did not finish it."""
        ids = [
            *(event.get("prompt_id") for event in self.logged("PromptCancelled")),
            *(i for event in self.logged("TurnEnded") if event["outcome"] == "lost" for i in _ids(event)),
        ]
        return prompted.is_in(self._with_parts(ids))

    def was_taken(self, prompted: Prompted) -> bool:
        """Whether the log says that Claude took it into a turn, or Claude's own transcript (the log may be sick)."""
        accepted = [event for event in self.logged("PromptAccepted") if prompted.is_in(_parts(event))]
        uuids = [str(event["uuid"]) for event in accepted]
        if any(uuids_taken(path, uuids) for path in self.stage.place.home.glob(".claude/projects/*/*.jsonl")):
            return True
        begun = [i for event in self.logged("TurnStarted") for i in _ids(event)]
        taken = [event.get("prompt_id") for event in self.logged("PromptTaken")]
        return prompted.is_in(self._with_parts([*begun, *taken]))

    def _with_parts(self, prompt_ids: Collection[object]) -> set[object]:
        """The ids of all messages that these prompts are made of."""
        accepted = [event for event in self.logged("PromptAccepted") if event["prompt_id"] in prompt_ids]
        return {*prompt_ids, *(i for event in accepted for i in _parts(event))}

    def unfinished(self) -> list[Prompted]:
        """Prompts whose last text the thread does not show yet."""
        shown = set(_MARKS.findall(self.said()))
        todo = [p for p in self.prompts if not p.deleted and f"{p.mark}z" not in shown]
        todo = [p for p in todo if not p.moderated or self.was_taken(p)]
        return [prompted for prompted in todo if not self.is_lost(prompted)]

    def undecided(self) -> list[Prompted]:
        """Prompts whose message somebody deleted, and of which nobody has said yet whether that came too late."""
        settled = {
            event.get("prompt_id")
            for event in [*self.logged("PromptCancelled"), *self.logged("PromptAmended")]
            if event.get("done", True)
        }
        gone = [p for p in self.prompts if p.moderated and p.message.id not in settled and not self.was_taken(p)]
        accepted = {event["prompt_id"] for event in self.logged("PromptAccepted")}
        waits = any(self.stage.eyes.waits(self.know(), kind) for kind in ("prompt:", "amend:"))
        return [p for p in gone if waits or p.message.id in accepted]

    def missing(self) -> list[str]:
        """What is still to come, in words; nothing when all is as it should be in the end."""
        text = self.text()
        missing = [] if self.thread else ["the thread"]
        missing += [f"the end of {prompted.mark}" for prompted in self.unfinished()]
        missing += [f"what becomes of {prompted.mark}" for prompted in self.undecided()]
        missing += [f"a decision of {card.embeds}" for card in self._open_cards()]
        for outcome, footer in FOOTERS.items():
            ended = sum(event["outcome"] == outcome for event in self.logged("TurnEnded"))
            if text.count(footer) < ended:
                missing.append(f"{ended} × {footer!r}; there are {text.count(footer)}")
        if (streams := self._streams()) > text.count(SENTENCE):
            missing.append(f"{streams - text.count(SENTENCE)} streamed texts")
        started, ended = len(self.logged("TurnStarted")), len(self.logged("TurnEnded"))
        return [*missing, *(["the end of a turn"] if ended < started else [])]

    def _streams(self) -> int:
        return sum(SENTENCE in str(event["text"]) for event in self.logged("TextWritten"))

    async def settles(self, deadline_s: float) -> list[str]:
        """Wait until nothing is missing; what is missing at the deadline."""
        give_up_at = time.monotonic() + deadline_s
        while (missing := self.missing()) and time.monotonic() < give_up_at:  # noqa: ASYNC110 - outside our loop
            await asyncio.sleep(LOOK_S)
        return missing

    # --- the verdict ---------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """What must not be. To be asked when nothing is missing any more, or ever will come."""
        return [
            *(Finding("lost", f"{self.name}: {what}") for what in self.missing()),
            *self._findings_of_effects(),
            *self._findings_of_texts(),
            *self._findings_of_what_was_read(),
            *self._findings_of_posts(),
        ]

    def _findings_of_effects(self) -> list[Finding]:
        lines = self.file.read_text().split() if self.file.exists() else []
        found = []
        for prompted in self.prompts:
            is_gone = prompted.deleted or (prompted.moderated and not self.was_taken(prompted))
            times, least = lines.count(prompted.mark), not (is_gone or self.is_lost(prompted))
            if times > (not prompted.deleted):
                found.append(Finding("duplicated", f"the effect of {prompted.mark}: {times} times"))
            elif times < least:
                found.append(Finding("lost", f"the effect of {prompted.mark}"))
        strange = set(lines) - {prompted.mark for prompted in self.prompts}
        return [*found, *(Finding("misrouted", f"{line} in {self.file.name}") for line in strange)]

    def _findings_of_texts(self) -> list[Finding]:
        """Each text of the log once, in its order; none of another session's."""
        shown = _MARKS.findall(self.said())
        logged = [mark for event in self.logged("TextWritten") for mark in _MARKS.findall(str(event["text"]))]
        found = [Finding("misrouted", f"«{m}» in {self.name}") for m in shown if not m.startswith(f"{self.name}p")]
        for mark in sorted({*logged, *shown}):
            if shown.count(mark) > 1:
                found.append(Finding("duplicated", f"«{mark}» in the thread: {shown.count(mark)} times"))
            if logged.count(mark) > 1:
                found.append(Finding("duplicated", f"«{mark}» in the log: {logged.count(mark)} times"))
            if mark in logged and mark not in shown:
                found.append(Finding("lost", f"«{mark}» is in the log and not in the thread"))
        is_moved = bool(self.taken_away)  # what a moderator deleted stands there anew, below what came after it
        if not found and not is_moved and [mark for mark in shown if mark in logged] != logged:
            found.append(Finding("misrouted", f"the order in {self.name}: {shown} instead of {logged}"))
        streams, times = self._streams(), self.text().count(SENTENCE)
        lost_turns = sum(event["outcome"] == "lost" for event in self.logged("TurnEnded"))
        if times > streams + lost_turns:
            found.append(Finding("duplicated", f"streamed texts of {self.name}: {times} of {streams}"))
        return found

    def _findings_of_what_was_read(self) -> list[Finding]:
        gone = self._seen.gone(self.said())
        return [Finding("gone", f"{gone} characters that {self.name} showed", gone)] if gone else []

    def _findings_of_posts(self) -> list[Finding]:
        """No post twice, none deleted but marks of what waited, no card twice, as many ends as turns.

        That a worker ended for want of its log is said for each worker, so it may stand there again.
        """
        posts, text = self.posts(), self.text()
        everything = self.thread.messages.values() if self.thread else ()
        found = [
            Finding("lost", f"a post of {self.name} was deleted: {m.text[:80]!r}")
            for m in everything
            if m.deleted and m.author.bot and m not in self.taken_away and not m.text.startswith(MARKS_OF_A_WAIT)
        ]
        told = [post for post in posts if post.text.startswith(NO_LOG)]
        if len(told) > 1 + len(self.logged("WorkerStarted")):
            found.append(Finding("duplicated", f"{len(told)} notices in {self.name}: {told[0].text[:80]!r}"))
        for one, other in itertools.combinations((post for post in posts if post not in told), 2):
            if one.text == other.text and one.embeds == other.embeds and one.reply_to == other.reply_to:
                found.append(Finding("duplicated", f"a post of {self.name}: {one.text[:80]!r}"))
        cards = [post for post in posts if _is_card(post)]
        asked = len(self.logged("PermissionRequested"))
        if len(cards) != asked:
            kind = "duplicated" if len(cards) > asked else "lost"
            found.append(Finding(kind, f"{asked} requests of {self.name}, {len(cards)} cards"))
        for outcome, footer in FOOTERS.items():
            ended = sum(event["outcome"] == outcome for event in self.logged("TurnEnded"))
            if text.count(footer) > ended:
                found.append(
                    Finding("duplicated", f"{ended} turns of {self.name} {footer!r}, {text.count(footer)} shown")
                )
        return found

    async def findings_of_old_buttons(self) -> list[Finding]:
        """A button that was pressed once decides nothing more."""
        for custom_id in list(self.clicked.values())[-1:]:
            made = self.stage.discord.forge_click(self.thread_id, custom_id, self.stage.user)
            with suppress(TimeoutError):
                async with asyncio.timeout(10.0):
                    await made.first_answer.wait()
            if made.answer is None:
                return [Finding("lost", f"the answer to an old button of {self.name}")]
            if not made.answer.ephemeral:
                return [Finding("duplicated", f"an old button of {self.name} was taken: {made.answer}")]
        return []

    def picture(self) -> str:
        """For a report of what went wrong."""
        kinds = [f"{r.seq} {r.kind} {str(r.event)[:150]}" for r in self.tail.look()] if self.know() else []
        shown = [f"{post.id} {post.text!r}" for post in self.posts()]
        return "\n".join([f"--- {self.name} {self.session_id} thread {self.thread_id}", *kinds, *shown])


def _is_card(post: Message) -> bool:
    """Of a request: open, or the line that it became, perhaps before Discord took the card."""
    was_open = any(revision.embeds for revision in post.revisions)
    return was_open or bool(host_shown.choice(post, "Show"))


def _parts(accepted: dict[str, object]) -> list[object]:
    """The ids of the messages that an accepted prompt is made of."""
    parts = accepted.get("parts", ())
    more = [part["message_id"] for part in parts] if isinstance(parts, list | tuple) else []
    return [accepted["prompt_id"], *more]


def _ids(event: dict[str, object]) -> list[object]:
    found = event.get("prompt_ids", ())
    return list(found) if isinstance(found, list | tuple) else []
