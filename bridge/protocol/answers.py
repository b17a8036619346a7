"""Which event answers which command; the answered wish leaves the inbox.

A wish and the events that answer it carry the same name, so that one rule makes the inbox's key of either: a prompt's
id, a request's ``(generation, seq)``, or the id of a command that has no name of its own. The first of a key wins;
repeats are the same wish.

What only a child could have answered is void once that child is gone, and a decision is void with the log that its
request stood in. A prompt and a setting wait for the next child; what is to become of a prompt waits as long as that.
"""

from bridge.protocol import commands as c
from bridge.protocol import events as e

type Kinds = tuple[type[c.Command], ...]

ANSWERED_BY: dict[type[c.Command], tuple[type[e.Event], ...]] = {
    c.Prompt: (e.PromptAccepted,),
    c.Decide: (e.PermissionResolved, e.PermissionWithdrawn, e.DecisionRefused),
    c.Interrupt: (e.InterruptAccepted,),
    c.Configure: (e.ConfigureAccepted,),
    c.Amend: (e.PromptAmended,),
    c.Requeue: (e.PromptRequeued,),
    c.Stop: (e.WorkerStopping, e.StopDeclined),
}
VOID_WITH_CHILD: Kinds = (c.Interrupt, c.Stop, c.Decide)
VOID_WITH_LOG: Kinds = (c.Decide,)

_ANSWERS = {event: command for command, events in ANSWERED_BY.items() for event in events}
_NAMED_BY: dict[type[c.Command], str] = {c.Prompt: "prompt_id", c.Decide: "seq"}


def key_of(command: c.AnyCommand) -> str:
    """The wish's name within its session's inbox."""
    return _key(type(command), command, command.generation if isinstance(command, c.Decide) else "")


def answered_by(record: e.Record) -> str:
    """The key of the wish that this record answers; empty when it answers none."""
    command = _ANSWERS.get(type(record.event))
    return _key(command, record.event, record.generation) if command else ""


def keys_of(command: type[c.Command]) -> str:
    """What the keys of all wishes of this kind begin with."""
    return f"{command.__name__.lower()}:"


def _key(command: type[c.Command], named: c.Command | e.Event, generation: str) -> str:
    name = getattr(named, _NAMED_BY.get(command, "command_id"))
    return f"{keys_of(command)}{f'{generation}:' if command is c.Decide else ''}{name}"
