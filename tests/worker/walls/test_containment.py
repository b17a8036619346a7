"""The plan of the walls, the probe's words, and the child's environment. No child runs here but the probe."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.errors import UserError
from worker.walls.arguments import arguments
from worker.walls.covers import survey
from worker.walls.environment import child_environment
from worker.walls.probe import decide, probe
from worker.walls.wish import Containment, Mount, RefusedError, Walls


@pytest.fixture
def wish(tmp_path: Path) -> Containment:
    for name in ("home/.local/state/threadbridge/sessions", "project", "tmp", "run/credentials"):
        (tmp_path / name).mkdir(parents=True)
    return Containment(
        mode="home",
        state_directory=str(tmp_path / "home/.local/state/threadbridge"),
        project_directory=str(tmp_path / "project"),
        home=str(tmp_path / "home"),
        uid=1000,
        installation=(),
        temporary_directories=(str(tmp_path / "tmp"),),
        hidden=(str(tmp_path / "run/credentials"), str(tmp_path / "run/absent")),
    )


def kinds(wish: Containment) -> dict[str, str]:
    """Path below the test's directory → kind."""
    base = Path(wish.home).parent
    mounts = survey(wish).mounts
    return {str(m.path.relative_to(base)): m.kind for m in mounts if m.path.is_relative_to(base)}


def place(argv: Sequence[str], *flags: str) -> int:
    """Where ``flags`` stand next to each other in ``argv``."""
    return next(i for i in range(len(argv)) if tuple(argv[i : i + len(flags)]) == flags)


# ---- arguments


def test_the_namespaces_come_first_and_two_dashes_end_the_prefix() -> None:
    argv = arguments(Walls("/usr/bin/bwrap", root=False, mounts=()))
    assert argv[:9] == [
        "/usr/bin/bwrap",
        *("--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--cap-drop", "ALL"),
        "--dev-bind",
    ]
    assert argv[-1] == "--"


def test_parents_are_mounted_before_what_lies_in_them() -> None:
    mounts = (
        Mount(Path("/a/b/c"), "hidden"),
        Mount(Path("/a/b/c/d"), "writable"),
        Mount(Path("/a"), "pinned"),
    )
    argv = arguments(Walls("bwrap", root=False, mounts=mounts))
    pin = place(argv, "--bind", "/a", "/a")
    hide = place(argv, "--tmpfs", "/a/b/c")
    show = place(argv, "--bind", "/a/b/c/d", "/a/b/c/d")
    assert pin < hide < show


def test_only_root_loses_the_devices() -> None:
    assert place(arguments(Walls("bwrap", root=True, mounts=())), "--dev", "/dev")
    assert "--dev" not in arguments(Walls("bwrap", root=False, mounts=()))


# ---- the survey


def test_state_secrets_sockets_and_settings_are_covered(wish: Containment) -> None:
    assert kinds(wish) == {
        "home/.local/state/threadbridge": "hidden",
        "run/credentials": "hidden",
        "tmp/cc-socks": "private",
        "tmp/cc-socks-1000": "private",
        "home/.claude/sessions": "private",
        "home/.claude/settings.json": "read-only",
        "home/.claude/settings.local.json": "read-only",
        "home/.config/systemd": "read-only",
        **dict.fromkeys(PINNED, "pinned"),
    }


PINNED = [".", "home", "home/.local", "home/.local/state", "home/.claude", "home/.config", "run", "tmp"]


