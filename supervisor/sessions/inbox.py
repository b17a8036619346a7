"""Where a session's inbox is cleared: of what an event answers, and of what nobody can answer any more.

Which event answers which wish stands in ``bridge.protocol.answers``. Each function runs inside the caller's
transaction, with the record's fold: a wish is there until its answer is kept.
"""

from bridge.protocol import answers
from bridge.protocol import events as e
from bridge.session.managed import ManagedSession
from supervisor.sessions.store import Store
from supervisor.sessions.waiting import WaitingPrompts


def clear(store: Store, waiting: WaitingPrompts, session: ManagedSession, record: e.Record) -> None:
    """After the session folded the record."""
    if key := answers.answered_by(record):
        store.answered(session.session_id, key)
    match record.event:
        case e.PromptAmended(deleted=True, done=True, prompt_id=prompt_id):
            waiting.forget_files(session.session_id, [prompt_id])
        case e.ChildExited():
            _drop(store, session.session_id, answers.VOID_WITH_CHILD)
            waiting.drop_stale(session)
        case _:
            pass


def begin_log(store: Store, session_id: str) -> None:
    """Another log took the place of a lost one."""
    _drop(store, session_id, answers.VOID_WITH_LOG)


def _drop(store: Store, session_id: str, kinds: answers.Kinds) -> None:
    for kind in kinds:
        store.drop_wishes(session_id, answers.keys_of(kind))
