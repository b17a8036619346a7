"""What people see: nasty Markdown as posts, and what each recorded transcript's thread finally shows.

The expected texts are in tests/data. After a wanted change of them, write them anew and look at the diff:

    PYTHONPATH=.:scripts:tests python tests/bridge/render/markdown/test_golden.py --write
"""

import sys
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.live import forget_ended, forget_void
from bridge.render.markdown.split import split
from bridge.render.posts import Post
from bridge.render.segments import SEGMENT_CHARS
from bridge.render.view import ThreadView
from bridge.session.managed import session_from
from stages.replay import DIRECTORY, NAMES, PERSON_ID, SESSION_ID, Replay
from worker.steps import DeltaRead

DATA = Path(__file__).resolve().parents[4] / "tests/data"
MARKDOWN = sorted(path.stem for path in (DATA / "markdown").glob("*.md"))
THREADS = DATA / "threads"


def posts_of(name: str) -> str:
    with (DATA / "markdown" / f"{name}.md").open(newline="") as file:
        posts = split(file.read(), SEGMENT_CHARS, ended=True)
    return "".join(f"=== post {n} ===\n{post}\n" for n, post in enumerate(posts, 1))


def thread_of(name: str) -> str:
    """The thread of a transcript at its end, as it came about: with every delta."""
    session = session_from(e.SessionCreated(SESSION_ID, 700, 500, 600, DIRECTORY, PERSON_ID), 1000.0)
    view, live = ThreadView(), dict[str, str]()
    posts: dict[str, Post] = {}
    for item in Replay(name).happened:
        if isinstance(item, DeltaRead):
            live[item.block] = live.get(item.block, "") + item.text
            posts |= view.live_posts(session, live)
        elif isinstance(item, e.Record):
            session.apply(item)
            forget_void(live, item.event)
            posts |= view.apply(item, session, live)
            forget_ended(live, item.event)
    made = {key: post for key, post in posts.items() if not post.optional}
    return "".join(f"=== {key.partition(':')[0]} ===\n{_shown(post)}\n" for key, post in made.items())


def _shown(post: Post) -> str:
    embed = (
        [f"[{post.embed.title}]" if post.embed.title else "", post.embed.description, post.embed.footer]
        if post.embed
        else []
    )
    buttons = " ".join(f"({button.label})" for button in post.buttons)
    return "\n".join(part for part in (post.content, *embed, buttons) if part)


def read(path: Path) -> str:
    with path.open(newline="") as file:
        return file.read()


@pytest.mark.parametrize("name", MARKDOWN)
def test_nasty_markdown_is_posted_as_it_was_looked_at(name: str) -> None:
    assert posts_of(name) == read(DATA / "markdown" / f"{name}.posts.txt")


@pytest.mark.parametrize("name", NAMES)
def test_a_transcripts_thread_finally_shows_what_was_looked_at(name: str) -> None:
    assert thread_of(name) == read(THREADS / f"{name}.txt")


def _write() -> None:
    THREADS.mkdir(exist_ok=True)
    for name in MARKDOWN:
        (DATA / "markdown" / f"{name}.posts.txt").write_text(posts_of(name), newline="")
    for name in NAMES:
        (THREADS / f"{name}.txt").write_text(thread_of(name), newline="")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    _write()
