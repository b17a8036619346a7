"""What stays of a session whose log was removed: where it is, what was chosen for it, and what it cost."""

import msgspec

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession, session_from

_MONEY = ("total_cost_usd", "spent_usd", "turn_cost_usd", "cost_by_claude_id")


def without_history(session: ManagedSession) -> ManagedSession:
    """The same session with what it cost, and no log: the next one that begins is its first."""
    kept = session_from(
        e.SessionCreated(
            *(session.session_id, session.thread_id, session.guild_id, session.channel_id, session.directory),
            owner_id=session.owner_id,
            inode=session.inode,
            git_directory=session.git_directory,
            work_tree=session.work_tree,
            remote=session.remote,
        ),
        session.started_at,
    )
    told = (
        "admitted_mode",
        "model",
        "effort",
        "last_activity",
        "message_count",
        "turn_count",
        "input_tokens",
        "output_tokens",
        *_MONEY,
    )
    return msgspec.structs.replace(kept, **{name: getattr(session, name) for name in told})
