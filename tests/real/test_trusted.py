"""A project's own hooks, servers and settings with the real CLI: the copy that was trusted acts, the files never do."""

import json
import stat
import sys
from pathlib import Path

import pytest

from bridge.session.custom_ids import TrustButton
from bridge.session.managed import ManagedSession
from stages.backstage import ADA, CHANNEL_ID
from stages.real_stage import RealStage, stage
from stages.support import awaited, until
from supervisor.sessions.trust import Trusts
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real

SERVER = """
import json, sys, pathlib
pathlib.Path(__file__).with_name("ran-server").touch()
for line in sys.stdin:
    asked = json.loads(line)
    answers = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                       "serverInfo": {"name": "trap", "version": "1"}},
        "tools/list": {"tools": [{"name": "greet", "description": "Greets", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": "greetings from the server"}]},
    }
    if "id" in asked:
        known = answers.get(asked["method"])
        answer = {"result": known} if known else {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


def program(project: Path, name: str) -> None:
    """One that leaves a trace when it runs."""
    path = project / f"{name}.sh"
    path.write_text(f"#!/bin/sh\necho ran >> {project}/ran-{name}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def write_settings(project: Path, *hooks: str, allow: tuple[str, ...] = ()) -> None:
    for name in hooks:
        program(project, name)
    ran = [{"type": "command", "command": f'"$CLAUDE_PROJECT_DIR"/{name}.sh'} for name in hooks]
    settings = {
        "hooks": {"UserPromptSubmit": [{"hooks": ran}]},
        "env": {"TRUSTED_WORD": "from-the-copy"},
        "permissions": {"allow": list(allow)},
    }
    (project / ".claude").mkdir(exist_ok=True)
    (project / ".claude/settings.json").write_text(json.dumps(settings))


def write_server(project: Path) -> None:
    (project / "server.py").write_text(SERVER)
    server = {"command": sys.executable, "args": [str(project / "server.py")]}
    (project / ".mcp.json").write_text(json.dumps({"mcpServers": {"trap": server}}))


def ran(it: RealStage) -> set[str]:
    return {path.name.removeprefix("ran-") for path in it.back.project.glob("ran-*")}


def digest_of_card(it: RealStage, session: ManagedSession) -> str:
    rows = it.back.store.posts_like(session.session_id, "trust:")
    names = [button.custom_id for row in rows for button in row.desired.buttons]
    return next(name.rpartition(":")[2] for name in names if name.startswith(TrustButton("yes", "").custom_id()))


def is_idle(it: RealStage, session: ManagedSession) -> bool:
    """More than a turn's end says: under load its last command is known to be carried out a while later."""
    return it.back.live(session).may_hibernate and not it.back.store.inbox(session.session_id)


async def trust(it: RealStage, session: ManagedSession) -> None:
    await until(lambda: is_idle(it, session), "that nothing hinders its sleep", lambda: str(it.back.live(session)))
    trusts = Trusts(it.back.config, it.back.manager)
    words = await trusts.judge(CHANNEL_ID, "yes", digest_of_card(it, session), ADA)
    assert words.startswith("Trusted."), words
    await until(lambda: not it.back.worker_pid(session), "that the idle session sleeps")


@awaited
async def test_hooks_servers_environment_and_rules_act_from_the_copy_and_only_once_trusted() -> None:
    greet = turn(tool("mcp__trap__greet", {}))
    touch = turn(tool("Bash", {"command": "touch made.txt; printenv TRUSTED_WORD", "description": "Make it"}))
    async with stage(turn(text("One.")), greet, touch, turn(text("Two."))) as it:
        write_settings(it.back.project, "hook", allow=("Bash(touch made.txt)", "Bash(printenv *)", "mcp__trap__greet"))
        write_server(it.back.project)
        session = it.back.session("one")
        await it.back.settles(session)
        assert ran(it) == set(), "nobody trusted it yet"

        await trust(it, session)
        it.back.prompt(session, "two")
        await it.back.settles(session, 2)
        assert ran(it) == {"hook", "server"}
        told = json.dumps(it.model.calls_of("main")[-1].body)
        assert "greetings from the server" in told
        assert "from-the-copy" in told
        assert (it.back.project / "made.txt").exists()
        assert not it.back.live(session).requests
        lines = "\n".join(it.back.posts(session))
        assert "unasked by `mcp__trap__greet`" in lines
        assert lines.count("unasked by") == 1, "of a command in parts the CLI names no rule, and so do we"


