"""What the scripted claude plays for the bench, and when: answers cut into deltas, each at its own instant. Pure.

    mixed       3,000 characters of ordinary Markdown in 200 deltas, with 3 tools between them; 8 seconds
    fence       5,000 characters in one code block, in 250 deltas; 8 seconds
    sentencesN  5,000 to 6,100 characters in paragraphs of N sentences, in deltas of 20; 8 seconds

Standard library only: the scripted claude runs without anything else.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from twins.claude.script import Text, Tools, Use, prose

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH_S = 8.0
TOOL_S = 0.4
"""From a block's last delta to the first of the next one: the tool between them runs meanwhile."""
TIMES_VARIABLE = "BENCH_TIMES"
"""Names the folder in which the scripted claude notes when it wrote what."""

_PARAGRAPHS_CHARS = 5000
_PROMPT = re.compile(r"play (?P<name>\w+) over (?P<seconds>[\d.]+) s as (?P<take>[\w-]+)")

_BLOCKS = (
    """\
# What I found

The service keeps a *pool* of connections and hands each of them to whoever asks first. That is fine as long as \
everybody gives theirs back; the trouble begins when a request is cancelled between `acquire()` and the `try`.

There are three places where that can happen:

- in `fetch_user`, when the client goes away while we still wait for the lock,
- in `refresh_all`, because `asyncio.gather` cancels its siblings,
- and in the health check, which has a deadline of two seconds but no `finally`.

The first one is by far the most common: of 412 leaked connections in the log of last week, 388 came from there. \
The other two are rare, but they need the same care. Before I change anything, \
I would like to see the tests that we have.""",
    """\
## The tests

They cover the happy path only. A connection that is taken and never returned is not noticed, since every test \
makes a pool of its own and throws it away at the end. So I would begin with a test that fails today:

```python
async def test_a_cancelled_request_gives_its_connection_back():
    pool = Pool(size=1)
    task = asyncio.create_task(fetch_user(pool, 7))
    await pool.waited()
    task.cancel()
    assert pool.free == 1
```

> A test that has never failed proves nothing.

It takes the only connection, cancels the request in the one moment that matters, and looks whether it came back. \
With the code as it stands now it does not. Let me look at how this pool counts its connections, \
and who else asks it for one right away.""",
    """\
### Where the time goes

I measured each step on this machine, with the pool as it is and with the change that I propose:

| step | before | after |
|---|---:|---:|
| acquire | 0.21 ms | 0.19 ms |
| query | 3.40 ms | 3.41 ms |
| release | 0.02 ms | 0.02 ms |
| after a cancel | never | 0.25 ms |

So nothing becomes slower, and what was lost before is back within a quarter of a millisecond. **One thing is left:** \
a connection whose query was cancelled may still have an answer on the way. It must be emptied, or closed, before \
somebody else gets it. I would close it: that is simple, it cannot be wrong, and it happens rarely enough. \
Whoever waits for a connection meanwhile gets a new one instead, and will hardly notice it. Now the change itself.""",
    """\
## What I changed

1. `Pool.connection()` is a context manager now, and the only way to a connection.
2. A connection that comes back in the middle of a query is closed, and a new one takes its place.
3. The health check uses the same way as everybody else; its own copy of the code is gone.

The [documentation](https://docs.example.org/pool) says the same in two sentences, and the old functions stay for one \
release with a warning. Nobody has to change anything today.

~~I also thought of a timer that looks for lost connections.~~ It would hide the next mistake of this kind instead of \
showing it, so there is none. All 214 tests pass, the new one among them; without the change it fails, as it should. \
If you agree, I will write the entry next.""",
)
"""Each is cut into 50 deltas of 15 characters."""

_USES = (
    Use("Read", {"file_path": "pool.py"}),
    Use("Bash", {"command": "ls", "description": "List the files"}),
    Use("Bash", {"command": "sleep 0.2", "description": "Wait for the tests"}),
)
FILES = {"pool.py": "class Pool:\n    size: int = 1\n"}
"""What the tools find in the project."""


class Passage(NamedTuple):
    """Text whose deltas come evenly from `begins_s` to `ends_s`, both of the score's own time."""

    text: str
    deltas: int
    begins_s: float
    ends_s: float

    def due(self, number: int) -> float:
        """When delta `number` (from 0) is written."""
        return self.begins_s + number * (self.ends_s - self.begins_s) / max(1, self.deltas - 1)


class Score(NamedTuple):
    """One answer: passages, with a tool after each but the last."""

    passages: tuple[Passage, ...]
    uses: tuple[Use, ...] = ()

    @property
    def answer(self) -> str:
        """All that Claude says, as the thread should show it."""
        return "\n\n".join(passage.text for passage in self.passages)

    @property
    def characters(self) -> int:
        """Without what stands between the blocks."""
        return sum(len(passage.text) for passage in self.passages)

    @property
    def deltas(self) -> int:
        return sum(passage.deltas for passage in self.passages)

    def steps(self) -> list[Text | Tools]:
        """For the scripted claude."""
        found: list[Text | Tools] = []
        for number, passage in enumerate(self.passages):
            found.append(Text(passage.text, passage.deltas, gap_s=1.0))
            found += [Tools((use,)) for use in self.uses[number : number + 1]]
        return found


def mixed(length_s: float = LENGTH_S) -> Score:
    """Ordinary paragraphs, headings, lists, a short fence, a table, a quote; three tools that need no permission."""
    tool_s = TOOL_S * length_s / LENGTH_S
    each_s = (length_s - tool_s * len(_USES)) / len(_BLOCKS)
    begins = [number * (each_s + tool_s) for number in range(len(_BLOCKS))]
    passages = (Passage(text, 50, at, at + each_s) for text, at in zip(_BLOCKS, begins, strict=True))
    return Score(tuple(passages), _USES)


def fence(length_s: float = LENGTH_S) -> Score:
    return Score((Passage(prose(5000, "python"), 250, 0.0, length_s),))


def paragraphs(sentences: int, length_s: float = LENGTH_S) -> Score:
    """Of so many sentences each: all that may stand behind the last end of a paragraph when a post is full."""
    words = ("a request", "the pool", "each connection", "its own lock", "this test", "the last caller", "the log")
    acts = ("waits for", "gives back", "has to look after", "never sees", "takes the place of", "was made for")
    whole: list[str] = []
    while len("\n\n".join(whole)) < _PARAGRAPHS_CHARS:
        first = len(whole) * sentences
        said = [
            f"Case {n}: {words[n % 7]} {acts[n % 6]} {words[n * 3 % 7 - 1]}{', as it should' * (n % 3)}."
            for n in range(first, first + sentences)
        ]
        whole.append(" ".join(said))
    text = "\n\n".join(whole)
    return Score((Passage(text, -(-len(text) // 20), 0.0, length_s),))


SCORES: dict[str, Callable[[float], Score]] = {
    "mixed": mixed,
    "fence": fence,
    **{f"sentences{count}": partial(paragraphs, count) for count in (2, 4, 7, 20)},
}


def prompt(name: str, length_s: float, take: str) -> str:
    return f"play {name} over {length_s:g} s as {take}"


def asked(text: str) -> tuple[Score, str] | None:
    """The score that a prompt asks for and the take's name."""
    found = _PROMPT.search(text)
    if not found or found["name"] not in SCORES:
        return None
    return SCORES[found["name"]](float(found["seconds"])), found["take"]
