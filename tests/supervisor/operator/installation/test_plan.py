"""What an installation does, decided of facts; and the units that it writes."""

import json
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.errors import UserError
from stages.support import ROOT
from supervisor.config.document import Known, known
from supervisor.operator.installation import acting, command, origin, plan, unit
from supervisor.operator.installation.actions import Action, Remove, Run, Say, Write
from supervisor.operator.installation.facts import Facts, closed_to_others, gather
from supervisor.operator.installation.unit import Wanted

IN_ETC = "/etc/threadbridge/config.toml"
CONFIG = '# mine\n[discord]\ntoken_file = "/home/ada/.config/threadbridge/token" # secret\n'
EXAMPLES = {
    "threadbridge.service": Wanted(
        kind="system",
        command=("/opt/threadbridge/bin/threadbridge",),
        config="/etc/threadbridge/config.toml",
        path=f"/home/threadbridge/.local/bin:{unit.SYSTEM_PATH}",
        credential="encrypted",
        credential_file="/etc/threadbridge/discord-token.cred",
    ),
    "threadbridge-user.service": Wanted(
        kind="user",
        command=("/home/ada/.local/bin/threadbridge",),
        config="/home/ada/.config/threadbridge/config.toml",
        path=f"/home/ada/.local/bin:{unit.SYSTEM_PATH}",
    ),
}


def facts(**changes: object) -> Facts:
    given = Facts(
        kind="user",
        systemd=257,
        command=("/home/ada/.local/bin/threadbridge",),
        config=Path("/home/ada/.config/threadbridge/config.toml"),
        known=known(CONFIG),
        unit=Path("/home/ada/.config/systemd/user/threadbridge.service"),
        user="ada",
        home=Path("/home/ada"),
        path="/usr/bin:/bin",
        claude=("/home/ada/.local/bin/claude",),
    )
    return msgspec.structs.replace(given, **changes)


def of_machine(**changes: object) -> Facts:
    given = facts(
        kind="system",
        command=("/opt/threadbridge/bin/threadbridge",),
        config=Path("/etc/threadbridge/config.toml"),
        known=Known(token_file="/etc/threadbridge/token"),
        unit=Path("/etc/systemd/system/threadbridge.service"),
        user="threadbridge",
        home=Path("/home/threadbridge"),
        can_encrypt=True,
    )
    return msgspec.structs.replace(given, **changes)


def runs(actions: list[Action]) -> list[tuple[str, ...]]:
    return [action.argv for action in actions if isinstance(action, Run)]


def written(actions: list[Action], path: str) -> str:
    (found,) = (action.text for action in actions if isinstance(action, Write) and action.path == path)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_repositorys_units_are_what_is_written(name: str) -> None:
    assert (ROOT / "systemd" / name).read_text() == unit.text(EXAMPLES[name])


def test_a_users_service_is_written_lingers_and_starts() -> None:
    done = plan.install(facts(), CONFIG, is_root=False)
    assert "ExecStart=/home/ada/.local/bin/threadbridge run --config" in written(done, str(facts().unit))
    assert runs(done)[0] == ("loginctl", "--no-ask-password", "enable-linger", "ada")
    assert ("systemctl", "--user", "restart", "threadbridge.service") in runs(done)
    assert not any(argv[0] == "loginctl" for argv in runs(plan.install(facts(lingers=True), CONFIG, is_root=False)))


def test_the_machines_service_gets_a_user_an_encrypted_token_and_a_configuration_without_it() -> None:
    text = '[discord]\ntoken_file = "/etc/threadbridge/token" # was\n'
    done = plan.install(of_machine(is_there=False), text, is_root=True)
    assert runs(done)[0][0] == "useradd" and "--create-home" in runs(done)[0]
    encrypt = next(argv for argv in runs(done) if argv[0] == "systemd-creds")
    assert encrypt[-2:] == ("/etc/threadbridge/token", "/etc/threadbridge/discord-token.cred")
    assert done.index(Remove("/etc/threadbridge/token")) > done.index(
        next(a for a in done if isinstance(a, Run) and a.argv == encrypt)
    )
    assert known(written(done, "/etc/threadbridge/config.toml")).token_file == ""
    assert "# was" in written(done, "/etc/threadbridge/config.toml")
    assert "LoadCredentialEncrypted=discord-token:/etc/threadbridge/discord-token.cred" in written(
        done, str(of_machine().unit)
    )


