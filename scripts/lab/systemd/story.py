"""What befalls the service, and what must be so after each: which processes live, what is listed, what threads show."""

import re
from collections.abc import Awaitable, Callable

from lab.systemd.pages import commands
from lab.systemd.stage import COMMAND, CONFIG, OF_MACHINE, TOKEN, UNIT, Stage
from playground.host.place import INSTALLATION
from twins.discord.model import Channel

OPERATIONS = INSTALLATION / "docs/operations.md"
HOG = "python3 -c 'import time; kept = b\"x\" * (3 << 30); time.sleep(60)'"
MACHINES = "/etc/threadbridge/config.toml"

type Chapter = Callable[[Stage], Awaitable[str]]


async def restart(stage: Stage) -> str:
    thread, name = await stage.working()
    card = await stage.asking()
    before, supervisor = await stage.row(thread), await stage.pid()
    await stage.control("restart", UNIT)
    await stage.is_connected()
    assert await stage.pid() != supervisor
    await _same_processes(stage, thread, before)
    await stage.lets_go(thread, name)
    await stage.presses(card, "Allow")
    await stage.shows(card, "it is allowed")
    return "the turn went on in the same Claude, and the card was answered after it"


async def killed(stage: Stage) -> str:
    thread, name = await stage.working()
    before, supervisor = await stage.row(thread), await stage.pid()
    await stage.machine.ran(f"kill -9 {supervisor}", stage.kind.user)
    await stage.sees("another supervisor", lambda: _is_other(stage, supervisor))
    await stage.is_connected()
    await _same_processes(stage, thread, before)
    await stage.lets_go(thread, name)
    return "systemd started another one; the turn went on in the same Claude"


async def hangs(stage: Stage) -> str:
    """Its watchdog is made quicker, by a drop-in as a person would."""
    await _drop_in(stage, r"WatchdogSec=4\nTimeoutAbortSec=2\n")
    await stage.control("restart", UNIT)
    await stage.is_connected()
    thread, name = await stage.working()
    before, supervisor = await stage.row(thread), await stage.pid()
    await stage.machine.ran(f"kill -STOP {supervisor}")
    await stage.sees("another supervisor", lambda: _is_other(stage, supervisor))
    await stage.is_connected()
    await _same_processes(stage, thread, before)
    await stage.lets_go(thread, name)
    await _drop_in(stage)
    return "the watchdog ended it and systemd started another; the turn went on"


async def stopped_for_a_while(stage: Stage) -> str:
    thread, name = await stage.working()
    before = await stage.row(thread)
    await stage.control("stop", UNIT)
    await stage.machine.ran(f"touch ~/web-app/{name}")
    missed = await stage.ada.says(stage.channel.id, "say nobody heard this")
    await stage.control("start", UNIT)
    await stage.is_connected()
    await stage.shows(thread, f"{name} is done")
    await _same_processes(stage, thread, before)
    late = await stage.thread_of(missed)
    await stage.shows(late, "nobody heard this")
    return "what Claude did and what was written meanwhile were caught up with"


async def reloaded(stage: Stage) -> str:
    await stage.finished()
    supervisor = await stage.pid()
    await stage.control("reload", UNIT)
    assert await stage.pid() == supervisor
    await stage.finished()
    return "systemctl reload came back, and it is the same supervisor"


async def rebooted(stage: Stage) -> str:
    thread, _ = await stage.working()
    card, idle = await stage.asking(), await stage.finished()
    await stage.machine.shut_down()
    await stage.machine.boot()
    return await _is_well_after_a_boot(stage, thread, card, idle)


async def power_cut(stage: Stage) -> str:
    thread, _ = await stage.working()
    card, idle = await stage.asking(), await stage.finished()
    await stage.machine.power_cut()
    await stage.machine.boot()
    return await _is_well_after_a_boot(stage, thread, card, idle)


