"""What ./scripts/test-systemd decides before it boots anything: a page's commands, the mirror, and that not tried is
not passed.
"""

from pathlib import Path

import pytest

from lab.systemd import beginning, root, run, story
from lab.systemd.pages import commands
from lab.systemd.root import CannotError
from stages.support import ROOT


def test_a_pages_commands_are_the_lines_of_its_shell_blocks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```sh\none --two   # why\n\n# not this\nthree\n```\n\n    four\n\n```toml\nfive = 1\n```\n"
    )
    assert commands(page) == ["one --two", "three"]


def test_the_page_for_beginners_has_set_up_as_its_last_command() -> None:
    found = commands(ROOT / "docs/start.md")
    assert found[-1] == beginning.SETUP and len(found) > 5


def test_the_page_for_operators_backs_up_restores_and_prunes() -> None:
    found = commands(story.OPERATIONS)
    for word in ("status", "check", "send", "backup", "restore", "prune"):
        assert any(word in command for command in found), word


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie\n"),
        ("sources.list", "# x\ndeb [signed-by=/k.gpg] http://mirror.test/debian trixie main\n"),
        ("sources.list", "deb http://other.test/tools stable main\ndeb http://mirror.test/debian trixie main\n"),
    ],
)
def test_the_mirror_is_the_one_of_this_machines_apt(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert root.mirror(tmp_path) == "http://mirror.test/debian"


def test_a_machine_whose_apt_names_no_mirror_cannot(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://other.test/tools stable main\n")
    with pytest.raises(CannotError):
        root.mirror(tmp_path)


def test_where_nothing_can_be_booted_that_is_said_and_is_not_passed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot() -> None:
        raise CannotError("only root can boot one")

    monkeypatch.setattr(root, "check", cannot)
    assert run.main([]) == 77
    assert "NOT TRIED, so not passed: only root can boot one" in capsys.readouterr().err
