"""``threadbridge install``, ``uninstall`` and ``upgrade`` on the command line."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.protocol.errors import UserError
from supervisor.operator.context import EXIT_FAILED

if TYPE_CHECKING:
    from supervisor.operator.installation.actions import Action
    from supervisor.operator.installation.facts import Facts
    from supervisor.operator.installation.unit import Kind

USER = "threadbridge"

_KIND = click.option("--system/--user", "is_system", default=None, help="The machine's service, with a user of its"
                     " own; or yours (the default, unless you are root).")  # fmt: skip
_YES = click.option("--yes", "is_quiet", is_flag=True, help="Do not ask.")
_CONFIG = click.option("--config", "own_config", metavar="FILE", help="The configuration.")
_AS = click.option("--as", "user", metavar="NAME", default=USER, help="Whose the machine's service is.")


@click.command("install", help="Make it a service of systemd's: says what it will do, asks, and does it.")
@_KIND
@click.option("--print", "only_prints", is_flag=True, help="Only print the unit.")
@_AS
@_YES
@_CONFIG
@click.pass_context
def install(
    context: click.Context,
    is_system: bool | None,
    only_prints: bool,
    user: str,
    is_quiet: bool,
    own_config: str | None,
) -> None:
    with _said():
        facts = _facts(_kind(is_system), own_config or context.obj.config, user)
        if only_prints:
            from supervisor.operator.installation import plan, unit  # noqa: PLC0415

            click.echo(unit.text(plan.wanted(facts, is_given=facts.kind == "system")), nl=False)
            return
        install_service(facts, is_quiet=is_quiet)


@click.command("uninstall", help="Remove the service and end its sessions. Configuration, token and state stay.")
@_KIND
@_AS
@_YES
@_CONFIG
@click.pass_context
def uninstall(
    context: click.Context, is_system: bool | None, user: str, is_quiet: bool, own_config: str | None
) -> None:
    from supervisor.operator.installation import plan  # noqa: PLC0415

    with _said():
        facts = _facts(_kind(is_system), own_config or context.obj.config, user)
        if not facts.unit.exists():
            raise UserError(f"there is no {facts.unit}: nothing is installed there (--user, --system)")
        _agree_and_act(plan.uninstall(facts, has_config=facts.config.is_file()), is_quiet=is_quiet)


@click.command(
    "upgrade",
    help="Bring a newer version the way this one came (uv, pipx, pip, git), and restart the service; sessions go on."
    " SOURCE: a wheel, where the tool does not know where to look.",
)
@click.argument("source", default="")
@_YES
@_CONFIG
@click.pass_context
def upgrade(context: click.Context, source: str, is_quiet: bool, own_config: str | None) -> None:
    from supervisor.operator.installation import facts as machine  # noqa: PLC0415
    from supervisor.operator.installation import origin  # noqa: PLC0415
    from supervisor.operator.installation.unit import Kind  # noqa: PLC0415

    with _said():
        found = origin.find(source)
        kinds: tuple[Kind, ...] = ("user", "system")
        installed = [kind for kind in kinds if machine.unit_path(kind).exists()]
        steps = [*found.steps]
        for kind in installed:
            named = ("--config", own_config or context.obj.config) if own_config or context.obj.config else ()
            steps.append((*machine.our_command(), "install", f"--{kind}", "--yes", *named))
        click.echo(f"It came by {found.tool}. To be done:")
        for argv in steps:
            click.echo(f"  run {' '.join(argv)}")
        if not installed:
            click.echo("  no service is installed; restart what runs yourself")
        _ask(is_quiet=is_quiet)
        for argv in steps:
            if code := _follow(argv):
                raise UserError(f"{' '.join(argv)} ended with {code}; nothing after it was done")


def install_service(facts: "Facts", *, is_quiet: bool) -> None:
    """Says, asks, does. Raises UserError."""
    from supervisor.operator.installation import plan  # noqa: PLC0415

    _check_configuration(facts)
    text = facts.config.read_text("utf-8-sig")
    _agree_and_act(plan.install(facts, text, is_root=os.geteuid() == 0), is_quiet=is_quiet)
    where = "--user " if facts.kind == "user" else ""
    click.echo(f"How it is: systemctl {where}status threadbridge. What it says: journalctl {where}-u threadbridge -f")


def _check_configuration(facts: "Facts") -> None:
    """Raises UserError for one that the service would end with, as its user and with its PATH."""
    from supervisor import config as configuration  # noqa: PLC0415

    if not facts.config.is_file():
        raise UserError(f"there is no configuration {facts.config}: `threadbridge setup` makes one")
    if facts.kind == "user" or facts.claude:  # else it is not started yet
        loaded = configuration.load(facts.config, {"HOME": str(facts.home), "PATH": facts.path})
        if facts.kind == "user":
            configuration.read_token(loaded, {})


def _agree_and_act(actions: "Sequence[Action]", *, is_quiet: bool) -> None:
    from supervisor.operator.installation import acting  # noqa: PLC0415

    click.echo("To be done:")
    for action in actions:
        click.echo(f"  {action.words}")
    _ask(is_quiet=is_quiet)
    click.echo("Doing it:")
    acting.act(actions, click.echo)


def _ask(*, is_quiet: bool) -> None:
    if not is_quiet and not click.confirm("Do it?", default=True):
        raise UserError("nothing was done")


def _follow(argv: Sequence[str]) -> int:
    """A program at this terminal: it may ask, and takes as long as a download takes."""
    from supervisor.operator.installation.facts import with_bus  # noqa: PLC0415

    try:
        return subprocess.run(argv, env=with_bus(os.environ), check=False).returncode
    except OSError as error:
        raise UserError(f"{argv[0]} could not be run: {error.strerror}") from None


def _kind(is_system: bool | None) -> "Kind":
    if is_system is None:
        is_system = os.geteuid() == 0
    return "system" if is_system else "user"


def _facts(kind: "Kind", config: str | None, user: str) -> "Facts":
    from supervisor.operator.installation import facts  # noqa: PLC0415

    return facts.gather(kind, Path(config).absolute() if config else facts.default_config(kind), user)


class _said:  # noqa: N801 - reads as a word: with _said()
    """What went wrong is told in a line; that is no wrong configuration of `run`'s."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UserError):
            click.echo(f"threadbridge: {error}", err=True)
            sys.exit(EXIT_FAILED)
