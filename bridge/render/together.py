"""The card that several requests share: each is listed with all that it asks, and one tap answers them.

    -# ✓ Read `/etc/hosts` · allowed by @ada      what was decided already, each the line of its tool
    @ada Claude asks for 2 things: Read /etc/passwd · Bash: make
    │ 1. Read /etc/passwd …                       what is open, whole; equal ones are one
    [Allow all 2] [One by one] [Deny all]

One that is open alone has the card that it would have by itself, below the lines of the others. A request that takes
two people, or whose input is not wholly on the card, is never part of one.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from bridge.render import cards
from bridge.render.decided import again as asked_again
from bridge.render.decided import is_line
from bridge.render.posts import Button, Embed, Post
from bridge.session.card_listing import listing_of, without_equals
from bridge.session.custom_ids import TogetherButton
from bridge.session.people import called, pinged
from bridge.session.permission import PermissionRequest, RequestName
from bridge.text import escape, utf16_len

MOST = 6
"""Requests of one card, the decided ones included: as many lines stand in one post."""
LIST_CHARS = 3900
"""UTF-16 units of an embed's 4,096."""
_NAMED_CHARS = 320
_MOST_WHO_CHARS = 200


def may_share(request: PermissionRequest, directory: str) -> bool:
    """Whether it may be part of one: two people are not needed, and all of its input stands on it."""
    if not is_line(request) or request.needs_two:
        return False
    _, files, is_whole = cards.body_of(request, directory)
    return is_whole and not files


def have_room(requests: Sequence[PermissionRequest], directory: str) -> bool:
    return len(requests) <= MOST and utf16_len(_listed(requests, directory)) <= LIST_CHARS


def card(requests: Sequence[PermissionRequest], prompters: Sequence[int], directory: str, *, pings: bool) -> Post:
    """Of at least one open request; ``prompters`` are the user ids of those whose prompts they serve, one of each."""
    kinds = without_equals(requests)
    if len(kinds) == 1:
        return cards.open_card(kinds[0][-1], prompters[-1], directory, len(kinds[0]), pings=pings)
    mentions = pinged(*prompters)
    who = "".join(map(called, mentions))
    return Post(
        f"{who}Claude asks for {len(kinds)} things: {_named(kinds, directory)}",
        embed=Embed(description=_listed(requests, directory), color=cards.OPEN),
        buttons=_buttons(requests, len(kinds)),
        mentions=mentions if pings else (),
        urgent=True,
    )


def with_lines(lines: Sequence[str], post: Post) -> Post:
    """Below what was decided already."""
    return msgspec.structs.replace(post, content="\n".join([*lines, post.content]))


def decided(lines: Mapping[RequestName, str], expired: Collection[int]) -> Post:
    """Nothing is open any more: a line each, and a button each that shows what was asked.

    ``expired``: the seqs of what Claude can be let ask again.
    """
    again = [asked_again(name, f"{n} ") for n, name in enumerate(lines, 1) if name.seq in expired]
    shows = [Button(f"Show {n}", name.custom_id("show")) for n, name in enumerate(lines, 1)]
    return Post("\n".join(lines.values()), buttons=(*again, *shows), urgent=True)


def asked_below() -> Post:
    """All of it is asked (again) further down, where somebody sees it."""
    return Post("-# ↓", silent=True)


def _buttons(requests: Sequence[PermissionRequest], count: int) -> tuple[Button, ...]:
    session_id, listing = requests[0].name.session_id, listing_of(requests).name
    return (
        Button(f"Allow all {count}", TogetherButton("all", session_id, listing).custom_id(), "success"),
        Button("One by one", TogetherButton("each", session_id, listing).custom_id()),
        Button("Deny all", TogetherButton("none", session_id, listing).custom_id(), "danger"),
    )


def _named(kinds: Sequence[Sequence[PermissionRequest]], directory: str) -> str:
    """As many as a push has room for."""
    named = ""
    for n, same in enumerate(kinds):
        more = f"{' · ' if n else ''}{cards.spoken(same[0], directory)}"
        if utf16_len(named + more) > _NAMED_CHARS:
            return f"{named} and {len(kinds) - n} more"
        named += more
    return named


def _listed(requests: Sequence[PermissionRequest], directory: str) -> str:
    """What Claude itself asks first, and each subagent's requests together."""
    kinds = without_equals(requests)
    agents = list(dict.fromkeys(same[0].event.agent_id for same in kinds))
    ordered = sorted(kinds, key=lambda same: (bool(same[0].event.agent_id), agents.index(same[0].event.agent_id)))
    return "\n".join(_entry(n, same, directory) for n, same in enumerate(ordered, 1))


def _entry(number: int, same: Sequence[PermissionRequest], directory: str) -> str:
    first = same[0]
    often = f" ×{len(same)}" if len(same) > 1 else ""
    body = () if cards.is_told(first, directory) else (cards.body_of(first, directory)[0],)
    below = [f"-# {escape(part)}" for part in cards.besides(first.event, directory)]
    below += [f"-# {first_of_two}" for one in same if (first_of_two := cards.allowed_so_far(one).strip())]
    return "\n".join([f"**{number}.** {cards.spoken(first, directory)}{often}{_by(same)}", *body, *below])


def _by(same: Sequence[PermissionRequest]) -> str:
    """Whose they are, where any is a subagent's."""
    who = dict.fromkeys(cards.subagent(one.agent) if one.event.agent_id else "Claude" for one in same)
    told = f" · asked by {' and '.join(who)}"
    return "" if list(who) == ["Claude"] else told if utf16_len(told) <= _MOST_WHO_CHARS else " · asked by subagents"
