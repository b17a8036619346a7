"""Requests that are open together share one card; what its buttons stand for; and where it stands."""

import json

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.render.card_flow import BURST_S
from bridge.render.posts import Post
from bridge.session.custom_ids import TogetherButton, together_button
from bridge.session.display import Display
from bridge.session.patterns import ToolPattern
from bridge.session.permission import RequestName
from stages.replay import GENERATION, PERSON_ID, SESSION_ID
from stages.shown import Thread, in_turn

HOSTS, PASSWD = "/etc/hosts", "/etc/passwd"


def started(number: int, path: str) -> e.ToolStarted:
    return e.ToolStarted(f"t{number}", "Read", json.dumps({"file_path": path}))


def asks(number: int, path: str, **fields: object) -> e.PermissionRequested:
    given = json.dumps({"file_path": path})
    return e.PermissionRequested(f"r{number}", "Read", given, digest_of(given), f"t{number}", **fields)  # type: ignore[arg-type]


def bash(number: int, command: str, **fields: object) -> e.PermissionRequested:
    given = json.dumps({"command": command})
    return e.PermissionRequested(f"r{number}", "Bash", given, digest_of(given), f"t{number}", **fields)  # type: ignore[arg-type]


def key(seq: int) -> str:
    return f"card:{GENERATION}:{seq}"


def cards(thread: Thread) -> dict[str, Post]:
    return {name: post for name, post in thread.posts.items() if name.startswith("card:")}


def labels(post: Post) -> list[str]:
    return [button.label for button in post.buttons]


def listed(post: Post) -> str:
    assert post.embed
    return post.embed.description


def two() -> Thread:
    """Two that are open together, as requests 6 and 8."""
    thread = in_turn()
    thread.happen(started(1, HOSTS), asks(1, HOSTS), started(2, PASSWD), asks(2, PASSWD))
    return thread


def test_two_that_are_open_together_share_one_card_that_lists_both_whole() -> None:
    (card,) = cards(two()).values()
    assert card.content == f"<@{PERSON_ID}> Claude asks for 2 things: Read {HOSTS} · Read {PASSWD}"
    assert labels(card) == ["Allow all 2", "One by one", "Deny all"]
    assert HOSTS in listed(card) and PASSWD in listed(card)


def test_one_that_is_open_alone_has_the_card_that_it_had() -> None:
    thread = in_turn()
    thread.happen(started(1, HOSTS), asks(1, HOSTS))
    (card,) = cards(thread).values()
    assert labels(card)[0] == "Allow" and card.buttons[0].custom_id == RequestName(SESSION_ID, GENERATION, 6).custom_id(
        "allow"
    )


def test_a_burst_calls_once() -> None:
    thread = in_turn(Display(second=(ToolPattern.parse("Bash:rm*"),)))
    long = "true && " * 600
    for number, event in enumerate((asks(1, HOSTS), asks(2, PASSWD), bash(3, "rm x"), bash(4, long)), 1):
        thread.happen(started(number, HOSTS), event)
    called = [name for name, post in cards(thread).items() if post.mentions]
    assert len(cards(thread)) == 3 and called == [key(6)]


def test_what_takes_two_people_or_is_not_wholly_on_the_card_is_never_part_of_it() -> None:
    thread = in_turn(Display(second=(ToolPattern.parse("Bash:rm*"),)))
    thread.happen(asks(1, HOSTS), bash(2, "rm x"), bash(3, "true && " * 600), asks(4, PASSWD))
    first, two_people, long = cards(thread).values()
    assert labels(first)[0] == "Allow all 2" and "rm x" not in listed(first)
    assert "Two people must allow this." in two_people.content and labels(two_people)[0] == "Allow"
    assert long.files and labels(long)[0] == "Allow"


def test_the_button_names_what_was_listed_and_nothing_that_came_in_between() -> None:
    thread = two()
    (before,) = cards(thread).values()
    thread.happen(asks(3, "/etc/shadow"))
    (after,) = cards(thread).values()
    old, new = (together_button(card.buttons[0].custom_id) for card in (before, after))
    assert isinstance(old, TogetherButton) and isinstance(new, TogetherButton) and old.listing != new.listing
    assert (old.session_id, old.verb) == (SESSION_ID, "all")
    known, more = thread.view.listing(old.listing), thread.view.listing(new.listing)
    assert known and list(known.digests) == [6, 8] and known.digests[6] == asks(1, HOSTS).digest
    assert more and list(more.digests) == [6, 8, 9]


def test_no_other_input_has_the_name_of_a_list() -> None:
    names = set()
    for path in (HOSTS, PASSWD):
        thread = in_turn()
        thread.happen(started(1, HOSTS), asks(1, HOSTS), started(2, path), asks(2, path, reason="why"))
        names.add(next(iter(cards(thread).values())).buttons[0].custom_id)
    assert len(names) == 2


