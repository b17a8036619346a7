"""One whole conversation through the real supervisor and a real worker, told step by step.

    [ 0.41 s] ✓ the supervisor is ready and connected: pid 4711, connected
    …
    [ 6.20 s] ✓ nothing of the session is left: 3 processes gone

Every step has a deadline; the first that is not seen ends it, with what was expected, what the threads show, and
the end of the supervisor's log.
"""

import asyncio
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bridge.protocol.errors import UserError
from playground.host import claude as host_claude
from playground.host import shown as host_shown
from playground.host.bridge_host import Host, hosted
from playground.host.claude import Chosen
from playground.host.place import Place
from twins.claude.script import prose
from twins.discord.forms import CannotError
from twins.discord.loopback import NotReachedError
from twins.discord.model import Channel, Message
from twins.discord.person import InteractionFailedError, Person
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import text, tool, turn

TOTAL_S = 58.0
STEP_S = 12.0
START_S = 20.0
LIST_INTERVAL_S = 0.2
STREAM_CHARS, STREAM_S, STREAM_CHUNKS = 900, 2.5, 60
FILE, FILE_TEXT = "made-by-claude.txt", "made by Claude"
COMMAND = f"echo {FILE_TEXT} > {FILE}"
PROMPT = f"""\
Please tell me something long, and then make a file for me in this directory, thank you.
stream {STREAM_CHARS} chars over {STREAM_S} s
run {COMMAND}
say All done."""
THREAD_NAME = "Please tell me something long, and then make a file for me…"
_TOOL_LINE = re.compile(rf"^-# ✓ .*{re.escape(FILE)}.*$", re.MULTILINE)
_RESULT_LINE = re.compile(r"^-# ✓ done · .*\d.*s · \$\d+\.\d+ · .*\d.* in, .*\d.* out$", re.MULTILINE)


class Missed(Exception):  # noqa: N818 - a finding, not a mistake of ours
    """A step that was not seen; the text says what was expected and what is there instead."""


