"""A thread says that Claude asks less, as long as that is so."""

from bridge.protocol import events as e
from bridge.render import loosened
from bridge.render.posts import payload
from bridge.render.view import ThreadView
from bridge.session.managed import session_from

GENERATION = "0123456789abcdef"


def shown(*events: e.AnyEvent) -> list[tuple[str, str]]:
    """(key, text) of each post about the mode, as they were changed."""
    session = session_from(e.SessionCreated("s", 700, 500, 600, "/srv", 42), 1000.0)
    view, found = ThreadView(), list[tuple[str, str]]()
    begun: list[e.AnyEvent] = [
        e.WorkerStarted(1, contained=True, containment=""),
        e.ChildStarted(2, "id", resumed=False),
    ]
    for seq, event in enumerate([*begun, *events], 1):
        record = e.Record(GENERATION, seq, 1000.0, event)
        session.apply(record)
        posts = view.apply(record, session, {})
        found += [(key, post.content) for key, post in posts.items() if key.startswith(loosened.KEY)]
    return found


def mode(name: str) -> e.ModeChanged:
    return e.ModeChanged(name, admitted=True)


def test_a_thread_that_begins_in_a_looser_mode_says_so_first_and_once() -> None:
    ((_, text),) = shown(mode("acceptEdits"), mode("acceptEdits"))
    assert text.startswith("-# ⚠ Mode **acceptEdits**") and "without asking" in text


def test_the_line_follows_the_mode_and_ends_with_it() -> None:
    found = shown(mode("acceptEdits"), mode("bypassPermissions"), mode("default"))
    assert len({key for key, _ in found}) == 1, "one line, which changes"
    assert "asks nothing, ever" in found[1][1]
    assert found[2][1] == "-# ⚙ Claude asks again: the mode **bypassPermissions** was ended."


def test_one_tap_ends_it_as_long_as_it_holds() -> None:
    loose, over = (
        loosened.while_it_holds("s", 600, "", "acceptEdits"),
        loosened.while_it_holds("s", 600, "acceptEdits", "default"),
    )
    assert loose and [button.label for button in loose.buttons] == ["Ask again", "For the whole channel"]
    auto = loosened.while_it_holds("s", 600, "", "auto")
    assert auto and [button.label for button in auto.buttons] == ["Ask again"], "only edits are accepted for all"
    assert over and over.buttons == ()
    assert loosened.ends_it("s", "plan") == loosened.ends_it("s", "default") == ()


def test_a_mode_that_gets_looser_again_has_a_line_where_that_was() -> None:
    first, _, second = shown(mode("acceptEdits"), mode("plan"), mode("acceptEdits"))
    assert first[0] != second[0]


def test_who_chooses_it_before_a_child_runs_is_told_too() -> None:
    assert shown(e.ConfigureAccepted("c", "permission_mode", "auto"))


def test_strict_modes_say_nothing() -> None:
    assert shown(mode("default"), mode("plan"), mode("dontAsk"), mode("manual")) == []


def test_the_channel_hears_who_did_it_and_nobody_is_pinged() -> None:
    for post in (loosened.in_channel("auto", 42, 600), loosened.in_thread("acceptEdits", 42, 700)):
        assert "<@42>" in post.content and post.where == "channel" and post.silent
        assert payload(post)["allowed_mentions"] == {"parse": [], "users": [], "replied_user": False}