def test_a_claude_in_roots_home_is_not_the_services(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[claude]\ncommand = ['/srv/of-root/.local/bin/claude']\n")
    told = gather("system", config, "a-user-that-is-not-there")
    assert told.known.command == () and told.claude == ()
    new = written(plan.install(of_machine(known=told.known, config=config), config.read_text(), is_root=True), IN_ETC)
    assert known(new).command == ("claude",)


def test_without_systemd_creds_the_token_is_roots_own_file() -> None:
    told = of_machine(can_encrypt=False, config=Path("/srv/c.toml"), known=Known(token_file="/home/ada/token"))
    done = plan.install(told, '[discord]\ntoken_file = "/home/ada/token"\n', is_root=True)
    assert ("install", "-D", "-m", "600", "/home/ada/token", "/etc/threadbridge/token") in runs(done)
    assert "LoadCredential=discord-token:/etc/threadbridge/token" in written(done, str(told.unit))
    assert "--config /etc/threadbridge/config.toml" in written(done, str(told.unit))
    assert known(written(done, "/etc/threadbridge/config.toml")).token_file == ""


def test_a_second_installation_leaves_the_credential_and_the_configuration() -> None:
    done = plan.install(of_machine(known=Known()), "[discord]\n", is_root=True)
    assert not any(argv[0] in ("systemd-creds", "useradd", "install") for argv in runs(done))
    assert [action.path for action in done if isinstance(action, Write)] == [str(of_machine().unit)]
    assert "LoadCredentialEncrypted" in written(done, str(of_machine().unit))


def test_without_a_claude_for_that_user_nothing_is_started_and_it_is_said_what_is_to_do() -> None:
    done = plan.install(of_machine(claude=()), CONFIG, is_root=True)
    assert not any("restart" in argv for argv in runs(done))
    (told,) = (action.words for action in done if isinstance(action, Say))
    assert "sudo -iu threadbridge" in told and "systemctl start" in told


@pytest.mark.parametrize(
    ("told", "is_root", "words"),
    [
        (facts(systemd=0), False, "systemd does not run here"),
        (of_machine(), False, "sudo /opt/threadbridge/bin/threadbridge install --system"),
        (of_machine(closed="/home/ada"), True, "/home/ada is closed to others"),
    ],
)
def test_what_would_come_to_nothing_is_refused_with_what_to_do(told: Facts, is_root: bool, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan.install(told, CONFIG, is_root=is_root)


@pytest.mark.parametrize("told", [facts(), of_machine()])
def test_what_is_uninstalled_is_stopped_ended_and_removed_and_the_persons_files_stay(told: Facts) -> None:
    done = plan.uninstall(told)
    assert any("disable" in argv and "--now" in argv for argv in runs(done))
    assert any(argv[-2:] == ("kill", "--all") for argv in runs(done))
    removed = {action.path for action in done if isinstance(action, Remove)}
    assert str(told.unit) in removed
    assert str(told.config) not in removed and told.known.token_file not in removed


def test_a_service_whose_configuration_is_gone_can_be_uninstalled() -> None:
    ends = next(argv for argv in runs(plan.uninstall(facts(), has_config=False)) if "kill" in argv)
    assert ends == (*facts().command, "kill", "--all")


def test_a_directory_that_the_services_user_cannot_write_in_is_said() -> None:
    done = plan.install(of_machine(foreign=("/srv/web-app",)), CONFIG, is_root=True)
    assert any(isinstance(one, Say) and "chown -R threadbridge: /srv/web-app" in one.words for one in done)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "there is no configuration"),
        ("[access]\nusers = [1]\n", "channels: there is none"),
        ("[[channels]]\nid = 2\ndirectory = '/tmp'\n", "nobody may talk"),
        ("[access]\nusers = [1]\n[[channels]]\nid = 2\ndirectory = '/tmp'\n", "no program 'claude'"),
        (
            "[access]\nusers = [1]\n[[channels]]\nid = 2\ndirectory = '/tmp'\n[claude]\ncommand = ['/bin/true']\n",
            "discord.token_file is empty",
        ),
    ],
)
def test_what_a_service_would_end_with_is_said_before_it_is_one(given: str, words: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    if given:
        config.write_text(given)
    told = facts(config=config, home=Path("/nowhere"), path="/nowhere", unit=tmp_path / "unit")
    with pytest.raises(UserError, match=words):
        command.install_service(told, is_quiet=True)
    assert not told.unit.exists()


@pytest.mark.parametrize("systemd", [249, 252, 253, 254, 257])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_unit_has_only_what_that_systemd_knows(name: str, systemd: int) -> None:
    lines = unit.text(msgspec.structs.replace(EXAMPLES[name], systemd=systemd)).splitlines()
    assert ("DelegateSubgroup=supervisor" in lines) == (systemd >= 254)
    assert ("RestartSteps=6" in lines) == (systemd >= 254)
    assert "StartLimitBurst=10" in lines and "Delegate=yes" in lines
    keys = [line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("systemd", [249, 257])
def test_what_may_pass_is_waited_for_as_long_as_it_lasts(systemd: int) -> None:
    """By the pauses of systemd.service(5), "RestartSteps=": from the first to the longest by equal factors."""
    lines = unit.text(msgspec.structs.replace(EXAMPLES["threadbridge.service"], systemd=systemd)).splitlines()
    told = {key: int(value) for key, _, value in (line.partition("=") for line in lines) if value.isdigit()}
    first, steps = told["RestartSec"], told.get("RestartSteps", 0)
    factor = (told["RestartMaxDelaySec"] / first) ** (1 / steps) if steps else 1.0
    starts = [0.0]
    for number in range(100):
        starts.append(starts[-1] + first * factor ** min(number, steps))
    windows = [[at for at in starts if begin <= at <= begin + told["StartLimitIntervalSec"]] for begin in starts]
    assert max(map(len, windows)) < told["StartLimitBurst"]
    assert "75" not in next(line for line in lines if line.startswith("RestartPrevent")).split("=")[1].split()


def test_what_starting_again_cannot_mend_is_not_started_again() -> None:
    assert "RestartPreventExitStatus=78 203 217 243" in unit.text(EXAMPLES["threadbridge.service"]).splitlines()


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("/opt/a b/c", '"/opt/a b/c"'),
        ('/opt/"x"', r'"/opt/\"x\""'),
        ("/opt/50%/$x", "/opt/50%%/$$x"),
        ("/opt/a\\b", r'"/opt/a\\b"'),
    ],
)
def test_paths_of_any_kind_stay_themselves_in_a_unit(word: str, line: str) -> None:
    assert unit.words((word,)) == line


