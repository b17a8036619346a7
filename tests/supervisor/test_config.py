"""Bad input is refused in words that name the file, the key and what is wrong."""

import os
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from bridge.protocol.limits import Limits
from bridge.session.display import Display
from bridge.session.patterns import ToolPattern
from bridge.session.rights import Grant
from supervisor import config

GOOD = """
[access]
users = [111]
[[channels]]
id = 222
directory = "{folder}"
[claude]
command = ["sh"]
"""


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text.replace("{folder}", str(tmp_path)))
        return path

    return write


def refusal(path: Path, **environ: str) -> str:
    with pytest.raises(UserError) as caught:
        config.load(path, {"HOME": "/nonexistent", "PATH": os.defpath, **environ})
    assert str(path) in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


def test_a_small_file_is_enough(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    loaded = config.load(write(GOOD), {"HOME": "/home/ada", "PATH": os.environ["PATH"]})
    assert loaded.channels[222].directory == str(tmp_path)
    assert loaded.permission_timeout_s == 3600
    assert loaded.layout.state == Path("/home/ada/.local/state/threadbridge")
    assert Path(loaded.command[0]).is_absolute()
    assert loaded.api_base == "https://discord.com/api/v10"


def test_ids_may_stand_in_quotes_and_the_file_may_begin_with_a_mark(write) -> None:  # type: ignore[no-untyped-def]
    quoted = GOOD.replace("id = 222", 'id = "222"').replace("users = [111]", 'users = ["111"]\nroles = ["5"]')
    loaded = config.load(write("\ufeff" + quoted), {"HOME": "/", "PATH": os.environ["PATH"]})
    assert list(loaded.channels) == [222]
    assert (loaded.policy.users, loaded.policy.roles) == (frozenset({111}), frozenset({5}))


ENVIRON = {"HOME": "/", "PATH": os.environ["PATH"]}


def test_rights_are_given_for_all_channels_and_for_one(write) -> None:  # type: ignore[no-untyped-def]
    text = GOOD.replace("users = [111]", 'users = [111]\n[access.talk]\nroles = ["5"]')
    text = text.replace("[claude]", '[channels.access]\nusers = [3]\n[channels.access.decide]\nusers = ["4"]\n[claude]')
    policy = config.load(write(text), ENVIRON).policy
    here, elsewhere = policy.access(222), policy.access(9)
    assert here.talk == Grant(frozenset({111, 3}), frozenset({5}))
    assert here.decide == Grant(frozenset({111, 3, 4})) and here.manage == Grant(frozenset({111, 3}))
    assert elsewhere.talk == Grant(frozenset({111}), frozenset({5}))
    assert elsewhere.decide == elsewhere.manage == Grant(frozenset({111}))


def test_it_is_enough_that_somebody_may_talk_in_one_channel(write) -> None:  # type: ignore[no-untyped-def]
    text = GOOD.replace("users = [111]", "").replace("[claude]", "[channels.access.talk]\nroles = [5]\n[claude]")
    loaded = config.load(write(text), ENVIRON)
    assert loaded.policy.access(222).talk.roles == {5}
    assert "channels[0]: nobody may decide what Claude asks there" in "".join(loaded.warnings)


def test_who_decides_what_in_a_channel(write) -> None:  # type: ignore[no-untyped-def]
    text = GOOD.replace("id = 222", 'id = 222\ndecide_own = false\nsecond = ["Bash:rm*", "git_push"]')
    loaded = config.load(write(text), ENVIRON)
    access = loaded.policy.access(222)
    assert not access.decide_own and access.second == (ToolPattern("Bash", "rm*"), ToolPattern("git_push"))
    assert "only one may decide there" in "".join(loaded.warnings)
    assert loaded.policy.access(9).decide_own and not loaded.policy.access(9).second


@pytest.mark.parametrize(
    "pasted", ["a.b.c", '"a.b.c"', "'a.b.c'\n", "Bot a.b.c", '"Bot a.b.c"', "\ufeffa.b.c \n", "`a.b.c`"]
)
def test_a_token_is_taken_as_people_paste_it(write, tmp_path: Path, pasted: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "token").write_text(pasted)
    named = config.load(write(f'[discord]\ntoken_file = "{tmp_path}/token"\n' + GOOD), {"PATH": os.environ["PATH"]})
    assert config.read_token(named, {}) == "a.b.c"
    bare = config.load(write(GOOD), {"HOME": "/", "PATH": os.environ["PATH"]})
    assert config.read_token(bare, {"DISCORD_TOKEN": pasted.strip("\ufeff")}) == "a.b.c"


def test_each_channel_has_its_own_display(write) -> None:  # type: ignore[no-untyped-def]
    text = GOOD.replace("id = 222", 'id = 222\nverbosity = "quiet"\nthinking = "spoiler"')
    environ = {"HOME": "/", "PATH": os.environ["PATH"]}
    loaded = config.load(write(text + '[display]\nping_after = "0"'), environ)
    assert loaded.display(222) == Display("quiet", "spoiler", None) and loaded.display(9) == Display(ping_after_s=None)
    assert config.load(write(GOOD), environ).display(222) == Display("normal", "off", 60.0)


def test_a_session_has_limits_that_fit_a_small_machine_unless_others_are_given(write) -> None:  # type: ignore[no-untyped-def]
    environ = {"HOME": "/", "PATH": os.environ["PATH"]}
    ram_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert config.load(write(GOOD), environ).limits == Limits(
        max(ram_bytes // 2, 1 << 30), 1000, 100, 2 << 30, 10 << 30
    )
    none = '[limits]\nmemory = "0"\ntasks = 0\ncpu_weight = 0\nstored = "0"\nprivate = "0"\n'
    assert config.load(write(GOOD + none), environ).limits == Limits()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("users = [111]", "user = [111]", "access.user: there is no such key; did you mean users?"),
        ("id = 222", "id = 222\nverbosty = 1", "channels[0].verbosty: there is no such key; did you mean verbosity?"),
        ("[claude]", "[permisions]\n[claude]", "permisions: there is no such key; did you mean permissions?"),
        ("users = [111]", "users = []", "access.users: nobody may talk to Claude yet"),
        ("users = [111]", 'users = ["ada"]', "access.users"),
        ("users = [111]", "users = [-3]", "access.users: -3 is not an id"),
        ("users = [111]", "users = [1]\n[access.talks]", "access.talks: there is no such key; did you mean talk?"),
        (
            "users = [111]",
            "users = [1]\n[access.talk]\nuser = [2]",
            "access.talk.user: there is no such key; did you mean",
        ),
        ("users = [111]", "users = [1]\n[access.decide]\nroles = [0]", "access.decide.roles: 0 is not an id"),
        (
            "[claude]",
            "[channels.access]\nrole = [1]\n[claude]",
            "channels[0].access.role: there is no such key; did you",
        ),
        ("[claude]", "[channels.access.manage]\nusers = [-1]\n[claude]", "channels[0].access.manage.users: -1 is not"),
        ("id = 222", 'id = 222\nsecond = [":rm"]', "channels[0].second: ':rm' names no class of tools"),
        ("id = 222", 'id = "two"', "channels[0].id"),
        ("id = 222", "", "channels[0].id: is missing"),
        ('directory = "{folder}"', 'directory = "/nonexistent/x"', "channels[0].directory: /nonexistent/x is not a"),
        ('directory = "{folder}"', 'directory = "x"', "channels[0].directory: 'x' is not an absolute path"),
        ('directory = "{folder}"', 'directory = "{folder}"\ncontainment = "maybe"', "channels[0].containment"),
        ("id = 222", 'id = 222\nverbosity = "loud"', "channels[0].verbosity: 'loud' is none of quiet, normal, full"),
        ("id = 222", 'id = 222\nverbosity = "ful"', "is none of quiet, normal, full; did you mean full?"),
        ("id = 222", 'id = 222\ncontainment = "projekt"', "is none of project, home, none; did you mean project?"),
        ("id = 222", 'id = 222\nthinking = "on"', "channels[0].thinking: 'on' is none of off, spoiler"),
        ("[claude]", '[limits]\nmemory = "much"\n[claude]', "limits.memory: 'much' is no size such as 4G, 512M, 50%"),
        ("[claude]", '[limits]\nstored = "50%"\n[claude]', "limits.stored: '50%' is no size such as 2G"),
        ("[claude]", "[limits]\ntasks = -1\n[claude]", "limits.tasks: -1 is no number"),
        ("[claude]", "[limits]\ncpu_weight = 10001\n[claude]", "limits.cpu_weight: 10001 is not from 1 to 10000"),
        ("[claude]", '[display]\nping_after = "later"\n[claude]', "display.ping_after: 'later' is no time"),
        ('command = ["sh"]', 'command = ["no-such-claude"]', "claude.command: there is no program 'no-such-claude'"),
        ('command = ["sh"]', "command = []", "claude.command: is empty"),
        ('command = ["sh"]', 'permission_mode = "yolo"\ncommand = ["sh"]', "claude.permission_mode: 'yolo' is none of"),
        (
            'command = ["sh"]',
            'permission_mode = "acceptEdit"\ncommand = ["sh"]',
            "bypassPermissions; did you mean acceptEdits?",
        ),
        (
            'command = ["sh"]',
            'permission_mode = "bypassPermissions"\ncommand = ["sh"]',
            "claude.permission_mode: bypassPermissions lets Claude do anything",
        ),
        ('command = ["sh"]', 'command = ["sh"]\n[permissions]\ntimeout = "soon"', "permissions.timeout: 'soon'"),
        ('command = ["sh"]', 'command = ["sh"]\n[state]\nkeep = "90"', "state.keep: '90' is no time such as"),
        ('command = ["sh"]', 'command = ["sh"]\n[metrics]\nlisten = "9100"', "metrics.listen: '9100' is no address"),
        (
            'command = ["sh"]',
            'command = ["sh"]\n[metrics]\nlisten = "here:1"',
            "metrics.listen: 'here:1' is no address",
        ),
        ('command = ["sh"]', 'command = ["sh"]\n[discord]\napi_base = "ftp://x"', "discord.api_base"),
        ('command = ["sh"]', 'command = ["sh"]\n[discord]\nburst = "11s"', "discord.burst: '11s' is longer than 10s"),
        ('command = ["sh"]', 'command = ["sh"]\n[discord]\nburst = "soon"', "discord.burst: 'soon' is no time"),
        (
            "[claude]",
            '[display]\narchive_after = "2d"\n[claude]',
            "display.archive_after: '2d' is none of 1h, 1d, 3d, 7d",
        ),
        ("[claude]", '[display]\ntitles = "word"\n[claude]', "did you mean words?"),
        ('command = ["sh"]', 'command = ["sh"]\n[claude.environment]\nDISCORD_TOKEN = "x"', "DISCORD_TOKEN"),
        ('command = ["sh"]', 'command = ["sh"', "is not TOML"),
        ('command = ["sh"]', 'command = ["sh"]\n[state]\ndirectory = "/tmp/' + "x" * 90 + '"', "too long"),
    ],
)
def test_a_mistake_is_named(write, old: str, new: str, said: str) -> None:  # type: ignore[no-untyped-def]
    assert said in refusal(write(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("word", "becomes", "warned"),
    [
        *(("auto", "project", 'means "project" now'), ("required", "project", 'means "project" now')),
        *(("home", "home", "what this user can"), ("none", "none", "uncontained")),
        *(("project", "project", "-"), ("", "project", "-")),
    ],
)
def test_old_words_of_containment_mean_project_and_looser_ones_are_warned_of(  # type: ignore[no-untyped-def]
    write, word: str, becomes: str, warned: str
) -> None:
    line = f'\ncontainment = "{word}"' if word else ""
    loaded = config.load(write(GOOD.replace('directory = "{folder}"', 'directory = "{folder}"' + line)))
    assert [channel.containment for channel in loaded.channels.values()] == [becomes]
    assert [warned in warning for warning in loaded.warnings] == ([] if warned == "-" else [True])


@pytest.mark.parametrize(
    ("model", "warned"),
    [("sonet", "did you mean sonnet?"), ("cluade-opus-5-5", "did you mean claude-opus-5-5?"), ("my-own/model", "")],
)
def test_a_mistyped_model_is_warned_of_and_any_other_is_taken(write, model: str, warned: str) -> None:  # type: ignore[no-untyped-def]
    loaded = config.load(write(GOOD.replace('command = ["sh"]', f'command = ["sh"]\nmodel = "{model}"')))
    assert loaded.model == model
    assert [warned in warning for warning in loaded.warnings] == ([True] if warned else [])


@pytest.mark.parametrize("name", ["relative", "~", "~/", "/", "~/../x", "/srv/../etc"])
def test_what_is_opened_besides_the_project_is_named_by_a_whole_path_below_the_home_or_the_root(  # type: ignore[no-untyped-def]
    write, name: str
) -> None:
    good = config.load(write(GOOD + '[containment]\nreadable = ["~/.npmrc"]\nwritable = ["/srv/data"]\n'))
    assert (good.readable, good.writable) == (("~/.npmrc",), ("/srv/data",))
    assert "containment.readable" in refusal(write(GOOD + f'[containment]\nreadable = ["{name}"]\n'))


def test_a_channel_twice_is_refused(write) -> None:  # type: ignore[no-untyped-def]
    twice = GOOD + '[[channels]]\nid = 222\ndirectory = "{folder}"\n'
    assert "channels[1].id: 222 stands there twice" in refusal(write(twice))


def test_bypass_permissions_needs_its_second_key(write) -> None:  # type: ignore[no-untyped-def]
    both = 'permission_mode = "bypassPermissions"\nallow_bypass_permissions = true\ncommand = ["sh"]'
    loaded = config.load(write(GOOD.replace('command = ["sh"]', both)), {"HOME": "/", "PATH": os.environ["PATH"]})
    assert loaded.bypass_permissions


def test_zero_is_no_time_limit_for_a_request() -> None:
    assert config.seconds_of("0") is None
    assert [config.seconds_of(text) for text in ("90s", "60m", "2h", "1d", "1.5h")] == [90, 3600, 7200, 86400, 5400]


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5", "0m", "1e9h", "5 weeks"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        config.seconds_of(text)


def test_no_configuration_says_where_it_was_looked_for() -> None:
    with pytest.raises(UserError, match="THREADBRIDGE_CONFIG"):
        config.find(None, {"HOME": "/nonexistent"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "none.toml")


def test_the_token_comes_from_file_then_credential_then_environment(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    environ = {"HOME": "/", "PATH": os.environ["PATH"], "DISCORD_TOKEN": "from-environment"}
    plain = config.load(write(GOOD), environ)
    assert config.read_token(plain, environ) == "from-environment"
    (tmp_path / "discord-token").write_text("from-credential\n")
    environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    assert config.read_token(plain, environ) == "from-credential"
    (tmp_path / "token").write_text("from-file\n")
    named = config.load(write(GOOD + f'[discord]\ntoken_file = "{tmp_path}/token"\n'), environ)
    assert config.read_token(named, environ) == "from-file"


def test_no_token_and_an_unreadable_one_are_refused(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    environ = {"HOME": "/", "PATH": os.environ["PATH"]}
    with pytest.raises(UserError, match=r"discord\.token_file is empty"):
        config.read_token(config.load(write(GOOD), environ), environ)
    named = config.load(write(GOOD + '[discord]\ntoken_file = "{folder}/nothing"\n'), environ)
    with pytest.raises(UserError, match=r"discord\.token_file: .*nothing cannot be read"):
        config.read_token(named, environ)


def test_the_limit_of_files_is_told_in_megabytes_and_checked(write) -> None:  # type: ignore[no-untyped-def]
    environ = {"HOME": "/home/ada", "PATH": os.environ["PATH"]}
    assert config.load(write(GOOD), environ).most_file_bytes == 25_000_000
    assert config.load(write(f"{GOOD}[files]\nmax_megabytes = 1.5\n"), environ).most_file_bytes == 1_500_000
    assert "files.max_megabytes: 501 is not from 0 to 500" in refusal(write(f"{GOOD}[files]\nmax_megabytes = 501\n"))


@pytest.mark.parametrize(
    ("everywhere", "here", "becomes"),
    [("", "", "off"), ("ask", "", "ask"), ("", "ask", "ask"), ("ask", "off", "off"), ("off", "ask", "ask")],
)
def test_pushes_are_asked_for_where_the_configuration_says_so(  # type: ignore[no-untyped-def]
    write, everywhere: str, here: str, becomes: str
) -> None:
    channel = f'\ngit_push = "{here}"' if here else ""
    table = f'[containment]\ngit_push = "{everywhere}"\n' if everywhere else ""
    loaded = config.load(write(GOOD.replace('"{folder}"', '"{folder}"' + channel) + table))
    assert [one.git_push for one in loaded.channels.values()] == [becomes]
    assert not loaded.warnings


def test_pushes_that_nobody_is_asked_about_cannot_be_had_and_at_a_looser_level_the_key_is_warned_of(write) -> None:  # type: ignore[no-untyped-def]
    assert "containment.git_push: 'always' is none of off, ask" in refusal(
        write(GOOD + '[containment]\ngit_push = "always"\n')
    )
    home = GOOD.replace('"{folder}"', '"{folder}"\ncontainment = "home"\ngit_push = "ask"')
    assert any("git_push" in warning for warning in config.load(write(home)).warnings)
