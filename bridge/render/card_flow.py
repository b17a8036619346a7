"""The cards of what Claude asks, in the flow of a turn, and which of them are one post.

Requests that are open together share one: a new one joins the newest card that still asks, as long as all of it has
room there. Where that card is not in sight any more (words came below it), or somebody was called for it a while ago,
the open ones move down to the new one's place, so that nobody is asked where nobody looks. What was decided stays where
it stood, as the lines of its tools.

A card of an earlier version is a post by itself and stays that: it is in ``cards``, and in no ``shared``.
"""

import msgspec

from bridge.protocol.modes import ACCEPT_EDITS
from bridge.render import cards, decided, together
from bridge.render.flow import Flow, Now
from bridge.render.items import ToolItem
from bridge.render.posts import Button, Post
from bridge.render.runs import LOOKS
from bridge.render.segments import Segment
from bridge.session.card_listing import Listing, are_equal, listing_of
from bridge.session.managed import ManagedSession
from bridge.session.patterns import unasked, unasked_in_directories
from bridge.session.permission import First, PermissionRequest, RequestName, Settled
from bridge.session.questions import Draft

BURST_S = 30.0
"""Who was called so short ago is not called again for what comes beside it."""
LISTINGS_KEPT = 64
EXPIRED_KEPT = 32


class Shared(msgspec.Struct):
    """One post: the seqs of what is open in it, and the lines of what was decided there."""

    key: str
    open: list[int]
    lines: dict[int, str] = {}
    pings: bool = True

    @property
    def is_one(self) -> bool:
        """Of one request alone: its post is as it would be by itself."""
        return len(self.open) + len(self.lines) == 1


