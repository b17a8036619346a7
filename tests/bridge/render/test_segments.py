"""How much of Claude's work is shown, and that nothing of it ever moves."""

import itertools
import json
import random
import re
from collections.abc import Callable

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render import runs
from bridge.render.items import NoteItem, ToolItem, ToolState
from bridge.render.segments import SEGMENT_CHARS, Segment, posts_of
from bridge.render.view import ThreadView
from bridge.session.display import Display, Verbosity
from bridge.session.managed import session_from
from bridge.text import code_block, utf16_len
from stages.replay import DIRECTORY, GENERATION, NAMES
from stages.shown import CREATED, VERBOSITIES, Thread, check, in_turn, played

OLD, NEW = "def answer():\n    return 41\n", "def answer():\n    return 42\n"
NASTY = ["```", "**bold**", "||", "x" * 400, "😀" * 90, "a\nb\n\x1b[31mc", "`", "-# ", "\u202e", ""]


Makes = Callable[[int], e.ToolStarted]


def edit(n: int, path: str = "/srv/app/a.py", new: str = NEW) -> e.ToolStarted:
    return e.ToolStarted(f"t{n}", "Edit", json.dumps({"file_path": path, "old_string": OLD, "new_string": new}))


def long_edit(n: int) -> e.ToolStarted:
    return edit(n, new="".join(f"{i} {'x' * 80}\n" for i in range(30)))


def bash(n: int, command: str = "npm test", agent: str = "") -> e.ToolStarted:
    return e.ToolStarted(f"t{n}", "Bash", json.dumps({"command": command}), agent_id=agent)


def done(n: int, output: str = "", *, is_error: bool = False) -> e.ToolFinished:
    return e.ToolFinished(f"t{n}", is_error, output)


def shown(verbosity: Verbosity, *events: e.AnyEvent) -> str:
    thread = in_turn(Display(verbosity))
    thread.happen(*events)
    return "\n".join(thread.texts())


# --- properties --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("verbosity", VERBOSITIES)
@pytest.mark.parametrize("name", NAMES)
def test_every_view_of_a_transcript_can_be_posted_in_every_verbosity(name: str, verbosity: Verbosity) -> None:
    """The fake supervisor checks each post of each view."""
    thread = played(name, Display(verbosity, "spoiler", 0.0))
    first_seen = list(dict.fromkeys(itertools.chain.from_iterable(thread.history)))
    assert list(thread.posts) == first_seen
    said = [item.content for posts in thread.history for key, item in posts.items() if key.startswith("turn:")]
    assert verbosity == "full" or not any("↳" in text for text in said)


@pytest.mark.slow
@pytest.mark.parametrize("verbosity", VERBOSITIES)
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_in_whatever_verbosity_no_text_of_claudes_moves(verbosity: Verbosity, seed: int) -> None:
    thread = in_turn(Display(verbosity, "spoiler"))
    story = Story(seed)
    where: dict[str, str] = {}
    for _ in range(160):
        before = [key for key in thread.posts if key.startswith("turn:")]
        story.go_on(thread)
        now = places(thread)
        for word, key in where.items():
            assert now.get(word) == key or key == before[-1], (word, key, now.get(word))
        assert set(before) <= set(thread.posts)
        where = now
    story.stop_saying(thread)
    assert len(places(thread)) == story.words


def places(thread: Thread) -> dict[str, str]:
    """Where each of the words of a story stands."""
    return {word: key for key, post in thread.posts.items() for word in re.findall(r"\bw\d+w\b", post.content)}


