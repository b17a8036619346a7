"""Cards about what keeps Claude from going on: a conversation that is gone, a directory that was replaced."""

import msgspec

from bridge.render import cards, notices
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

    def _settle_resume(self, verdict: str) -> dict[str, Post]:
        """One card at a time offers a fresh start."""
        key, self.resume_key = self.resume_key, ""
        return {key: cards.resume_settled_card(self.resume_reason, verdict)} if key else {}

    def _settle_moved(self, verdict: str) -> dict[str, Post]:
        key, self.moved_key = self.moved_key, ""
        return {key: cards.project_settled_card(self.moved_reason, verdict)} if key else {}

    def goes_on_here(self, who: str) -> dict[str, Post]:
        """Somebody pressed the button; nothing when it was pressed before."""
        key, self.moved_key = self.moved_key, ""
        return {key: notices.goes_on_here(who)} if key else {}

    def started_fresh(self) -> dict[str, Post]:
        """Somebody pressed the button."""
        key, self.resume_key = self.resume_key, ""
        return {key: notices.fresh_start()} if key else {}
