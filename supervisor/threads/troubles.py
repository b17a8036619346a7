"""What was refused lately in one session: in which form each post goes next, and when. In memory only.

After a restart everything is tried whole again, at once: the rows of the store say what is not shown yet.
"""

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from supervisor.discord.errors import Refused
from supervisor.sessions.posts_table import PostRow
from supervisor.threads.refusals import (
    COMES_BACK_PAUSES_S,
    Action,
    Again,
    Form,
    Meaning,
    Plainer,
    Step,
    in_form,
    in_words,
    meaning_of,
    next_step,
)


class _Trouble(msgspec.Struct, eq=False):
    form: Form = "whole"
    why: str = ""
    tries: int = 0
    not_before: float = 0.0
    comes_back: bool = False
    returns: int = 0
    shown_for: Post | None = None
    """What was desired when it was shown in a plainer form; a change of it is not kept waiting."""


class Troubles:
    """Of one session. All times in seconds of the loop."""

    def __init__(self) -> None:
        self.shut_until = 0.0
        """Until then nothing is sent to the thread."""
        self.shut_times = 0
        self._posts: dict[int, _Trouble] = {}

    def has(self, row: PostRow) -> bool:
        return row.id in self._posts

    def wait_s(self, row: PostRow, now: float) -> float:
        trouble = self._posts.get(row.id)
        if trouble is None or (trouble.shown_for is not None and trouble.shown_for != row.desired):
            return 0.0
        return max(0.0, trouble.not_before - now)

    def shut_s(self, now: float) -> float:
        return max(0.0, self.shut_until - now)

    def is_shown_plainly(self, row: PostRow) -> bool:
        """It stands there, though not as it should."""
        trouble = self._posts.get(row.id)
        return trouble is not None and trouble.shown_for == row.desired and row.message_id is not None

    def post(self, row: PostRow, *, editing: bool = False) -> Post:
        """What is to be sent now."""
        trouble = self._posts.get(row.id) or _Trouble()
        return in_form(row.desired, trouble.form, trouble.why, editing=editing)

    def refused(self, action: Action, row: PostRow, error: RemoteError, now: float) -> Step:
        trouble = self._posts.setdefault(row.id, _Trouble())
        in_thread = row.desired.where == "thread" and action != "thread"
        is_place = meaning_of(error) is Meaning.PLACE and in_thread
        step = next_step(action, row.desired, trouble.form, self.shut_times if is_place else trouble.tries, error)
        match step:
            case Plainer(form, comes_back):
                why = _why(action, in_form(row.desired, trouble.form, trouble.why), error)
                trouble.form, trouble.comes_back, trouble.why = form, comes_back, why
            case Again(pause_s, shuts):
                trouble.form, trouble.tries, trouble.not_before = "whole", trouble.tries + 1, now + pause_s
                if shuts and in_thread:
                    self.shut_until, self.shut_times = now + pause_s, self.shut_times + 1
            case _:
                del self._posts[row.id]
        return step

    def delay(self, row: PostRow, until: float) -> None:
        self._posts.setdefault(row.id, _Trouble()).not_before = until

    def note_shown(self, row: PostRow, shown: Post, now: float) -> Post:
        """``shown`` is taken by Discord: what is to be noted of it. The desired post, when it may stay so."""
        trouble = self._posts.get(row.id)
        if trouble is None or trouble.form == "whole":
            self._posts.pop(row.id, None)
            return shown
        if shown != in_form(row.desired, trouble.form, trouble.why, editing=row.message_id is not None):
            return shown  # what an old nonce had made: it is edited first
        if trouble.comes_back and trouble.returns < len(COMES_BACK_PAUSES_S):
            trouble.not_before = now + COMES_BACK_PAUSES_S[trouble.returns]
            trouble.form, trouble.returns, trouble.shown_for = "whole", trouble.returns + 1, row.desired
            return shown
        del self._posts[row.id]
        return row.desired


def _why(action: Action, sent: Post, error: RemoteError) -> str:
    """In a few words, for people."""
    if isinstance(error, Refused) and error.status == 413:
        return "it is too large"
    words = in_words(action, sent, error)
    return words.rpartition(" (")[0] or words if isinstance(error, Refused) and error.status else words
