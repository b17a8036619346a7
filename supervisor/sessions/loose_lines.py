"""The threads' lines that Claude asks less, as the channel's own mode is: a tap that changes it changes them all."""

from bridge.render import loosened
from bridge.render.posts import Post
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store

SETTING = "permission_mode"


def as_the_channel_is(store: Store, row: SessionRow, posts: dict[str, Post]) -> dict[str, Post]:
    """What is drawn of a session, with its line for the channel's mode of now."""
    return posts | {row.view.loose_key: _line(store, row)} if row.view.loose_key in posts else posts


def redraw(store: Store, rows: list[SessionRow]) -> list[str]:
    """Of one channel whose mode was set just now; the ids of sessions whose line may be another. Within the caller's
    transaction.
    """
    shown = [row for row in rows if row.view.loose_key and store.post(row.session.session_id, row.view.loose_key)]
    for row in shown:
        store.desire(row.session.session_id, row.view.loose_key, _line(store, row))
    return [row.session.session_id for row in shown]


def _line(store: Store, row: SessionRow) -> Post:
    session = row.session
    of_channel = store.channel_default(session.channel_id, SETTING)
    return loosened.line(session.session_id, session.channel_id, row.view.loose_mode, of_channel)
