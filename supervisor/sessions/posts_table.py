"""The table of posts: what threads should show, and what Discord last took of it."""

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.render.posts import Post
from supervisor.sessions.database import Database

HISTORY = "history"
"""``failed`` of a post that Discord shows already, in a message that we do not know."""
GONE = "gone"
"""``failed`` of a post whose thread or channel is gone. Any other word in that column is an older Threadbridge's."""

_json = msgspec.json.Encoder()
_post: msgspec.json.Decoder[Post] = msgspec.json.Decoder(Post)


class PostRow(msgspec.Struct, frozen=True):
    """One desired post. ``shown`` is what Discord last took; None before it was created."""

    id: int
    session_id: str
    key: str
    desired: Post
    shown: Post | None
    message_id: int | None
    attempt: int
    attempted_at: float | None


class PostsTable(Database):
    def desire(self, session_id: str, key: str, post: Post) -> None:
        self._desire(session_id, key, post, "")

    def desire_where_shown(self, session_id: str, key: str, post: Post) -> None:
        """A post that stands there, or may, is brought to this; one that was not begun yet is not wanted any more."""
        self._execute(
            "DELETE FROM posts WHERE session_id = ? AND key = ? AND message_id IS NULL AND attempted_at IS NULL"
            " AND failed = ''",
            (session_id, key),
        )
        self._execute(
            "UPDATE posts SET desired = ? WHERE session_id = ? AND key = ?", (_json.encode(post), session_id, key)
        )

    def desire_silently(self, session_id: str, key: str, post: Post) -> None:
        """As history has it: a post that we know is edited, one that we do not know is not made (again)."""
        self._desire(session_id, key, post, HISTORY)

    def _desire(self, session_id: str, key: str, post: Post, failed: str) -> None:
        self._execute(
            "INSERT INTO posts (session_id, key, desired, failed) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (session_id, key) DO UPDATE SET desired = excluded.desired"
            " WHERE desired <> excluded.desired",
            (session_id, key, _json.encode(post), failed),
        )

    def reveal(self, session_id: str, key: str) -> None:
        """A post of history is made after all: what Discord shows of it is wrong by now."""
        self._execute(
            "UPDATE posts SET failed = '' WHERE session_id = ? AND key = ? AND failed = ?", (session_id, key, HISTORY)
        )

    def may_exist(self, session_id: str) -> None:
        """Posts that this store never made may have been made all the same, by a later state of it."""
        self._execute(
            "UPDATE posts SET attempted_at = 0 WHERE session_id = ? AND message_id IS NULL AND attempted_at IS NULL"
            " AND failed = ''",
            (session_id,),
        )

    def add_shown(self, session_id: str, key: str, message_id: int, post: Post) -> None:
        """A post that is known to stand there."""
        self._execute(
            "INSERT INTO posts (session_id, key, desired, shown, message_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (session_id, key, _json.encode(post), _json.encode(post), message_id),
        )

    def forget_posts(self, session_id: str, before: int) -> None:
        """All but the thread itself; nothing of ours is looked for before that message id any more."""
        self._execute("DELETE FROM posts WHERE session_id = ? AND key <> 'thread'", (session_id,))
        self.add_shown(session_id, "history", before, Post())

    def unsettled_posts(self, session_id: str) -> list[PostRow]:
        """Posts of the session that Discord does not show as desired, in the thread's order."""
        return self._posts("session_id = ? AND failed = '' AND (shown IS NULL OR shown <> desired)", session_id)

    def post(self, session_id: str, key: str) -> PostRow | None:
        return next(iter(self._posts("session_id = ? AND key = ?", session_id, key)), None)

    def post_of_message(self, message_id: int) -> PostRow | None:
        """The post that this message of Discord's shows."""
        return next(iter(self._posts("message_id = ?", message_id)), None)

    def posts_like(self, session_id: str, prefix: str) -> list[PostRow]:
        return self._posts("session_id = ? AND substr(key, 1, ?) = ?", session_id, len(prefix), prefix)

    def unsettled_sessions(self) -> list[str]:
        rows = self._execute(
            "SELECT DISTINCT session_id FROM posts WHERE failed = '' AND (shown IS NULL OR shown <> desired)"  # noqa: S608
            f" AND id NOT IN {self._unread.list_of('posts')}"
        )
        return [session_id for (session_id,) in rows]

    def _posts(self, condition: str, *values: object) -> list[PostRow]:
        rows = self._execute(
            "SELECT id, session_id, key, desired, shown, message_id, attempt, attempted_at FROM posts"  # noqa: S608
            f" WHERE {condition} ORDER BY id",
            values,
        )
        found = []
        for number, session, key, desired, shown, *rest in rows:
            try:
                found.append(PostRow(number, session, key, _post.decode(desired), _shown(shown), *rest))
            except UNREADABLE as error:
                self._unread.note("posts", number, session, error)
        return found

    def attempt(self, post_id: int, attempt: int, at: float | None) -> None:
        """A create is about to be sent. Committed before it is. None: it was refused, so it surely was not made."""
        self._execute("UPDATE posts SET attempt = ?, attempted_at = ? WHERE id = ?", (attempt, at, post_id))

    def note_shown(self, post_id: int, message_id: int, post: Post) -> None:
        self._execute(
            "UPDATE posts SET message_id = ?, shown = ? WHERE id = ?",
            (message_id, _json.encode(post), post_id),
        )

    def forget_message(self, post_id: int) -> None:
        """Its message is gone: the post is new again."""
        self._execute(
            "UPDATE posts SET message_id = NULL, shown = NULL, attempt = attempt + 1, attempted_at = NULL WHERE id = ?",
            (post_id,),
        )

    def drop_post(self, post_id: int) -> None:
        """It stands nowhere, and is wanted nowhere."""
        self._execute("DELETE FROM posts WHERE id = ?", (post_id,))

    def give_up(self, post_id: int) -> None:
        """There is no place (any more) where it could be shown."""
        self._execute("UPDATE posts SET failed = ? WHERE id = ?", (GONE, post_id))

    def revive(self) -> None:
        """What an older Threadbridge gave up because of one refusal is tried again.

        A post of a session that has ended is only brought up to date: nobody waits for a new one there.
        """
        self._execute(
            "UPDATE posts SET failed = '' WHERE failed NOT IN ('', ?, ?) AND (message_id IS NOT NULL"
            " OR session_id IN (SELECT session_id FROM sessions WHERE ended_at IS NULL))",
            (HISTORY, GONE),
        )


def _shown(post: bytes | None) -> Post | None:
    return _post.decode(post) if post else None
