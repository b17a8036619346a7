"""A thread of the render tests: what it shows at every instant, each post checked."""

import msgspec

from bridge.discord_numbers import CONTENT_CHARS
from bridge.protocol import events as e
from bridge.render.card_flow import own_key
from bridge.render.live import forget_ended, forget_void
from bridge.render.posts import Post, payload
from bridge.render.view import ThreadView
from bridge.session.display import Display, Verbosity
from bridge.session.managed import ManagedSession, session_from
from bridge.session.permission import PermissionRequest
from bridge.text import utf16_len
from stages.replay import DIRECTORY, GENERATION, PERSON_ID, SESSION_ID, Happened, Replay
from worker.steps import DeltaRead

VERBOSITIES: tuple[Verbosity, ...] = ("quiet", "normal", "full")
CREATED = e.SessionCreated(SESSION_ID, 700, 500, 600, DIRECTORY, PERSON_ID)


def key_of_card(view: ThreadView, request: PermissionRequest) -> str:
    """Of the post in which it is asked."""
    shared = [one.key for one in view.shared if request.name.seq in one.open]
    return shared[0] if shared else own_key(request)


class Thread:
    """What the supervisor does with records and deltas; the view goes through its stored form every time."""

    def __init__(self, display: Display | None = None) -> None:
        self.display = display or Display()
        self.session: ManagedSession = session_from(CREATED, 1000.0)
        self.view = ThreadView()
        self.live: dict[str, str] = {}
        self.posts: dict[str, Post] = {}
        self.history: list[dict[str, Post]] = []
        self.generation = GENERATION

    def happen(self, *events: e.AnyEvent) -> dict[str, Post]:
        """The posts that the last of these events changes."""
        for event in events:
            seq = self.session.applied + 1 if self.session.generation == self.generation else 1
            changed = self.record(e.Record(self.generation, seq, 1000.0 + seq, event))
        return changed

    def record(self, record: e.Record) -> dict[str, Post]:
        self.session.apply(record)
        forget_void(self.live, record.event)
        self.view = msgspec.json.decode(msgspec.json.encode(self.view), type=ThreadView)
        changed = self.view.apply(record, self.session, self.live, self.display)
        forget_ended(self.live, record.event)
        return self._show(changed)

    def delta(self, block: str, text: str) -> dict[str, Post]:
        self.live[block] = self.live.get(block, "") + text
        return self._show(self.view.live_posts(self.session, self.live, self.display))

    def play(self, happened: list[Happened]) -> None:
        for item in happened:
            match item:
                case e.Record():
                    self.record(item)
                case DeltaRead():
                    self.delta(item.block, item.text)

    def texts(self, prefix: str = "turn:") -> list[str]:
        return [post.content for key, post in self.posts.items() if key.startswith(prefix)]

    def _show(self, drawn: dict[str, Post]) -> dict[str, Post]:
        """Reactions are no posts."""
        changed = {key: post for key, post in drawn.items() if not post.reaction}
        for key, post in changed.items():
            check(key, post)
        self.posts |= changed
        self.history.append(changed)
        return changed


def check(key: str, post: Post) -> None:
    """Within Discord's limits, never empty, and whole in itself."""
    assert utf16_len(post.content) <= CONTENT_CHARS, key
    assert post.content.strip() or post.embed, key
    assert post.content.count("```") % 2 == 0, (key, post.content)
    if post.embed:
        assert utf16_len(post.embed.title) <= 256 and utf16_len(post.embed.description) <= 4096
        assert utf16_len(post.embed.footer) <= 2048
    assert all(len(button.custom_id) <= 100 and len(button.label) <= 80 for button in post.buttons)
    assert msgspec.json.decode(msgspec.json.encode(post), type=Post) == post
    assert payload(post)["allowed_mentions"] == {
        "parse": [],
        "users": [str(user) for user in post.mentions],
        "replied_user": False,
    }


def played(name: str, display: Display | None = None) -> Thread:
    thread = Thread(display)
    thread.play(Replay(name).happened)
    return thread


def in_turn(display: Display | None = None) -> Thread:
    thread = Thread(display)
    thread.happen(CREATED, e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), e.TurnStarted((5,)))
    return thread


def accepted(prompt_id: int, text: str = "fix the tests") -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, f"u{prompt_id}", text, PERSON_ID, "ada")