def test_the_way_to_a_program_is_closed_where_others_may_not_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    program = tmp_path / "opt/bin/program"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    (tmp_path / "opt").chmod(0o700)
    assert closed_to_others(program)
    assert closed_to_others(Path("/bin/sh")) == ""


# --- doing it ---------------------------------------------------------------------------------------------


def test_actions_are_done_in_order_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    made = tmp_path / "a/unit"
    acting.act([Write(str(made), "text"), Run(("test", "-s", str(made))), Remove(str(made)), Say("done")], said.append)
    assert not made.exists() and made.parent.is_dir()
    assert [line.split()[0] for line in said] == ["write", "run", "remove", "done"]


def test_what_fails_ends_it_with_its_words_and_what_may_fail_does_not(tmp_path: Path) -> None:
    fails = ("sh", "-c", "echo because >&2; exit 3")
    acting.act([Run(fails, may_fail=True), Run(("no-such-program",), may_fail=True), Remove(f"{tmp_path}/x")], print)
    with pytest.raises(UserError, match=r"ended with 3: because"):
        acting.act([Run(fails), Write(str(tmp_path / "never"), "")], print)
    assert not (tmp_path / "never").exists()
    with pytest.raises(UserError, match="could not be run"):
        acting.act([Run(("no-such-program",))], print)


# --- where a newer version comes from ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "wheel", "argv"),
    [
        ("uv-receipt.toml", "", ("uv", "tool", "upgrade", "threadbridge")),
        ("uv-receipt.toml", "/w.whl", ("uv", "tool", "install", "--force", "/w.whl")),
        ("pipx_metadata.json", "", ("pipx", "upgrade", "threadbridge")),
        ("pipx_metadata.json", "/w.whl", ("pipx", "install", "--force", "/w.whl")),
    ],
)
def test_a_newer_version_comes_by_the_tool_that_brought_this_one(
    mark: str, wheel: str, argv: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "_checkout", lambda: None)
    (tmp_path / mark).touch()
    assert origin.find(wheel, tmp_path).steps == (argv,)


def test_a_checkout_is_pulled_and_made_anew_and_anything_else_is_pips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.dumps({"url": f"file://{tmp_path}", "dir_info": {"editable": True}})
    assert origin.checkout_in(told) == tmp_path
    assert origin.checkout_in('{"url": "file:///x.whl", "archive_info": {}}') is None
    assert origin.checkout_in("not json") is None
    monkeypatch.setattr(origin, "_checkout", lambda: tmp_path)
    assert [step[0] for step in origin.find().steps] == ["git", str(tmp_path / "scripts/bootstrap")]
    with pytest.raises(UserError, match="git brings forward"):
        origin.find("/w.whl")
    monkeypatch.setattr(origin, "_checkout", lambda: None)
    assert origin.find("/w.whl", tmp_path).steps[0][1:] == ("-m", "pip", "install", "--upgrade", "/w.whl")
