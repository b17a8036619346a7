"""The level ``project``: what is on the list, by what the parts of it say. No child runs here."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bridge.errors import UserError
from worker.walls import claude_home, open_list, private_folders, program, repository
from worker.walls.wish import Containment, Mount, Reach


@pytest.fixture
def wish(tmp_path: Path) -> Containment:
    for name in ("home/.local/state/threadbridge/login", "home/.config/threadbridge", "home/project", "other"):
        (tmp_path / name).mkdir(parents=True)
    home, state = tmp_path / "home", tmp_path / "home/.local/state/threadbridge"
    return Containment(
        mode="project",
        state_directory=str(state),
        project_directory=str(home / "project"),
        home=str(home),
        uid=os.getuid(),
        installation=(),
        secrets=(str(home / ".config/threadbridge"),),
        reach=Reach(private=str(state / "inside"), caches=str(state / "caches"), login=str(state / "login")),
    )


def with_reach(wish: Containment, **changes: object) -> Containment:
    return msgspec.structs.replace(wish, reach=msgspec.structs.replace(wish.reach, **changes))


def listed(wish: Containment) -> dict[str, Mount]:
    """Path, below the test's folder where it lies there → mount."""
    base = str(Path(wish.home).parent) + "/"
    return {str(mount.path).removeprefix(base): mount for mount in open_list.survey(wish).mounts}


def test_of_the_home_only_what_is_listed_is_the_users_own(wish: Containment) -> None:
    for name in (".gitconfig", ".ssh/id", ".npmrc", ".bashrc", ".pyenv/bin/python", ".claude/settings.json"):
        (path := Path(wish.home, name)).parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    shown = {name for name, mount in listed(wish).items() if name.startswith("home/") and not mount.source}
    assert shown == {"home/project", "home/.local/state/threadbridge/login"}
    sources = {name: mount.source for name, mount in listed(wish).items()}
    assert sources["home/.gitconfig"] == str(Path(wish.home, ".gitconfig"))
    assert sources["home/.claude/settings.json"] == str(Path(wish.home, ".claude/settings.json"))
    assert sources["home/.claude/CLAUDE.md"].endswith("inside/nothing/CLAUDE.md"), "what is missing is covered"
    assert not [name for name in sources if name.startswith("home/") and name.endswith((".ssh", ".npmrc", ".bashrc"))]


def test_nothing_that_is_hidden_is_on_the_list(wish: Containment) -> None:
    state = wish.state_directory
    for mount in open_list.survey(wish).mounts:
        if mount.kind != "link" and mount.bound.startswith(state):
            assert mount.bound.startswith((f"{state}/inside", f"{state}/caches", f"{state}/login")), mount


@pytest.mark.parametrize(
    "name", ["~/..", "/", "~/project/..", "~/.local/state/threadbridge", "~/.config/threadbridge/x"]
)
def test_the_whole_home_and_what_is_hidden_cannot_be_named(wish: Containment, name: str) -> None:
    Path(wish.home, ".config/threadbridge/x").write_text("")
    with pytest.raises(UserError, match=r"\[containment\] names"):
        open_list.survey(with_reach(wish, readable=(name,)))


def test_a_link_that_a_child_of_any_channel_could_have_made_is_not_followed(wish: Containment, tmp_path: Path) -> None:
    (tmp_path / "other/data").symlink_to(Path(wish.home, ".ssh"))
    Path(wish.home, ".ssh").mkdir()
    named = with_reach(wish, readable=(str(tmp_path / "other/data"),), projects=(str(tmp_path / "other"),))
    with pytest.raises(UserError, match="is a symbolic link, which Claude could have made"):
        open_list.survey(named)


def test_a_link_of_the_users_own_is_followed(wish: Containment, tmp_path: Path) -> None:
    (tmp_path / "other/npmrc").write_text("")
    Path(wish.home, ".npmrc").symlink_to(tmp_path / "other/npmrc")
    mounts = listed(with_reach(wish, readable=("~/.npmrc",)))
    assert mounts["home/.npmrc"].source == str(tmp_path / "other/npmrc")


def test_a_settings_file_that_leads_to_what_is_hidden_is_covered_by_an_empty_one(wish: Containment) -> None:
    Path(wish.home, ".claude").mkdir()
    Path(wish.home, ".config/threadbridge/token").write_text("secret")
    Path(wish.home, ".claude/settings.json").symlink_to(Path(wish.home, ".config/threadbridge/token"))
    assert listed(wish)["home/.claude/settings.json"].source.endswith("nothing/settings.json")


