"""The card about a project's files that act: all of it can be read before the click, and nothing in it plays tricks."""

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render import trust
from bridge.render.posts import Post
from bridge.session.custom_ids import trust_button
from bridge.session.people import named
from bridge.text import utf16_len
from bridge.trust.acting import Acting, Found
from bridge.trust.decision import Trusted

EMBED_CHARS = 4096  # of a description (docs/discord-api.md, "Messages and components")


def acting(*acts: str, left_out: tuple[str, ...] = ()) -> Acting:
    return Acting("/srv/app", {"settings.json": Found(b"{}")}, acts, left_out)


def body(post: Post) -> str:
    assert post.embed
    return post.embed.description


def test_what_would_act_and_what_is_left_out_stand_in_the_card() -> None:
    card = trust.card(acting("Hook at Stop: runs ./x", left_out=("a: sandbox",)), 7)
    assert "Hook at Stop: runs ./x" in body(card)
    assert "Left out, and does not act:\n```\na: sandbox\n```" in body(card)
    assert card.mentions == (7,)
    assert card.files == ()


def test_a_long_list_is_a_file_beside_the_card_and_whole() -> None:
    acts = tuple(f"Not asked about: Bash(command-{number})" for number in range(400))
    card = trust.card(acting(*acts, left_out=tuple(f"left {number}" for number in range(400))))
    assert utf16_len(body(card)) <= EMBED_CHARS
    assert "The whole of it is in **what-would-act.txt** (400 lines)" in body(card)
    (file,) = card.files
    assert set(acts) <= set(file.text.splitlines())
    assert "left 399" in file.text


def test_the_card_fits_however_odd_its_lines_are() -> None:
    for line in ("`" * 2799, "\u202e" * 900, "x" * 2700, "\U0001f600" * 1400):
        card = trust.card(acting(line, left_out=(line,)))
        assert utf16_len(body(card)) <= EMBED_CHARS
        assert "\u202e" not in body(card)


def test_its_buttons_name_the_digest_that_is_shown() -> None:
    shown = acting("x")
    found = [trust_button(button.custom_id) for button in trust.card(shown).buttons]
    assert [(one.verb, one.digest) for one in found if one] == [("yes", shown.digest), ("no", shown.digest)]
    assert all(len(button.custom_id) <= 100 for button in trust.card(shown).buttons)
    assert trust_button("tb:trust:yes:short") is None


def test_a_settled_card_keeps_what_was_shown_and_has_no_buttons() -> None:
    card = trust.settled(
        trust.card(acting("Hook at Stop: runs ./x"), 7), trust.trusted_by(named(8, "A*da")), trusted=True
    )
    assert card.buttons == ()
    assert "runs ./x" in body(card)
    assert "They do nothing yet" not in card.content
    assert "✓ Trusted by <@8>: a copy of this acts from Claude's next start" in card.content
    again = trust.settled(card, trust.revoked_by("Bob"))
    assert "Trusted by" not in again.content
    assert "✗ Revoked by Bob" in again.content


def test_the_list_fits_one_post_however_much_is_trusted() -> None:
    trusted = [Trusted(f"/srv/{'d' * 200}/{n}", f"{n:064x}", "*" * 300, 1, 1.0, ("a" * 3000,)) for n in range(9)]
    post = trust.listed(trusted, acting("x"), asks=True, is_asked=False)
    assert utf16_len(post.content) <= CONTENT_CHARS
    assert len(post.buttons) == trust.MOST_LISTED
    assert "and 5 more" in post.content


def test_a_project_of_which_all_is_left_out_is_told_so() -> None:
    nothing = Acting("/srv/app", {}, (), (".claude/settings.json: it is a link",))
    told = trust.listed((), nothing, asks=False, is_asked=True).content
    assert told.splitlines() == [
        "No project's own files are trusted in this channel.",
        "The project `/srv/app` has nothing that would act. Left out: `.claude/settings.json: it is a link`",
    ]