async def _is_well_after_a_boot(stage: Stage, thread: Channel, card: Channel, idle: Channel) -> str:
    """Nobody has logged in: it lingers."""
    await stage.is_active()
    await stage.is_connected()
    for lost in (thread, card):
        await stage.shows(lost, "Continue")
    await stage.ada.says(idle.id, "say here again")
    await stage.shows(idle, "here again")
    await stage.finished()
    return "it came up by itself; both turns are told lost, with their cards; the idle session answers"


async def wrong_token(stage: Stage) -> str:
    """Somebody reset it, and the file has the old one."""
    await stage.control("stop", UNIT)
    await stage.discord.change_token(f"{TOKEN}2")
    await stage.machine.tried(f"systemctl --user start {UNIT}")
    found = await stage.is_failed()
    assert found["ExecMainStatus"] == "78", found["ExecMainStatus"]
    assert "Discord does not accept the bot's token" in await stage.journal()
    stage.write(CONFIG.replace("config.toml", "token"), f"{TOKEN}2\n")
    await stage.control("start", UNIT)
    await stage.is_connected()
    await stage.finished()
    return "the service ends with 78, is not started again, and says why; with the new one it starts"


async def rotated_token(stage: Stage) -> str:
    thread, name = await stage.working()
    before = await stage.row(thread)
    await stage.discord.change_token(TOKEN)
    stage.write(CONFIG.replace("config.toml", "token"), f"{TOKEN}\n")
    await stage.control("restart", UNIT)
    await stage.is_connected()
    await _same_processes(stage, thread, before)
    await stage.lets_go(thread, name)
    return "with the new one in its file a restart is enough; the turn went on"


async def discord_away(stage: Stage) -> str:
    port = int(stage.discord.api_base.rpartition(":")[2].partition("/")[0])
    await stage.control("stop", UNIT)
    await stage.discord.stop()
    await stage.control("start", UNIT)
    await stage.is_active()
    told = (await stage.properties())["StatusText"]
    await stage.discord.start(port)
    await stage.is_connected()
    await stage.finished()
    return f"the service starts all the same (“{told[:60]}”) and goes on when Discord is there"


async def program_gone(stage: Stage) -> str:
    program = "~/.local/share/threadbridge/bin/threadbridge"
    await stage.control("stop", UNIT)
    await stage.machine.ran(f"mv {program} {program}.away")
    await stage.machine.tried(f"systemctl --user start {UNIT}")
    found = await stage.is_failed()
    assert (found["ExecMainStatus"], found["NRestarts"]) == ("203", "0"), (found["ExecMainStatus"], found["NRestarts"])
    await stage.machine.ran(f"mv {program}.away {program}")
    await stage.control("start", UNIT)
    await stage.is_connected()
    return "failed with 203, once"


async def crashes_again_and_again(stage: Stage) -> str:
    """Killed at each start, it is given up."""
    await _drop_in(stage, r"ExecStart=\nExecStart=/bin/false\nRestartSec=100ms\nRestartSteps=0\n")
    await stage.machine.tried(f"systemctl --user restart {UNIT}")
    found = await stage.is_failed()
    assert int(found["NRestarts"]) <= 10, found["NRestarts"]
    await _drop_in(stage)
    await stage.control("reset-failed", UNIT)
    await stage.control("start", UNIT)
    await stage.is_connected()
    return f"given up after {found['NRestarts']} restarts"


async def child_and_worker_killed(stage: Stage) -> str:
    """As the kernel's OOM killer ends a process: SIGKILL."""
    child, _ = await stage.working()
    worker, _ = await stage.working()
    await stage.machine.ran(f"kill -9 {(await stage.row(child))['child_pid']}")
    await stage.machine.ran(f"kill -9 {(await stage.row(worker))['worker_pid']}")
    for thread in (child, worker):
        await stage.shows(thread, "Continue")
    await stage.is_active()
    await stage.finished()
    return "both turns are told lost; the service and other sessions go on"