@pytest.fixture(autouse=True)
def _everything_below_can_be_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever user runs the tests, and whatever user the wish names."""
    monkeypatch.setattr("worker.walls.covers._renamable", lambda path, uid: True)


def test_missing_mount_points_are_made_for_the_user_alone(wish: Containment) -> None:
    survey(wish)
    for path in ("tmp/cc-socks", "home/.claude/sessions", "home/.config/systemd"):
        assert (Path(wish.home).parent / path).stat().st_mode & 0o777 == 0o700


def test_settings_that_exist_are_left_as_they_are(wish: Containment) -> None:
    settings = Path(wish.home, ".claude/settings.json")
    settings.parent.mkdir()
    settings.write_text('{"model": "opus"}')
    survey(wish)
    assert settings.read_text() == '{"model": "opus"}'


def test_links_are_followed_to_the_real_directory(wish: Containment, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(wish.state_directory)
    linked = msgspec.structs.replace(wish, state_directory=str(tmp_path / "link"))
    assert kinds(linked)["home/.local/state/threadbridge"] == "hidden"
    assert "link" not in kinds(linked)


def test_a_link_to_the_state_that_the_child_could_replace_is_told(wish: Containment, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(wish.state_directory)
    linked = msgspec.structs.replace(wish, state_directory=str(tmp_path / "link"))
    with pytest.raises(RefusedError, match="symbolic link"):
        decide(linked, None)


def test_a_project_in_a_runtime_directory_is_shown_again(wish: Containment, tmp_path: Path) -> None:
    project = tmp_path / "run/user/1000/project"
    project.mkdir(parents=True)
    hidden = (str(tmp_path / "run/user"),)
    moved = msgspec.structs.replace(wish, project_directory=str(project), hidden=hidden)
    assert kinds(moved)["run/user"] == "hidden"
    assert kinds(moved)["run/user/1000/project"] == "writable"
    assert "run/user/1000" not in kinds(moved)


def test_nothing_inside_a_cover_is_pinned_because_that_would_uncover_it(wish: Containment) -> None:
    inside = Path(wish.state_directory, "venv/lib")
    inside.mkdir(parents=True)
    mounts = kinds(msgspec.structs.replace(wish, installation=(str(inside),)))
    assert mounts["home/.local/state/threadbridge"] == "hidden"
    assert mounts["home/.local/state/threadbridge/venv/lib"] == "read-only"
    assert "home/.local/state/threadbridge/venv" not in mounts


@pytest.mark.parametrize("inside", ["", "sessions", "not/there/yet"])
def test_a_project_inside_the_state_directory_is_refused(wish: Containment, inside: str) -> None:
    project = str(Path(wish.state_directory, inside))
    with pytest.raises(UserError, match="lies inside the state directory"):
        survey(msgspec.structs.replace(wish, project_directory=project))


def test_the_state_directory_may_lie_inside_the_project(wish: Containment) -> None:
    mounts = kinds(msgspec.structs.replace(wish, project_directory=wish.home))
    assert mounts["home/.local/state/threadbridge"] == "hidden"


def test_a_home_inside_the_state_directory_is_refused(wish: Containment) -> None:
    home = str(Path(wish.state_directory, "home"))
    with pytest.raises(UserError, match=r"home directory .* lies inside the state directory"):
        survey(msgspec.structs.replace(wish, home=home))


def test_a_project_inside_our_own_installation_is_refused(wish: Containment) -> None:
    with pytest.raises(UserError, match="belongs to Threadbridge itself"):
        survey(msgspec.structs.replace(wish, installation=(wish.project_directory,)))


def test_a_project_that_is_itself_to_be_hidden_is_refused(wish: Containment) -> None:
    with pytest.raises(UserError, match="hidden from Claude"):
        survey(msgspec.structs.replace(wish, runtime_directory=wish.project_directory))


# ---- probe and decision


def answering(status: int, words: str = "") -> "Answer":
    return Answer(status, words)


class Answer(msgspec.Struct):
    """Stands in for running bwrap; keeps what it was asked."""

    status: int
    words: str
    asked: list[str] = msgspec.field(default_factory=list)

    def __call__(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        self.asked = argv
        return subprocess.CompletedProcess(argv, self.status, self.words, "")


@pytest.fixture
def _bwrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.bubblewrap.find", lambda path: "/usr/bin/bwrap")


@pytest.mark.usefixtures("_bwrap")
def test_the_probe_runs_the_exact_arguments(wish: Containment) -> None:
    answer = answering(0)
    assert probe(wish, answer) is None
    prefix = decide(wish, None).prefix
    assert answer.asked[: len(prefix)] == prefix


@pytest.mark.usefixtures("_bwrap")
def test_the_probe_looks_for_what_stands_in_the_hidden_directories(wish: Containment) -> None:
    answer = answering(0)
    probe(wish, answer)
    assert str(Path(wish.state_directory, "sessions")) in answer.asked


@pytest.mark.usefixtures("_bwrap")
def test_a_failed_probe_says_the_first_line_of_what_went_wrong(wish: Containment) -> None:
    assert probe(wish, answering(1, "no\nmore\n")) == "bubblewrap does not work here: no"
    assert probe(wish, answering(3)) == "bubblewrap does not work here: exit status 3"


@pytest.mark.usefixtures("_bwrap")
def test_a_probe_that_hangs_or_cannot_start_is_a_refusal(wish: Containment) -> None:
    def hang(argv: list[str]) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(argv, 5)

    def fail(argv: list[str]) -> subprocess.CompletedProcess[str]:
        raise PermissionError(13, "Permission denied")

    assert probe(wish, hang) == "bubblewrap did not finish within 5 s"
    assert probe(wish, fail) == "bubblewrap does not start: Permission denied"


def test_without_bubblewrap_the_probe_says_so(wish: Containment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.bubblewrap.find", lambda path: "")
    assert probe(wish) == "bubblewrap (bwrap) is not installed where only root can put it"


@pytest.mark.parametrize("mode", ["required", "auto", "requierd", "", "NONE"])
def test_only_the_word_none_lets_a_child_run_uncontained(wish: Containment, mode: str) -> None:
    with pytest.raises(RefusedError, match=r"required .* it is broken\. .* containment ="):
        decide(msgspec.structs.replace(wish, mode=mode), "it is broken")


def test_none_is_no_containment_and_says_so(wish: Containment) -> None:
    shell = decide(msgspec.structs.replace(wish, mode="none"), None)
    assert (shell.prefix, shell.contained) == ([], False)
    assert shell.how == "not contained: containment is switched off"


# ---- the environment


def test_only_what_is_on_the_list_is_inherited() -> None:
    kept = ["PATH", "LC_ALL", "https_proxy", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "XDG_CONFIG_HOME"]
    left = ["DISCORD_TOKEN", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "PYTHONPATH", "XDG_RUNTIME_DIR", "TMPDIR"]
    own = {**dict.fromkeys(kept, "kept"), **dict.fromkeys([*left, "SSH_AUTH_SOCK", "PATHS"], "left")}
    child = child_environment(own, {}, "s1")
    assert [key for key, value in child.items() if value == "kept"] == kept
    assert "left" not in child.values()


def test_the_marks_of_another_claude_session_are_not_inherited() -> None:
    own = ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_MESSAGING_TOKEN", "CLAUDE_CODE_SSE_PORT"]
    assert not child_environment(dict.fromkeys(own, "1"), {}, "s1").keys() & set(own)


def test_three_variables_are_always_set_and_cannot_be_changed() -> None:
    child = child_environment({}, {"DISABLE_AUTOUPDATER": "0", "MINE": "1"}, "s1")
    assert child == {
        "MINE": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
        "THREADBRIDGE_SESSION": "s1",
    }


@pytest.mark.parametrize(
    "key",
    [
        *("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "DISCORD_TOKEN", "PYTHONSTARTUP", "THREADBRIDGE_SESSION"),
    ],
)
def test_the_configuration_cannot_add_what_is_forbidden(key: str) -> None:
    with pytest.raises(UserError, match=key):
        child_environment({}, {key: "value"}, "s1")


def test_a_sessions_files_are_shown_again_read_only_and_its_scratch_folder_writable(wish: Containment) -> None:
    sessions = Path(wish.state_directory) / "sessions"
    for name in ("one/files/900", "one/scratch", "two/files"):
        (sessions / name).mkdir(parents=True)
    own = sessions / "one"
    shown = msgspec.structs.replace(wish, shown=(str(own / "files"),), writable=(str(own / "scratch"),))
    mounts = kinds(shown)
    state = "home/.local/state/threadbridge"
    assert mounts[state] == "hidden"
    assert mounts[f"{state}/sessions/one/files"] == "read-only"
    assert mounts[f"{state}/sessions/one/scratch"] == "writable"
    argv = arguments(survey(shown))
    hidden = place(argv, "--tmpfs", wish.state_directory)
    assert place(argv, "--ro-bind", str(own / "files"), str(own / "files")) > hidden
    assert place(argv, "--bind", str(own / "scratch"), str(own / "scratch")) > hidden
