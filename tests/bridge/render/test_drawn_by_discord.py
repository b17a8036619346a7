"""Whatever a session says of itself, nothing in it is drawn by Discord as a mention, a command or a time."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import events as e
from stages.made_up import events as made_up_events
from stages.searched import searched
from stages.shown import Thread

MARKS = "</stop:123456789012345678> <@111111111> <t:1:R> <id:guide>"
EVENTS = made_up_events(st.sampled_from(("a", MARKS, f"{MARKS}\n{MARKS}")))
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
_DRAWN = re.compile(r"(?<!\\)<(?:/\w+:\d+|@1{9}|t:1:R|id:guide)>")


@searched(400)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_no_text_of_a_sessions_is_drawn_as_something_of_discords(events: list[e.AnyEvent]) -> None:
    thread = Thread()
    for event in events:
        for post in thread.happen(event).values():
            embed = f"{post.embed.title}\n{post.embed.description}" if post.embed else ""
            assert not _DRAWN.search(_CODE.sub("", f"{post.content}\n\n{embed}"))
