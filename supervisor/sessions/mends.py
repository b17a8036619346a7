"""What people do about what went wrong: a lost turn, a conversation that is gone, a directory that was replaced."""

import msgspec

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.render import card_flow, decided, limits, lost, notices, outages, restarts
from bridge.render.posts import Post
from bridge.session.people import named
from bridge.session.permission import Person, RequestName
from supervisor.discord.snowflakes import snowflake
from supervisor.sessions.child_directories import ChildDirectories
from supervisor.sessions.sessions_table import SessionRow

GO_ON_AT_RESET = (
    "The usage limit that ended your last turn is free again. Go on with what you were asked, from where you were"
    " stopped."
)


GO_ON = (
    "Claude's API was overloaded or could not be reached, which ended your last turn. Go on with what you were asked,"
    " from where you were stopped."
)


class Mends(ChildDirectories):
    """Each click counts once."""

    def settle_lost_turn(self, name: RequestName, person: Person, continue_as: int) -> bool:
        """Whether this click on a lost turn's card is the first. ``continue_as``: the prompt's id; 0 discards."""
        row = self.rows.get(name.session_id)
        turn = row.view.lost_turn if row else None
        if row is None or turn is None or (turn.generation, turn.seq) != (name.generation, name.seq):
            return False
        who = named(person.user_id, person.name)
        verdict = lost.continued_by(who) if continue_as else lost.discarded_by(who)
        settled = j.LostTurnSettled(
            *(name.session_id, row.session.channel_id, person.user_id),
            generation=name.generation,
            seq=name.seq,
            verdict=verdict,
        )
        with self.transaction(settled):
            for key, post in row.view.settle_lost_turn(verdict, row.session).items():
                self.store.desire(name.session_id, key, post)
            if continue_as:
                self.sessions.reopen_row(row)
                self.ask(name.session_id, _our_words(continue_as, lost.continuing_prompt(turn), person))
            self.store.save(row)
        self.changed(name.session_id)
        return True

    def let_ask_again(self, name: RequestName, person: Person, prompt_id: int) -> bool:
        """Whether this is the first click on a request that nobody answered in time: Claude is told that it is now."""
        row = self.rows.get(name.session_id)
        if row is None or row.view.generation != name.generation or name.seq not in row.view.expired:
            return False
        what, who = row.view.expired[name.seq], named(person.user_id, person.name)
        asked = j.AskedAgain(
            *(name.session_id, row.session.channel_id, person.user_id),
            generation=name.generation,
            seq=name.seq,
            who=who,
        )
        with self.transaction(asked):
            self.note_asked_again(row, name, who)
            self.sessions.reopen_row(row)
            self.ask(name.session_id, _our_words(prompt_id, decided.again_prompt(what), person))
            self.store.save(row)
        self.changed(name.session_id)
        return True

    def note_asked_again(self, row: SessionRow, name: RequestName, who: str) -> None:
        """Its post says so, and has the button no more. Within the caller's transaction."""
        if row.view.generation == name.generation:
            row.view.expired.pop(name.seq, None)
        button = name.custom_id("again")
        for found in self.store.posts_like(name.session_id, card_flow.keys_of(name.generation)):
            left = tuple(one for one in found.desired.buttons if one.custom_id != button)
            if len(left) < len(found.desired.buttons):
                content = (
                    f"{found.desired.content}\n-# ↻ {who} lets Claude ask again: it was told that somebody is there."
                )
                said = msgspec.structs.replace(found.desired, content=content, buttons=left)
                self.store.desire(name.session_id, found.key, said)

    def goes_on(self, session_id: str, text: str, post: Post) -> None:
        """Claude is told something by us, in the name of who asked last, and the thread is told that it was."""
        row = self.rows[session_id]
        person = Person(row.session.last_prompter_id or row.session.owner_id, "")
        row.session.last_error = ""
        self.ask(session_id, _our_words(snowflake(self.clock()) + 1, text, person))
        self.store.desire(session_id, f"login:{row.session.generation}:{row.session.applied}", post)
        self.store.save(row)

    def start_fresh(self, session_id: str, by: int = 0) -> None:
        """The next child begins a new conversation of Claude's in this thread."""
        row = self.rows[session_id]
        with self.transaction(j.ConversationBegunAnew(session_id, row.session.channel_id, by)):
            row.fresh = True
            row.session.was_mended()
            self.sessions.reopen_row(row)
            self.reports.let_go(session_id)
            for key, post in self._started_fresh(row).items():
                self.store.desire(session_id, key, post)
            self.store.save(row)
        self.changed(session_id)

    def want_reset(self, session_id: str, *, wanted: bool, person: Person | None) -> bool:
        """Whether this changes what becomes of a turn that a usage limit, or an outage, ended. None: nobody's tap."""
        row = self.rows[session_id]
        of = row.view.limit_of
        with self.transaction():
            if not (posts := row.view.want_reset(session_id, person, wanted=wanted)):
                return False
            if person:
                if wanted:
                    self.sessions.reopen_row(row)
                whose = session_id, row.session.channel_id, person.user_id
                self.sessions.note(j.ResetChosen(*whose, *of, wanted=wanted, who=person.name))
            for key, post in posts.items():
                self.store.desire(session_id, key, post)
            self.store.save(row)
        self.changed(session_id)
        return True

    def limit_is_free(self, session_id: str) -> None:
        """Claude is told to go on with what it was asked, unless it does something else by now: in the name of who
        wanted that, else of who had asked.
        """
        row = self.rows[session_id]
        waiting = [item.command for item in self.sessions.store.inbox(session_id)]
        is_idle = not (row.session.turn or any(isinstance(one, c.Prompt) for one in waiting))
        is_too_late = row.view.is_outage and self.clock() > row.view.limit_at + outages.LATEST_S
        with self.transaction():
            person = Person(
                row.view.limit_by or row.session.last_prompter_id or row.session.owner_id, row.view.limit_by_name
            )
            told, text = (outages.GONE_ON, GO_ON) if row.view.is_outage else (limits.FREE_AGAIN, GO_ON_AT_RESET)
            told = outages.TOO_LATE if is_too_late else told
            posts = row.view.settle_limit(told if is_idle else limits.OVERTAKEN)
            for key, post in posts.items():
                self.store.desire(session_id, key, post)
            if is_idle and posts and not is_too_late:
                self.ask(session_id, _our_words(snowflake(self.clock()) + 2, text, person))
            self.store.save(row)
        self.changed(session_id)

    def go_on_here(self, session_id: str, person: Person) -> bool:
        """Whether this is the first click on the card of a replaced directory: the one that was found is accepted."""
        row = self.rows[session_id]
        with self.transaction():
            if not (posts := row.view.goes_on_here(named(person.user_id, person.name))):
                return False
            who = named(person.user_id, person.name)
            self.sessions.note(
                j.DirectoryAccepted(
                    *(session_id, row.session.channel_id, person.user_id), inode=row.session.replaced_by, who=who
                )
            )
            self.keep_inode(session_id, row.session.replaced_by)
            row.session.was_mended()
            self.sessions.reopen_row(row)
            for key, post in posts.items():
                self.store.desire(session_id, key, post)
            self.store.save(row)
        self.changed(session_id)
        return True

    def keep_inode(self, session_id: str, inode: int) -> None:
        """Within the caller's transaction."""
        self.store.keep_accepted_inode(session_id, inode)

    def accepted_inode(self, session_id: str) -> int:
        """Of the directory that a person let the session go on in; 0 when nobody was asked."""
        return self.store.accepted_inode(session_id)

    def _started_fresh(self, row: SessionRow) -> dict[str, Post]:
        """Views from before there was one card at a time do not know which it is."""
        known = self.store.posts_like(row.session.session_id, restarts.RESUME)
        return row.view.started_fresh() or {post.key: notices.fresh_start() for post in known if post.desired.buttons}

    def reopen(self, session_id: str) -> None:
        row = self.rows[session_id]
        with self.transaction():
            self.sessions.reopen_row(row)
            self.reports.let_go(session_id)
        self.changed(session_id)


def _our_words(prompt_id: int, text: str, person: Person) -> c.Prompt:
    return c.Prompt(prompt_id, text, person.user_id, person.name, is_ours=True)
