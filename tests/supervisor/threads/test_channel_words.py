"""What is said in a channel is said once as long as we live, and what was too much to be kept is said as a number."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.render.posts import Post
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.sessions.store_health import StoreError
from supervisor.threads.channel_words import MOST_KEPT, ChannelWords

QUIET, BUSY = 600, 601


class Discord:
    """It takes what it is told when a test says so."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, str]] = []
        self._open: dict[str, Callable[[bool], None]] = {}

    def tell(self, channel_id: int, post: Post, nonce: str, ended: Callable[[bool], None] = lambda _: None) -> None:
        assert nonce not in self._open, "it is being told"
        self.told.append((channel_id, post.content, nonce))
        self._open[nonce] = ended

    def ends(self, *, is_settled: bool) -> None:
        """All that it was told and did not end yet."""
        waiting, self._open = self._open, {}
        for ended in waiting.values():
            ended(is_settled)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.discord = Discord()
        self.manager = session_manager(opened_store(folder / "db"))
        self.words = ChannelWords(self.manager, self.discord.tell)

    def handles(self, channel_id: int, message_id: int) -> None:
        """A message that is no prompt."""
        post, nonce = Post(f"no {message_id}"), f"r{message_id}"
        with self.manager.transaction():
            self.words.keep(channel_id, post, nonce)
        self.words.tell(channel_id, post, nonce)

    def next_supervisor(self) -> None:
        self.discord = Discord()
        self.words = ChannelWords(self.manager, self.discord.tell)
        self.words.tell_again()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_connection_that_comes_back_tells_nothing_beside_what_is_being_told(desk: Desk) -> None:
    desk.handles(QUIET, 1)
    desk.words.tell_again()
    assert len(desk.discord.told) == 1
    desk.discord.ends(is_settled=False)
    desk.words.tell_again()
    assert len(desk.discord.told) == 2, "Discord was away the first time"


def test_what_discord_took_is_not_said_again_though_the_store_takes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sick(*_: object) -> None:
        raise StoreError("the disk is full")

    desk.handles(QUIET, 1)
    with monkeypatch.context() as patch:
        patch.setattr(desk.manager.store, "remember", sick)
        desk.discord.ends(is_settled=True)
        desk.words.tell_again()
        desk.words.tell_again()
    assert len(desk.discord.told) == 1
    desk.manager.store.health.well()
    desk.words.tell_again()
    desk.next_supervisor()
    assert desk.discord.told == [], "the store heard of it when it was well"


def test_what_is_too_much_to_be_kept_is_said_as_a_number_where_it_was_most(desk: Desk) -> None:
    desk.handles(QUIET, 1)
    for message_id in range(2, MOST_KEPT + 14):
        desk.handles(BUSY, message_id)
        desk.discord.ends(is_settled=False)
    desk.next_supervisor()
    said = desk.discord.told
    assert Counter(channel for channel, _, _ in said) == {QUIET: 1, BUSY: MOST_KEPT}
    (line,) = [words for _, words, _ in said if "earlier messages here" in words]
    assert "13 earlier messages here were no prompts and got no answer" in line
    assert said[-1][1] == f"no {MOST_KEPT + 13}" and all(len(nonce) <= 25 for _, _, nonce in said)
    desk.discord.ends(is_settled=True)
    desk.next_supervisor()
    assert desk.discord.told == []


def test_a_number_that_is_being_said_is_not_changed(desk: Desk) -> None:
    for message_id in range(MOST_KEPT + 2):
        desk.handles(BUSY, message_id)
        desk.discord.ends(is_settled=False)
    desk.words.tell_again()
    assert [words for _, words, _ in desk.discord.told if "2 earlier messages" in words]
    desk.handles(BUSY, 1000)
    desk.discord.ends(is_settled=True)
    desk.words.tell_again()
    assert "An earlier message here" in desk.discord.told[-1][1], "one of those that were being told, so it is not sure"
