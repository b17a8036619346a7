"""A channel's threads show what its configuration says."""

from pathlib import Path

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.display import Display
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store

QUIET, USUAL, GENERATION = 222, 333, "0" * 16
TURN: tuple[e.AnyEvent, ...] = (
    e.PromptAccepted(9, "u9", "hello", 1, "ada"),
    e.TurnStarted((9,)),
    e.ToolStarted("t1", "Bash", '{"command":"ls"}'),
    e.ToolFinished("t1", False, ""),
    e.TurnEnded("completed", (9,), duration=5.0),
)


def thread_in(manager: SessionManager, store: Store, channel_id: int) -> list[str]:
    action = CreateSession(channel_id * 10, 7, Channel(channel_id, "/srv"), Person(1, "ada", 7), "hello", "hello")
    session_id = manager.create_session(action).session_id
    manager.reports.record(
        session_id, [e.Record(GENERATION, seq, 1000.0 + seq, event) for seq, event in enumerate(TURN, 1)]
    )
    return [row.desired.content for row in store.posts_like(session_id, "") if row.key != "thread"]


def test_each_channel_shows_what_is_configured_for_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    displays = {QUIET: Display("quiet", ping_after_s=5.0)}
    manager = session_manager(store, display_of=lambda channel_id: displays.get(channel_id, Display()))
    assert thread_in(manager, store, QUIET) == ["-# ▸ 1 tool", "-# ✓ done · 5 s · <@1>"]
    assert thread_in(manager, store, USUAL) == ["-# ✓ Bash `ls`\n-# ✓ done · 5 s"]
    store.close()