class CardFlow(Flow, msgspec.Struct):
    """Stored with the view, of which it is a part."""

    cards: dict[int, PermissionRequest] = {}
    """The open requests, with the subagents' names and the drafts of answers."""
    shared: list[Shared] = []
    listings: list[Listing] = []
    """What the buttons of shared cards stand for, the newest last."""
    expired: dict[int, str] = {}
    """What nobody answered in time and Claude was not let ask again, in words."""
    called_at: float = 0.0
    """When somebody was called to a card last."""

    # --- what is asked -----------------------------------------------------------------------------------

    def _ask(self, request: PermissionRequest, agent: str, now: Now) -> dict[str, Post]:
        event, second = request.event, now.display.second
        needs_two = any(one.covers(event.tool, event.tool_input) for one in second)
        must_ask, no_directories = bool(unasked(second, ACCEPT_EDITS)), bool(unasked_in_directories(second))
        request = msgspec.structs.replace(
            request, agent=agent, needs_two=needs_two, must_ask=must_ask, no_directories=no_directories
        )
        is_burst = bool(self.cards) and request.at - self.called_at < BURST_S
        self.cards[request.name.seq] = request
        posts = self._place(request, now, is_burst=is_burst)
        self._break_flow(now)
        self.after_card = self.is_card_last = True
        if not is_burst:
            self.called_at = request.at
        return posts | self._open_card(request.name.seq, now.session, pings=not is_burst)

    def _place(self, request: PermissionRequest, now: Now, *, is_burst: bool) -> dict[str, Post]:
        """Where it is asked, and who moves there with it; the lines of their calls stand there from now on."""
        seq, key = request.name.seq, own_key(request)
        if now.by_rule or not together.may_share(request, now.session.directory):
            return self._take_calls(key, [seq], now)
        last = next((one for one in reversed(self.shared) if one.open), None)
        if last is None or not together.have_room([*self._requests(last), request], now.session.directory):
            self.shared.append(Shared(key, [seq], pings=not is_burst))
            return self._take_calls(key, [seq], now)
        if is_burst and self.is_card_last and len(last.open) + len(last.lines) < together.MOST:
            last.open.append(seq)
            return self._take_calls(last.key, [seq], now)
        seqs, last.open = [*last.open, seq], []
        self.shared.append(Shared(key, seqs, pings=not is_burst))
        left = self._post_of(last, now.session) if last.lines else together.asked_below()
        return {last.key: left} | self._take_calls(key, seqs, now)

    def _take_calls(self, key: str, seqs: list[int], now: Now) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        for seq in seqs:
            for segment, tool in self._calls(self.cards[seq].event.tool_use_id):
                tool.is_on_card, tool.card, tool.asked_in = True, key, seq
                posts |= self._posts(segment, now)
        return posts

    def _open_card(self, seq: int, session: ManagedSession, *, pings: bool = True) -> dict[str, Post]:
        if shared := self._shared_by(seq):
            return {shared.key: self._post_of(shared, session)}
        request = self.cards[seq]
        card = cards.open_card(request, session.prompter_of(request), session.directory, pings=pings)
        return {own_key(request): card}

    def _post_of(self, shared: Shared, session: ManagedSession) -> Post:
        lines = dict(sorted(shared.lines.items()))
        if not shared.open:
            session_id = session.session_id
            return together.decided(
                {RequestName(session_id, self.generation, seq): lines[seq] for seq in lines}, self.expired
            )
        requests = self._requests(shared)
        self.listings = [*self.listings, listing_of(requests)][-LISTINGS_KEPT:]
        prompters = [session.prompter_of(request) for request in requests]
        card = together.card(requests, prompters, session.directory, pings=shared.pings)
        return together.with_lines(list(lines.values()), card) if lines else card

    def _shared_by(self, seq: int) -> Shared | None:
        return next((one for one in self.shared if seq in one.open), None)

    def _requests(self, shared: Shared) -> list[PermissionRequest]:
        return [self.cards[seq] for seq in shared.open]

    # --- what becomes of it ------------------------------------------------------------------------------

    def _settle(self, request: PermissionRequest, how: Settled, now: Now) -> dict[str, Post]:
        """The card becomes the line of its tool; a question's and a plan's stay cards."""
        shared, calls = self._shared_by(request.name.seq), self._calls(request.event.tool_use_id)
        key = shared.key if shared else own_key(request)
        if shared:
            shared.open.remove(request.name.seq)
        posts: dict[str, Post] = {}
        if how.verdict == "expired":
            told = cards.what(request, now.session.directory)
            self.expired = dict([*self.expired.items(), (request.name.seq, told)][-EXPIRED_KEPT:])
        if not decided.is_line(request):
            asks_again = self._asks_again(request.name.seq, now.session)
            posts[key] = cards.settled_card(request, how, now.session.directory, asks_again)
        elif not calls:
            calls = [(Segment(""), decided.item_of(request, key))]
        for segment, tool in calls:
            tool.is_denied, tool.card = how.verdict in ("denied", "expired"), key
            if decided.is_line(request):
                tool.asked_in = request.name.seq
                decided.settle(tool, request, how)
            posts |= self._decided_line(segment, tool, now) | (self._posts(segment, now) if segment.key else {})
        return posts

    def _decided_line(self, segment: Segment, tool: ToolItem, now: Now) -> dict[str, Post]:
        """The line on the tool's own card; nothing while that is open."""
        if not tool.decided:
            return {}
        directory = now.session.directory
        shared = next((one for one in self.shared if one.key == tool.card), None)
        if shared and tool.asked_in:
            shared.lines[tool.asked_in] = decided.short(tool, directory)
            if not shared.is_one:
                return {shared.key: self._post_of(shared, now.session)}
        asks_again = self._asks_again(tool.asked_in, now.session)
        return {tool.card: decided.post(tool, LOOKS[segment.verbosity], directory, asks_again)}

    def _asks_again(self, seq: int, session: ManagedSession) -> Button | None:
        name = RequestName(session.session_id, self.generation, seq)
        return decided.again(name) if seq in self.expired else None

    def _forget_decided(self) -> None:
        """Posts of which nothing can change any more."""
        on_cards = {tool.card for segment in self.segments for tool in segment.tools()}
        self.shared = [one for one in self.shared if one.open or one.key in on_cards]

    def back_in_flow(self, seq: int, by: str, now: Now) -> dict[str, Post]:
        """A rule of somebody's decided it, and its card was never made: its line stands in the flow after all."""
        key = key_of(self.generation, seq)
        for segment in self.segments:
            for tool in [tool for tool in segment.tools() if tool.card == key]:
                tool.card, tool.decided, tool.unasked = "", "", by
                self.is_open = self.is_open or segment is self.segments[-1]
                return self._posts(segment, now)
        return {}

    # --- what is noted on it while it is open -------------------------------------------------------------

    def redraft(self, seq: int, draft: Draft, session: ManagedSession) -> dict[str, Post]:
        """A question's card with what is chosen so far. The draft is kept with the card, and gone with it."""
        self.cards[seq] = msgspec.structs.replace(self.cards[seq], draft=draft)
        return self._open_card(seq, session)

    def note_first(self, seq: int, first: First | None, session: ManagedSession) -> dict[str, Post]:
        """The card of what two people must allow, with who did; None: nobody yet (any more)."""
        self.cards[seq] = msgspec.structs.replace(self.cards[seq], first=first, needs_two=True)
        return self._open_card(seq, session)

    def ask_again(self, seq: int, session: ManagedSession) -> dict[str, Post]:
        """The card of a request whose decision does not count: nobody allowed it (yet)."""
        if seq not in self.cards or seq not in session.requests:
            return {}
        self.cards[seq] = msgspec.structs.replace(self.cards[seq], first=None)
        return self._open_card(seq, session)

    # --- what its buttons stand for -----------------------------------------------------------------------

    def listing(self, name: str) -> Listing | None:
        """What a shared card listed; None: it is not known (any more)."""
        return next((one for one in self.listings if one.name == name), None)

    def equal_before(self, seq: int) -> list[PermissionRequest]:
        """The open ones that its card shows as one with it: those that were asked before it."""
        shared = self._shared_by(seq)
        before = [self.cards[one] for one in shared.open if one < seq] if shared else []
        return [request for request in before if are_equal(request, self.cards[seq])]

    def beside(self, seq: int) -> list[PermissionRequest]:
        """What is open in the post in which it is, or was, asked."""
        shared = next((one for one in self.shared if seq in one.open or seq in one.lines), None)
        return self._requests(shared) if shared else []


def own_key(request: PermissionRequest) -> str:
    """Of the post that it has by itself."""
    return key_of(request.name.generation, request.name.seq)


def key_of(generation: str, seq: int) -> str:
    """The same, by the request's own name in its log."""
    return f"{keys_of(generation)}{seq}"


def keys_of(generation: str) -> str:
    """What the keys of a log's cards begin with."""
    return f"card:{generation}:"
