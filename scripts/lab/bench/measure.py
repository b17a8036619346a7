"""What one thread did while its turn streamed: figures from what Claude wrote when, and what Discord saw when. Pure.

Times are seconds of one monotonic clock; characters are those of the answer, without what we add to it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import msgspec

FREEZES_AT = (1800, 2000)
"""Characters at which live views of others stand still: a message's limit, and a little below."""

_WORD = re.compile(r"\w+")
_FENCE = re.compile(r"^[ >\t]*(`{3,})(.*)$", re.MULTILINE)
_KINDS = (
    ("POST", "/threads", "thread"),
    ("POST", "/typing", "typing"),
    ("POST", "/messages", "create"),
    ("PATCH", "/messages/{message_id}", "edit"),
    ("DELETE", "/messages/{message_id}", "delete"),
    ("PUT", "/thread-members/{user_id}", "member"),
    ("PATCH", "/channels/{channel_id}", "rename"),
    ("PUT", "/reactions/{emoji}/@me", "reaction"),
    ("DELETE", "/reactions/{emoji}/@me", "reaction"),
)
BESIDE = ("member", "rename", "reaction")
"""What a thread needs once, and marks: no post waits for them, and they have limits of their own."""


class Written(msgspec.Struct, frozen=True):
    """By Claude: when each delta was, how many characters it had, when the result was."""

    deltas: list[float]
    sizes: list[int]
    result: float


class State(msgspec.Struct, frozen=True):
    """What a message showed from `at` on. `message` is its id; `in_thread`: it stands there, and not in the channel."""

    at: float
    message: int
    content: str
    deleted: bool = False
    in_thread: bool = True


class Call(msgspec.Struct, frozen=True):
    """One REST request of the session's."""

    kind: str
    status: int


class Take(msgspec.Struct, frozen=True):
    """One turn in one thread, measured."""

    calls: dict[str, int]
    refused: int
    played_s: float
    first_text_s: float
    last_write_s: float
    characters: int
    shown: int
    deleted: int
    states: int
    unbalanced: int
    longest_still_s: float
    still_after_s: dict[int, float]
    taken_back: int = 0
    bad_states: list[str] = []
    """What was unbalanced, to be looked at."""

    @property
    def all_calls(self) -> int:
        """That posts need, or that wait with them."""
        return sum(number for kind, number in self.calls.items() if kind not in BESIDE)


def measured(answer: str, characters: int, written: Written, states: Sequence[State], calls: Sequence[Call]) -> Take:
    """`states` in the order of time; `characters` counts the answer as Claude wrote it."""
    views = list(_views(states))
    growth = grown(answer, views)
    bad = [state.content for state in states if not is_balanced(state.content)]
    shown = shown_of(answer, views[-1][1] if views else "")
    return Take(
        calls=dict(Counter(call.kind for call in calls)),
        refused=sum(call.status >= 400 for call in calls),
        played_s=written.deltas[-1] - written.deltas[0],
        first_text_s=(growth[0][0] if growth else float("inf")) - written.deltas[0],
        last_write_s=max((state.at for state in states), default=float("inf")) - written.result,
        characters=characters,
        shown=round(characters * shown / len(answer)),
        deleted=sum(state.deleted for state in states),
        states=len(states),
        unbalanced=len(bad),
        longest_still_s=longest_still(written, growth),
        still_after_s={size: longest_still(written, growth, size) for size in FREEZES_AT},
        taken_back=taken_back(views),
        bad_states=bad,
    )


def kind_of(method: str, route: str) -> str:
    """The kind of a REST request, or its method and route's end when it is none that a turn needs."""
    for its_method, end, kind in _KINDS:
        if method == its_method and route.endswith(end):
            return kind
    return f"{method} {route.rpartition('/')[2]}"


def is_balanced(content: str) -> bool:
    """Whether every code block that opens is closed within the message; CommonMark's rule, without our renderer."""
    run = ""
    for line in _FENCE.finditer(content):
        ticks, rest = line.groups()
        if not run and "`" not in rest:
            run = ticks
        elif run and len(ticks) >= len(run) and not rest.strip():
            run = ""
    return not run


def shown_of(answer: str, text: str) -> int:
    """How many characters of the answer stand in the text, in their order. By words: rendering may change what is
    between them (a table's bars, a list's bullets), so each word stands for what follows it, too."""
    words = list(_WORD.finditer(answer))
    starts = [0, *(word.start() for word in words[1:]), len(answer)]
    matcher = SequenceMatcher(None, [word[0] for word in words], _WORD.findall(text), autojunk=False)
    return sum(starts[block.a + block.size] - starts[block.a] for block in matcher.get_matching_blocks() if block.size)


def grown(answer: str, views: Sequence[tuple[float, str]]) -> list[tuple[float, int]]:
    """When the thread came to show more of the answer, and how much then."""
    found = [(0.0, 0)]
    for at, text in views:
        if (shown := shown_of(answer, text)) > found[-1][1]:
            found.append((at, shown))
    return found[1:]


def taken_back(views: Sequence[tuple[float, str]]) -> int:
    """How many letters and figures were there in one state of the thread and not in the next, all such pairs together.

    Our own quiet lines are left out: a tool's tells how far the tool is.
    """
    seen = [_letters(text) for _, text in views]
    return sum((before - after).total() for before, after in pairwise(seen))


def _letters(text: str) -> Counter[str]:
    lines = (line for line in text.split("\n") if not line.startswith("-# "))
    return Counter(sign for line in lines for sign in line if sign.isalnum())


def longest_still(written: Written, growth: Sequence[tuple[float, int]], after: int = 0) -> float:
    """The longest time without new text in the thread while some was there to be shown.

    It begins with the first delta after a change; the last one ends with the result. `after`: only counts what
    came when more than so many characters had been written.
    """
    sizes, came = 0, []
    for at, size in zip(written.deltas, written.sizes, strict=True):
        sizes += size
        came += [at] if sizes > after else []
    changes = [float("-inf"), *(at for at, _ in growth if at < written.result), written.result]
    stills = [
        until - min(waiting)
        for since, until in pairwise(changes)
        if (waiting := [at for at in came if since < at <= until])
    ]
    return max(stills, default=0.0)


def _views(states: Sequence[State]) -> Iterator[tuple[float, str]]:
    """The whole thread after each change of it."""
    messages: dict[int, str] = {}
    for state in states:
        if state.in_thread:
            messages[state.message] = "" if state.deleted else state.content
            yield state.at, "\n".join(messages[key] for key in sorted(messages))
