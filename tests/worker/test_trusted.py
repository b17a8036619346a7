"""What Claude is started with of a trusted copy, and where its parts belong."""

from pathlib import Path

from worker import mcp, trusted
from worker.claude import file_arguments


def copy_in(folder: Path) -> str:
    for path in ("settings.json", "mcp.json", "commands/ops/go.md", "commands/deploy.md", "skills/look/SKILL.md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}")
    return str(folder)


def test_settings_and_servers_are_named_by_their_files(tmp_path: Path) -> None:
    copy = copy_in(tmp_path)
    assert trusted.settings_arguments(copy) == ["--settings", f"{copy}/settings.json"]
    argv = file_arguments((), trusted.server_files(copy))
    assert argv[:4] == ["--mcp-config", mcp.CONFIG, "--mcp-config", f"{copy}/mcp.json"]
    assert trusted.shown(copy) == (copy,)


def test_what_a_copy_has_not_is_not_named(tmp_path: Path) -> None:
    for copy in ("", str(tmp_path), str(tmp_path / "gone")):
        assert trusted.settings_arguments(copy) == []
        assert trusted.server_files(copy) == []
        assert trusted.places(copy) == {}
    assert trusted.shown("") == ()
    assert trusted.shown(str(tmp_path / "gone")) == ()


def test_each_command_skill_and_agent_has_a_name_below_the_users_folder(tmp_path: Path) -> None:
    copy = copy_in(tmp_path)
    assert trusted.places(copy) == {
        "commands/deploy.md": tmp_path / "commands/deploy.md",
        "commands/ops": tmp_path / "commands/ops",
        "skills/look": tmp_path / "skills/look",
    }
