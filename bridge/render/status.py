"""``/status``: the sessions that a person may see, what needs somebody first, ten a page.

A page is made anew at each press, from what its button says (``StatusButton``): which page, and what was looked for.
"""

from collections.abc import Iterable, Sequence

import msgspec

from bridge.discord_numbers import EMBED_DESCRIPTION_CHARS
from bridge.render.posts import Button, Embed, Post
from bridge.render.replies import Listed, title_in_bold
from bridge.session.custom_ids import State, StatusButton
from bridge.text import clip, duration, escape, one_line, reveal, usd

A_PAGE = 10
TOOL_CHARS = 60
WAITS_CHARS = 120
_LINE_CHARS = EMBED_DESCRIPTION_CHARS // A_PAGE - 20
"""Ten lines and the headings between them fit, whatever stands in them."""
_GREY = 0x4E5058

STATES: dict[State, str] = {
    "awaiting": "wait for somebody's answer",
    "working": "Claude works",
    "idle": "Claude waits for a message",
    "asleep": "a message wakes them",
    "broken": "cannot go on by themselves",
    "ended": "were ended",
}
"""What ``/status`` can be asked for, in words."""
_KINDS: dict[str, State] = {
    "awaiting": "awaiting",
    "starting": "working",
    "busy": "working",
    "idle": "idle",
    "dormant": "asleep",
    "hibernating": "asleep",
    "broken": "broken",
    "ended": "ended",
}


class Group(msgspec.Struct, frozen=True):
    """Where a session stands in the list: the smaller ``rank``, the higher."""

    rank: int
    heading: str


NEEDS, YOURS, OTHERS, ENDED = (
    Group(n, heading) for n, heading in enumerate(("Somebody has to answer", "Yours", "Others'", "Ended"))
)


def kind_of(one: Listed) -> State:
    """Which of the states that one can look for."""
    return _KINDS.get(one.state, "idle")


def group_of(one: Listed, person_id: int) -> Group:
    if kind_of(one) == "ended":
        return ENDED
    if one.has_lost or (one.limit_at and not one.goes_on) or kind_of(one) in ("awaiting", "broken"):
        return NEEDS
    return YOURS if one.session.owner_id == person_id else OTHERS


def fits(one: Listed, wanted: StatusButton) -> bool:
    return (
        wanted.channel_id in (0, one.session.channel_id)
        and wanted.person_id in (0, one.session.owner_id)
        and wanted.state in ("any", kind_of(one))
    )


def in_order(listed: Iterable[Listed], person_id: int) -> list[Listed]:
    """What somebody has to answer, the person's own, others', the ended ones.

    In each their own before others', then what works, then the newest.
    """

    def place(one: Listed) -> tuple[int, bool, bool, float]:
        session = one.session
        is_others = session.owner_id != person_id
        return group_of(one, person_id).rank, is_others, not session.is_processing, -session.last_activity

    return sorted(listed, key=place)


def page(listed: Sequence[Listed], wanted: StatusButton, person_id: int, now: float) -> Post:
    """One page of what fits, or of what is left when there are fewer pages by now. ``now`` in Unix seconds."""
    fitting = in_order((one for one in listed if fits(one, wanted)), person_id)
    if not fitting:
        return Post(_nothing(wanted))
    number = min(wanted.page, (len(fitting) - 1) // A_PAGE)
    first = number * A_PAGE
    shown = fitting[first : first + A_PAGE]
    embed = Embed("Sessions", "\n".join(_lines(shown, person_id, now)), _footer(first, len(shown), len(fitting)), _GREY)
    return Post(_looked_for(wanted), embed, _buttons(wanted, number, len(fitting)))


def _nothing(wanted: StatusButton) -> str:
    if _looked_for(wanted):
        return "No session that you can see fits that. `/status` alone shows all."
    return "There is no session yet. Write in a configured channel, or use `/new`."


def _looked_for(wanted: StatusButton) -> str:
    parts = [
        f"in <#{wanted.channel_id}>" if wanted.channel_id else "",
        f"of <@{wanted.person_id}>" if wanted.person_id else "",
        f"that {STATES[wanted.state]}" if wanted.state != "any" else "",
    ]
    said = " ".join(filter(None, parts))
    return f"Only those {said}." if said else ""


def _footer(first: int, shown: int, of: int) -> str:
    return f"{first + 1}–{first + shown} of {of}" if of > A_PAGE else ""


def _buttons(wanted: StatusButton, number: int, of: int) -> tuple[Button, ...]:
    if of <= A_PAGE:
        return ()

    def to(page: int) -> StatusButton:
        return msgspec.structs.replace(wanted, page=page)

    back, forth = to(max(number - 1, 0)).custom_id("back"), to(number + 1).custom_id("next")
    is_last = (number + 1) * A_PAGE >= of
    return Button("Previous", back, disabled=number == 0), Button("Next", forth, disabled=is_last)


def _lines(shown: Sequence[Listed], person_id: int, now: float) -> Iterable[str]:
    last: Group | None = None
    for one in shown:
        if (group := group_of(one, person_id)) != last:
            yield f"**{group.heading}**"
            last = group
        yield _line(one, now)


def _line(one: Listed, now: float) -> str:
    """The link stands first in what may not be cut."""
    session = one.session
    said = [
        one.state,
        *_needed(one),
        f"<@{session.owner_id}>",
        f"{duration(now - session.last_activity)} ago",
        f"{session.message_count} message{'' if session.message_count == 1 else 's'}",
        usd(session.total_cost_usd),
        *(["**not contained**"] if session.child_pid and not session.contained else []),
    ]
    return clip(" · ".join([title_in_bold(one), session.url(), *said]), _LINE_CHARS)


def _needed(one: Listed) -> Iterable[str]:
    """What it waits for."""
    session = one.session
    if session.requests:
        tools = dict.fromkeys(escape(one_line(reveal(r.event.tool), TOOL_CHARS)) for r in session.requests.values())
        yield f"asks for {', '.join(tools)}"
    elif one.has_lost:
        yield "a turn was lost: go on with it or drop it"
    elif one.limit_at:
        yield f"{'goes on' if one.goes_on else 'usage limit, free'} <t:{int(one.limit_at)}:R>"
    elif session.last_failure_may_pass or session.is_broken:
        yield escape(one_line(session.last_failure, WAITS_CHARS)) or "ended several times"
