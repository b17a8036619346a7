"""The real CLI does a day's work behind the walls, in an empty home: edits, runs, commits, installs."""

import zipfile
from pathlib import Path

import pytest

from stages.backstage import ADA
from stages.real_stage import stage
from stages.support import awaited, until
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real

WORK = """
set -e
git init -q; git config user.name Ada; git config user.email ada@localhost
git add .; git commit -qm first; git log --oneline | grep first
npm install --offline --no-audit --no-fund ./dep >/dev/null; node -e 'require("dep")'
/usr/bin/python3 -m zipfile -e tiny-1.0-py3-none-any.whl lib; PYTHONPATH=lib /usr/bin/python3 -m tiny
cat ~/.ssh/id 2>&1 || true; ls -A ~ | sort | tr '\\n' ' '; echo done > made.txt
"""


def furnish(project: Path, home: Path) -> None:
    (project / "dep").mkdir()
    (project / "dep/package.json").write_text('{"name": "dep", "version": "1.0.0", "main": "i.js"}')
    (project / "dep/i.js").write_text("console.log('dep works')")
    (project / "app.py").write_text("print('old')\n")
    with zipfile.ZipFile(project / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "print('tiny works')\n")
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id").write_text("the key")


@awaited
async def test_edits_commits_and_installs_work_and_the_home_is_not_there() -> None:
    edit = {"file_path": "", "old_string": "print('old')", "new_string": "print('new')"}
    async with stage() as it:
        project = it.back.project
        furnish(project, it.home)
        edit["file_path"] = str(project / "app.py")
        read = turn(tool("Read", {"file_path": edit["file_path"]}))
        it.model.add(read, turn(tool("Edit", edit)), turn(tool("Bash", {"command": WORK})), turn(text("all done")))
        session = it.back.session("work")
        for _ in range(2):  # the edit, the command
            request = await it.back.asks(session)
            it.back.manager.decide(request, "allowed", ADA)
            await until(lambda asked=request: asked not in it.back.live(session).requests.values(), "its decision")  # type: ignore[misc]
        await it.back.settles(session)
        log = it.log_of(session)
        assert "dep works" in log and "tiny works" in log and "the key" not in log, log[-3000:]
        assert (project / "made.txt").read_text() == "done\n" and (project / "app.py").read_text() == "print('new')\n"
        assert (project / ".git/HEAD").exists() and not (it.home / ".npm").exists()