def test_a_name_that_is_not_there_opens_nothing(wish: Containment) -> None:
    assert "home/.nothing" not in listed(with_reach(wish, readable=("~/.nothing",)))


@pytest.mark.parametrize("inside", [".config/systemd/user", ".claude"])
def test_a_project_where_the_users_own_programs_begin_is_refused(wish: Containment, inside: str) -> None:
    folder = Path(wish.home, inside, "sessions" if inside == ".claude" else "")
    folder.mkdir(parents=True)
    with pytest.raises(UserError, match="kept from Claude"):
        open_list.survey(msgspec.structs.replace(wish, project_directory=str(folder)))


# ---- the session's private folders


def test_the_home_begins_empty_and_tmp_stays(tmp_path: Path) -> None:
    private = tmp_path / "inside"
    private_folders.prepare(private)
    for name in ("home", "tmp"):
        (private / name / "left").mkdir()
        (private / name / "left/x").write_text("")
    (private / "home/locked").mkdir(mode=0o000)
    private_folders.prepare(private)
    assert list((private / "home").iterdir()) == []
    assert (private / "tmp/left/x").exists()


def test_an_emptied_folder_takes_nothing_along_that_a_link_leads_to(tmp_path: Path) -> None:
    private, outside = tmp_path / "inside", tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    private_folders.prepare(private)
    (private / "home/link").symlink_to(outside)
    private_folders.prepare(private)
    assert (outside / "precious").exists()


def as_a_link(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def as_a_file(place: Path, outside: Path) -> None:
    place.write_text("")


def as_a_link_to_nothing(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "nothing")


@pytest.mark.parametrize("plant", [as_a_link, as_a_file, as_a_link_to_nothing])
@pytest.mark.parametrize("at", ["a", "a/b", "a/b/c"])
def test_what_a_child_planted_in_the_way_goes(tmp_path: Path, at: str, plant: Callable[[Path, Path], None]) -> None:
    folder, outside = tmp_path / "tmp", tmp_path / "outside"
    (folder / at).parent.mkdir(parents=True)
    outside.mkdir()
    plant(folder / at, outside)
    private_folders.make_way(folder, Path("a/b/c"), is_folder=True)
    assert (folder / "a/b/c").is_dir() and not (folder / at).is_symlink()
    assert list(outside.iterdir()) == []


def test_a_full_directory_in_the_way_of_a_file_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "a/f").mkdir(parents=True)
    (tmp_path / "a/f/kept").write_text("")
    private_folders.make_way(tmp_path, Path("a/f"), is_folder=False)
    assert not (tmp_path / "a/f").exists()
    assert [path.name for path in tmp_path.glob("a/f.away-*/*")] == ["kept"]


# ---- Claude's files


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/srv/web-app_2/ä", "-srv-web-app-2--"),
        ("/a/\N{GRINNING FACE}b", "-a---b"),
        ("/" + "x" * 199, "-" + "x" * 199),
    ],
)
def test_the_transcripts_folder_is_named_as_claude_names_it(directory: str, name: str) -> None:
    assert claude_home.slug(directory) == name


def test_a_long_one_is_cut_and_told_by_a_hash() -> None:
    one, other = claude_home.slug("/" + "x" * 300), claude_home.slug("/" + "x" * 301)
    assert one[:201] == "-" + "x" * 199 + "-" and one != other and one[201:].isalnum()


def test_of_claudes_own_file_only_what_is_needed_comes_along() -> None:
    whole: dict[str, object] = {
        "mcpServers": {"a": {}},
        "oauthAccount": {"emailAddress": "x"},
        "projects": {"/p": {"allowedTools": []}, "/other": {"history": ["secret"]}},
    }
    assert claude_home.needed(whole, "/p") == {"mcpServers": {"a": {}}, "projects": {"/p": {"allowedTools": []}}}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"projects": 1}'])
def test_a_damaged_one_is_none(wish: Containment, text: str) -> None:
    Path(wish.home, ".claude.json").write_text(text)
    open_list.survey(wish)
    assert json.loads(Path(wish.reach.private, "home/.claude.json").read_text()) == {}


def test_trusted_copies_stand_beside_the_users_own_and_the_users_win(wish: Containment, tmp_path: Path) -> None:
    for name in (".claude/commands/mine.md", ".claude/commands/both.md"):
        (path := Path(wish.home, name)).parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the user's")
    copies = {f"commands/{name}.md": str(tmp_path / f"other/{name}.md") for name in ("both", "theirs")}
    for copy in copies.values():
        Path(copy).write_text("the project's")
    mounts = listed(with_reach(wish, trusted=copies))
    assert mounts["home/.claude/commands"].kind == "hidden"
    texts = {
        name: Path(mounts[f"home/.claude/commands/{name}.md"].bound).read_text() for name in ("mine", "both", "theirs")
    }
    assert texts == {"mine": "the user's", "both": "the user's", "theirs": "the project's"}


