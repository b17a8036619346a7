"""The level ``project``: what is on the list, by what the parts of it say. No child runs here."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.errors import UserError
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


@pytest.mark.parametrize("plant", [as_a_link, as_a_file, as_a_link_to_nothing])
def test_a_link_of_ours_is_made_anew_whatever_stands_there(tmp_path: Path, plant: Callable[[Path, Path], None]) -> None:
    folder, outside = tmp_path / "tmp", tmp_path / "outside"
    (folder / "a").mkdir(parents=True)
    outside.mkdir()
    plant(folder / "a/link", outside)
    for _ in range(2):
        private_folders.make_link(folder, Path("a/link"), "/srv/other")
        assert (folder / "a/link").readlink() == Path("/srv/other")
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


def git_directory(common: Path) -> Path:
    for name in ("objects", "refs", "logs", "hooks"):
        (common / name).mkdir(parents=True)
    for name in ("HEAD", "config"):
        (common / name).write_text("x")
    return common


def shared(project: Path, common: Path, top: str = "", *never: Path) -> dict[str, str]:
    base = common.parent.parent
    found = repository.mounts(project, str(common), top, base / "home", never)
    return {str(mount.path.relative_to(base)): mount.kind for mount in found}


def test_a_directory_inside_a_repository_reads_it(tmp_path: Path) -> None:
    common = git_directory(tmp_path / "repo/.git")
    mounts = shared(tmp_path / "repo/sub", common, str(tmp_path / "repo"))
    assert mounts == {"repo": "read-only", "repo/.git": "read-only"}


def test_a_linked_worktree_writes_only_what_a_commit_needs(tmp_path: Path) -> None:
    common, project = git_directory(tmp_path / "repo/.git"), tmp_path / "tree"
    for name in ("worktrees/tree", "worktrees/other"):
        (common / name).mkdir(parents=True)
    project.mkdir()
    (project / ".git").write_text(f"gitdir: {common}/worktrees/tree\n")
    (common / "worktrees/tree/gitdir").write_text(f"{project}/.git\n")
    mounts = shared(project, common)
    assert mounts.pop("repo/.git") == "read-only"
    names = ("objects", "refs", "logs", "worktrees/tree")
    assert mounts == {f"repo/.git/{name}": "writable" for name in names}


def test_of_a_submodules_own_git_directory_what_git_runs_is_sealed(tmp_path: Path) -> None:
    common = git_directory(tmp_path / "super/modules")
    mounts = shared(tmp_path / "super/module", common)
    assert mounts["super/modules"] == "writable"
    assert {mounts[f"super/modules/{name}"] for name in ("hooks", "config")} == {"read-only"}


def test_the_thread_is_told_of_what_was_really_opened(tmp_path: Path) -> None:
    top, common = tmp_path / "repo", tmp_path / "repo/.git"
    inside = [Mount(top, "read-only"), Mount(common, "read-only")]
    linked = [Mount(common, "read-only"), Mount(common / "objects", "writable")]
    module = [Mount(common, "writable"), Mount(common / "hooks", "read-only")]
    told = [repository.in_words(mounts) for mounts in (inside, linked, module, [])]
    assert told == [
        (f"`{top}` (read-only)",),
        (f"`{common}` (read-only, but for what a commit needs)",),
        (f"`{common}` (its git data)",),
        (),
    ]


@pytest.mark.parametrize("lacks", ["HEAD", "objects", "refs"])
def test_what_is_no_git_directory_is_not_opened(tmp_path: Path, lacks: str) -> None:
    common = git_directory(tmp_path / "repo/.git")
    (common / lacks).rename(common / "away")
    assert shared(tmp_path / "repo/sub", common) == {}


@pytest.mark.parametrize("where", ["repo", "repo/.git", "repo/.git/objects", "."])
def test_nor_what_is_lies_in_or_holds_what_is_hidden(tmp_path: Path, where: str) -> None:
    common = git_directory(tmp_path / "repo/.git")
    assert shared(tmp_path / "repo/sub", common, str(tmp_path / "repo"), (tmp_path / where).resolve()) == {}


def test_a_pipe_in_the_place_of_an_entry_holds_nobody_up(tmp_path: Path) -> None:
    common = git_directory(tmp_path / "repo/.git")
    (common / "worktrees/x").mkdir(parents=True)
    os.mkfifo(common / "worktrees/x/gitdir")
    assert shared(tmp_path / "tree", common)["repo/.git"] == "writable"


# ---- what a child of a session before could have led elsewhere


@pytest.mark.parametrize("name", [".claude/skills", ".claude/CLAUDE.md", ".config/git", ".pyenv", ".gitconfig"])
def test_a_link_of_the_users_that_leads_into_a_project_is_not_believed(wish: Containment, name: str) -> None:
    """As dotfiles are kept; a child puts another thing at its end."""
    project, link = Path(wish.project_directory), Path(wish.home, name)
    link.parent.mkdir(parents=True, exist_ok=True)
    (project / "end").symlink_to(Path(wish.home, ".ssh"))
    Path(wish.home, ".ssh").mkdir()
    link.symlink_to(project / "end")
    bound = [mount.bound for mount in open_list.survey(wish).mounts]
    assert not [path for path in bound if path.startswith((f"{wish.home}/.ssh", str(project / "end")))]


def test_nor_one_that_holds_what_is_hidden(wish: Containment) -> None:
    Path(wish.home, ".claude").mkdir()
    Path(wish.home, ".claude/skills").symlink_to(Path(wish.home, ".config"))
    assert listed(wish)["home/.claude/skills"].source.endswith("nothing/folder")


def test_a_link_in_another_writable_place_opens_nothing(wish: Containment, tmp_path: Path) -> None:
    (tmp_path / "other/b").mkdir()
    (tmp_path / "other/b/ref").symlink_to(Path(wish.home))
    named = with_reach(wish, writable=(str(tmp_path / "other"),), readable=(str(tmp_path / "other/b/ref"),))
    with pytest.raises(UserError, match="is a symbolic link, which Claude could have made"):
        open_list.survey(named)


def test_a_claude_that_a_child_could_change_is_refused(wish: Containment) -> None:
    cli = executable(Path(wish.project_directory, "node_modules/.bin/claude"), b"#!/bin/sh")
    with pytest.raises(UserError, match=r"which Claude may write"):
        open_list.survey(with_reach(wish, command=(str(cli),)))


def test_in_a_project_that_is_a_whole_home_claudes_own_folder_is_private_all_the_same(wish: Containment) -> None:
    Path(wish.home, ".claude").mkdir()
    Path(wish.home, ".claude/.credentials.json").write_text("{}")
    mounts = listed(msgspec.structs.replace(wish, project_directory=wish.home))
    assert mounts["home/.claude"].source.endswith("inside/claude")
    assert mounts["home/.claude.json"].source.endswith("inside/home/.claude.json")


def test_what_a_child_planted_in_the_caches_makes_nothing_elsewhere(wish: Containment, tmp_path: Path) -> None:
    inner = Path(wish.home, ".cache/a/b")
    inner.mkdir(parents=True)
    cache = Path(wish.reach.caches, ".cache")
    cache.mkdir(parents=True)
    (cache / "a").symlink_to(tmp_path / "other")
    open_list.survey(with_reach(wish, readable=("~/.cache/a/b",)))
    assert (cache / "a/b").is_dir() and not (cache / "a").is_symlink()
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.parametrize("depth", [3, 40])
def test_closed_directories_do_not_stop_the_next_start(tmp_path: Path, depth: int) -> None:
    private = tmp_path / "inside"
    private_folders.prepare(private)
    deep = private / "home" / "/".join("d" * depth)
    deep.mkdir(parents=True)
    for folder in (deep, *deep.parents):
        if folder == private / "home":
            break
        folder.chmod(0)
    (private / "tmp").chmod(0)
    private_folders.prepare(private)
    assert list((private / "home").iterdir()) == [] and (private / "tmp").stat().st_mode & 0o700 == 0o700