async def operated(stage: Stage) -> str:
    """docs/operations.md, command by command, with a session from before; its restored state goes on."""
    thread, done = await stage.finished(), 0
    for command in commands(OPERATIONS):
        await stage.machine.ran(command)
        done += 1
        if " send " in command:
            await stage.sees("what CI sent is answered", lambda: _is_answered(stage, "this came from CI"))
        if command.endswith(" start threadbridge"):
            await stage.is_connected()
    await stage.ada.says(thread.id, "say after the backup")
    await stage.shows(thread, "after the backup")
    await stage.finished()
    return f"{done} commands; CI was answered, and a session of before goes on in the restored state"


async def _is_answered(stage: Stage, words: str) -> bool:
    threads = stage.discord.threads(stage.channel.id)
    said = [m.content for thread in threads for m in stage.discord.messages(thread.id)]
    return any(words in content and ">" not in content for content in said)


async def out_of_memory(stage: Stage) -> str:
    """A container has no memory controller of its own here, so it is the worker that holds the tools to the limit."""
    before = (stage.machine.root / CONFIG).read_text()
    stage.write(CONFIG, f'{before}\n[limits]\nmemory = "1200M"\n')
    await stage.machine.ran(f"{COMMAND} reload")
    supervisor = await stage.pid()
    thread = await stage.starts(f"run {HOG}\nsay it was ended")
    await stage.presses(thread, "Allow")
    await stage.shows(thread, "limits.memory")
    assert await stage.pid() == supervisor
    stage.write(CONFIG, before)
    await stage.machine.ran(f"{COMMAND} reload")
    await stage.finished()
    return "a tool with too much memory was ended by its worker (not by the kernel), and told; the service goes on"


async def checked(stage: Stage) -> str:
    told = await stage.machine.ran(f"{COMMAND} check --containment")
    assert "REACHED" not in told.replace("0 REACHED", ""), told
    return told.strip().splitlines()[-1].strip()


async def upgraded(stage: Stage) -> str:
    """To a version that is only called a newer one, and back."""
    versions = []
    await stage.machine.ran(
        "cp -r ~/threadbridge ~/newer && sed -i 's/^version = .*/version = \"9.9.9\"/' ~/newer/pyproject.toml"
    )
    for source in ("~/newer", "~/threadbridge"):
        thread, name = await stage.working()
        before, supervisor = await stage.row(thread), await stage.pid()
        await stage.machine.ran(f"{COMMAND} upgrade --yes {source}")
        await stage.is_connected()
        assert await stage.pid() != supervisor
        await _same_processes(stage, thread, before)
        await stage.lets_go(thread, name)
        versions.append((await stage.machine.ran(f"{COMMAND} --version")).split()[-1])
    assert versions[0] == "9.9.9" != versions[1], versions
    return f"to {versions[0]} and back to {versions[1]}, each with a running turn, which went on in the same Claude"


async def uninstalled(stage: Stage) -> str:
    await stage.working()
    await stage.machine.ran(f"{COMMAND} uninstall --yes")
    code, left = await stage.machine.tried("pgrep -u ada -af 'threadbridge|-m worker' | grep -v pgrep")
    assert code, f"there is still {left}"
    code, _ = await stage.machine.tried(f"systemctl --user cat {UNIT}")
    assert code, "the unit is still there"
    await stage.machine.ran("test -e ~/.config/threadbridge/config.toml && test -e ~/.config/threadbridge/token")
    return "nothing of it runs; configuration and token are there"


