"""What is said when a turn or a process ends."""

from collections.abc import Collection

from bridge.protocol import events as e
from bridge.render.posts import Button, Post
from bridge.render.runs import QUIET
from bridge.render.terminal import shown_text
from bridge.session.managed import ManagedSession
from bridge.session.people import pinged
from bridge.text import duration, escape, one_line, tokens, usd

SUMMARY_CHARS = 300
REASON_CHARS = 900  # escaped, it may be twice as long, and still fits a post
PINGED_MOST = 5


def footer(ended: e.TurnEnded, seconds: float, cost_usd: float, changed: Collection[tuple[int, int]] = ()) -> str:
    """The turn's quiet last line: outcome, Claude's own time, its files, its cost in USD, how full the context is.

    ``changed``: the lines that came and went, of each file. Where the context is not known, the tokens are told.
    """
    mark = {"completed": "✓ done", "failed": "✗ failed", "interrupted": "■ interrupted", "lost": "? lost"}
    parts = [mark[ended.outcome]]
    if ended.duration or (seconds >= 1 and ended.outcome != "lost"):
        parts.append(duration(seconds))
    if changed:
        count = len(changed)
        added, removed = (sum(lines) for lines in zip(*changed, strict=True))
        parts.append(f"{count} file{'' if count == 1 else 's'} +{added} −{removed}")
    if ended.total_cost_usd is not None:
        parts.append(usd(cost_usd))
    if percent := _context_percent(ended):
        parts.append(f"{percent} % of context")
    elif ended.input_tokens or ended.output_tokens:
        parts.append(f"{tokens(ended.input_tokens)} in, {tokens(ended.output_tokens)} out")
    return " · ".join(parts)


def _context_percent(ended: e.TurnEnded) -> int:
    """How full Claude's context is; 0: not told, or as good as empty."""
    return min(100, round(100 * ended.context_tokens / ended.context_window)) if ended.context_window > 0 else 0


def summary(text: str, session: ManagedSession) -> Post:
    """The first paragraph of a long answer, for the channel."""
    paragraph = next(
        (p for p in text.split("\n\n") if p.strip() and not p.lstrip().startswith(("#", "```", "|"))), text
    )
    return Post(
        f"{escape(one_line(paragraph, SUMMARY_CHARS))}\n{QUIET}The whole answer: {session.url()}",
        silent=True,
        where="channel",
    )


def diff_button(custom_id: str) -> Button:
    return Button("Diff", custom_id)


def ping(ended: e.TurnEnded, last_line: str, session: ManagedSession, diff: str = "") -> Post:
    """The last line, for who asked and may be somewhere else by now. A post, because an edit notifies nobody."""
    known = [session.prompts[i].author_id for i in ended.prompt_ids if i in session.prompts]
    people = (pinged(*known) or pinged(session.last_prompter_id or session.owner_id))[:PINGED_MOST]
    whom = f" · {' '.join(f'<@{user}>' for user in people)}" if people else ""
    return Post(f"{QUIET}{last_line}{whom}", mentions=people, buttons=(diff_button(diff),) if diff else ())


def exit_post(event: e.ChildExited, session: ManagedSession) -> Post:
    """A process ended by itself: what that means for the session."""
    what = escape(one_line(shown_text(event.reason), REASON_CHARS))
    if event.may_pass:
        rest = "It is tried again by itself; what waits here goes along then."
    elif session.last_failure_is_final:
        rest = (
            "It is not started again by itself, for that would end the same way."
            " Mend it, then write here: what waits goes along."
        )
    elif session.is_broken:
        rest = (
            f"That was {session.quick_deaths} times in a row, so it is not started again by itself."
            " Mend it, then write here: what waits goes along."
        )
    else:
        rest = "What Claude had not taken up is sent again by itself; nothing else is. Write here to go on."
    return Post(f"⚠ {what}\n{QUIET}{rest}")
