"""What the card of a push shows: where it goes, what stands there now, and each commit that goes out."""

from bridge.protocol.push import Push

SHORT = 10
"""Digits of a commit's id."""


def title(push: Push) -> str:
    how = "Push over what is there, to" if push.force else "Push to"
    return f"{how} {push.to}"


def body(push: Push) -> str:
    """Plain text for a code block; the URL and the branch in it whole."""
    lines = [f"to      {push.remote}", f"branch  {push.to}{_stands_at(push)}"]
    if push.branch != push.to:
        lines.append(f"from    {push.branch}, another branch here")
    lines.append(f"commit  {push.commit}")
    if push.force:
        lines += ["", f"FORCED: {push.was[:SHORT]}, which is there now, is replaced. What only it had is lost there."]
    lines += ["", *_list("commit", push.commit_count, push.commits)]
    if push.file_count:
        lines += ["", *_list("changed file", push.file_count, push.files)]
    return "\n".join(lines)


def _stands_at(push: Push) -> str:
    return f" (at {push.was[:SHORT]} now)" if push.was else " (a new one)"


def _list(what: str, count: int, named: tuple[str, ...]) -> list[str]:
    more = [f"… and {count - len(named):,} more"] if count > len(named) else []
    return [f"{count:,} {what}{'' if count == 1 else 's'}:", *named, *more]
