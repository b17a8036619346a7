"""The prompts that a child was given, in Claude's own queue: sent, taken back, sent again otherwise. No I/O.

Claude cannot change a prompt that it has read; it gives one back (``cancel_async_message``, or all that wait with an
interrupt that drops the queue), and it is sent again under another uuid, for Claude drops a uuid that it knows
(docs/claude-protocol.md, "Prompts" and "Control requests"). While we wait for the answer, a lifecycle line that says
*cancelled* is ours, and not the end of the prompt.

A prompt that is to be taken *now* ends the running tool: ``priority: "now"`` alone waits for the tool's end, and an
interrupt beside it is not obeyed. So everything that waits is taken back with the interrupt; the
one that is wanted is sent first, and the others for after its turn.
"""

from collections.abc import Callable

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker import control_frames as cf
from worker import frames as f
from worker import lines_out
from worker.recovery import DELETED, Changing, answer_to, renewed
from worker.steps import Control, Line, Step

type ContentOf = Callable[[e.PromptAccepted], str | list[dict[str, object]]]
"""What Claude is given for a prompt: its text, or blocks with the files that came with it."""


def only_text(prompt: e.PromptAccepted) -> str:
    return prompt.text


class Change(msgspec.Struct):
    """Claude was asked to give a prompt back. ``new`` is to be sent instead; None: nothing, it was deleted."""

    commands: list[Changing]
    new: e.PromptAccepted | None
    is_taken_back: bool = False
    """By an interrupt of ours that takes back whatever waits: then *cancelled* does not end it."""
    was_cancelled: bool = False


