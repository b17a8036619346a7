"""What one session may take of the machine, how that is written in the configuration, and what a person is told.

Two hold a session to its limits. Where the supervisor was given a cgroup of its own, the **kernel** does (memory.max,
pids.max, cpu.weight). Elsewhere the session's **worker** counts once a second what runs below it, and ends what is too
much; there is no CPU weight then.

Bytes are counted as the kernel counts them: 1K is 1024.
"""

import re

import msgspec

LEAST_MEMORY_BYTES = 1 << 30
"""A share of a small machine's memory is never less: Claude itself takes half of it."""
CPU_WEIGHTS = (1, 10_000)
"""Of cgroup v2; 100 is what any other gets (cgroup-v2.rst, "Weights")."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)B?", re.IGNORECASE)
_SHARE = re.compile(r"(\d{1,3})\s*%")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Limits(msgspec.Struct, frozen=True):
    """Of one session; 0: none. ``tasks`` are processes and threads, as the kernel counts them."""

    memory_bytes: int = 0
    tasks: int = 0
    cpu_weight: int = 0
    stored_bytes: int = 0
    """Of its log, the files that people sent to it, and the copies of those that Claude sent."""
    private_bytes: int = 0
    """Of what Claude keeps in its own /tmp, home and the like."""


NO_LIMITS = Limits()


def bytes_of(text: str, ram_bytes: int = 0) -> int:
    """``"4G"``, ``"512M"``, ``"0"``; with the machine's memory also ``"50%"`` of that. Raises ValueError."""
    if ram_bytes and (share := _SHARE.fullmatch(text.strip())) and 0 < int(share[1]) <= 100:
        return max(ram_bytes * int(share[1]) // 100, LEAST_MEMORY_BYTES)
    if not (found := _SIZE.fullmatch(text.strip())):
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2].upper()])


def in_words(size_bytes: int) -> str:
    """As a person reads it: `4 GB`, `1.5 GB`, `512 MB`."""
    for unit in ("T", "G", "M", "K"):
        if size_bytes >= _UNITS[unit]:
            return f"{float(f'{size_bytes / _UNITS[unit]:.3g}'):g} {unit}B"
    return f"{size_bytes} bytes"


# --- what a person is told ---------------------------------------------------------------------------


def kernel_ended_a_tool(limits: Limits) -> str:
    return (
        f"⚠ Claude's tools used more than {in_words(limits.memory_bytes)} of memory, the most that a session may have"
        " (limits.memory in the configuration): the kernel ended the process that had most of it. Claude goes on."
    )


def kernel_ended_claude(limits: Limits) -> str:
    return (
        f"Claude and its tools used more than {in_words(limits.memory_bytes)} of memory, the most that a session may"
        " have (limits.memory in the configuration): the kernel ended Claude"
    )


def kernel_refused_tasks(limits: Limits) -> str:
    return (
        f"⚠ Claude's tools wanted more than {limits.tasks:,} processes and threads, the most that a session may have"
        " (limits.tasks in the configuration): the kernel refuses them any more."
    )


def ended_for_tasks(seen: int, limits: Limits, *, at_least: bool = False) -> str:
    many = f"at least {seen:,}" if at_least else f"{seen:,}"
    return (
        f"Claude and its tools were {many} processes and threads, and a session may have {limits.tasks:,}"
        " (limits.tasks in the configuration): all of them were ended"
    )


def ended_for_memory(seen_bytes: int, limits: Limits) -> str:
    return (
        f"Claude and its tools used {in_words(seen_bytes)} of memory, and a session may have"
        f" {in_words(limits.memory_bytes)} (limits.memory in the configuration): all of them were ended"
    )


def ended_a_tool(program: str, tool_bytes: int, seen_bytes: int, limits: Limits) -> str:
    return (
        f"⚠ Claude and its tools used {in_words(seen_bytes)} of memory, and a session may have"
        f" {in_words(limits.memory_bytes)} (limits.memory in the configuration): the tool that ran {program} used"
        f" {in_words(tool_bytes)} of it and was ended. Claude goes on."
    )


def stored_too_much(seen_bytes: int, limits: Limits) -> str:
    """Of a session that may go on only when there is room."""
    return (
        f"what is stored of this session (its log and its files) is {in_words(seen_bytes)}, and it may be"
        f" {in_words(limits.stored_bytes)} (limits.stored in the configuration)"
    )


def private_too_much(seen_bytes: int, limits: Limits) -> str:
    return (
        f"Claude's own /tmp and home held {in_words(seen_bytes)}, and may hold {in_words(limits.private_bytes)}"
        " (limits.private in the configuration): all its processes were ended, and both are emptied"
    )


def no_room_for(size_bytes: int, seen_bytes: int, limits: Limits) -> str:
    """Of one file."""
    return (
        f"it has {in_words(size_bytes)}, and of this session {in_words(seen_bytes)} are stored already;"
        f" {in_words(limits.stored_bytes)} are the most (limits.stored in the configuration)"
    )