class Conversation:
    """The steps, in order. Each returns in a few words what it saw, or raises."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._discord = host.discord
        self._asked: Message | None = None
        self._thread: Channel | None = None
        self._card: Message | None = None
        self._session = ""
        self._processes: list[psutil.Process] = []

    @property
    def steps(self) -> tuple[tuple[str, Callable[[], Awaitable[str]]], ...]:
        return (
            ("the supervisor is ready and connected", self.connects),
            ("You write a message in the channel", self.you_write),
            ("a thread is made from the message, with its name", self.thread_is_made),
            ("Claude's text is streaming in the thread", self.text_streams),
            ("the permission card is in that thread and pings You", self.card_appears),
            ("Mallory clicks Allow and is refused, the card stays open", self.mallory_is_refused),
            ("You click Allow", self.you_allow),
            ("the card says who decided", self.card_is_settled),
            ("the file is really there", self.file_is_made),
            ("the tool's line became ✓", self.tool_line_is_done),
            ("the result line: outcome, duration, cost, tokens", self.result_is_shown),
            ("`threadbridge list --json` shows the session idle and attached", self.session_is_listed),
            ("`threadbridge kill --all` ends it, nothing is left", self.kill_leaves_nothing),
        )

    async def connects(self) -> str:
        await self._host.supervisor.until_ready(START_S)
        await self._until(lambda: self._discord.connected, "the bot's gateway connection", START_S)
        return f"pid {self._host.supervisor.pid}"

    async def you_write(self) -> str:
        self._asked = await self._host.you.says(self._host.channel.id, PROMPT)
        return f"{PROMPT.splitlines()[0]!r}, and {len(PROMPT.splitlines()) - 1} lines more"

    async def thread_is_made(self) -> str:
        asked = self._asked
        assert asked is not None
        self._thread = await self._until(lambda: self._discord.thread_of(asked), "a thread for the message")
        if self._thread.name != THREAD_NAME:
            raise Missed(f"the name {THREAD_NAME!r}, not {self._thread.name!r}")
        return repr(self._thread.name)

    async def text_streams(self) -> str:
        def streaming() -> Message | None:
            return next((post for post in self._posts() if len(_stages(post)) > 1), None)

        post = await self._until(streaming, "two different texts of one post, one after the other")
        assert self._asked is not None
        first_s = post.revisions[0].at - self._asked.revisions[0].at
        sizes = " → ".join(str(len(stage)) for stage in _stages(post))
        return f"{sizes} characters so far, the first {first_s:.1f} s after your message"

    async def card_appears(self) -> str:
        self._card = await self._until(lambda: next(self._cards(), None), "a post with the button Allow")
        card, you = self._card, self._host.you
        everywhere = [m for channel in self._discord.world.channels for m in self._discord.messages(channel)]
        if strays := [m for m in everywhere if _allow_of(m) and m is not card]:
            raise Missed(f"one card; there is another in channel {strays[0].channel_id}")
        if you.id not in card.pinged.users:
            raise Missed(f"the card pings {you.mention}; it pings {set(card.pinged.users) or 'nobody'}")
        if COMMAND not in host_shown.shown(card):
            raise Missed(f"the card shows {COMMAND!r}; it shows\n{host_shown.shown(card)}")
        return " ".join(f"[{label}]" for label, _, _ in host_shown.choices(card))

    async def mallory_is_refused(self) -> str:
        made = await self._host.mallory.clicks(self._shown_card(), _allow_of(self._shown_card()) or "")

        def refusal() -> str:
            answered = made.answer.message if made.answer else None
            answers = [*([answered] if answered else []), *made.followups]
            return next((answer.text for answer in answers if answer.ephemeral and answer.text), "")

        said = await self._until(refusal, "an ephemeral refusal for Mallory")
        if not _allow_of(self._shown_card()) or self._file.exists():
            raise Missed("the card stays open and nothing runs")
        return repr(said)

    async def you_allow(self) -> str:
        await self._clicks_allow(self._host.you)
        return "answered in time"

    async def card_is_settled(self) -> str:
        card, you = self._shown_card(), self._host.you

        def verdict() -> str:
            first = card.text.partition("\n")[0]
            return first if "allowed by" in first and you.mention in first and not _allow_of(card) else ""

        return repr(await self._until(verdict, f"the card says “allowed by {you.name}” and can no longer be answered"))

    async def file_is_made(self) -> str:
        made = await self._until(lambda: self._file.exists() and self._file.read_text(), f"the file {self._file}")
        if str(made).strip() != FILE_TEXT:
            raise Missed(f"{FILE_TEXT!r} in {self._file}, not {made!r}")
        return f"{self._file} holds {made!r}"

    async def tool_line_is_done(self) -> str:
        return await self._line(_TOOL_LINE, f"a line “✓ …{FILE}…”")

    async def result_is_shown(self) -> str:
        return await self._line(_RESULT_LINE, "a line “✓ done · duration · cost · tokens”")

    async def session_is_listed(self) -> str:
        assert self._thread is not None
        give_up_at = time.monotonic() + STEP_S
        while True:
            answer = await self._host.threadbridge.ask("list", "--json")
            row = _row(answer.out, self._thread.id) if answer.code == 0 else {}
            if row.get("state") == "idle" and row.get("attached") is True:
                break
            if time.monotonic() > give_up_at:
                raise Missed(f"the session idle and attached; list said {answer.code}: {answer.out}{answer.err}")
            await asyncio.sleep(LIST_INTERVAL_S)
        self._session = str(row["session"])
        self._processes = _alive(_pids(row))
        contained = "contained" if row["contained"] else "not contained"
        return f"{row['state']}, worker {row['worker_pid']}, child {row['child_pid']}, {contained}"

    async def kill_leaves_nothing(self) -> str:
        watched = {*self._processes, *_below(self._processes), *_marked(self._session)}
        if not watched:
            raise Missed("processes of the session before the kill")
        answer = await self._host.threadbridge.ask("kill", "--all")
        if answer.code:
            raise Missed(f"exit code 0, not {answer.code}: {answer.out}{answer.err}")
        if left := {process.pid for process in (*watched, *_marked(self._session)) if process.is_running()}:
            raise Missed(f"no process of the session; there are {sorted(left)}")
        return f"{len(watched)} processes are gone"

    # --- looking

    @property
    def _file(self) -> Path:
        return self._host.place.project / FILE

    def _posts(self) -> list[Message]:
        """What the bot shows in the thread."""
        assert self._thread is not None
        return [m for m in self._discord.messages(self._thread.id) if m.author is self._discord.bot]

    def _cards(self) -> Iterator[Message]:
        return (post for post in self._posts() if _allow_of(post))

    def _shown_card(self) -> Message:
        assert self._card is not None
        return self._card

    async def _clicks_allow(self, person: Person) -> None:
        await person.clicks(self._shown_card(), _allow_of(self._shown_card()) or "")

    async def _line(self, pattern: re.Pattern[str], what: str) -> str:
        def line() -> str:
            found = (pattern.search(post.text) for post in self._posts())
            return next((match[0] for match in found if match), "")

        return repr(await self._until(line, what))

    async def _until[T](self, predicate: Callable[[], T | None], what: str, deadline_s: float = STEP_S) -> T:
        def checked() -> T | None:
            if ending := self._host.supervisor.ending:
                raise Missed(f"{what}; but {ending}")
            return predicate()

        found = await self._discord.until(checked, deadline_s, what)
        assert found is not None
        return found


# --- the run


async def play(host: Host) -> bool:
    """Whether every step was seen. Prints them, and why not."""
    began = time.monotonic()
    step = ""
    try:
        async with asyncio.timeout(TOTAL_S):
            for step, look in Conversation(host).steps:
                seen = await look()
                print(f"[{time.monotonic() - began:5.2f} s] ✓ {step}: {seen}", flush=True)
    except (Missed, NotReachedError, CannotError, InteractionFailedError, UserError, TimeoutError) as error:
        print(f"[{time.monotonic() - began:5.2f} s] ✗ {step}")
        print(_report(host, error), flush=True)
        return False
    print(f"Every step was seen, in {time.monotonic() - began:.1f} s.", flush=True)
    return True


async def run(place: Place, wish: host_claude.Wish, *, may_be_free: bool = False) -> bool:
    """Start everything, play, end everything. `wish`: real = the real CLI against a scripted model on loopback."""
    async with (
        _claude(place, wish) as chosen,
        hosted(place, host_claude.uncontained(chosen) if may_be_free and not chosen.is_scripted else chosen) as host,
    ):
        print(host.where(), flush=True)
        return await play(host)


@asynccontextmanager
async def _claude(place: Place, wish: host_claude.Wish) -> AsyncIterator[Chosen]:
    if wish != "real":
        yield host_claude.scripted(place.home)
        return
    program = os.environ.get("THREADBRIDGE_TEST_CLAUDE") or shutil.which("claude")
    if not program:
        raise UserError("there is no claude on the path, and $THREADBRIDGE_TEST_CLAUDE names none")
    streamed = text(prose(STREAM_CHARS), chunks=STREAM_CHUNKS, gap_s=STREAM_S / STREAM_CHUNKS)
    uses = tool("Bash", {"command": COMMAND, "description": "Make the file"})
    async with ScriptedModel(turn(streamed, uses), turn(text("All done."))) as model:
        yield host_claude.hermetic(program, place.home, model.base_url)


def _report(host: Host, error: Exception) -> str:
    expected = str(error) or f"all within {TOTAL_S:g} s"
    picture = "" if isinstance(error, NotReachedError) else f"\n{host.discord.picture()}"
    return f"expected: {expected}{picture}\n{_worker_words(host)}{host.supervisor.log_tail()}"


def _worker_words(host: Host) -> str:
    told = [(path, path.read_text(errors="replace").strip()) for path in host.place.state.glob("sessions/*/*.stderr")]
    return "".join(f"{path}:\n{words}\n" for path, words in told if words)


# --- small things


def _allow_of(message: Message) -> str | None:
    found = host_shown.choice(message, "Allow")
    return found[0] if found else None


def _stages(post: Message) -> list[str]:
    """The different texts that a post showed, if each goes on where the one before stood."""
    texts = list(dict.fromkeys(revision.content for revision in post.revisions if "sentence" in revision.content))
    grows = all(b.startswith(a[:40]) and len(b) > len(a) for a, b in itertools.pairwise(texts))
    return texts if grows else []


def _row(listed: str, thread_id: int) -> dict[str, object]:
    """The object of `list --json` with that thread, or none."""
    rows: list[dict[str, object]] = json.loads(listed)
    return next((row for row in rows if row.get("thread") == thread_id), {})


def _pids(row: dict[str, object]) -> list[int]:
    return [int(str(row[key])) for key in ("worker_pid", "child_pid") if row.get(key)]


def _alive(pids: Iterable[int]) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def _below(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [child for process in processes if process.is_running() for child in process.children(recursive=True)]


def _marked(session_id: str) -> list[psutil.Process]:
    """Every process on this machine in whose environment or arguments the session's id stands."""
    found = []
    for process in psutil.process_iter():
        folder = Path("/proc", str(process.pid))
        try:
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if session_id.encode() in told and process.pid != os.getpid():
            found.append(process)
    return found
