"""What holds of a session whatever its records tell."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import events as e
from bridge.session.managed import SETTLED_REQUESTS_KEPT, ManagedSession, session_from
from bridge.session.states import TRANSITIONS, SessionState
from stages.made_up import EVENTS, made_up

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 700, 500, 600, "/srv/app", 1)
OF_A_LIFE: tuple[type[e.Event], ...] = (
    *(e.WorkerStarted, e.ChildStarted, e.ChildExited, e.TurnStarted, e.TurnEnded, e.LogGap),
    *(e.PromptAccepted, e.PromptTaken, e.PromptDone, e.PermissionRequested, e.PermissionResolved),
)
SHOWN = {*SessionState, "awaiting", "broken", "hibernating"}


@st.composite
def histories(draw: st.DrawFn) -> list[e.Record]:
    """Records in ascending order, with holes, of one log or of several."""
    events = draw(st.lists(EVENTS | st.one_of(*map(made_up, OF_A_LIFE)), max_size=30))
    records, generation, seq = [], 1, 0
    for event in events:
        if draw(st.integers(0, 5)) == 5:  # another log
            generation, seq = generation + 1, 0
        seq += draw(st.sampled_from((1, 1, 1, 3)))
        records.append(e.Record(f"{generation:016x}", seq, 1000.0 + seq, event))
    return records


def folded(records: list[e.Record], session: ManagedSession | None = None) -> ManagedSession:
    session = session or session_from(CREATED, 1000.0)
    for record in records:
        session.apply(record)
    return session


def stored(session: ManagedSession) -> ManagedSession:
    """As it comes back from the store."""
    return msgspec.json.decode(msgspec.json.encode(session), type=ManagedSession)


@given(histories())
def test_no_record_is_too_odd_to_be_folded(records: list[e.Record]) -> None:
    session = session_from(CREATED, 1000.0)
    for record in records:
        before, generation = session.state, session.generation
        session.apply(record)
        if record.generation != generation or isinstance(record.event, e.LogGap):  # nobody can answer what was open
            assert session.requests.keys() | session.settled.keys() <= {record.seq}
            assert len(session.prompts) <= 1 and len(session.tasks) <= 1
        assert session.state is TRANSITIONS[before].get(type(record.event), before)
        assert session.applied == record.seq and session.generation == record.generation
        assert session.shown_state() in SHOWN
        assert len(session.settled) <= SETTLED_REQUESTS_KEPT and session.settled.keys().isdisjoint(session.requests)
        assert session.may_hibernate <= (session.turn is None and not session.requests)
        assert session.turn_cost_usd >= 0 and session.spent_usd == session.total_cost_usd >= 0


@given(histories(), st.data())
def test_a_session_that_is_stored_between_its_records_is_the_same(records: list[e.Record], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=4)))
    session = session_from(CREATED, 1000.0)
    for begin, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
        session = stored(folded(records[begin:end], session))
    assert session == folded(records)
