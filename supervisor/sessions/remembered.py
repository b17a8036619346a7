"""What the journal knows and the store does not: after a death between the two, after a lost or restored database.

It is applied once, at the start, after the logs were looked at (``recall``): an ended session stays ended, a card that
was clicked stays clicked, a channel keeps its choices. Posts are brought to their newest text where we know them, and
nothing is posted again. What a later record of the session's log overtook already changes nothing.
"""

import logging
from collections.abc import Collection

from bridge.journal import entries as j
from bridge.journal.chain import JournalLine
from bridge.render import limits
from bridge.render.posts import Post
from bridge.session.permission import Person, RequestName
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.rules import RULE
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.trust import JOURNALED

OF_CARDS = (j.LostTurnSettled, j.AnswersDrafted, j.AllowedFirst, j.ResetChosen)

log = logging.getLogger(__name__)


def remember(manager: SessionManager) -> int:
    """How many entries the store did not know. Raises StoreError."""
    journal = manager.sessions.journal
    lines = journal.unapplied
    if not journal.is_ahead:
        return 0
    with manager.store.transaction():
        for line in lines:
            _apply(line, manager)
        _settle_ended(manager)
        journal.applied()
    if lines:
        log.warning("%d entries of the journal were not in the store, and are now", len(lines))
    return len(lines)


def remember_clicks(manager: SessionManager, mended: Collection[str]) -> None:
    """Of sessions that their logs told anew: what the journal alone tells of their cards. Raises StoreError.

    With it they are told to the end.
    """
    if not mended:
        return
    with manager.store.transaction():
        for line in manager.sessions.journal.lines():
            if line.entry.session_id in mended and isinstance(line.entry, OF_CARDS):
                row = manager.rows[line.entry.session_id]
                _apply_to(row, line, manager)
                manager.store.save(row)
        manager.store.remember(Fact.TOLD_ANEW, "")


def _apply(line: JournalLine, manager: SessionManager) -> None:
    entry = line.entry
    match entry:
        case j.DefaultChosen():
            manager.keep_default(entry.channel_id, entry.setting, entry.value)
        case j.FactRemembered():
            _keep_named(entry.name, entry.value, manager.store)
        case _:
            if row := manager.rows.get(entry.session_id):
                if isinstance(entry, j.AskedAgain):
                    manager.note_asked_again(row, RequestName(entry.session_id, entry.generation, entry.seq), entry.who)
                _apply_to(row, line, manager)
                manager.store.save(row)


def _apply_to(row: SessionRow, line: JournalLine, manager: SessionManager) -> None:
    session, view = row.session, row.view
    match line.entry:
        case j.SessionEnded(reason=reason, at=at):
            row.ended_at, row.end_reason = at, reason
            manager.waiting.drop_all(session.session_id)
        case j.SessionReopened():
            row.ended_at, row.end_reason = None, ""
        case j.ConversationBegunAnew() if session.child_started_at < line.at:
            row.fresh = True
            session.was_mended()
            _show(row, view.started_fresh(), manager)
        case j.LostTurnSettled() as settled if turn := view.lost_turn:
            if (turn.generation, turn.seq) == (settled.generation, settled.seq):
                _show(row, view.settle_lost_turn(settled.verdict, session), manager)
        case j.DirectoryAccepted(inode=inode, who=who):
            manager.keep_inode(session.session_id, inode)
            session.was_mended()
            _show(row, view.goes_on_here(who), manager)
        case j.AnswersDrafted() as drafted if drafted.generation == session.generation:
            if drafted.seq in session.requests and drafted.seq in view.cards:
                _show(row, view.redraft(drafted.seq, drafted.draft, session), manager)
        case j.AllowedFirst(first=first) as allowed if allowed.generation == session.generation:
            if allowed.seq in session.requests and allowed.seq in view.cards:
                _show(row, view.note_first(allowed.seq, first, session), manager)
        case entry:
            _apply_choice(row, entry, manager)


def _apply_choice(row: SessionRow, entry: j.AnyEntry, manager: SessionManager) -> None:
    session_id = row.session.session_id
    match entry:
        case j.PeopleInvited(users=users):
            manager.store.keep_invited(session_id, users)
        case j.ResetChosen() as chosen if (chosen.generation, chosen.seq) == row.view.limit_of:
            person = Person(chosen.by, chosen.who)
            _show(row, row.view.want_reset(session_id, person, wanted=chosen.wanted), manager)
        case _:
            pass


def _settle_ended(manager: SessionManager) -> None:
    """Nothing goes on by itself in what is ended after all."""
    for row in manager.rows.values():
        if row.ended_at is not None and row.view.limit_key:
            _show(row, row.view.settle_limit(limits.ENDED), manager)
            manager.store.save(row)


def _show(row: SessionRow, posts: dict[str, Post], manager: SessionManager) -> None:
    for key, post in posts.items():
        manager.store.desire_silently(row.session.session_id, key, post)


def _keep_named(name: str, value: str, store: Store) -> None:
    """A word that the journal has by its name; without a value it was taken back."""
    if name.startswith(RULE):
        store.keep_rule(name.removeprefix(RULE), value)
        return
    for column, beginning in JOURNALED.items():
        channel_id, _, directory = name.removeprefix(beginning).partition(":")
        if name.startswith(beginning) and channel_id.isdecimal():
            store.keep_trust(column, int(channel_id), directory, value)
            return
    log.warning("the journal has a word that this version does not know: %s", name)
