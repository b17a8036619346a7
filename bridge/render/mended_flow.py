"""Cards about what keeps Claude from going on: a conversation that is gone, a directory that was replaced."""

import msgspec

from bridge.protocol import events as e
from bridge.render import limits, notices, outages, restarts
from bridge.render.posts import Post
from bridge.render.prompted_flow import PromptedFlow
from bridge.session.managed import ManagedSession
from bridge.session.people import named
from bridge.session.permission import Person


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
    limit_by: int = 0
    """The user id of who wants that, else of whose turn it was; 0: not known. ``limit_by_name``: of who wants it."""
    limit_by_name: str = ""
    is_outage: bool = False
    """It is no limit: the API was not there, and Claude goes on by itself."""
    outages: int = 0
    """So many turns ended so, one after the other, since somebody wrote."""

    def _settle_resume(self, verdict: str) -> dict[str, Post]:
        """One card at a time offers a fresh start."""
        key, self.resume_key = self.resume_key, ""
        return {key: restarts.resume_settled_card(self.resume_reason, verdict)} if key else {}

    def _settle_moved(self, verdict: str) -> dict[str, Post]:
        key, self.moved_key = self.moved_key, ""
        return {key: restarts.project_settled_card(self.moved_reason, verdict)} if key else {}

    def _on_prompt(self, event: e.PromptAccepted, session: ManagedSession) -> dict[str, Post]:
        self.outages = self.outages if event.is_ours else 0
        return super()._on_prompt(event, session)

    def _held_up(self, record: e.Record, event: e.TurnEnded, session: ManagedSession) -> dict[str, Post]:
        """The turn ended for what will pass: a usage limit, or that the API was not there."""
        if not (limits.is_hit(event) or outages.is_one(event)):
            self.outages = 0 if event.outcome == "completed" else self.outages
            return {}
        posts = self.settle_limit(limits.OVERTAKEN)
        self.limit_key = f"limit:{record.generation}:{record.seq}"
        self.limit_wanted = self.limit_declined = False
        asked = [session.prompts[i].author_id for i in event.prompt_ids if i in session.prompts]
        self.limit_by, self.limit_by_name = asked[-1] if asked else session.last_prompter_id, ""
        self.is_outage = not limits.is_hit(event)
        if self.is_outage:
            return posts | self._wait_out(record, session.session_id)
        self.limit_at = event.resets_at
        return posts | {self.limit_key: limits.offered(session.session_id)}

    def _wait_out(self, record: e.Record, session_id: str) -> dict[str, Post]:
        """With growing pauses, and not for ever."""
        self.outages += 1
        key, pause_s = self.limit_key, outages.pause_s(self.outages)
        if pause_s is None:
            self.limit_key = ""
            return {key: outages.given_up()}
        self.limit_at, self.limit_wanted = record.at + pause_s, True
        return {key: outages.waits(session_id, self.limit_at, self.outages)}

    @property
    def limit_of(self) -> tuple[str, int]:
        """The generation and the seq of the record that ended the turn; "" and 0 when no card is open."""
        _, generation, seq = self.limit_key.split(":") if self.limit_key else ("", "", "0")
        return generation, int(seq)

    def settle_limit(self, verdict: str) -> dict[str, Post]:
        """Nothing when no card is open."""
        key, self.limit_key, self.limit_wanted = self.limit_key, "", False
        return {key: limits.settled(verdict)} if key else {}

    def want_reset(self, session_id: str, person: Person | None, *, wanted: bool) -> dict[str, Post]:
        """Somebody chose, or the configuration (None); nothing when it is over, or was chosen before."""
        if not self.limit_key or self.limit_wanted is wanted:
            return {}
        who = named(person.user_id, person.name) if person else ""
        if self.is_outage:
            return {} if wanted else self.settle_limit(outages.cancelled(who))
        if person and wanted:
            self.limit_by, self.limit_by_name = person.user_id, person.name
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
