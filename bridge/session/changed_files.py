"""Which files a turn changed, or all turns so far, by what the log says of Claude's own editing tools.

Whatever else changes files (commands, people, other sessions) is in no record; that commands ran is.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bridge.protocol import events as e
from bridge.protocol.edits import EDIT_TOOLS
from bridge.session.net_change import DoesNotFitError, NetChange

MOST_EDITS = 20_000
"""That are put together: seconds of work."""


class ChangedFile(msgspec.Struct, frozen=True):
    """``parts``: its changes, each out of as many as fit together; another one follows on what something else did."""

    path: str
    parts: tuple[e.FileChange, ...]
    is_cut: bool = False
    """Something of it was more than the log keeps, so this is not all."""
    splits: int = 0
    """How many parts only begin anew because there was too much in the one before."""


class ChangedFiles(msgspec.Struct, frozen=True):
    files: tuple[ChangedFile, ...] = ()
    """In the order in which they were first changed; one of which nothing is left is not among them."""
    commands: int = 0
    """How many commands ran, which may have changed anything."""
    untold: int = 0
    """How many edits the log tells no more of than that they were made."""
    left_out: int = 0
    """How many edits are more than are put together, the newest."""


def of_turn(records: Iterable[e.Record], turn: int) -> ChangedFiles:
    """``turn``: the seq of its TurnStarted."""
    return of_session(_of_turn(records, turn))


def of_session(records: Iterable[e.Record]) -> ChangedFiles:
    tools, nets, cut = dict[str, str](), dict[str, list[NetChange]](), set[str]()
    commands = untold = told = 0
    for record in records:
        match record.event:
            case e.ToolStarted(tool_use_id=call, tool=tool):
                tools[call] = tool
                commands += tool == "Bash"
            case e.ToolFinished(is_error=False, unknown=False, change=e.FileChange()) if told >= MOST_EDITS:
                told += 1
            case e.ToolFinished(is_error=False, unknown=False, change=e.FileChange() as change):
                told += 1
                cut |= {change.path} if change.is_cut else set()
                untold += not _add(nets.setdefault(change.path, []), change)
            case e.ToolFinished(tool_use_id=call, is_error=False, unknown=False):
                untold += tools.get(call, "") in EDIT_TOOLS
            case _:
                pass
    found = (_file(path, parts, is_cut=path in cut) for path, parts in nets.items())
    left_out = max(0, told - MOST_EDITS)
    return ChangedFiles(tuple(file for file in found if file.parts or file.is_cut), commands, untold, left_out)


def _of_turn(records: Iterable[e.Record], turn: int) -> Iterator[e.Record]:
    for record in records:
        if record.seq > turn and isinstance(record.event, e.TurnStarted | e.TurnEnded):
            return
        if record.seq >= turn:
            yield record


def _add(parts: list[NetChange], change: e.FileChange) -> bool:
    """False for one that fits no file at all; it is left out. Claude tells it, so it may say anything."""
    if change.is_cut:
        if parts:  # what comes after one that is not known begins anew
            parts.append(NetChange(is_new=False))
        return True
    has_room = bool(parts) and not parts[-1].is_full
    return (has_room and _fits(parts[-1], change)) or _begins(parts, change)


def _begins(parts: list[NetChange], change: e.FileChange) -> bool:
    fresh = NetChange(is_new=change.is_new)
    if is_one := _fits(fresh, change):
        parts.append(fresh)
    return is_one


def _fits(part: NetChange, change: e.FileChange) -> bool:
    try:
        part.add(change)
    except DoesNotFitError:
        return False
    return True


def _file(path: str, parts: Sequence[NetChange], *, is_cut: bool) -> ChangedFile:
    return ChangedFile(path, _left(path, parts), is_cut, sum(part.is_full for part in parts[:-1]))


def _left(path: str, parts: Iterable[NetChange]) -> tuple[e.FileChange, ...]:
    changes = [part.change(path) for part in parts]
    return tuple(change for change in changes if change.is_new or change.hunks)
