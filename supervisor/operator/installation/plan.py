"""What is to be done so that the service is there, or gone: of facts, the actions in their order. Pure.

A user's service is the ordinary one, since Claude's login is a user's. The machine's service runs as a user of its own,
who owns the projects; its token is systemd's credential, so the file of setup's goes when that is made.
"""

from collections.abc import Iterator
from pathlib import Path

from bridge.protocol.errors import UserError
from supervisor.config.document import Changes, changed, known
from supervisor.operator.installation.actions import Action, Remove, Run, Say, Write
from supervisor.operator.installation.facts import Facts
from supervisor.operator.installation.unit import (
    CREDENTIAL,
    ENCRYPTED,
    NAME,
    OF_SYSTEM,
    PLAIN,
    Credential,
    Wanted,
    text,
)


def wanted(facts: Facts, *, is_given: bool = False) -> Wanted:
    """``is_given``: there is a token for a credential."""
    kind, file = _credential(facts) if is_given or not facts.known.token_file else ("", "")
    return Wanted(
        kind=facts.kind,
        command=facts.command,
        config=str(_config(facts)),
        path=facts.path,
        user=facts.user,
        systemd=facts.systemd or 999,
        credential=kind if facts.kind == "system" else "",
        credential_file=file if facts.kind == "system" else "",
    )


def install(facts: Facts, config_text: str, *, is_root: bool) -> list[Action]:
    """Raises UserError for what keeps the service from coming to anything, with what to do."""
    _check(facts, is_root=is_root)
    if facts.kind == "user":
        return list(_install_user(facts))
    return list(_install_system(facts, config_text))


def uninstall(facts: Facts, *, has_config: bool = True) -> list[Action]:
    """Configuration, token and state stay: they are the person's."""
    named = ("--config", str(facts.config)) if has_config else ()
    mine = (*facts.command, *named, "kill", "--all")
    control = _systemctl(facts)
    gone: list[Action] = [
        Run((*control, "disable", "--now", NAME), "it does not come back at the next start", may_fail=True),
        Run(mine, "sessions that still run are ended; they can be continued later", may_fail=True),
        Remove(str(facts.unit)),
    ]
    if facts.kind == "system":
        gone.append(Remove(str(ENCRYPTED)))
    gone += [Run((*control, "daemon-reload")), Say(_stays(facts))]
    return gone


def _stays(facts: Facts) -> str:
    return f"what stays: {facts.config} and what it names, the state, and the program itself"


def _check(facts: Facts, *, is_root: bool) -> None:
    if not facts.systemd:
        raise UserError(
            f"systemd does not run here, so there is nothing to install into; start it yourself:"
            f" {' '.join(facts.command)} run --config {facts.config}"
        )
    if facts.kind == "system" and not is_root:
        raise UserError(f"the machine's service is installed by root: sudo {' '.join(facts.command)} install --system")
    if facts.closed:
        raise UserError(
            f"the user {facts.user} could not run {facts.command[0]}: {facts.closed} is closed to others; install"
            " Threadbridge where everybody can read it, as in `python3 -m venv /opt/threadbridge`, or give --user"
        )


# --- the user's own --------------------------------------------------------------------------------------


def _install_user(facts: Facts) -> Iterator[Action]:
    yield Write(str(facts.unit), text(wanted(facts)))
    if not facts.lingers:
        yield Run(
            ("loginctl", "--no-ask-password", "enable-linger", facts.user),
            "it runs from boot on, and goes on when you log out; without it all ends with your last login",
            may_fail=True,
            otherwise=f"that needs root here: sudo loginctl enable-linger {facts.user}",
        )
    yield from _start(facts)


# --- the machine's ---------------------------------------------------------------------------------------


def _install_system(facts: Facts, config_text: str) -> Iterator[Action]:
    if not facts.is_there:
        made = ("useradd", "--create-home", "--shell", "/bin/bash", facts.user)
        yield Run(made, "who owns the projects, and logs in to Claude")
    yield from _give_token(facts)
    yield from _give_config(facts, config_text)
    yield Write(str(facts.unit), text(wanted(facts, is_given=True)))
    for directory in facts.foreign:
        yield Say(f"{facts.user} cannot write in {directory}: chown -R {facts.user}: {directory}")
    if not facts.claude:
        yield Run((*_systemctl(facts), "daemon-reload"))
        yield Run((*_systemctl(facts), "enable", NAME))
        yield Say(
            f"not started yet: the user {facts.user} has no Claude Code. Become that user (sudo -iu {facts.user}),"
            f" install it, `claude auth login`, and then: systemctl start {NAME}"
        )
        return
    yield from _start(facts)


def _give_token(facts: Facts) -> Iterator[Action]:
    if not facts.known.token_file:
        return  # it is a credential already
    token = Path(facts.known.token_file)
    kind, file = _credential(facts)
    if kind == "encrypted":
        yield Run(("install", "-d", "-m", "755", str(OF_SYSTEM)))
        yield Run(
            ("systemd-creds", "encrypt", f"--name={CREDENTIAL}", str(token), file),
            "only this machine can read it, and hands it to the service alone",
        )
        yield Remove(str(token))
    elif token != PLAIN:
        yield Run(("install", "-D", "-m", "600", str(token), str(PLAIN)), "only root can read it")
        yield Remove(str(token))


def _give_config(facts: Facts, config_text: str) -> Iterator[Action]:
    """Where the service's user can read it, and without the name of a token that is a credential now."""
    command = () if known(config_text).command == facts.known.command else ("claude",)
    new = changed(config_text, Changes(drops_token_file=True, command=command), facts.config)
    if facts.config != _config(facts) or new != config_text:
        yield Write(str(_config(facts)), new)


def _config(facts: Facts) -> Path:
    if facts.kind == "user" or facts.config.is_relative_to(OF_SYSTEM):
        return facts.config
    return OF_SYSTEM / "config.toml"


def _credential(facts: Facts) -> tuple[Credential, str]:
    return ("encrypted", str(ENCRYPTED)) if facts.can_encrypt else ("plain", str(PLAIN))


# --- both ------------------------------------------------------------------------------------------------


def _systemctl(facts: Facts) -> tuple[str, ...]:
    return ("systemctl", "--user") if facts.kind == "user" else ("systemctl",)


def _start(facts: Facts) -> Iterator[Action]:
    control = _systemctl(facts)
    yield Run((*control, "daemon-reload"))
    yield Run((*control, "enable", NAME), "at each start of the machine")
    yield Run((*control, "reset-failed", NAME), may_fail=True)
    yield Run((*control, "restart", NAME), "sessions that run go on meanwhile")
