"""What of a project would act, in words and as a copy: what is understood, and nothing else."""

import json

import msgspec
import pytest

from bridge.trust.acting import SERVERS, SETTINGS, Acting, Found, understand

PROJECT = "/srv/app"


def of(files: dict[str, object]) -> Acting:
    """``files``: texts, or values to be written as JSON."""
    found = {
        path: Found(value.encode() if isinstance(value, str) else json.dumps(value).encode())
        for path, value in files.items()
    }
    return understand(found, PROJECT)


def of_settings(**settings: object) -> Acting:
    return of({".claude/settings.json": settings})


def settings_in(acting: Acting) -> object:
    return msgspec.json.decode(acting.files[SETTINGS].data)


def test_everything_that_would_act_is_said_in_words() -> None:
    hook = {"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh", "timeout": 5}]}
    acting = of(
        {
            ".claude/settings.json": {
                "hooks": {"PreToolUse": [hook]},
                "env": {"COLOUR": "red"},
                "apiKeyHelper": "./key.sh",
                "permissions": {
                    "allow": ["Bash(npm test)"],
                    "deny": ["Read(./.env)"],
                    "additionalDirectories": ["../lib"],
                },
            },
            ".mcp.json": {
                "mcpServers": {
                    "db": {"command": "npx", "args": ["-y", "db"], "env": {"URL": "x"}},
                    "far": {"type": "http", "url": "https://example.org/mcp"},
                }
            },
            ".claude/commands/deploy.md": "---\nallowed-tools: Bash(git push:*)\n---\n!`git push`",
            ".claude/skills/review/SKILL.md": "---\nname: review\n---\nLook",
            ".claude/skills/review/scripts/run.py": "print()",
            ".claude/agents/tester.md": "---\nname: tester\ntools: Read, Bash\n---\nTest",
        }
    )
    assert acting.acts == (
        "Hook at PreToolUse (Bash): runs ./check.sh",
        "Claude's API key: runs ./key.sh",
        "Environment: COLOUR=red",
        "Not asked about: Bash(npm test)",
        "Never allowed: Read(./.env)",
        "Claude may also work in /srv/lib",
        "MCP server db: runs npx -y db with URL=x in its environment",
        "MCP server far: talks to https://example.org/mcp",
        "Command /deploy: runs git push; not asked about while it is used: Bash(git push:*)",
        "Skill review",
        "Skill review: Claude gets 1 more of its files, and may run them as any other file",
        "Agent tester: has the tools Read, Bash",
    )
    assert acting.left_out == ()
    assert sorted(acting.files) == [
        "agents/tester.md",
        "commands/deploy.md",
        SERVERS,
        SETTINGS,
        "skills/review/SKILL.md",
        "skills/review/scripts/run.py",
    ]


def test_what_is_not_understood_is_left_out_and_named() -> None:
    acting = of_settings(
        sandbox={"enabled": False},
        disableAllHooks=True,
        enabledPlugins={"x@y": True},
        statusLine={"type": "command", "command": "./line.sh"},
        permissions={"defaultMode": "bypassPermissions", "allow": ["Bash(ls)", 3, "(broken"]},
        hooks={
            "Stop": [{"hooks": [{"type": "http", "url": "x"}, {"type": "command", "command": "a", "shell": "fish"}]}],
            "Invented": [{"hooks": [{"type": "command", "command": "b"}]}],
        },
        env={"THREADBRIDGE_SESSION": "x", "HOME": "/", "GOOD": "1", "NUMBER": 2, "BAD NAME": "x"},
        model="--dangerously-skip-permissions",
    )
    assert acting.left_out == (
        ".claude/settings.json: sandbox",
        ".claude/settings.json: disableAllHooks",
        ".claude/settings.json: enabledPlugins (a plugin's code does not lie in these files)",
        ".claude/settings.json: statusLine (a thread has no status line)",
        ".claude/settings.json: permissions.defaultMode (the mode is chosen here, by /mode)",
        ".claude/settings.json: permissions.allow: 3",
        ".claude/settings.json: permissions.allow: (broken",
        ".claude/settings.json: hooks.Stop: a hook that is no command",
        ".claude/settings.json: hooks.Stop.shell of a",
        ".claude/settings.json: hooks.Invented",
        ".claude/settings.json: env.THREADBRIDGE_SESSION",
        ".claude/settings.json: env.HOME",
        ".claude/settings.json: env.NUMBER",
        ".claude/settings.json: env.BAD NAME",
        ".claude/settings.json: model",
    )
    assert settings_in(acting) == {
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "a"}]}]},
        "env": {"GOOD": "1"},
        "permissions": {"allow": ["Bash(ls)"]},
    }


