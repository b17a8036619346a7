#!/usr/bin/env python3
"""The scripted claude: speaks the stream-json protocol of claude 2.1.330 and does what the prompt says.

It stands in for the real CLI in tests and in the playground: no network, no login, standard library only,
and it is up in about 50 ms. Frames, their fields and their order follow tests/data/transcripts. The tools
are real: a command that is allowed runs in the working directory, a file that is written is written.

    python -S -E scripts/twins/claude/program.py -p --input-format stream-json --output-format stream-json \\
        --verbose --include-partial-messages --permission-prompt-tool stdio \\
        [--session-id UUID | --resume ID | --continue]

A prompt is a list of steps, one per line; a `\\n` in a text is a line break. Steps of text and the tool that
follows them are one message of the model. Lines that are no step are ignored, and a prompt without any gets a
friendly answer.

    say TEXT                            a text block in one delta
    title TEXT                          no step: what it answers when it is asked for a title of this prompt
    think TEXT                          a thinking block
    stream N chars [over S s] [as fence LANGUAGE]
                                        a long text of exactly N characters, in many deltas, over S seconds
    huge line N MB                      a text of N million characters: lines that are longer than that
    run COMMAND                         Bash; asked about unless it only reads (echo, sleep, ls, pwd, date)
    sleep S                             Bash `sleep S`, not asked about: messages sent now are folded in
    write FILE TEXT                     Write; asked about
    edit FILE OLD => NEW                Edit; asked about
    read FILE                           Read; asked about outside the working directory
    parallel read FILE FILE…            several Reads in one message: outside, several open asks
    plan TEXT                           ExitPlanMode with that plan
    question TEXT [(several)] | LABEL [= DESCRIPTION] | LABEL… [|| another question]
                                        AskUserQuestion
    mcp SERVER TOOL TEXT                a tool of an MCP server's; asked about
    send file PATH [| CAPTION]          the host's tool send_file (an SDK MCP server's); not asked about
    push BRANCH [to OTHER] [forced]     the host's tool git_push, where it is offered
    show what I sent                    says which blocks and files came with this prompt, and what is in them
    subagent ask COMMAND [after S s]    a background subagent that asks after S (0.3) seconds, usually
                                        after the turn's result; at its end, a turn starts by itself
    retry STATUS [N times] [every S s]  the API fails N times with that HTTP status; 0 = no connection
    withdraw TEXT                       text that streams, is taken back, and the rest comes instead
    fail STATUS                         the API fails for good: 400, 401, 404, 429, 500, 529…
    not logged in                       as without any login
    unknown frame                       lines of kinds that nobody knows yet
    malformed                           a line that is no JSON
    stderr TEXT                         a line on stderr
    flood N MB of KIND                  N million bytes as fast as they are taken: lines that nobody knows, blocks that
                                        stream and never come whole, whole texts, words (short ones), one line, stderr
    die CODE                            the process ends at once; a negative code is a signal
    hang [hard]                         nothing more happens; `hard`: stdin is not read and SIGTERM is ignored

Messages sent meanwhile behave as recorded: during text they wait and are merged into one turn, during a
tool they are folded in (`priority` "later" waits, "now" ends the turn). `/clear`, `/compact`,
`/model NAME`, `/context` and `/cost` are local commands unless `client_composed`. Interrupt, end_session,
cancel_async_message, set_permission_mode, set_model and the effort and directories of apply_flag_settings work; a
directory named `stubborn` is not taken back by these.

Different from the real one: permission rules are never written to disk, prices are fixed, of MCP only the host's
own SDK servers are called, and hooks, checkpoints and `--replay-user-messages` do nothing.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, NoReturn

# Run as a program, our own folder is first on the path. scripts/ has to be there instead: the modules in
# here must not stand in for the standard library's.
if __name__ == "__main__":
    _folder = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    sys.path[0] = os.path.dirname(os.path.dirname(_folder))  # noqa: PTH120

from twins.claude import frames
from twins.claude.disk import Transcript
from twins.claude.session import Session
from twins.claude.stdin import BadLine

_FLAGS = frozenset(
    (
        *("-p", "--print", "--verbose", "--include-partial-messages", "--continue", "-c", "--fork-session"),
        *(
            "--dangerously-skip-permissions",
            "--allow-dangerously-skip-permissions",
            "--replay-user-messages",
            "--bare",
            "--no-session-persistence",
        ),
        *("--forward-subagent-text", "--include-hook-events", "--strict-mcp-config"),
    )
)
_WITH_VALUE = frozenset(
    (
        *("--input-format", "--output-format", "--permission-prompt-tool", "--resume", "-r", "--session-id"),
        *("--permission-mode", "--model", "--settings", "--mcp-config", "--append-system-prompt"),
        *("--system-prompt", "--allowedTools", "--disallowedTools", "--tools", "--add-dir", "--max-turns"),
        *("--setting-sources", "--effort", "--fallback-model", "--agents"),
    )
)
_REPEATED = frozenset(("--add-dir", "--allowedTools"))
_HEX = frozenset("0123456789abcdef")


class Options(NamedTuple):
    """The command line: flags that are there, and values of the others."""

    flags: frozenset[str]
    values: dict[str, str]


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if arguments in (["--version"], ["-v"]):
        print(f"{frames.VERSION} (Claude Code)")
        return 0
    if arguments[:2] == ["auth", "status"]:
        print('{"loggedIn":true,"authMethod":"scripted","apiProvider":"firstParty","apiKeySource":"scripted"}')
        return 0
    return _converse(_options(arguments))


def _options(arguments: list[str]) -> Options:
    flags: set[str] = set()
    values: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in _FLAGS:
            flags.add(name)
        elif name in _WITH_VALUE:
            given = value if equals else next(rest, "")
            values[name] = f"{values[name]}\n{given}" if name in _REPEATED and name in values else given
        else:
            _refuse(f"error: unknown option '{argument}'")
    return Options(frozenset(flags), values)


def _converse(options: Options) -> int:
    if options.values.get("--output-format") == "stream-json" and "--verbose" not in options.flags:
        _refuse("Error: When using --print, --output-format=stream-json requires --verbose")
    cwd = os.getcwd()  # noqa: PTH109
    session_id, transcript = _which_session(options, cwd)
    past = transcript.past()
    if "--fork-session" in options.flags:
        session_id = options.values.get("--session-id") or frames.new_uuid()
        transcript = Transcript(session_id, cwd)
    model = options.values.get("--model") or "claude-opus-5-5"
    try:
        effort = options.values.get("--effort") or "medium"
        session = Session(session_id, cwd, model, _mode(options), transcript, past, effort)
        session.permissions.folders = options.values.get("--add-dir", "").split("\n")
        session.permissions.allowed = options.values.get("--allowedTools", "").split("\n")
        return session.run()
    except BadLine as error:
        _refuse(str(error))
    except BrokenPipeError:
        return 1


def _which_session(options: Options, cwd: str) -> tuple[str, Transcript]:
    resumed = options.values.get("--resume") or options.values.get("-r")
    if resumed is None and options.flags & {"--continue", "-c"}:
        resumed = Transcript.newest(cwd)
    if resumed is not None:
        return resumed, Transcript.find(resumed, cwd) or _fail_resume(resumed)
    session_id = options.values.get("--session-id") or frames.new_uuid()
    if not _is_uuid(session_id):
        _refuse("Error: Invalid session ID. Must be a valid UUID.")
    if Transcript.find(session_id, cwd) is not None:
        _refuse(f"Error: Session ID {session_id} is already in use.")
    return session_id, Transcript(session_id, cwd)


def _mode(options: Options) -> str:
    if "--dangerously-skip-permissions" in options.flags:
        return "bypassPermissions"
    mode = options.values.get("--permission-mode", "default")
    return "default" if mode == "manual" else mode


def _is_uuid(text: str) -> bool:
    parts = text.lower().split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and set("".join(parts)) <= _HEX


def _fail_resume(session_id: str) -> NoReturn:
    import json  # noqa: PLC0415

    message = f"No conversation found with session ID: {session_id}"
    print(message, file=sys.stderr, flush=True)
    print(json.dumps(frames.resume_failed(session_id, message)), flush=True)
    sys.exit(1)


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
