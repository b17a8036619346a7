"""What commands are answered: every text within Discord's limits, whatever it is made from."""

import msgspec

from bridge.render import replies
from bridge.render.posts import payload
from bridge.render.replies import Listed
from bridge.session.managed import ManagedSession
from bridge.text import utf16_len

NOW = 1_000_000.0


def listed(title: str = "fix it", state: str = "idle", number: int = 0) -> Listed:
    session = ManagedSession(
        session_id=f"0a1b2c3d-0000-4000-8000-{number:012d}",
        thread_id=1574138217991503872,
        guild_id=1574138217991503000,
        channel_id=5,
        directory="/srv/web-app",
        owner_id=1,
        started_at=NOW - 7_500,
        last_activity=NOW - 60,
        message_count=1,
        total_cost_usd=1.5,
        input_tokens=12_300,
        output_tokens=950,
    )
    return Listed(session, title, state)


def test_the_presence_says_what_matters_most() -> None:
    assert [replies.presence(*n) for n in ((0, 0), (1, 0), (3, 0), (3, 2))] == [
        "ready",
        "1 session active",
        "3 sessions active",
        "working on 2",
    ]


def test_the_picker_offers_25_and_says_that_there_are_more() -> None:
    post = replies.stop_picker([listed("x" * 300, "busy", n) for n in range(30)], NOW)
    (select,) = post.selects
    assert len(select.choices) == 25
    assert all(len(c.label) <= 100 and len(c.description) <= 100 for c in select.choices)
    assert "25 of 30" in post.content
    assert replies.stop_picker([], NOW).selects == ()


def test_a_starter_quotes_the_prompt_within_a_messages_length_and_pings_nobody() -> None:
    post = replies.starter("**Ada**", "/srv/web-app", "\n".join(["@everyone"] * 2000))
    assert post.content.startswith("**\\*\\*Ada\\*\\*** started a session in **web-app**\n> @everyone\n> @everyone")
    assert utf16_len(post.content) <= 2000
    assert payload(post)["allowed_mentions"] == {"parse": [], "users": [], "replied_user": False}
    assert replies.starter("Ada", "/", "").content == "**Ada** started a session in **/**"


def test_the_card_of_continue_shows_what_is_resumed() -> None:
    post = replies.resumed(listed(), "go on\nplease")
    assert post.embed
    for part in ("fix it", "/srv/web-app", "**Messages:** 1", "$1.50", f"<t:{int(NOW) - 60}:R>", "“go on please”"):
        assert part in post.embed.description


def test_the_modal_of_a_reason_keeps_its_custom_id_and_its_limits() -> None:
    modal = replies.reason_modal("tb:reason:x", "mcp__" + "x" * 100)
    assert modal["custom_id"] == "tb:reason:x"
    assert len(str(modal["title"])) <= 45
    assert b'"required":true' in msgspec.json.encode(modal)


def test_help_fits_one_message() -> None:
    assert utf16_len(replies.HELP) <= 2000


def test_who_stops_a_turn_hears_what_was_dropped_with_it() -> None:
    one = listed("Fix it", "busy")
    assert "2 that waited are dropped" in replies.stopped(one, interrupted=True, dropped=2)
    assert "1 that waited is dropped" in replies.stopped(one, interrupted=True, dropped=1)
    assert "dropped" not in replies.stopped(one, interrupted=True)
