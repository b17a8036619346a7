"""Cards about what keeps Claude from going on: a conversation that is gone, a directory that was replaced."""

import msgspec

from bridge.protocol import events as e
from bridge.render import limits, notices, restarts
from bridge.render.posts import Post
from bridge.render.prompted_flow import PromptedFlow


class MendedFlow(PromptedFlow, msgspec.Struct):
    """Stored with the view, of which it is a part."""

    moved_key: str = ""
    """The open card about a directory that was replaced, and why it was said."""
    moved_reason: str = ""
    resume_key: str = ""
    """The card that offers a fresh start now."""
    resume_reason: str = ""
    limit_key: str = ""
    """The open card about a usage limit, which is free again at ``limit_at`` (Unix seconds)."""
    limit_at: float = 0.0
    limit_wanted: bool = False
    """Claude goes on then; ``limit_declined``: somebody said that it is not to."""
    limit_declined: bool = False

    def _settle_resume(self, verdict: str) -> dict[str, Post]:
        """One card at a time offers a fresh start."""
        key, self.resume_key = self.resume_key, ""
        return {key: restarts.resume_settled_card(self.resume_reason, verdict)} if key else {}

    def _settle_moved(self, verdict: str) -> dict[str, Post]:
        key, self.moved_key = self.moved_key, ""
        return {key: restarts.project_settled_card(self.moved_reason, verdict)} if key else {}

    def _hit_limit(self, key: str, event: e.TurnEnded, session_id: str) -> dict[str, Post]:
        posts = self.settle_limit(limits.OVERTAKEN)
        self.limit_key, self.limit_at = key, event.resets_at
        self.limit_wanted = self.limit_declined = False
        return posts | {key: limits.offered(session_id)}

    def settle_limit(self, verdict: str) -> dict[str, Post]:
        """Nothing when no card is open."""
        key, self.limit_key, self.limit_wanted = self.limit_key, "", False
        return {key: limits.settled(verdict)} if key else {}

    def want_reset(self, session_id: str, who: str, *, wanted: bool) -> dict[str, Post]:
        """Somebody chose; nothing when it is over, or was chosen before."""
        if not self.limit_key or self.limit_wanted is wanted:
            return {}
        self.limit_wanted, self.limit_declined = wanted, not wanted
        post = limits.chosen(session_id, self.limit_at, who) if wanted else limits.offered(session_id)
        return {self.limit_key: post}

    def goes_on_here(self, who: str) -> dict[str, Post]:
        """Somebody pressed the button; nothing when it was pressed before."""
        key, self.moved_key = self.moved_key, ""
        return {key: notices.goes_on_here(who)} if key else {}

    def started_fresh(self) -> dict[str, Post]:
        """Somebody pressed the button."""
        key, self.resume_key = self.resume_key, ""
        return {key: notices.fresh_start()} if key else {}
