"""Which records of a worker an audit reads."""

import pytest
from msgspec.structs import replace

from bridge.journal import entries as j
from bridge.journal.of_records import digest, entries_of
from bridge.journal.words import in_words
from bridge.protocol import events as e
from bridge.session.managed import session_from

CREATED = e.SessionCreated("0b0f9c1e-0000-4000-8000-000000000001", 1, 2, 600, "/srv/app", 42)


def told(*events: e.AnyEvent) -> list[j.RecordEntry]:
    session, found = session_from(CREATED, 1.0), list[j.RecordEntry]()
    for seq, event in enumerate((CREATED, *events), 1):
        record = e.Record("ab" * 8, seq, float(seq), event)
        found += list(entries_of(record, session))
        session.apply(record)
    return found


def test_who_asked_who_decided_what_ran_and_how_it_ended() -> None:
    found = told(
        e.PromptAccepted(7, "u", "rm it", 42, "Ada"),
        e.TurnStarted((7,)),
        e.PromptTaken(7),
        e.PermissionRequested("r", "Bash", '{"command":"rm x"}', "d" * 64),
        e.PermissionResolved(5, "allowed", decided_by=43, decider="Bob"),
        e.ToolStarted("t1", "Bash", '{"command":"rm x"}'),
        e.ToolFinished("t1", False, "done"),
        e.TurnEnded("completed", (7,)),
    )
    assert all((one.session_id, one.channel_id, one.generation) == (CREATED.session_id, 600, "ab" * 8) for one in found)
    assert [replace(one, session_id="", channel_id=0, generation="") for one in found] == [
        j.PromptGiven(by=42, seq=2, prompt_id=7, digest=digest("rm it")),
        j.PermissionAsked(by=42, seq=5, tool="Bash", digest="d" * 64),
        j.PermissionDecided(by=43, seq=6, request=5, tool="Bash", digest="d" * 64, verdict="allowed"),
        j.ToolBegan(seq=7, tool="Bash", tool_use_id="t1", digest=digest('{"command":"rm x"}')),
        j.ToolEnded(seq=8, tool_use_id="t1", outcome="completed"),
        j.TurnOver(seq=9, outcome="completed"),
    ]


@pytest.mark.parametrize(
    ("finished", "outcome"),
    [
        (e.ToolFinished("t", True, ""), "failed"),
        (e.ToolFinished("t", True, "", unknown=True), "unknown"),
        (e.ToolFinished("t", False, "", allowed_by="a rule"), "completed"),
    ],
)
def test_how_a_tool_ended(finished: e.ToolFinished, outcome: str) -> None:
    (entry,) = told(finished)
    assert isinstance(entry, j.ToolEnded)
    assert (entry.outcome, entry.unasked) == (outcome, finished.allowed_by)


def test_a_mode_is_told_when_it_changes_and_walls_when_they_lack() -> None:
    found = told(
        e.ModeChanged("default"),
        e.ModeChanged("default"),
        e.ModeChanged("acceptEdits"),
        e.WorkerStarted(9, False, "nobody asked for walls"),
        e.WorkerStarted(9, True, "level project"),
    )
    assert [in_words(entry) for entry in found] == [
        "permission mode default",
        "permission mode acceptEdits",
        "Claude runs uncontained: nobody asked for walls",
    ]


def test_no_text_of_a_prompt_an_input_or_an_output_is_in_an_entry() -> None:
    secret = "hunter2"
    found = told(
        e.PromptAccepted(7, "u", secret, 42, "Ada"),
        e.PermissionRequested("r", "Bash", f'{{"command":"{secret}"}}', "d" * 64, description=secret, reason=secret),
        e.PermissionResolved(3, "denied", reason=secret, decided_by=42, answers={secret: secret}),
        e.ToolStarted("t", "Bash", secret),
        e.ToolFinished("t", True, secret),
        e.TurnEnded("failed", reason=secret, result=secret),
    )
    assert len(found) == 6
    assert secret not in repr(found)


def test_each_kind_has_words_and_they_steer_no_terminal() -> None:
    for kind in (*j.Entry.__subclasses__(), *j.OfRecord.__subclasses__()):
        if kind is not j.OfRecord:
            assert in_words(kind())
    assert "\x1b" not in in_words(j.SessionEnded(reason="\x1b[2Jaway"))
