"""How commands behave: exit codes, colours, and what is typed wrongly."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bridge.protocol.layout import Layout
from supervisor.letters import Letter, LetterAnswer
from supervisor.operator import cli, letter_commands, moments
from supervisor.operator.context import coloured

RED = "\x1b[31m"


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("12h", 43200), ("7d", 604800), ("2w", 1209600)])
def test_since_takes_lengths(text: str, seconds: int) -> None:
    assert moments.since(text, 1e9) == 1e9 - seconds


@pytest.mark.parametrize("text", ["", "x", "7", "7y", "yesterday", "9999-12-31T23:59-23:59", "0001-01-01T00:00+23:59"])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(ValueError, match="30m, 12h, 7d, 2w"):
        moments.since(text, 1e9)


@pytest.mark.parametrize(
    "typed",
    [
        "audit --since foo",
        "log 0b0f --since foo",
        "log 0b0f -n -1",
        "list --state nonsense",
        "list --channel general",
        "kill",
        "kill --all 0b0f",
        "send 0b0f",
        "send",
        "title 0b0f",
        "dance",
    ],
)
def test_what_is_used_wrongly_ends_with_2(typed: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.cli, ["--state", str(tmp_path), *typed.split()])
    assert done.exit_code == 2, done.output


@pytest.mark.parametrize("typed", ["send #web-app caf\udce9", "title 0b0f caf\udce9", "stop caf\udce9"])
def test_bytes_that_are_no_text_can_be_sent_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    sent: list[bytes] = []

    def answered(_: Layout, letter: Letter) -> LetterAnswer:
        sent.append(msgspec.json.encode(letter))
        return LetterAnswer(done=True, words="sent")

    monkeypatch.setattr(letter_commands, "answered", answered)
    done = CliRunner().invoke(cli.cli, ["--state", str(tmp_path), *typed.split()])
    assert done.exit_code == 0, done.output
    assert "caf\ufffd".encode() in sent[0]


def test_colours_say_how_bad_it_is_and_nothing_else_is_coloured() -> None:
    text = "NOT WELL: it burns\nnote: a wrong: thing\nstate   /x"
    first, second, third = coloured(text).split("\n")
    assert first.startswith(RED)
    assert first.endswith(": it burns")
    assert second.endswith(": a wrong: thing")
    assert third == "state   /x"


@pytest.mark.parametrize(
    ("terminal", "no_color", "is_coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colours_are_for_a_terminal_that_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str, is_coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    done = CliRunner().invoke(cli.cli, ["--state", str(tmp_path), "status"], color=terminal)
    assert (RED in done.output, done.exit_code) == (is_coloured, 1)