class Story:
    """A turn in which anything happens; Claude says words that do not occur twice."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._streamed = ""
        self._calls: list[int] = []
        self._number = self._block = 0
        self.words = 0

    def go_on(self, thread: Thread) -> None:
        self._number += 1
        what = self._dice.choices(
            (self._say, self.stop_saying, self._call, self._end_call, self._remark, self._task), (4, 2, 5, 4, 1, 1)
        )[0]
        what(thread)

    def _say(self, thread: Thread) -> None:
        count = self._dice.randrange(1, 60)
        text = " ".join(f"w{self.words + i}w" for i in range(count)) + self._dice.choice((" ", "\n\n"))
        self.words += count
        self._streamed += text
        thread.delta(f"b{self._block}", text)

    def stop_saying(self, thread: Thread) -> None:
        if self._streamed:
            thread.happen(e.TextWritten(f"b{self._block}", self._streamed))
            self._streamed, self._block = "", self._block + 1

    def _call(self, thread: Thread) -> None:
        """Claude itself calls nothing while its text streams; its subagents do."""
        agent = "k1" if self._streamed or self._dice.random() < 0.2 else ""
        nasty = self._dice.choice(NASTY)
        tool = self._dice.choice(("Bash", "Read", "Edit", "Write", "Agent", "mcp__a__b"))
        given = {"command": nasty, "file_path": f"/x/{nasty}", "old_string": nasty, "new_string": NEW, "content": nasty}
        thread.happen(e.ToolStarted(f"t{self._number}", tool, json.dumps(given), agent_id=agent))
        self._calls.append(self._number)

    def _end_call(self, thread: Thread) -> None:
        if self._calls:
            call = self._calls.pop(self._dice.randrange(len(self._calls)))
            output = self._dice.choice(NASTY) * self._dice.randrange(4)
            ended = e.ToolFinished(f"t{call}", self._dice.random() < 0.3, output, unknown=self._dice.random() < 0.1)
            thread.happen(ended)

    def _remark(self, thread: Thread) -> None:
        remarks = e.ApiRetried(1, 10, 1.0, "overloaded", 529), e.ThinkingWritten("hm " * 90), e.Noticed("look")
        thread.happen(self._dice.choice(remarks[:1] if self._streamed else remarks))

    def _task(self, thread: Thread) -> None:
        calls = [f"t{call}" for call in self._calls] or ["t0"]
        tool = self._dice.choice(calls)
        name = self._dice.choice(("k1", "k2"))
        thread.happen(e.TaskStarted(name, "local_agent", "look around", tool, self._dice.random() < 0.5))
        thread.happen(e.TaskProgressed(name, "", self._dice.choice(NASTY) or "Grep", 12, 34_567))
        if self._dice.random() < 0.5:
            thread.happen(
                e.TaskEnded(name, self._dice.choice(("completed", "failed", "odd")), self._dice.choice(NASTY))
            )


@pytest.mark.parametrize("seed", range(12))
def test_a_run_never_needs_more_room_than_it_reserved(seed: int) -> None:
    dice = random.Random(seed)
    names = ["Bash", "Edit", "Agent", "mcp__" + "s" * 90 + "__" + "t" * 90, "*" * 300]
    for look in runs.LOOKS.values():
        part = runs.Part()
        for n in range(dice.randrange(1, 300)):
            given = json.dumps({"command": dice.choice(NASTY), "description": dice.choice(NASTY)})
            item = ToolItem(f"t{n}", dice.choice(names), given, agent=dice.random() < 0.5)
            item.state, item.output = dice.choice(list(ToolState)), dice.choice(NASTY) * 9
            item.diff = code_block(dice.choice(NASTY), "diff") if dice.random() < 0.3 else ""
            item.progress, item.is_denied = dice.choice(("", "p" * 90)), dice.random() < 0.5
            part = part.grown(NoteItem("thinking1", "hm") if dice.random() < 0.1 else item, look)
        assert utf16_len(part.text(look, "/srv")) <= part.room(look)
        assert part.text(look, "/srv").count("```") % 2 == 0


# --- many tools --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("starts_with", ["", "word " * 100, "word " * 300, "word " * 360])
@pytest.mark.parametrize("makes", [bash, edit, long_edit])
def test_sixty_tools_in_a_row_take_at_most_one_more_post(
    starts_with: str, makes: Callable[[int], e.ToolStarted]
) -> None:
    thread = in_turn()
    if starts_with:
        thread.happen(e.TextWritten("b", starts_with))
    dice, running = random.Random(1), list[int]()
    for n in range(60):
        thread.happen(makes(n))
        running.append(n)
        while len(running) > dice.randrange(4):
            thread.happen(done(running.pop(dice.randrange(len(running)))))
    thread.happen(*(done(n) for n in running), e.TextWritten("b2", "Done."))
    text = "\n".join(thread.texts())
    assert len(thread.texts()) <= 2
    counted = sum(int(number) for number in re.findall("^-# ✓ ([0-9]+) more", text, re.MULTILINE))
    assert counted + len(re.findall("^-# ✓ (Bash|Edit) `", text, re.MULTILINE)) == 60


def test_of_many_tool_lines_the_older_ones_are_counted_and_the_last_few_stay() -> None:
    reads = [e.ToolStarted(f"r{n}", "Read", '{"file_path":"/srv/app/a.py"}') for n in range(6)]
    events: list[e.AnyEvent] = [
        *reads,
        *(e.ToolFinished(f"r{n}", False, "") for n in range(6)),
        bash(1),
        bash(2, "make"),
        bash(3, "ls"),
    ]
    ends = [done(1, "Exit code 1\nboom", is_error=True), done(2), done(3)]
    assert shown("normal", *reads[:5]).count("-# ⋯ Read `a.py` · running") == 5
    assert shown("normal", *events, *ends).splitlines() == [
        "-# ✓ 6 more: Read ×6",
        "-# ✗ Bash `npm test` – failed: Exit code 1: boom",
        "-# ✓ Bash `make`",
        "-# ✓ Bash `ls`",
    ]
    assert shown("normal", *events, *ends, bash(4, "pwd")).splitlines()[0] == (
        "-# ✗ 7 more: Read ×6 · failed: Bash `npm test`"
    )


def test_what_is_counted_says_what_runs_and_what_nobody_knows() -> None:
    events: list[e.AnyEvent] = [*(bash(n) for n in range(8)), e.ToolFinished("t0", True, "", unknown=True), done(1)]
    assert shown("normal", *events).splitlines()[0] == (
        "-# ? 5 more: Bash ×1 · outcome unknown: Bash `npm test` · 3 running"
    )


def test_many_failures_are_named_by_their_tools() -> None:
    events: list[e.AnyEvent] = [event for n in range(20) for event in (bash(n), done(n, "no", is_error=True))]
    assert shown("normal", *events).splitlines()[0] == "-# ✗ 17 more · failed: Bash ×17"


def test_a_denied_tool_has_its_line_on_its_card_and_nowhere_else() -> None:
    asked = e.PermissionRequested("r1", "Bash", "{}", "d", "t0")
    thread = in_turn()
    thread.happen(bash(0), asked, e.PermissionResolved(6, "denied"), done(0, "not now", is_error=True))
    assert thread.posts["card:0123456789abcdef:6"].content.startswith("-# ✗ Bash `npm test` · denied by")
    quiet = in_turn(Display("quiet"))
    quiet.happen(bash(0), asked, e.PermissionResolved(6, "expired"), done(0, "nobody", is_error=True))
    assert quiet.posts["card:0123456789abcdef:6"].content.startswith("-# ⌛ Bash `npm test` · nobody answered")
    assert all(post.optional for key, post in {**thread.posts, **quiet.posts}.items() if key.startswith("turn:"))


def test_a_subagents_line_is_not_counted_while_there_is_room() -> None:
    call = e.ToolStarted("a", "Agent", '{"description":"look","subagent_type":"Explore"}')
    lines = shown("normal", call, *(bash(n) for n in range(20))).splitlines()
    assert lines[:2] == ["-# ⋯ 17 more · 17 running", "-# ⋯ Agent (Explore): look · running"]


def test_quiet_says_only_how_many_tools_and_what_failed() -> None:
    assert shown("quiet", bash(1), done(1)) == "-# ▸ 1 tool"
    events: list[e.AnyEvent] = [event for n in range(12) for event in (bash(n), done(n, "no", is_error=n == 3))]
    assert shown("quiet", *events) == "-# ▸ 12 tools · failed: Bash `npm test`"
    assert shown("quiet", bash(1, agent="k1"), e.ThinkingWritten("hm")) == ""


# --- diffs and outputs -------------------------------------------------------------------------------

DIFF = "```diff\n def answer():\n-    return 41\n+    return 42\n```"


def test_an_edit_that_was_done_shows_its_diff() -> None:
    assert DIFF not in shown("normal", edit(1))
    assert shown("normal", edit(1), done(1)) == f"-# ✓ Edit `a.py` +1 −1\n{DIFF}"
    assert DIFF not in shown("normal", edit(1), done(1, "no such text", is_error=True))
    assert DIFF not in shown("quiet", edit(1), done(1))


def test_a_diff_that_a_card_has_shown_is_shown_again_only_in_full() -> None:
    asked = e.PermissionRequested("r1", "Edit", edit(1).tool_input, "d", "t1")
    events: list[e.AnyEvent] = [edit(1), asked, e.PermissionResolved(6, "allowed"), done(1)]
    normal, full = in_turn(), in_turn(Display("full"))
    normal.happen(*events)
    full.happen(*events)
    assert DIFF not in "".join(post.content for post in normal.posts.values())
    assert DIFF in full.posts["card:0123456789abcdef:6"].content


def test_a_long_diff_is_short_and_in_full_its_whole_is_a_file_below_it() -> None:
    long = edit(1, new="\n".join(f"line {n}" for n in range(40)))
    assert "… 34 more lines\n```" in shown("normal", long, done(1))
    thread = in_turn(Display("full"))
    thread.happen(long, done(1), bash(2))
    first, file, after = thread.posts.values()
    assert [f.name for f in file.files] == ["change.diff"] and "+line 39" in file.files[0].text
    assert "… 34 more lines" in first.content and after.content.startswith("-# ⋯ Bash")
    short = in_turn(Display("full"))
    short.happen(edit(1), done(1))
    assert not any(post.files for post in short.posts.values())


def test_full_shows_how_outputs_begin_and_nothing_moves_when_they_come() -> None:
    texts = shown("full", bash(1), done(1, "\x1b[32mone\x1b[0m\n\ntwo ```\nthree\nfour"))
    assert texts == "-# ✓ Bash `npm test`\n```\none\ntwo ``\u200b`\nthree\n…\n```"
    thread = in_turn(Display("full"))
    thread.happen(*(bash(n) for n in range(30)))
    count = len(thread.texts())
    for n in range(30):
        thread.happen(done(n, "x" * 500 + "\n" + "y\n" * 9))
        assert len(thread.texts()) == count


def test_a_subagents_call_that_outlives_the_turn_ends_on_its_own_line() -> None:
    thread = in_turn(Display("full"))
    thread.happen(bash(1, agent="k1"), e.TurnEnded("completed", (5,)), e.TurnStarted((6,)), bash(2))
    thread.happen(done(1, "no", is_error=True))
    assert thread.texts()[0].startswith("-# ↳ subagent: ✗ Bash `npm test` – failed: no")


def test_an_input_too_long_to_be_kept_is_still_told_by_its_path() -> None:
    long = json.dumps({"file_path": "/srv/app/a.py", "content": "line\n" * 2000})
    text = shown("normal", e.ToolStarted("t1", "Write", long), done(1))
    assert text.startswith("-# ✓ Write `a.py`\n```diff\n+line\n") and "… 1992 more lines" in text


# --- thinking ----------------------------------------------------------------------------------------


def test_thinking_stands_behind_a_spoiler_that_it_cannot_leave_or_nowhere() -> None:
    thread = in_turn(Display(thinking="spoiler"))
    thread.happen(e.ThinkingWritten("Is it ||this||?\n# *maybe* " + "hm " * 500))
    (text,) = thread.texts()
    assert text.startswith("-# Thinking: ||Is it \\|\\|this\\|\\|? # \\*maybe\\* hm") and text.endswith("…||")
    assert len(text) < 330 and len(text.splitlines()) == 1
    assert shown("normal", e.ThinkingWritten("hm")) == ""


def test_thoughts_between_many_tools_are_counted_too() -> None:
    thread = in_turn(Display(thinking="spoiler"))
    for n in range(60):
        thread.happen(e.ThinkingWritten("hm " * 200), bash(n), done(n))
    assert len(thread.texts()) <= 2 and "Bash ×" in thread.texts()[0] and "Thinking ×" in thread.texts()[0]


# --- configuration and stored form -------------------------------------------------------------------


def test_what_is_shown_already_stays_when_the_configuration_changes() -> None:
    thread = in_turn(Display("full"))
    thread.happen(bash(1), done(1, "output"))
    before = thread.texts()
    thread.display = Display("quiet")
    thread.happen(e.TextWritten("b", "Done."), e.TurnEnded("completed", (5,)), e.TurnStarted((6,)), bash(2), done(2))
    assert thread.texts()[0].startswith(before[0]) and thread.texts()[1] == "-# ▸ 1 tool"


def test_a_segment_that_an_older_supervisor_began_keeps_a_line_for_each_tool() -> None:
    tools = [{"type": "tool", "tool_use_id": f"t{n}", "tool": "Bash", "tool_input": "{}"} for n in range(30)]
    segment = msgspec.convert({"key": "turn:g:4.0", "items": tools, "posts": 3}, Segment)
    posts = posts_of(segment, [], "/srv")
    assert len(posts) == 3 and sum(post.content.count("-# ⋯ Bash") for post in posts.values()) == 30
    for key, post in posts.items():
        check(key, post)
        assert utf16_len(post.content) <= SEGMENT_CHARS


# --- a thousand tools --------------------------------------------------------------------------------


def tool_events(count: int) -> list[e.AnyEvent]:
    given = json.dumps({"command": "make " + "x" * 200})
    started: list[e.AnyEvent] = [e.ToolStarted(f"t{n}", "Bash", given) for n in range(count)]
    return [e.TurnStarted((1,)), *started, *(e.ToolFinished(f"t{n}", n % 7 == 0, "out") for n in range(count))]


def kept_view(events: list[e.AnyEvent], verbosity: Verbosity) -> ThreadView:
    """The view after these, never stored meanwhile: as in a supervisor that is well."""
    session, view = session_from(CREATED, 1000.0), ThreadView()
    for seq, event in enumerate([CREATED, *events], 1):
        record = e.Record(GENERATION, seq, 1000.0 + seq, event)
        session.apply(record)
        view.apply(record, session, {}, Display(verbosity))
    return view


@pytest.mark.parametrize("verbosity", ["quiet", "normal", "full"])
def test_laying_out_a_turn_of_many_tools_costs_each_line_once(
    verbosity: Verbosity, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[object] = []
    grown = runs.Part.grown

    def seen(part: runs.Part, item: runs.RunItem, look: runs.Look) -> runs.Part:
        laid.append(item)
        return grown(part, item, look)

    monkeypatch.setattr(runs.Part, "grown", seen)
    kept_view(tool_events(300), verbosity)
    assert len(laid) <= 2 * 300


@pytest.mark.slow
@pytest.mark.parametrize("verbosity", ["quiet", "normal", "full"])
def test_what_was_laid_out_bit_by_bit_is_what_is_laid_out_at_once(verbosity: Verbosity) -> None:
    events = [*tool_events(40), e.TextWritten("b", "So. " * 700), *tool_events(9)[1:], e.Noticed("Hm.")]
    for count in range(1, len(events)):
        view = kept_view(events[:count], verbosity)
        for segment in view.segments:
            afresh = msgspec.json.decode(msgspec.json.encode(segment), type=Segment)
            assert posts_of(segment, [], DIRECTORY) == posts_of(afresh, [], DIRECTORY)
