"""What the child that runs is told of directories outside the project, and what becomes of one that takes none back.

Which directories it works in unasked follows from the rules that hold and from whose prompts it works at, so each
prompt goes by way of here (``ask``): what the child is told stands before anything that is decided of that prompt.

A child that does not take one back works in it until it ends. So it gets no further prompt (``supervisor.sessions.
delivery``), and is ended as soon as it has no turn; the next prompt starts one that is told what holds. Of a prompt
that it has already nobody knows whether it was taken up, so that is waited for too.
"""

from uuid import uuid4

from bridge.protocol import commands as c
from bridge.protocol import directories
from bridge.protocol.commands import HIBERNATION
from bridge.session.managed import ManagedSession
from bridge.session.states import SessionState
from supervisor.sessions.lookup import Lookup


class ChildDirectories(Lookup):
    """Of all sessions. What writes is within the caller's transaction."""

    def ask(self, session_id: str, prompt: c.Prompt) -> None:
        """Claude gets this prompt, and is told before what of directories holds with it."""
        self.tell(self.rows[session_id].session, prompt.author_id)
        self.sessions.wish(session_id, prompt)

    def tell(self, session: ManagedSession, *asking: int) -> None:
        """Only a child that runs, and only what is another than it knows. ``asking``: whose prompt comes next."""
        if session.child_pid and not self.is_told(session, *asking):
            value = directories.value_of(self.rules.directories(session, *asking))
            self.sessions.wish(session.session_id, c.Configure(uuid4().hex, directories.SETTING, value))

    def is_told(self, session: ManagedSession, *asking: int) -> bool:
        """Or will be, or does not take it."""
        wanted = directories.value_of(self.rules.directories(session, *asking))
        waiting = [one.command for one in self.store.inbox(session.session_id)]
        wished = [one.value for one in waiting if isinstance(one, c.Configure) and one.setting == directories.SETTING]
        last = wished[-1] if wished else directories.value_of(session.directories)
        return wanted in (last, session.directories_refused)

    def end_unyielding(self, session: ManagedSession) -> bool:
        """Whether a child that did not take a directory back is told to end now."""
        waiting = [one.command for one in self.store.inbox(session.session_id)]
        is_at_work = session.state is not SessionState.IDLE or session.turn or session.prompts
        if is_at_work or any(isinstance(one, c.Stop) for one in waiting) or not self.rules.not_taken_back(session):
            return False
        stop = c.Stop(uuid4().hex, HIBERNATION, if_idle=session.may_hibernate)
        return self.sessions.wish(session.session_id, stop)
