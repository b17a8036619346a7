"""What Discord refuses: the table; and that no post that has a place is ever dropped."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from bridge.discord_numbers import CONTENT_CHARS
from bridge.protocol.errors import RemoteError
from bridge.render.posts import Button, Embed, File, Post
from stages.jumping_clock import jumping
from stages.support import until
from supervisor.discord.errors import Forbidden, Refused
from supervisor.threads.refusals import (
    COMES_BACK_PAUSES_S,
    LONGEST_PLACE_PAUSE_S,
    Action,
    Again,
    Form,
    Plainer,
    in_form,
    in_words,
    next_form,
    next_step,
)

from .test_outbox import CHANNEL, THREAD, Bridge, conversation

CARD = Post("may I?", embed=Embed("Bash", "rm -r build", "asked by Ada"), buttons=(Button("Allow", "tb:allow"),))
MALFORMED = Refused("Invalid Form Body", 400, 50035)
A_400, NO_CODE, LOCKED = Refused("Bad Request", 400), Refused("without words", 404), Refused("locked", 400, 160005)
PASSING = (NO_CODE, LOCKED, Refused("no", 403), Refused("no", 403, 40333), Refused("too many", 400, 160006))


@pytest.mark.parametrize("error", [MALFORMED, Refused("large", 413), Refused("large", 413, 40005), Refused("gone")])
def test_what_is_wrong_with_a_post_is_mended_at_once(error: Refused) -> None:
    assert next_step("create", CARD, "whole", 0, error) == Plainer("bare")


@pytest.mark.parametrize("error", PASSING)
def test_what_is_wrong_with_a_place_passes_and_is_tried_again_ever_more_seldom(error: RemoteError) -> None:
    steps = [next_step("create", CARD, "whole", tries, error) for tries in range(100)]
    pauses = [step.pause_s for step in steps if isinstance(step, Again) and step.shuts]
    assert len(pauses) == 100
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PLACE_PAUSE_S
    assert [isinstance(step, Again) and step.is_said for step in steps[:3]] == [False, False, True]


@pytest.mark.parametrize("error", [A_400, Refused("?", 400, 999999), Refused("?", 405), Refused("?", 410, 7)])
def test_an_odd_refusal_is_repeated_a_few_times_and_then_mended_for_a_while(error: Refused) -> None:
    steps = [next_step("create", CARD, "whole", tries, error) for tries in range(4)]
    assert steps == [Again(1.0), Again(2.0), Again(4.0), Plainer("bare", comes_back=True)]


def test_a_missing_permission_is_said_at_once_by_the_name_that_discord_has_for_it() -> None:
    step = next_step("create", Post("a"), "whole", 0, Forbidden("Missing Permissions", 50013))
    assert isinstance(step, Again)
    assert step.is_said
    needed: list[tuple[Action, Post, int, str]] = [
        ("thread", Post(thread_name="a"), 50013, "Create Public Threads"),
        ("create", Post("a"), 50013, "Send Messages in Threads"),
        ("create", Post("a", where="channel"), 50013, "Send Messages"),
        ("create", Post("a", files=(File("a"),)), 50013, "Attach Files"),
        ("create", CARD, 50013, "Embed Links"),
        ("edit", CARD, 50013, "Embed Links"),
        ("create", Post("a", reply_to=7), 50013, "Read Message History"),
        ("create", Post("a"), 50001, "View Channel"),
    ]
    for action, post, code, name in needed:
        assert f"*{name}*" in in_words(action, post, Forbidden("no", code))


def test_a_post_that_lacks_a_permission_is_sent_without_what_takes_it_before_the_thread_waits() -> None:
    barred = Forbidden("Missing Permissions", 50013)
    whole = msgspec.structs.replace(CARD, files=(File("input.txt"),), reply_to=7)
    assert next_step("create", whole, "whole", 0, barred) == Plainer("bare")
    assert next_step("create", whole, "bare", 0, barred) == Plainer("text")
    assert isinstance(next_step("create", whole, "text", 0, barred), Again)
    assert next_step("edit", CARD, "whole", 0, barred) == Plainer("bare")
    assert in_form(whole, "bare", "no").reply_to == in_form(whole, "words", "no").reply_to == 0
    assert isinstance(next_step("create", whole, "whole", 0, Forbidden("Missing Access", 50001)), Again)


@jumping
async def test_a_thread_that_is_archived_and_locked_is_said_to_be_that(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", CARD)
        await bridge.settled()
        bridge.discord.archived.add(THREAD)
        bridge.discord.fail("unarchive", Forbidden("Missing Permissions", 50013))
        bridge.show("a", msgspec.structs.replace(CARD, content="✓ Allowed"))
        await bridge.settled()
        said = next(words for words in bridge.discord.made(CHANNEL)[0].contents if "cannot write" in words)
        assert "archived and locked, and the bot lacks the permission *Manage Threads*" in said
        assert bridge.discord.made(THREAD)[0].post.embed, "it was no fault of the embed's"


@pytest.mark.parametrize("action", ["create", "edit"])
@pytest.mark.parametrize(
    "post",
    [
        CARD,
        Post("a" * CONTENT_CHARS, embed=Embed("t", "d" * 4000)),
        Post("", files=(File("a.txt", "text"),)),
        Post("a", files=(File("a.png", path="sent/a.png"),)),
    ],
)
def test_every_form_is_plainer_than_the_one_before_and_within_discords_limits(action: Action, post: Post) -> None:
    form: Form | None = "whole"
    forms = []
    while form:
        shown = in_form(post, form, "Invalid Form Body", editing=action == "edit")
        forms.append(form)
        assert len(shown.content) <= CONTENT_CHARS
        assert form == "whole" or (shown.embed is None and (shown.content or shown.files))
        form = next_form(action, post, form)
    assert forms[-1] == "words"
    assert "file" not in forms or action == "create"


def test_a_card_keeps_its_buttons_and_words_until_nothing_else_is_left() -> None:
    for form in ("bare", "text", "file"):
        assert in_form(CARD, form, "no").buttons == CARD.buttons
    assert "rm -r build" in in_form(CARD, "bare", "no").content
    assert "rm -r build" in in_form(CARD, "file", "no").files[0].text
    assert not in_form(CARD, "words", "no").buttons


# --- in the outbox -----------------------------------------------------------------------------------


@jumping
@pytest.mark.parametrize("error", [A_400, MALFORMED, *PASSING, Refused("?", 422, 1)])
@pytest.mark.parametrize("what", ["create", "edit"])
async def test_one_refusal_loses_nothing(tmp_path: Path, what: str, error: Exception) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("a", Post("1"))
        if what == "edit":
            await bridge.settled()
        bridge.discord.fail(what, error)
        bridge.show("a", Post("2"))
        bridge.show("b", Post("b"))
        await bridge.settled()
        assert ("2" in bridge.discord.shown(THREAD)[0]) or error is MALFORMED
        assert bridge.discord.shown(THREAD)[1] == "b"


@jumping
async def test_a_card_that_is_malformed_is_shown_without_its_embed_and_can_be_pressed(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", MALFORMED)
        bridge.show("card", CARD)
        await bridge.settled()
        (message,) = bridge.discord.made(THREAD)
        assert "rm -r build" in message.post.content
        assert message.post.buttons


@jumping
async def test_a_decided_card_loses_its_buttons_whatever_is_refused(tmp_path: Path) -> None:
    decided = Post("✓ Allowed", embed=Embed("Bash", "rm -r build"))
    async with conversation(tmp_path) as bridge:
        bridge.show("card", CARD)
        await bridge.settled()
        bridge.discord.fail("edit", *[A_400] * 4)
        bridge.show("card", decided)
        await until(lambda: not bridge.discord.made(THREAD)[0].post.buttons, "no buttons", bridge.describe, 30)
        await bridge.settled()
        assert bridge.discord.made(THREAD)[0].post == decided


@jumping
async def test_what_was_refused_oddly_for_a_while_is_shown_plainly_and_later_as_it_should_be(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", *[A_400] * 4)
        bridge.show("card", CARD)
        await until(lambda: bridge.discord.made(THREAD), "the card", bridge.describe, 30)
        assert bridge.discord.made(THREAD)[0].post.embed is None
        await bridge.settled()
        assert bridge.discord.made(THREAD)[0].post == CARD


@pytest.mark.slow
@jumping
async def test_what_is_always_refused_is_said_in_the_end_and_costs_few_requests(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", *[A_400] * 500)
        bridge.show("a", Post("a"))
        await asyncio.sleep(3600)
        assert bridge.discord.count("create") < 150
        bridge.discord._failures["create"].clear()
        await until(bridge.is_settled, "it is shown", bridge.describe, 700)
        assert bridge.discord.shown(THREAD) == ["a"]


@jumping
async def test_a_refused_post_is_tried_again_after_a_restart(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", *[LOCKED] * 2)
        bridge.show("a", Post("a"))
        await until(lambda: bridge.discord.count("create") == 2, "two tries")
    after = bridge.restarted()
    async with after.running():
        await after.settled()
    assert bridge.discord.shown(THREAD) == ["a"]


@jumping
async def test_what_an_older_version_gave_up_is_shown_after_the_upgrade(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.show("old", Post("1"))
        await bridge.settled()
    for key, text in (("old", "2"), ("never", "answer"), ("shown", "history")):
        bridge.show(key, Post(text))
    with bridge.store.transaction():
        bridge.store._execute("UPDATE posts SET failed = 'Invalid Form Body' WHERE key IN ('old', 'never')")
        bridge.store._execute("UPDATE posts SET failed = 'history' WHERE key = 'shown'")
    after = bridge.restarted()
    async with after.running():
        await until(lambda: bridge.discord.shown(THREAD) == ["2", "answer"], "both", bridge.describe)
        await after.settled()


@jumping
async def test_a_summary_waits_for_the_answer_that_it_points_to(tmp_path: Path) -> None:
    async with conversation(tmp_path) as bridge:
        bridge.discord.fail("create", *[LOCKED] * 4)
        bridge.show("turn:g:1.0.0", Post("the answer"))
        bridge.show("summary:g:1", Post("summary", where="channel"))
        await until(lambda: bridge.discord.shown(CHANNEL), "that it is locked", bridge.describe, 60)
        assert "locked" in bridge.discord.shown(CHANNEL)[0]
        await bridge.settled()
        order = [call.content for call in bridge.discord.calls if call.what == "create"]
        assert order.index("summary") > max(i for i, text in enumerate(order) if text == "the answer")


@jumping
async def test_a_thread_that_may_not_be_made_now_is_made_later_and_its_session_lives(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    bridge.discord.fail("thread", *[Forbidden("Missing Permissions", 50013)] * 3)
    async with bridge.running():
        bridge.begin()
        await until(lambda: bridge.discord.shown(CHANNEL), "words in the channel")
        assert "*Create Public Threads*" in bridge.discord.shown(CHANNEL)[0]
        await bridge.settled()
    assert bridge.manager.active_sessions()
    assert THREAD in bridge.discord.channels


def test_what_comes_back_does_so_for_a_bounded_time() -> None:
    assert sum(COMES_BACK_PAUSES_S) < 3600
