"""What is pasted, typed and given by options, before anything acts on it."""

from pathlib import Path

import pytest

from bridge.discord_numbers import Permission
from bridge.routing.permissions import ALL_NEEDED, NEEDED, Overwrite, granted, missing
from supervisor.operator.setup import directory, given, portal
from supervisor.operator.setup.offers import ChoiceError, Offer, Server, Shown, chosen, listed, offers
from supervisor.operator.setup.pasted import instead, token_in
from supervisor.operator.setup.terminal import folders

TOKEN = "MTIz.G1mQ0x.abc"


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f" {TOKEN}\n",
        f'"{TOKEN}"',
        f"'{TOKEN}'\r\n",
        f"`{TOKEN}`",
        f"Bot {TOKEN}",
        f'"bot  {TOKEN}"',
        f"\ufeff{TOKEN}",
        f"\n\n{TOKEN}\n\n",
        "MTIz.G1m\nQ0x.abc",
    ],
)
def test_a_token_is_taken_as_people_paste_it(text: str) -> None:
    assert token_in(text) == TOKEN


@pytest.mark.parametrize(
    ("token", "words"),
    [("123456789012345678", "Application ID"), ("ab" * 32, "Public Key"), ("x" * 32, "Client Secret"), (TOKEN, "")],
)
def test_what_was_pasted_instead_of_a_token_is_guessed(token: str, words: str) -> None:
    assert words in instead(token) and bool(words) == bool(instead(token))


def test_the_invite_asks_for_what_the_page_says() -> None:
    assert portal.invite(7).endswith("client_id=7&scope=bot%20applications.commands&permissions=326417632320")


@pytest.mark.parametrize(("flags", "may_read"), [(0, False), (1 << 18, True), (1 << 19, True), (1 << 15, False)])
def test_either_flag_of_the_intent_counts(flags: int, may_read: bool) -> None:
    assert portal.Application(1, flags=flags).may_read is may_read


EVERYONE, ROLE, OTHER, BOT = 1, 2, 3, 4
VIEW = NEEDED["View Channels"]


@pytest.mark.parametrize(
    ("base", "overwrites", "lacks_view"),
    [
        (ALL_NEEDED, (), False),
        (0, (), True),
        (Permission.ADMINISTRATOR, (Overwrite(EVERYONE, deny=VIEW),), False),
        (ALL_NEEDED, (Overwrite(EVERYONE, deny=VIEW),), True),
        (ALL_NEEDED, (Overwrite(EVERYONE, deny=VIEW), Overwrite(ROLE, allow=VIEW)), False),
        (ALL_NEEDED, (Overwrite(OTHER, deny=VIEW),), False),
        (ALL_NEEDED, (Overwrite(ROLE, allow=VIEW), Overwrite(BOT, deny=VIEW)), True),
        (ALL_NEEDED, (Overwrite(ROLE, deny=VIEW), Overwrite(BOT, allow=VIEW)), False),
    ],
)
def test_what_a_channel_says_of_the_bot_counts_as_discord_counts(
    base: int, overwrites: tuple[Overwrite, ...], lacks_view: bool
) -> None:
    bits = granted(base, overwrites, EVERYONE, (ROLE, EVERYONE), BOT)
    assert ("View Channels" in missing(bits)) is lacks_view


def test_only_channels_in_which_sessions_can_begin_are_offered_in_discords_order() -> None:
    shown = [Shown(10, 0, "b", 2), Shown(11, 2, "voice", 1), Shown(12, 5, "a", 0), Shown(13, 15, "forum", 0)]
    offered = list(offers(Server(EVERYONE, "S", ALL_NEEDED), shown, (), BOT))
    assert [offer.name for offer in offered] == ["a", "b"]
    assert "configured already" in listed(offered, [10])[1] and "configured" not in listed(offered, [10])[0]


OFFERED = [Offer(100, "web-app", "S"), Offer(101, "infra", "S"), Offer(102, "infra", "T"), Offer(103, "2", "T")]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("1", [100]),
        ("1, 2", [100, 101]),
        ("#web-app", [100]),
        ("WEB-APP 1", [100]),
        ("102", [102]),
        ("2", [101]),
    ],
)
def test_channels_are_chosen_by_number_name_and_id(text: str, ids: list[int]) -> None:
    assert [offer.channel_id for offer in chosen(text, OFFERED)] == ids


@pytest.mark.parametrize("text", ["0", "9", "nothing", "infra", "1,nothing", "-1", "²"])
def test_what_names_no_channel_or_several_is_said(text: str) -> None:
    with pytest.raises(ChoiceError):
        chosen(text, OFFERED)


@pytest.mark.parametrize("text", ["", "1", "=x", "1=", "x=/a", "0=/a", f"{1 << 64}=/a", "²=/a"])
def test_an_option_that_is_no_channel_with_a_directory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not ID=DIRECTORY|is no id"):
        given.channel(text)


def test_a_directory_may_hold_an_equals_sign() -> None:
    assert given.channel(" 7=/a=b ") == (7, "/a=b")


@pytest.mark.parametrize(
    ("text", "path"),
    [("~/a", "/home/ada/a"), ("~", "/home/ada"), ("/x/../y/", "/y"), ('"/x y"', "/x y"), ("~bob/a", None)],
)
def test_a_directory_is_read_as_a_shell_would(text: str, path: str | None) -> None:
    assert directory.typed(text, "/home/ada") == Path(path or Path.cwd() / text)


def test_no_project_lies_in_what_is_kept_from_claude(tmp_path: Path) -> None:
    ours = directory.Ours(tmp_path / "code", tmp_path / "state", tmp_path / "conf/threadbridge")
    for inside in ("code", "code/x", "state/sessions", "conf/threadbridge", "conf"):
        assert directory.refusal(tmp_path / inside, ours), inside
    (tmp_path / "file").touch()
    assert "no directory" in directory.refusal(tmp_path / "file", ours)
    assert directory.refusal(Path("/"), ours)
    assert not directory.refusal(tmp_path / "project", ours)


def test_tab_completes_directories_only(tmp_path: Path) -> None:
    for name in ("project", "programs", ".hidden", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "profile").touch()
    assert list(folders(f"{tmp_path}/pro")) == [f"{tmp_path}/programs/", f"{tmp_path}/project/"]
    assert list(folders(f"{tmp_path}/")) == [f"{tmp_path}/{name}/" for name in ("other", "programs", "project")]
    assert list(folders(f"{tmp_path}/.h")) == [f"{tmp_path}/.hidden/"]
    assert list(folders(f"{tmp_path}/absent/x")) == []