# ---- the CLI


def executable(path: Path, text: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    path.chmod(0o755)
    return path


def nothing_is_open(path: Path) -> bool:
    return False


def test_a_lone_program_stands_at_a_path_of_ours(tmp_path: Path) -> None:
    real = executable(tmp_path / "share/claude/versions/2", b"\x7fELF")
    (tmp_path / "claude").symlink_to(real)
    found = program.find((str(tmp_path / "claude"),), "", tmp_path, nothing_is_open)
    assert found.argv == (str(program.OURS),)
    assert found.mounts == (Mount(program.OURS, "read-only", str(real)),)


def test_a_script_of_npms_brings_its_scope_and_its_node(tmp_path: Path) -> None:
    node = executable(tmp_path / "versions/22/bin/node", b"\x7fELF")
    (tmp_path / "versions/22/lib").mkdir()
    package = tmp_path / "versions/22/lib/node_modules/@anthropic-ai/claude-code"
    cli = executable(package / "cli.js", b"#!/usr/bin/env node\n")
    (tmp_path / "versions/22/bin/claude").symlink_to(cli)
    found = program.find(("claude",), str(node.parent), tmp_path / "home", nothing_is_open)
    assert found.argv == (str(cli),)
    assert {mount.path for mount in found.mounts} == {package.parent, tmp_path / "versions/22"}


@pytest.mark.parametrize("place", ["home/bin/run", "home/.local/bin/run", "bin/run"])
def test_a_program_in_the_homes_own_bin_never_opens_the_home(tmp_path: Path, place: str) -> None:
    (tmp_path / "home/.local/lib").mkdir(parents=True)
    (tmp_path / "home/lib").mkdir()
    (tmp_path / "lib").mkdir()
    real = executable(tmp_path / place, b"\x7fELF")
    found = program.find((str(real), "--flag"), "", tmp_path / "home", nothing_is_open)
    assert [mount.path for mount in found.mounts] == [real]


def test_files_that_the_command_names_come_along(tmp_path: Path) -> None:
    script = executable(tmp_path / "wrapper.py", b"x")
    found = program.find(("/bin/sh", str(script)), "", tmp_path, lambda path: path.is_relative_to("/usr"))
    assert Mount(script, "read-only", str(script)) in found.mounts


# ---- a repository around the project


def test_what_git_runs_for_others_is_sealed(tmp_path: Path) -> None:
    common = tmp_path / "repo/.git"
    for name in ("objects", "worktrees/other", "modules/sub/hooks"):
        (common / name).mkdir(parents=True)
    for name in ("config", "modules/sub/config"):
        (common / name).write_text("")
    mounts = {
        str(m.path.relative_to(tmp_path)): m.kind
        for m in repository.mounts(tmp_path / "repo/sub", str(common), str(tmp_path / "repo"))
    }
    assert mounts == {
        "repo": "read-only",
        "repo/.git": "writable",
        **dict.fromkeys(
            (
                *("repo/.git/hooks", "repo/.git/config", "repo/.git/worktrees"),
                *("repo/.git/modules/sub/config", "repo/.git/modules/sub/hooks"),
            ),
            "read-only",
        ),
    }


def test_a_linked_worktree_writes_only_what_a_commit_needs(tmp_path: Path) -> None:
    common, project = tmp_path / "repo/.git", tmp_path / "tree"
    for name in ("objects", "refs", "logs", "hooks", "worktrees/tree", "worktrees/other"):
        (common / name).mkdir(parents=True)
    project.mkdir()
    (project / ".git").write_text(f"gitdir: {common}/worktrees/tree\n")
    (common / "worktrees/tree/gitdir").write_text(f"{project}/.git\n")
    writable = {
        m.path.relative_to(common).as_posix()
        for m in repository.mounts(project, str(common), "")
        if m.kind == "writable"
    }
    assert writable == {"objects", "refs", "logs", "worktrees/tree"}


def test_a_planted_commondir_is_taken_away(tmp_path: Path) -> None:
    assert not repository.sweep(str(tmp_path))
    (tmp_path / "commondir").write_text("/elsewhere")
    assert repository.sweep(str(tmp_path)) and not (tmp_path / "commondir").exists()