def test_each_becomes_the_line_of_its_tool_where_it_was_asked() -> None:
    thread = two()
    thread.happen(e.PermissionResolved(8, "allowed", decided_by=7))
    (card,) = cards(thread).values()
    assert card.content == (f"-# ⋯ Read `{PASSWD}` · allowed by <@7>\n<@{PERSON_ID}> Read {HOSTS}"), (
        "what is still open is below it"
    )
    assert "Allow" in labels(card)
    thread.happen(e.PermissionWithdrawn(6, ""), e.ToolFinished("t2", False, "root"))
    (card,) = cards(thread).values()
    assert card.content == (
        f"-# — Read `{HOSTS}` · withdrawn: Claude no longer asks this\n-# ✓ Read `{PASSWD}` · allowed by <@7>"
    ), "in the order in which they were asked"
    assert [button.custom_id for button in card.buttons] == [
        RequestName(SESSION_ID, GENERATION, seq).custom_id("show") for seq in (6, 8)
    ]
    said = "\n".join(post.content for post in thread.posts.values())
    assert said.count(HOSTS) == said.count(PASSWD) == 1, "nothing is said twice"


def test_equal_ones_are_one_whoever_asks_and_a_later_one_is_not_decided_by_an_older_button() -> None:
    thread = in_turn()
    thread.happen(bash(1, "make", agent_id="a1"), bash(2, "make", agent_id="a2"))
    (card,) = cards(thread).values()
    assert "Bash: make" in card.content and "(asked 2 times)" in card.content
    shown = RequestName.parse(card.buttons[0].custom_id)
    assert shown and shown[1].seq == 6 and [one.name.seq for one in thread.view.equal_before(6)] == [5]
    thread.happen(bash(3, "make", agent_id="a3"))
    assert [one.name.seq for one in thread.view.equal_before(6)] == [5]


def test_equal_ones_are_listed_once_and_those_of_a_subagent_stand_together() -> None:
    thread = in_turn()
    thread.happen(
        bash(1, "make a", agent_id="a1"),
        bash(2, "ls x"),
        bash(3, "make b", agent_id="a1"),
        bash(4, "make a", agent_id="a1"),
    )
    (card,) = cards(thread).values()
    assert labels(card)[0] == "Allow all 3"
    places = [
        listed(card).index(words) for words in ("**1.** Bash: ls x", "**2.** Bash: make a ×2", "**3.** Bash: make b")
    ]
    assert places == sorted(places)


def test_where_words_came_below_it_the_open_ones_move_down_to_the_new_one() -> None:
    thread = two()
    thread.happen(e.TextWritten("b1", "Meanwhile."), started(3, "/etc/fstab"), asks(3, "/etc/fstab"))
    old, new = cards(thread).values()
    assert (old.content, old.buttons) == ("-# ↓", ()) and labels(new)[0] == "Allow all 3"


def test_after_a_while_somebody_is_called_again() -> None:
    thread = two()
    given = asks(3, "/etc/fstab")
    thread.record(e.Record(GENERATION, 9, 1008.0 + BURST_S, given))
    old, new = cards(thread).values()
    assert old.content == "-# ↓" and labels(new)[0] == "Allow all 3" and new.mentions == (PERSON_ID,)


def test_what_was_decided_stays_where_it_stood_when_the_others_move() -> None:
    thread = two()
    thread.happen(e.PermissionResolved(6, "allowed", decided_by=7), e.TextWritten("b1", "Meanwhile."), asks(3, "/a"))
    old, new = cards(thread).values()
    assert old.content.endswith("allowed by <@7>") and labels(old) == ["Show 1"] and labels(new)[0] == "Allow all 2"
    (changed,) = thread.happen(e.ToolFinished("t1", False, "x")).items()
    assert changed[0] == key(6) and "✓" in changed[1].content


def test_more_than_one_post_has_room_for_get_another() -> None:
    thread = in_turn()
    for number in range(1, 10):
        thread.happen(asks(number, f"/etc/{number}"))
    assert [labels(card)[0] for card in cards(thread).values()] == ["Allow all 6", "Allow all 3"]
    thread = in_turn()
    for number in range(1, 5):
        thread.happen(bash(number, f"{number} " + "x" * 1500))
    assert [labels(card)[0] for card in cards(thread).values()] == ["Allow all 2", "Allow all 2"]


def test_a_lost_log_withdraws_all_of_it() -> None:
    thread = two()
    thread.generation = "f" * 16
    thread.happen(e.WorkerStarted(1, True, ""))
    (card,) = cards(thread).values()
    assert card.content.count("withdrawn") == 2 and labels(card) == ["Show 1", "Show 2"]


def test_a_card_of_an_earlier_version_stays_by_itself() -> None:
    thread = in_turn()
    thread.happen(asks(1, HOSTS))
    thread.view.shared = []
    thread.happen(asks(2, PASSWD))
    assert [labels(card)[0] for card in cards(thread).values()] == ["Allow", "Allow"]
    thread.happen(e.PermissionResolved(5, "allowed", decided_by=7), e.PermissionResolved(6, "denied", decided_by=7))
    assert [labels(card) for card in cards(thread).values()] == [["Show"], ["Show"]]