@awaited
async def test_the_line_of_a_tool_says_by_which_rule_or_hook_nobody_was_asked() -> None:
    write = turn(tool("Write", {"file_path": "src/made.txt", "content": "x"}))
    run = turn(tool("Bash", {"command": "touch made.txt", "description": "Make it"}))
    allow = {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}
    async with stage(turn(text("One.")), write, run, turn(text("Two."))) as it:
        write_settings(it.back.project, allow=("Edit(/src/**)",))
        settings = json.loads((it.back.project / ".claude/settings.json").read_text())
        hook = {"type": "command", "command": f"echo '{json.dumps(allow)}'"}
        settings["hooks"] = {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}
        (it.back.project / ".claude/settings.json").write_text(json.dumps(settings))
        session = it.back.session("one")
        await it.back.settles(session)
        await trust(it, session)
        it.back.prompt(session, "two")
        await it.back.settles(session, 2)
        assert (it.back.project / "src/made.txt").exists(), "a path of the project's settings begins in the project"
        assert "Bash `touch made.txt` · unasked by a hook" in "\n".join(it.back.posts(session))


@awaited
async def test_commands_skills_and_agents_act_by_the_names_that_they_have_in_the_users_folder() -> None:
    async with stage(turn(text("One.")), turn(text("Two.")), turn(text("Three."))) as it:
        front = "---\ndescription: Does it   # indeed\nallowed-tools: [Bash(touch:*)]\nunknown: {a: b}\n---\n"
        for path in ("commands/deploy.md", "commands/ops/go.md", "skills/look/SKILL.md"):
            file = it.back.project / ".claude" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{front}Do it: !`touch ran-{file.stem}`")
        (it.back.project / ".claude/agents").mkdir()
        (it.back.project / ".claude/agents/tester.md").write_text(
            "---\nname: tester\ndescription: Tests\ntools:\n  - Read\n---\nTest"
        )
        session = it.back.session("one")
        await it.back.settles(session)
        assert "deploy" not in it.log_of(session)
        await trust(it, session)
        for number, command in enumerate(("/deploy", "/look"), 2):
            it.back.manager.prompt(session.session_id, 10**15 + number, command, ADA, is_command=True)
            await it.back.settles(session, number)
        assert ran(it) == {"deploy", "SKILL"}
        log = it.log_of(session)
        assert all(f'"{name}"' in log for name in ("deploy", "ops:go", "look"))


@awaited
async def test_what_is_written_into_the_projects_files_in_mid_session_does_not_act() -> None:
    async with stage(turn(text("One.")), turn(text("Two.")), turn(text("Three.")), turn(text("Four."))) as it:
        write_settings(it.back.project, "hook")
        session = it.back.session("one")
        await it.back.settles(session)
        await trust(it, session)
        it.back.prompt(session, "two")
        await it.back.settles(session, 2)
        assert ran(it) == {"hook"}

        write_settings(it.back.project, "hook", "later")
        write_server(it.back.project)
        it.back.prompt(session, "three")
        await it.back.settles(session, 3)
        assert ran(it) == {"hook"}, "it runs on with what it was started with"

        (it.back.project / "ran-hook").unlink()
        it.back.manager.destroy_session(session.session_id, "over")
        await until(lambda: not it.back.worker_pid(session), "its end")
        it.back.prompt(session, "four")
        await it.back.settles(session, 4)
        assert ran(it) == set(), "the files are others than the trusted copy, so nothing acts until somebody is asked"
        assert digest_of_card(it, session)


@awaited
async def test_what_was_revoked_acts_no_more() -> None:
    async with stage(turn(text("One.")), turn(text("Two."))) as it:
        write_settings(it.back.project, "hook")
        session = it.back.session("one")
        await it.back.settles(session)
        digest = digest_of_card(it, session)
        await trust(it, session)
        await Trusts(it.back.config, it.back.manager).judge(CHANNEL_ID, "revoke", digest, ADA)
        it.back.prompt(session, "two")
        await it.back.settles(session, 2)
        assert ran(it) == set()
