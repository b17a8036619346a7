"""ManagedSession: what is the case in one session, folded from its records.

Only events change it; its state follows the table in ``states``. What is not an event of the log is not here: that a
session was *ended* is a wish of the supervisor's and stands in its store; *awaiting* and *broken* are derived
(``shown_state``).

Money: what a turn cost is what Claude says was spent since its last result. Where it does not say that, it is the
difference of its cumulative figure, per Claude id; a figure below the one before begins anew, for Claude keeps its
figure over an ordinary resume and loses it when it is killed. ``total_cost_usd`` and ``spent_usd`` are the sum of all
turns. Tokens are per turn, and added.
"""

import msgspec

from bridge.newest import note_newest
from bridge.protocol import directories
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from bridge.protocol.events.turns import MOST_USD
from bridge.session.open_work import OpenPrompt, PromptState, Turn
from bridge.session.permission import PermissionRequest, RequestName, Settled
from bridge.session.states import TRANSITIONS, SessionState

QUICK_DEATHS_BEFORE_BROKEN = 3
SETTLED_REQUESTS_KEPT = 64


class ManagedSession(msgspec.Struct):
    """One session's state and totals. Times in Unix seconds, money in USD."""

    session_id: str
    thread_id: int
    guild_id: int
    channel_id: int
    directory: str
    owner_id: int
    started_at: float
    generation: str = ""
    applied: int = 0
    state: SessionState = SessionState.DORMANT
    claude_id: str = ""
    child_started_at: float = 0.0
    """When the last child answered."""
    permission_mode: str = ""
    """The one that Claude told last."""
    admitted_mode: str = ""
    """The last one that was chosen, or told by Claude and no looser; the next child begins in it."""
    title: str = ""
    """What Claude made of the first prompt; empty: nothing."""
    model: str = ""
    """What a person chose for this session; empty: the channel's or the configuration's."""
    effort: str = ""
    directories: tuple[str, ...] = ()
    """Outside the project, in which the child that runs works without asking; it forgets them with its process."""
    directories_refused: str = ""
    """The last value of that setting which this child did not take."""
    inode: int = 0
    """The project directory's; 0: not known. Another one in its place is gone on in only when a person says so."""
    git_directory: str = ""
    work_tree: str = ""
    remote: str = ""
    replaced_by: int = 0
    """The inode of another directory that was found in its place."""
    stopped_for: str = ""
    """Why its last worker was told to stop; empty once another one runs."""
    worker_pid: int = 0
    child_pid: int = 0
    contained: bool = False
    containment: str = ""
    turn: Turn | None = None
    prompts: dict[int, OpenPrompt] = msgspec.field(default_factory=dict)
    requests: dict[int, PermissionRequest] = msgspec.field(default_factory=dict)
    settled: dict[int, Settled] = msgspec.field(default_factory=dict)
    tasks: dict[str, str] = msgspec.field(default_factory=dict)
    last_prompter_id: int = 0
    message_count: int = 0
    turn_count: int = 0
    last_activity: float = 0.0
    total_cost_usd: float = 0.0
    spent_usd: float = 0.0
    turn_cost_usd: float = 0.0
    """What the last ended turn cost."""
    cost_by_claude_id: dict[str, float] = msgspec.field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    quick_deaths: int = 0
    turns_since_start: int = 0
    last_error: str = ""
    """The code of what the last turn failed for; empty once another one began."""
    last_error_at: float = 0.0
    last_failure: str = ""
    last_failure_is_resume: bool = False
    last_failure_may_pass: bool = False
    """It was no failure of Claude's: it is not started now, and is tried again by itself."""
    last_failure_is_final: bool = False
    """Another start by itself would fail the same way."""

    @property
    def is_processing(self) -> bool:
        return self.turn is not None

    @property
    def is_broken(self) -> bool:
        """Nothing is started again by itself."""
        is_hopeless = self.last_failure_is_final or self.quick_deaths >= QUICK_DEATHS_BEFORE_BROKEN
        return self.state is SessionState.DORMANT and is_hopeless

    @property
    def may_hibernate(self) -> bool:
        """No turn, no open request, no background task, no prompt that Claude still owes."""
        return self.state is SessionState.IDLE and not (self.turn or self.requests or self.tasks or self.prompts)

    def shown_state(self) -> str:
        """The state in the words of ``threadbridge list``, but for *ended*, which the store knows."""
        if self.requests and self.state in (SessionState.IDLE, SessionState.BUSY):
            return "awaiting"
        if self.state is SessionState.DORMANT and self.stopped_for == HIBERNATION:
            return "hibernating"
        return "broken" if self.is_broken else str(self.state)

    def url(self) -> str:
        return f"https://discord.com/channels/{self.guild_id}/{self.thread_id}"

    def prompter_of(self, request: PermissionRequest) -> int:
        """The user id of the person whose prompt the request serves; the owner when there was none."""
        return request.asked_for or self.last_prompter_id or self.owner_id

    def askers_of(self, request: PermissionRequest) -> frozenset[int]:
        """All whose prompts the request serves: what one of them wants is not another's because both wrote."""
        return frozenset(request.askers) or frozenset({self.prompter_of(request)})

    def place_of(self, prompt_id: int) -> int:
        """The channel or thread of a message that is a prompt by itself, where nothing else is known of it."""
        return self.channel_id if prompt_id == self.thread_id else self.thread_id

    def is_asked_by(self, user_id: int) -> bool:
        """Whether what Claude does or has before it is (also) this person's."""
        return any(prompt.author_id == user_id for prompt in self.prompts.values())

    def was_mended(self) -> None:
        """A person says that it may work now."""
        self.quick_deaths, self.last_failure_is_final = 0, False

    def apply(self, record: e.Record) -> None:
        """Fold one record. Records MUST come in ascending seq; that is ``SessionManager.record``'s duty."""
        event = record.event
        if self.generation != record.generation or isinstance(event, e.LogGap):
            self._begin_generation(record.generation)
        self.state = TRANSITIONS[self.state].get(type(event), self.state)
        self.applied = record.seq
        self.last_activity = max(self.last_activity, record.at)
        self._apply_process(event, record.at)
        self._apply_setting(event)
        self._apply_prompt(event)
        self._apply_turn(record)
        self._apply_permission(record)

    def _begin_generation(self, generation: str) -> None:
        """A new log, or one with a hole: whatever the lost part left open, nobody can answer any more."""
        self.generation = generation
        self.requests.clear()
        self.settled.clear()
        self.prompts.clear()
        self.tasks.clear()
        self.turn = None

    def _apply_process(self, event: e.AnyEvent, at: float) -> None:
        match event:
            case e.WorkerStarted():
                self._worker_started(event)
            case e.ChildStarted():
                self.child_pid, self.claude_id = event.pid, event.claude_id
                self.child_started_at = at
                self.directories, self.directories_refused = (), ""
            case e.Titled():
                self.title = event.title
            case e.ClaudeIdentified():
                self.claude_id = event.claude_id
            case e.WorkerStopping():
                self.stopped_for = event.reason
            case e.ResumeFailed():
                self.last_failure, self.last_failure_is_resume = event.reason, True
            case e.ProjectReplaced():
                self.last_failure, self.last_failure_is_resume = event.reason, True
                self.replaced_by = event.inode
            case e.ChildExited():
                self._child_exited(event)
            case e.TaskStarted(backgrounded=True):
                self.tasks[event.task_id] = event.description
            case e.TaskEnded():
                self.tasks.pop(event.task_id, None)
            case _:
                pass

    def _worker_started(self, event: e.WorkerStarted) -> None:
        if self.worker_pid and not self.turns_since_start:
            self.quick_deaths += 1  # the one before died without a word
        self.worker_pid, self.child_pid = event.pid, 0
        self.contained, self.containment = event.contained, event.containment
        self.inode = event.inode or self.inode
        self.turns_since_start = 0
        self.stopped_for = ""
        self.last_failure_is_resume = self.last_failure_is_final = False
        self.tasks.clear()

    def _apply_setting(self, event: e.AnyEvent) -> None:
        match event:
            case e.ModeChanged():
                self.permission_mode = event.permission_mode
                self.admitted_mode = event.permission_mode if event.admitted else self.admitted_mode
            case e.ConfigureAccepted(setting="permission_mode", error=""):
                self.admitted_mode = event.value
            case e.ConfigureAccepted(setting="model", error=""):
                self.model = event.value
            case e.ConfigureAccepted(setting="effort", error=""):
                self.effort = event.value
            case e.ConfigureAccepted(setting=directories.SETTING):
                self._told_directories(event)
            case _:
                pass

    def _told_directories(self, event: e.ConfigureAccepted) -> None:
        self.directories = self.directories if event.error else directories.read(event.value)
        self.directories_refused = event.value if event.error else ""

    def _child_exited(self, event: e.ChildExited) -> None:
        if not self.worker_pid:
            self.last_failure_is_resume = False  # that was another worker's; this one came to nothing
        self.worker_pid = self.child_pid = 0
        self.tasks.clear()
        self.last_failure = "" if event.wanted else event.reason
        self.last_failure_is_final, self.last_failure_may_pass = event.is_final, event.may_pass
        if event.may_pass:
            return
        if event.wanted or self.turns_since_start:
            self.quick_deaths = 0
        else:
            self.quick_deaths += 1

    def _apply_prompt(self, event: e.AnyEvent) -> None:
        match event:
            case e.PromptAccepted():
                known = self.prompts.pop(event.prompt_id, None)  # sent again: its turn comes last
                self.prompts[event.prompt_id] = OpenPrompt(
                    event.uuid, event.author_id, is_message=event.is_message, when=event.when, parts=event.parts
                )
                self.last_prompter_id = event.author_id
                self.message_count += 0 if known else 1
            case e.PromptQueued() if event.prompt_id in self.prompts:
                self.prompts[event.prompt_id].state = PromptState.QUEUED
            case e.PromptTaken() if event.prompt_id in self.prompts:
                self.prompts[event.prompt_id].state = PromptState.TAKEN
            case e.PromptDone() | e.PromptCancelled() | e.PromptAmended(deleted=True, done=True):
                self.prompts.pop(event.prompt_id, None)
            case _:
                pass

    def _apply_turn(self, record: e.Record) -> None:
        match record.event:
            case e.TurnStarted() as event:
                self.turn = Turn(record.seq, record.at, event.prompt_ids, event.origin, self._authors(event.prompt_ids))
                self.last_error = ""
            case e.PromptTaken(prompt_id=prompt_id) if self.turn and prompt_id not in self.turn.prompt_ids:
                authors = (*self.turn.authors, *self._authors((prompt_id,)))
                prompt_ids = (*self.turn.prompt_ids, prompt_id)
                self.turn = msgspec.structs.replace(self.turn, prompt_ids=prompt_ids, authors=authors)
            case e.TurnEnded() as event:
                self.turn = None
                self.last_error, self.last_error_at = event.error, record.at
                self.turn_count += 1
                self.turns_since_start += 0 if event.outcome == "lost" else 1
                if event.outcome == "completed":
                    self.quick_deaths, self.last_failure = 0, ""
                self.update_costs(event)
            case _:
                pass

    def update_costs(self, ended: e.TurnEnded) -> None:
        """Add what this turn cost, and its tokens."""
        self.input_tokens += ended.input_tokens
        self.output_tokens += ended.output_tokens
        if ended.total_cost_usd is None:
            return
        known = self.cost_by_claude_id.get(self.claude_id, 0.0)
        base = known if known <= ended.total_cost_usd else 0.0
        spent = ended.total_cost_usd - base if ended.cost_usd is None else ended.cost_usd
        self.turn_cost_usd = min(max(0.0, spent), MOST_USD)
        self.spent_usd = min(self.spent_usd + self.turn_cost_usd, MOST_USD)
        self.total_cost_usd = self.spent_usd
        self.cost_by_claude_id[self.claude_id] = ended.total_cost_usd

    def _apply_permission(self, record: e.Record) -> None:
        match record.event:
            case e.PermissionRequested() as event:
                name = RequestName(self.session_id, record.generation, record.seq)
                askers = self.turn.authors if self.turn else ()
                self.requests[record.seq] = PermissionRequest(name, record.at, self.serving(), event, askers=askers)
            case e.PermissionResolved() as event:
                ended = (event.verdict, event.decider, event.reason, event.always, event.answers, event.mode)
                settled = Settled(*ended, decider_id=event.decided_by, also_by=event.also_by, kept=event.kept)
                self._settle(event.seq, settled)
            case e.PermissionWithdrawn() as event:
                self._settle(event.seq, Settled("withdrawn", "", event.reason))
            case _:
                pass

    def _authors(self, prompt_ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self.prompts[one].author_id for one in prompt_ids if one in self.prompts)

    def serving(self) -> int:
        """Whose prompt the running turn serves: the author of the last prompt that Claude took into it."""
        taken = [self.prompts[i].author_id for i in (self.turn.prompt_ids if self.turn else ()) if i in self.prompts]
        return taken[-1] if taken else self.last_prompter_id

    def _settle(self, seq: int, how: Settled) -> None:
        if self.requests.pop(seq, None) is None:
            return
        note_newest(self.settled, seq, how, SETTLED_REQUESTS_KEPT)


def session_from(created: e.SessionCreated, at: float) -> ManagedSession:
    """A session that has only begun. ``at`` in Unix seconds."""
    return ManagedSession(
        session_id=created.session_id,
        thread_id=created.thread_id,
        guild_id=created.guild_id,
        channel_id=created.channel_id,
        directory=created.directory,
        owner_id=created.owner_id,
        inode=created.inode,
        git_directory=created.git_directory,
        work_tree=created.work_tree,
        remote=created.remote,
        started_at=at,
        last_activity=at,
    )
