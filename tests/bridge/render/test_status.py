"""``/status``: what needs somebody on top, one's own first, ten a page, looked for by channel, state and person."""

import msgspec
import pytest

from bridge.discord_numbers import EMBED_DESCRIPTION_CHARS
from bridge.protocol import events as e
from bridge.render import status
from bridge.render.replies import Listed
from bridge.session.custom_ids import State, StatusButton
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, RequestName
from bridge.text import utf16_len

NOW = 1_000_000.0
ADA, BOB = 1, 2


def listed(
    title: str = "fix it", state: str = "idle", owner: int = ADA, *, quiet_s: float = 60.0, channel: int = 5
) -> Listed:
    session = ManagedSession(
        session_id="0a1b2c3d-0000-4000-8000-000000000000",
        thread_id=1574138217991503872,
        guild_id=1574138217991503000,
        channel_id=channel,
        directory="/srv/web-app",
        owner_id=owner,
        started_at=NOW - 7_500,
        last_activity=NOW - quiet_s,
        message_count=1,
        total_cost_usd=1.5,
    )
    return Listed(session, title, state)


def asking(one: Listed, tool: str = "Bash") -> Listed:
    name = RequestName(one.session.session_id, "abcdef01", 7)
    event = e.PermissionRequested("r", tool, "{}", "d")
    one.session.requests[7] = PermissionRequest(name, NOW, ADA, event)
    return msgspec.structs.replace(one, state="awaiting")


def shown(*sessions: Listed, wanted: StatusButton = StatusButton(), person: int = ADA) -> list[str]:  # noqa: B008
    post = status.page(sessions, wanted, person, NOW)
    return post.embed.description.splitlines() if post.embed else [post.content]


def test_a_line_has_link_state_person_activity_messages_and_cost() -> None:
    assert shown(listed())[1] == (
        "**fix it** · https://discord.com/channels/1574138217991503000/1574138217991503872"
        " · idle · <@1> · 1 min ago · 1 message · $1.50"
    )


def test_what_somebody_has_to_answer_is_on_top_then_ones_own_then_others_then_the_ended_ones() -> None:
    lost = msgspec.structs.replace(listed("lost", owner=BOB, quiet_s=900), has_lost=True)
    sessions = [
        listed("ended", "ended"),
        listed("bobs", "busy", BOB, quiet_s=1),
        listed("mine"),
        asking(listed("asks", owner=BOB)),
        lost,
    ]
    lines = shown(*sessions)
    headings = ("**Somebody has to answer**", "**Yours**", "**Others'**", "**Ended**")
    assert [line.split(" · ")[0].strip("*") for line in lines if line not in headings] == [
        "asks",
        "lost",
        "mine",
        "bobs",
        "ended",
    ]
    assert [line for line in lines if line in headings] == list(headings)


def test_one_that_waits_says_for_what() -> None:
    assert "asks for Bash" in shown(asking(listed()))[1]
    assert "a turn was lost" in shown(msgspec.structs.replace(listed(), has_lost=True))[1]
    limited = msgspec.structs.replace(listed(), limit_at=NOW + 600)
    assert shown(limited)[0] == "**Somebody has to answer**" and "usage limit, free <t:1000600:R>" in shown(limited)[1]
    wanted = msgspec.structs.replace(limited, goes_on=True)
    assert shown(wanted)[0] == "**Yours**" and "goes on <t:1000600:R>" in shown(wanted)[1]
    broken = listed(state="dormant")
    broken.session.last_failure, broken.session.last_failure_may_pass = "no memory is left", True
    assert "no memory is left" in shown(broken)[1]


def test_titles_and_tools_cannot_format_or_hide_anything() -> None:
    assert shown(listed("**x** [a](b)"))[1].startswith(r"**\*\*x\*\* \[a\]\(b\)**")
    assert "⟨U+202E⟩" in shown(listed("a\u202eb"))[1]
    assert r"asks for \[a\]\(b\)" in shown(asking(listed(), "[a](b)"))[1]


def pages(count: int, wanted: StatusButton) -> tuple[str, list[str], list[bool]]:
    post = status.page([listed(f"n{n}", quiet_s=n) for n in range(count)], wanted, ADA, NOW)
    assert post.embed
    return post.embed.footer, [b.custom_id for b in post.buttons], [b.disabled for b in post.buttons]


def test_ten_are_a_page_and_buttons_lead_to_the_others() -> None:
    assert pages(10, StatusButton()) == ("", [], [])
    _, buttons, disabled = pages(25, StatusButton())
    assert disabled == [True, False]
    back, forth = map(StatusButton.parse, buttons)
    assert back and forth and (back.page, forth.page) == (0, 1)
    assert len(set(buttons)) == 2, "Discord takes no two buttons of one name"
    assert pages(25, StatusButton(1))[0] == "11–20 of 25"
    assert pages(25, StatusButton(2))[0::2] == ("21–25 of 25", [False, True])


def test_a_page_that_is_there_no_more_shows_the_last_one() -> None:
    assert pages(12, StatusButton(7))[0::2] == ("11–12 of 12", [False, True])


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        (StatusButton(person_id=BOB), ["bobs"]),
        (StatusButton(channel_id=6), ["there"]),
        (StatusButton(state="asleep"), ["sleeps"]),
        (StatusButton(state="asleep", person_id=BOB), []),
    ],
)
def test_one_can_look_for_those_of_a_channel_a_state_and_a_person(wanted: StatusButton, titles: list[str]) -> None:
    sessions = [listed("bobs", owner=BOB), listed("there", channel=6), listed("sleeps", "hibernating")]
    post = status.page(sessions, wanted, ADA, NOW)
    found = post.embed.description if post.embed else ""
    assert [one.title for one in sessions if one.title in found] == titles
    assert post.content.startswith("Only those" if titles else "No session that you can see fits that")


@pytest.mark.parametrize("state", ["awaiting", "starting", "busy", "idle", "dormant", "hibernating", "broken", "ended"])
def test_each_state_that_a_session_can_show_can_be_looked_for(state: str) -> None:
    fitting = [kind for kind in status.STATES if status.fits(listed(state=state), StatusButton(state=kind))]
    assert len(fitting) == 1


def test_a_whole_page_of_the_longest_lines_fits() -> None:
    many = [asking(listed("[" * 95 + "🦆" * 95, owner=2**62 - n), "[" * 900) for n in range(10)]
    many[5:] = [msgspec.structs.replace(one, state="ended") for one in many[5:]]
    post = status.page(many, StatusButton(), ADA, NOW)
    assert post.embed and utf16_len(post.embed.description) <= EMBED_DESCRIPTION_CHARS
    assert post.embed.description.count("https://discord.com/channels/") == 10


@pytest.mark.parametrize("state", [*status.STATES, "any"])
def test_a_buttons_page_and_what_was_looked_for_are_in_its_name(state: State) -> None:
    wanted = StatusButton(3, 2**63 - 1, state, 2**63 - 1)
    for word in ("next", "back"):
        custom_id = wanted.custom_id(word)
        assert len(custom_id) <= 100
        assert StatusButton.parse(custom_id) == wanted


@pytest.mark.parametrize(
    "name", ["tb:status:next:0:0:nowhere:0", "tb:status:on:0:0:any:0", "tb:status:next:-1:0:any:0", "tb:status"]
)
def test_what_no_version_spelled_is_no_such_button(name: str) -> None:
    assert StatusButton.parse(name) is None