async def of_the_machine(stage: Stage) -> str:
    """The machine's service, with its walls, its credential and a user of its own; by root, with options alone."""
    root, channel = stage.machine, stage.channel.id
    await root.tried(f"systemctl --user disable --now {UNIT}")  # two of one token would not answer
    for command in (
        "python3 -m venv /opt/threadbridge",
        "/opt/threadbridge/bin/pip install --quiet /home/ada/threadbridge",
        f"mkdir -p /etc/threadbridge && printf '[discord]\napi_base = \"{stage.discord.api_base}\"\n' > {MACHINES}",
        f"umask 077; echo {TOKEN} > /etc/threadbridge/token",
    ):
        await root.ran(command, "root")
    stage.kind = OF_MACHINE
    given = f"--channel {channel}=/srv/web-app --user {stage.ada.id} --token-file /etc/threadbridge/token"
    await root.ran(f"{OF_MACHINE.command} setup --yes --config {MACHINES} {given}", "root")
    told = await root.ran(f"{OF_MACHINE.command} install --system --yes", "root")
    assert "has no Claude Code" in told and "chown -R threadbridge: /srv/web-app" in told, told
    await root.ran("chown -R threadbridge: /srv/web-app", "root")
    await root.ran("curl -fsSL https://claude.ai/install.sh | bash; ~/.local/bin/claude auth login", "threadbridge")
    await root.ran(f"systemctl start {UNIT}", "root")
    await stage.is_connected()
    for chapter in (restart, killed):
        await chapter(stage)
    return f"{await _is_kept(stage)}; a restart and kill -9 were survived within its walls"


async def _is_kept(stage: Stage) -> str:
    """The token lies nowhere in plain; from within a session neither it nor the state is to be seen."""
    code, found = await stage.machine.tried(f"grep -rl {TOKEN} /etc /opt /srv /var/lib/threadbridge", "root")
    assert code == 1, f"the token stands in {found}"
    thread = await stage.starts("run ls -A /run/credentials /var/lib/threadbridge 2>&1; echo looked\nsay done looking")
    await stage.presses(thread, "Allow")
    await stage.shows(thread, "done looking")
    seen = "".join(message.content for message in stage.discord.messages(thread.id))
    assert "discord-token" not in seen and "threadbridge.db" not in seen, seen
    exposure = await stage.machine.ran(f"systemd-analyze security {UNIT} --no-pager | tail -1", "root")
    figures = re.findall(r": ([\d.]+) ", exposure)
    return f"systemd-analyze security says {' '.join(figures)}"


async def _same_processes(stage: Stage, thread: Channel, before: dict[str, object]) -> None:
    after = await stage.row(thread)
    for key in ("worker_pid", "child_pid"):
        assert after[key] == before[key], f"another {key}: {before[key]} is now {after[key]}"


async def _drop_in(stage: Stage, lines: str = "") -> None:
    """What the unit says besides, as `systemctl edit` writes it; without ``lines`` nothing any more."""
    folder = stage.kind.drop_ins
    write = f"mkdir -p {folder} && printf '[Service]\\n{lines}' > {folder}/story.conf" if lines else f"rm -r {folder}"
    await stage.machine.ran(write)
    await stage.control("daemon-reload")


async def _is_other(stage: Stage, pid: int) -> bool:
    return await stage.pid() not in (0, pid)


SHORT: dict[str, Chapter] = {
    "docs/operations.md": operated,
    "a restart with a running turn and an open card": restart,
    "a reboot with a running turn, an open card and an idle session": rebooted,
}
WHOLE: dict[str, Chapter] = {
    **SHORT,
    "a tool without end of memory": out_of_memory,
    "an attacker in Claude's place": checked,
    "kill -9": killed,
    "a supervisor that hangs": hangs,
    "stopped for a while": stopped_for_a_while,
    "a reload": reloaded,
    "child and worker killed": child_and_worker_killed,
    "a power cut": power_cut,
    "a token that is wrong": wrong_token,
    "a token that was rotated": rotated_token,
    "Discord away at the start": discord_away,
    "the program is gone": program_gone,
    "it ends at each start": crashes_again_and_again,
    "an upgrade and a downgrade": upgraded,
    "uninstalled": uninstalled,
    "the machine's service": of_the_machine,
}
