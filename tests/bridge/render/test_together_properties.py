"""Whatever is asked and decided in whatever order: each open request can be answered in one place, and no other."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.session.custom_ids import card_button, only_shows, together_button
from stages.replay import GENERATION
from stages.shown import CREATED, Thread

NASTY = st.text(st.sampled_from("a` *\n_|>#-@<\u202e\u200bé😀"), max_size=60)
LONG = st.sampled_from(["", "x" * 900, "x" * 2000, "line\n" * 30])


class Asks(Thread):
    """Actions are numbers and texts; what cannot be now is left out."""

    asked = 0

    def ask(self, tool: str, text: str, more: str, agent: str) -> None:
        self.asked += 1
        name = {"Bash": "command", "Read": "file_path", "WebFetch": "url"}[tool]
        given = json.dumps({name: f"{text}{more}" or "x"})
        call = f"t{self.asked}"
        self.happen(e.ToolStarted(call, tool, given))
        self.happen(e.PermissionRequested(f"r{self.asked}", tool, given, digest_of(given), call, agent_id=agent))

    def resolve(self, which: int, verdict: e.Verdict, reason: str) -> None:
        if is_open := sorted(self.session.requests):
            seq = is_open[which % len(is_open)]
            self.happen(e.PermissionResolved(seq, verdict, decided_by=7, decider="Ada", reason=reason))

    def answerable(self) -> Counter[int]:
        """How often each request can be answered by what stands in the thread."""
        found = Counter[int]()
        for post in self.posts.values():
            here = set[int]()
            for button in post.buttons:
                if (card := card_button(button.custom_id)) and not only_shows(button.custom_id) and card[0] != "again":
                    here |= {card[3], *(one.name.seq for one in self.view.equal_before(card[3]))}
                if together := together_button(button.custom_id):
                    listing = self.view.listing(together.listing)
                    assert listing and listing.generation == GENERATION
                    here |= set(listing.digests)
            found.update(here)
        return found


ASK = st.tuples(st.sampled_from(["Bash", "Read", "WebFetch"]), NASTY, LONG, st.sampled_from(["", "", "agent-1"]))
RESOLVE = st.tuples(st.integers(0, 20), st.sampled_from(["allowed", "denied", "expired"]), NASTY)
ACTIONS = st.lists(st.one_of(ASK, ASK, RESOLVE, st.just("text"), st.just("result")), max_size=24)


@given(ACTIONS)
def test_each_open_request_can_be_answered_in_one_place_and_what_is_decided_in_none(actions: list[object]) -> None:
    thread = Asks()
    thread.happen(CREATED, e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), e.TurnStarted((5,)))
    for number, action in enumerate(actions):
        match action:
            case (str(tool), str(text), str(more), str(agent)):
                thread.ask(tool, text, more, agent)
            case (int(which), str(verdict), str(reason)):
                thread.resolve(which, verdict, reason)  # type: ignore[arg-type]
            case "text":
                thread.happen(e.TextWritten(f"b{number}", "Meanwhile."))
            case _:
                thread.happen(e.ToolFinished(f"t{thread.asked}", is_error=False, output="done"))
        assert thread.answerable() == Counter(thread.session.requests.keys())
