"""What became of prompts: the marks of those that were sent during a turn, and the card of a turn that was lost."""

import msgspec

from bridge.protocol import events as e
from bridge.render import lost, marks
from bridge.render.posts import Post
from bridge.render.task_flow import TaskFlow
from bridge.session.managed import ManagedSession
from bridge.session.open_work import PromptState


class PromptedFlow(TaskFlow, msgspec.Struct):
    """Stored with the view, of which it is a part."""

    marks: list[int] = []
    edited: list[int] = []
    asked: dict[int, str] = {}
    """What the prompts say that are not done."""
    unknown: list[lost.LostTool] = []
    """The turn's tool calls whose outcome nobody knows."""
    lost_turn: lost.LostTurn | None = None
    """The lost turn whose card still has buttons."""
    tells_death: bool = False
    """The death of the process is told by the lost turn's card, and so by nothing else."""

    def _lose(self, record: e.Record, event: e.TurnEnded, session: ManagedSession) -> dict[str, Post]:
        """Its card. One at a time has buttons: the last one."""
        posts = self.settle_lost_turn(lost.LOST_AGAIN, session)
        asked = [self.asked[i] for i in event.prompt_ids if i in self.asked]
        turn = self.lost_turn = lost.LostTurn(record.generation, record.seq, event.reason, asked, self.unknown)
        self.unknown, self.tells_death = [], True
        return posts | {turn.key: self._lost_card(turn, session)}

    def settle_lost_turn(self, verdict: str, session: ManagedSession) -> dict[str, Post]:
        """The card of the lost turn without its buttons; nothing when none is open."""
        if (turn := self.lost_turn) is None:
            return {}
        self.lost_turn, self.tells_death = None, False
        mention = session.last_prompter_id or session.owner_id
        return {turn.key: lost.settled_card(turn, verdict, mention, session.directory)}

    def _lost_card(self, turn: lost.LostTurn, session: ManagedSession) -> Post:
        mention = session.last_prompter_id or session.owner_id
        return lost.card(session.session_id, turn, mention, session.directory)

    def _on_prompt(self, event: e.PromptAccepted, session: ManagedSession) -> dict[str, Post]:
        """What is sent again or edited is known; anything else overtakes a lost turn."""
        is_known = event.prompt_id in self.asked
        text = event.text or ", ".join(attachment.name for attachment in event.attachments)
        self.asked[event.prompt_id] = text[: lost.ASKED_KEPT_CHARS]
        return {} if is_known else self.settle_lost_turn(lost.OVERTAKEN, session)

    def _on_mark(self, event: e.AnyEvent, session: ManagedSession) -> dict[str, Post]:
        match event:
            case e.PromptQueued(prompt_id=prompt_id) if prompt_id in session.prompts:
                self.marks = [*(i for i in self.marks if i != prompt_id), prompt_id]
                posts = self._waiting_marks(session)
            case e.PromptTaken(prompt_id=prompt_id) if prompt_id in self.marks:
                posts = {marks.key_of(prompt_id): marks.taken(prompt_id)} | self._no_longer(prompt_id, session)
            case e.PromptCancelled(prompt_id=prompt_id) if self._forget_prompt(prompt_id):
                posts = {marks.key_of(prompt_id): marks.stopped(prompt_id)} | self._no_longer(prompt_id, session)
            case e.PromptDone(prompt_id=prompt_id) | e.PromptCancelled(prompt_id=prompt_id):
                self._forget_prompt(prompt_id)
                return {}
            case _:
                return {}
        return posts

    def _no_longer(self, prompt_id: int, session: ManagedSession) -> dict[str, Post]:
        """The prompt waits no more; the newest of those that do has the buttons."""
        return {marks.reaction_key(prompt_id): self._reaction(prompt_id, session, waits=False)} | self._waiting_marks(
            session
        )

    @staticmethod
    def _reaction(prompt_id: int, session: ManagedSession, *, waits: bool) -> Post:
        """Where the message stands, which may be a part that was written in the channel."""
        known = session.prompts.get(prompt_id)
        parts = known.parts if known else ()
        where = parts[0].channel_id if parts else session.place_of(prompt_id)
        return marks.reaction(prompt_id, waits=waits, in_channel=where == session.channel_id)

    def _waiting_marks(self, session: ManagedSession) -> dict[str, Post]:
        known = ((i, session.prompts[i]) for i in self.marks if i in session.prompts)
        waiting = [(i, prompt) for i, prompt in known if prompt.state is PromptState.QUEUED]
        posts: dict[str, Post] = {}
        for number, (prompt_id, prompt) in enumerate(waiting, 1):
            # an interaction is no message, and nothing can be set on it
            is_newest = number == len(waiting) or not prompt.is_message
            is_edited = prompt_id in self.edited
            posts[marks.key_of(prompt_id)] = marks.waiting(
                session.session_id, prompt_id, prompt.when, is_edited=is_edited, is_newest=is_newest
            )
            if prompt.is_message:
                posts[marks.reaction_key(prompt_id)] = self._reaction(prompt_id, session, waits=True)
        return posts

    def _on_amended(self, event: e.PromptAmended, session: ManagedSession) -> dict[str, Post]:
        """What became of an edit or a deletion. That it came too late is a post of its own: the mark may be over."""
        prompt_id, key = event.prompt_id, marks.key_of(event.prompt_id)
        if event.done and event.deleted:
            self._forget_prompt(prompt_id)
            return {key: marks.deleted(prompt_id)} | self._no_longer(prompt_id, session)
        if event.done:
            self.edited.append(prompt_id)
            return {key: marks.edited(prompt_id)} if prompt_id in self.marks else {}
        return marks.said_too_late(prompt_id, "it was deleted" if event.deleted else "it was edited")

    def _forget_prompt(self, prompt_id: int) -> bool:
        """Whether it has a mark."""
        self.asked.pop(prompt_id, None)
        self.edited = [i for i in self.edited if i != prompt_id]
        had_mark = prompt_id in self.marks
        self.marks = [i for i in self.marks if i != prompt_id]
        return had_mark
