"""What is said in a channel is said all the same when Discord does not take it at once."""

import logging

import pytest

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from stages.jumping_clock import jumping
from supervisor.discord.errors import Forbidden, Found, Refused, Unavailable
from supervisor.discord.pace import Priority
from supervisor.discord.telling import PAUSES_S, Telling
from supervisor.errands import Errands

ANSWER = Post("no", reply_to=7)


class Rest:
    """Fails as scripted, and then takes all."""

    def __init__(self, *errors: RemoteError) -> None:
        self.errors = list(errors)
        self.asked: list[tuple[int, int, str]] = []
        self.made = 0

    async def create(self, channel_id: int, post: Post, nonce: str, _priority: Priority = Priority.TEXT) -> Found:
        self.asked.append((channel_id, post.reply_to, nonce))
        if self.errors:
            raise self.errors.pop(0)
        self.made += 1
        return Found(1, post.content)

    async def delete(self, channel_id: int, message_id: int) -> None:
        raise AssertionError("nothing is taken back here")


async def told(rest: Rest, post: Post = ANSWER) -> Rest:
    errands = Errands()
    async with errands.running():
        Telling(rest, errands).tell(2, post, "n")
    return rest


@jumping
async def test_what_discord_does_not_take_now_is_said_a_moment_later_with_the_same_nonce() -> None:
    rest = await told(Rest(Unavailable("502"), Unavailable("502")))
    assert rest.asked == [(2, 7, "n")] * 3 and rest.made == 1
    assert sum(PAUSES_S) < 60.0, "so long one nonce makes one message"


@jumping
@pytest.mark.parametrize("error", [Forbidden("Missing Permissions", 50013), Refused("no history", 400, 160002)])
async def test_where_nothing_may_be_answered_it_is_said_without_that(error: RemoteError) -> None:
    rest = await told(Rest(error))
    assert rest.asked == [(2, 7, "n"), (2, 0, "n")] and rest.made == 1


@jumping
async def test_what_discord_never_takes_is_left_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rest = await told(Rest(*[Unavailable("502")] * 9))
        assert len(rest.asked) == len(PAUSES_S) + 1
        rest = await told(Rest(Forbidden("no", 50013)), Post("no"))
        assert len(rest.asked) == 1
    assert caplog.text.count("could not be told") == 2


@pytest.mark.parametrize(
    ("errors", "is_settled"),
    [((), True), ((Forbidden("no", 50013),) * 2, True), ((Unavailable("502"),) * 9, False)],
    ids=["taken", "refused", "away"],
)
@jumping
async def test_who_keeps_it_hears_once_whether_it_was_taken_or_refused(
    errors: tuple[RemoteError, ...], *, is_settled: bool
) -> None:
    errands, heard = Errands(), list[bool]()
    async with errands.running():
        Telling(Rest(*errors), errands).tell(2, ANSWER, "n", heard.append)
    assert heard == [is_settled]