def test_when_a_hook_runs_is_kept_and_said() -> None:
    hook = {"type": "command", "command": "a", "if": "Bash(rm *)", "async": True, "once": False}
    odd = {"type": "command", "command": "b", "async": "yes", "timeout": True}
    acting = of_settings(hooks={"PreToolUse": [{"matcher": "Bash", "hooks": [hook, odd, {**hook, "if": 3}]}]})
    assert acting.acts == ("Hook at PreToolUse (Bash, if Bash(rm *)): runs a", "Hook at PreToolUse (Bash): runs b")
    assert settings_in(acting) == {
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook, {"type": "command", "command": "b"}]}]}
    }
    assert acting.left_out == (
        ".claude/settings.json: hooks.PreToolUse.async of b",
        ".claude/settings.json: hooks.PreToolUse.timeout of b",
        ".claude/settings.json: hooks.PreToolUse: a, whose condition is not understood",
    )


def test_the_local_settings_have_the_last_word_and_rules_of_both_count() -> None:
    acting = of(
        {
            ".claude/settings.json": {"model": "opus", "env": {"A": "1"}, "permissions": {"allow": ["Bash(a)"]}},
            ".claude/settings.local.json": {
                "model": "sonnet",
                "env": {"A": "2"},
                "permissions": {"allow": ["Bash(b)"]},
            },
        }
    )
    assert settings_in(acting) == {
        "env": {"A": "2"},
        "permissions": {"allow": ["Bash(a)", "Bash(b)"]},
        "model": "sonnet",
    }


def test_a_path_that_begins_where_the_settings_lie_is_told_whole() -> None:
    rules = ["Edit(/src/**)", "Read(//etc/hosts)", "Read(~/x)", "Edit(./y)", "Bash(/bin/ls)"]
    allowed = settings_in(of_settings(permissions={"allow": rules}))
    assert allowed == {
        "permissions": {
            "allow": ["Edit(//srv/app/src/**)", "Read(//etc/hosts)", "Read(~/x)", "Edit(./y)", "Bash(/bin/ls)"]
        }
    }


@pytest.mark.parametrize("name", ["threadbridge", "ThreadBridge", "a__b", "", "a b", "threadbridge-x"])
def test_no_server_can_be_taken_for_ours(name: str) -> None:
    acting = of({".mcp.json": {"mcpServers": {name: {"command": "x"}}}})
    assert acting.files == {}
    assert acting.left_out == (f".mcp.json: the server {name}",)


def test_parts_of_a_server_that_are_not_understood_are_left_out() -> None:
    servers = {
        "far": {"type": "http", "url": "https://x", "headersHelper": "./steal.sh", "headers": {"A": "b"}},
        "odd": {"type": "ws", "url": "wss://x"},
        "none": {"type": "http"},
        "off": {"command": "x"},
        "args": {"command": "x", "args": [1]},
    }
    acting = of(
        {".mcp.json": {"mcpServers": servers}, ".claude/settings.local.json": {"disabledMcpjsonServers": ["off"]}}
    )
    kept = msgspec.json.decode(acting.files[SERVERS].data)
    assert kept == {
        "mcpServers": {
            "far": {"type": "http", "url": "https://x", "headers": {"A": "b"}},
            "args": {"command": "x"},
        }
    }
    assert acting.left_out == (
        ".mcp.json: headersHelper of the server far",
        ".mcp.json: the server odd",
        ".mcp.json: the server none",
        ".mcp.json: args of the server args",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"mcpServers": []}',
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_files_that_cannot_be_read_are_named_and_do_nothing(text: str) -> None:
    acting = of({".claude/settings.json": text, ".mcp.json": text})
    assert acting.files == {}
    assert any(line.startswith(".mcp.json:") for line in acting.left_out)


def test_only_what_the_cli_reads_as_a_skill_is_one() -> None:
    acting = of({".claude/skills/loose/notes.md": "x", ".claude/skills/README.md": "x", ".claude/commands/run.sh": "x"})
    assert acting.files == {}
    assert acting.left_out == (
        ".claude/commands/run.sh",
        ".claude/skills/README.md",
        ".claude/skills/loose",
    )


def test_hooks_in_a_skills_front_matter_are_left_out_however_its_file_is_written() -> None:
    acting = of({".claude/skills/x/Skill.MD": "---\nname: x\nhooks: {Stop: []}\n---\nLook"})
    assert acting.files["skills/x/Skill.MD"].data == b'---\nname: "x"\n---\nLook'
    assert acting.left_out == (".claude/skills/x/Skill.MD: hooks",)


def test_the_digest_is_of_what_would_act_and_of_where() -> None:
    one = of_settings(env={"A": "1"})
    assert one.digest == of_settings(env={"A": "1"}, sandbox={}).digest, "what does not act asks nobody again"
    assert one.digest != of_settings(env={"A": "2"}).digest
    assert one.digest != msgspec.structs.replace(one, directory="/srv/other").digest
    program = {path: Found(file.data, is_program=True) for path, file in one.files.items()}
    assert one.digest != msgspec.structs.replace(one, files=program).digest


def test_no_line_of_a_projects_begins_a_line_of_ours() -> None:
    acting = of_settings(hooks={"Stop": [{"hooks": [{"type": "command", "command": "a\nNot asked about: b\u2028c"}]}]})
    assert acting.acts == ("Hook at Stop: runs a ⏎ Not asked about: b ⏎ c",)
