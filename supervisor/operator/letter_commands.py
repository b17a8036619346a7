"""``threadbridge send``, ``stop`` and ``title``: a letter to the running supervisor, and its answer."""

import json
import os
import pwd
import secrets
import sys
import time
from collections.abc import Callable

import click
import msgspec

from bridge.protocol.errors import LocalError, UserError
from bridge.protocol.layout import Layout
from supervisor import locks
from supervisor.discord.snowflakes import snowflake
from supervisor.letters import Letter, LetterAnswer, Letters
from supervisor.operator import health_file
from supervisor.operator.context import EXIT_FAILED, config_option, layout_of
from supervisor.operator.targets import complete_place, complete_target

WAIT_S = 30.0
"""Longer than Discord is tried (``supervisor.commands.postbox``)."""
LOOK_S = 0.05
MOST_CHARS = 100_000
CHANCE_BITS = 22
"""An id of Discord's has as many below its time."""

type Ask = Callable[..., None]


def _json(command: Ask) -> Ask:
    return click.option("--json", "as_json", is_flag=True, help="An object.")(command)


@config_option
@click.command(
    "send",
    help=(
        "Write to Claude: into a session, or as a new one in a channel. TARGET: a thread's or (the beginning of) a"
        " session's id, or a channel's id or name. TEXT: - or none reads it from stdin."
    ),
)
@click.argument("target", shell_complete=complete_place)
@click.argument("text", required=False)
@_json
@click.pass_context
def send(context: click.Context, target: str, text: str | None, as_json: bool, own_config: str | None) -> None:
    said = _from_stdin() if text in (None, "-") else str(text)
    if not said.strip():
        raise click.UsageError("there is no text to send")
    if len(said) > MOST_CHARS:
        raise click.UsageError(
            f"the text has {len(said)} characters, and {MOST_CHARS} can be sent: name a file instead"
        )
    ask(layout_of(context, own_config), "send", target, as_json=as_json, text=said)


@config_option
@click.command("stop", help="As /stop in its thread: end what Claude does, or the session when it is idle.")
@click.argument("target", shell_complete=complete_target)
@click.option("--keep", is_flag=True, help="What waits for Claude is taken up next, and not dropped.")
@_json
@click.pass_context
def stop(context: click.Context, target: str, keep: bool, as_json: bool, own_config: str | None) -> None:
    ask(layout_of(context, own_config), "stop", target, as_json=as_json, keeps_waiting=keep)


@config_option
@click.command("title", help="Give a session's thread another name.")
@click.argument("target", shell_complete=complete_target)
@click.argument("text")
@_json
@click.pass_context
def title(context: click.Context, target: str, text: str, as_json: bool, own_config: str | None) -> None:
    if not text.strip():
        raise click.UsageError("the name is empty")
    ask(layout_of(context, own_config), "title", target, as_json=as_json, text=text)


def ask(layout: Layout, what: str, target: str, *, as_json: bool, **more: str | bool) -> None:
    """Print what came of it. Ends with 1 when nothing did."""
    number = snowflake(time.time()) | secrets.randbits(CHANCE_BITS)
    plain = {"number": number, "until": time.time() + WAIT_S, "who": asker(), "what": what, "target": target}
    given = {key: _legible(value) if isinstance(value, str) else value for key, value in {**plain, **more}.items()}
    answer = answered(layout, msgspec.convert(given, Letter))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(answer), indent=2))
    elif answer.done:
        click.echo("\n".join(filter(None, [answer.words, f"{answer.session}  {answer.url}".strip()])))
    if not answer.done:
        click.echo(f"threadbridge: {answer.words}", err=True)
        sys.exit(EXIT_FAILED)


def answered(layout: Layout, letter: Letter, wait_s: float = WAIT_S) -> LetterAnswer:
    """Post it, and wait for what comes of it. Raises UserError when no supervisor is there that could; LocalError late.

    What nobody took by then is taken back, also when the command is interrupted.
    """
    pid, letters = _reader(layout), Letters(layout)
    _post(letters, letter, pid)
    try:
        end = time.monotonic() + wait_s
        while time.monotonic() < end:
            if answer := letters.answer_to(letter.number):
                return answer
            time.sleep(LOOK_S)
    finally:
        is_taken_back = letters.take_back(letter.number)
    if is_taken_back:
        raise LocalError(f"the supervisor (pid {pid}) did not take it within {wait_s:.0f} s, so nothing was done")
    if answer := letters.answer_to(letter.number):
        return answer
    raise LocalError(
        f"the supervisor (pid {pid}) has it, and did not say within {wait_s:.0f} s what came of it: it is done as soon"
        " as it can be, so look before you say it again"
    )


def _post(letters: Letters, letter: Letter, pid: int) -> None:
    """Raises UserError, LocalError, and PermissionError where it is somebody else's."""
    try:
        letters.post(letter)
    except FileNotFoundError:
        raise UserError(f"the supervisor (pid {pid}) is just starting, or of a version that cannot do this") from None
    except PermissionError:
        raise
    except OSError as error:
        raise LocalError(f"the state directory takes nothing ({error.strerror}), so nothing was done") from None


def _reader(layout: Layout) -> int:
    """The pid of the supervisor that reads letters. Raises UserError."""
    if not (pid := locks.holder(layout.supervisor_lock)):
        raise UserError(f"no supervisor runs on {layout.state}, so nothing was done: start it, and say it again")
    if (told := health_file.read(layout)) and not told.reads_letters:
        raise UserError(
            f"the supervisor that runs (pid {pid}) is of version {told.version}, which cannot do this: restart it"
        )
    return pid


def asker() -> str:
    """The name of the user who asks; with sudo, of who became another one."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    before = os.environ.get("SUDO_USER", "")
    return f"{before} as {name}" if before and before != name else name


def _legible(given: str) -> str:
    """An argument whose bytes are no UTF-8 (PEP 383), with a sign for each as ``send`` reads them from stdin."""
    return given.encode(errors="surrogateescape").decode(errors="replace")


def _from_stdin() -> str:
    if sys.stdin.isatty():
        click.echo("Write the text, and end it with Ctrl-D.", err=True)
    data = sys.stdin.buffer.read(MOST_CHARS * 4 + 1)
    return data.decode(errors="replace")