class Prompts:
    """Those that are not over, by uuid, in the order in which Claude got them."""

    def __init__(self, control: Control, content_of: ContentOf = only_text) -> None:
        self._control = control
        self._content_of = content_of
        self._open: dict[str, e.PromptAccepted] = {}
        self._taken: set[str] = set()
        self.given: set[str] = set()
        """The uuids of all that the child ever got."""
        self._changes: dict[str, Change] = {}

    @property
    def ids(self) -> list[int]:
        return [prompt.prompt_id for prompt in self._open.values()]

    @property
    def unsettled_amends(self) -> list[c.Amend]:
        return [one for change in self._changes.values() for one in change.commands if isinstance(one, c.Amend)]

    @property
    def under_way(self) -> set[str]:
        """Commands that wait for Claude's answer, by their ids."""
        return {one.command_id for change in self._changes.values() for one in change.commands}

    def open(self, uuid: str) -> e.PromptAccepted | None:
        return self._open.get(uuid)

    def id_of(self, uuid: str) -> int | None:
        return self._open[uuid].prompt_id if uuid in self._open else None

    # --- what the child is told ----------------------------------------------------------------------

    def send(self, prompt: e.PromptAccepted) -> list[Step]:
        self._open[prompt.uuid] = prompt
        self.given.add(prompt.uuid)
        return [Line(lines_out.user_message(prompt, self._content_of(prompt)))]

    def amend(self, command: c.Amend, uuid: str, new: e.PromptAccepted | None) -> list[Step]:
        """The PromptAmended follows Claude's answer."""
        if uuid not in self._open:
            return [answer_to(command, done=False)]
        if change := self._changes.get(uuid):
            change.commands.append(command)
            change.new = new and msgspec.structs.replace(new, when=(change.new or new).when)
            return []
        return self._take_back(uuid, Change([command], new))

    def requeue(self, command: c.Requeue, uuid: str) -> list[Step]:
        """The PromptRequeued follows Claude's answer."""
        if uuid not in self._open or uuid in self._taken:
            return [answer_to(command, done=False)]
        change = self._changes.get(uuid)
        if change and change.new is None:
            return [answer_to(command, done=False)]  # it is being deleted
        new = renewed(change.new if change and change.new else self._open[uuid], when=command.when)
        if command.when == "now":
            return self._take_all_back(uuid, command, new)
        if change:
            change.commands.append(command)
            change.new = new
            return []
        return self._take_back(uuid, Change([command], new))

    def _take_back(self, uuid: str, change: Change) -> list[Step]:
        self._changes[uuid] = change
        return [self._control("cancel_async_message", lambda r: self._on_given_back(uuid, r), message_uuid=uuid)]

    def _take_all_back(self, uuid: str, command: c.Requeue, new: e.PromptAccepted) -> list[Step]:
        asked = []
        for one in [uuid, *(u for u in self._open if u != uuid and u not in self._taken)]:
            if change := self._changes.get(one):
                change.is_taken_back = True  # what it waits for comes, and does the rest
            else:
                change = self._changes[one] = Change([], renewed(self._open[one], when="later"), is_taken_back=True)
                asked.append(one)
        wanted = self._changes[uuid]
        wanted.commands.append(command)
        wanted.new = new
        return [self._control("interrupt", lambda r: self._on_all_given_back(asked, r), cancel_queued=True)]

    # --- what the child tells ------------------------------------------------------------------------

    def on_lifecycle(self, uuid: str, state: str, *, in_turn: bool) -> list[Step]:
        """A line of the prompt's lifecycle."""
        if (prompt_id := self.id_of(uuid)) is None:
            return []
        match state:
            case "queued" if uuid not in self._taken:
                return [e.PromptQueued(prompt_id)] if in_turn else []
            case "started" if uuid not in self._taken:
                self._taken.add(uuid)
                return [e.PromptTaken(prompt_id)]
            case "completed" if self._is_over(uuid, cancelled=False):
                return [e.PromptDone(prompt_id)]
            case "cancelled" if self._is_over(uuid, cancelled=True):
                return [e.PromptCancelled(prompt_id)]
            case "discarded" | "refused" if self._is_over(uuid, cancelled=False):
                return [e.PromptCancelled(prompt_id, state)]
            case _:
                return []

    def on_interrupted(self, response: cf.ControlResponse) -> list[Step]:
        """Its answer names the prompts that were dropped, as their lifecycles do."""
        dropped = f.part(response.response, cf.AllCancelled).cancelled
        lost = {uuid: prompt_id for uuid in dropped if (prompt_id := self.id_of(uuid)) is not None}
        return [e.PromptCancelled(lost[uuid]) for uuid in lost if self._is_over(uuid, cancelled=True)]

    def named_by_result(self, uuid: str) -> list[Step]:
        """A result answers this prompt, so Claude took it, whether or not it said so."""
        if uuid not in self._open or uuid in self._taken:
            return []
        self._taken.add(uuid)
        return [e.PromptTaken(self._open[uuid].prompt_id)]

    def all_over(self) -> list[Step]:
        """Claude is idle: with whatever it took it is done."""
        over = {uuid: prompt for uuid, prompt in self._open.items() if uuid in self._taken}
        return [e.PromptDone(prompt.prompt_id) for uuid, prompt in over.items() if self._is_over(uuid, cancelled=False)]

    def _is_over(self, uuid: str, *, cancelled: bool) -> bool:
        """Whether the prompt is, now that Claude says so; one that Claude gives back to us goes on."""
        if cancelled and (change := self._changes.get(uuid)):
            change.was_cancelled = True
            return False
        self._open.pop(uuid, None)
        self._taken.discard(uuid)
        return True

    def _on_given_back(self, uuid: str, response: cf.ControlResponse) -> list[Step]:
        return self._settle(uuid, is_given_back=f.part(response.response, cf.Cancelled).cancelled)

    def _on_all_given_back(self, asked: list[str], response: cf.ControlResponse) -> list[Step]:
        given = f.part(response.response, cf.AllCancelled).cancelled
        return [step for uuid in asked for step in self._settle(uuid, is_given_back=uuid in given)]

    def _settle(self, uuid: str, *, is_given_back: bool) -> list[Step]:
        change = self._changes.pop(uuid)
        done = is_given_back or (change.was_cancelled and change.is_taken_back)
        answers: list[Step] = [answer_to(command, done=done) for command in change.commands]
        if not (done or change.was_cancelled):
            return answers
        prompt = self._open.pop(uuid, change.new)
        if done and change.new:
            return [change.new, *answers, *self.send(change.new)]
        return [*answers, *([e.PromptCancelled(prompt.prompt_id, DELETED if done else "")] if prompt else [])]
