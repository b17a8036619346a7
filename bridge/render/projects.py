"""What ``/project`` answers."""

from collections.abc import Sequence

from bridge.text import escape, one_line

MOST_LISTED = 25


def added(channel_id: int, directory: str, who: str) -> str:
    return (
        f"<#{channel_id}> has a project now: messages there start sessions in `{one_line(directory, 300)}`.\n"
        f"-# Who may talk there: {who}"
    )


def removed(channel_id: int, sessions: int) -> str:
    left = f" Its {sessions} sessions go on in their threads; `/stop` ends one." if sessions else ""
    return f"<#{channel_id}> has no project any more: messages there start nothing.{left}"


def listed(channels: Sequence[tuple[int, str]], roots: Sequence[str]) -> str:
    """``channels``: ids and directories."""
    lines = [f"- <#{channel_id}> `{one_line(directory, 120)}`" for channel_id, directory in channels[:MOST_LISTED]]
    if more := len(channels) - MOST_LISTED:
        lines += [f"-# and {more} more"] if more > 0 else []
    where = ", ".join(escape(one_line(root, 120)) for root in roots)
    lines.append(f"-# `/project add` takes directories below {where}" if roots else "-# none can be added from here")
    return "\n".join(lines if channels else ["No channel of this server has a project.", *lines])
