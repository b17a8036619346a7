"""What the operator's log says of whole sessions: one line an event; and nothing of what people and Claude said."""

import json
import os
import re
import signal

from stages.playhouse import Playhouse, playhouse
from stages.support import awaited
from twins.discord.loopback import NotReachedError

MARK = "xyzzy"
"""In everything that a person or Claude says, does or is shown."""


def log_of(house: Playhouse) -> str:
    return house.host.place.log.read_text()


async def says_of(house: Playhouse, *words: str) -> None:
    def missing() -> list[str]:
        return [one for one in words if one not in log_of(house)]

    try:
        await house.until(lambda: not missing(), "each line")
    except NotReachedError:
        raise AssertionError(f"not in the log: {missing()}\n{log_of(house)}") from None


@awaited
async def test_a_session_is_told_event_by_event_and_no_word_of_it() -> None:
    async with playhouse() as house:
        thread = await house.starts(f"run touch {MARK}.txt\nsay {MARK} said")
        await house.press(await house.card(thread), "Allow")
        await house.done(thread)
        await house.you.says(thread.id, f"run rm {MARK}.txt")
        card = await house.card(thread)
        await house.press(card, "Deny")
        await house.settled(card, "denied by")
        await house.done(thread, 2)
        await house.mallory.says(thread.id, f"say {MARK} by a stranger")
        await house.you.says(thread.id, f"sleep 60\nsay {MARK}")
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        (session,) = listed
        await house.until(lambda: house.text(thread).count("Bash") >= 2, "both calls are shown")
        os.kill(int(session["worker_pid"]), signal.SIGKILL)
        of = f"session {session['session']} thread {thread.id}: "
        you = f"(by user {house.you.id})"
        await says_of(
            house,
            f"{of}session begun in {house.project} {you}",
            f"{of}worker started, pid {session['worker_pid']}",
            f"{of}Claude started, pid ",
            f"{of}allowed Bash (request ",
            f"{of}denied Bash (request ",
            f"{of}turn completed",
            f"{of}worker ended: the worker was ended by SIGKILL",
        )
        told = log_of(house)
        decided = [line for line in told.splitlines() if "allowed Bash" in line]
        assert (len(decided), decided[0].endswith(you)) == (1, True), decided
        shown = await house.host.threadbridge.ask("logs", "-n", "1000000")
        assert shown.out.startswith(told), shown.err
        assert MARK not in told, [line for line in told.splitlines() if MARK in line]
        assert house.discord.token not in told
        assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ ", line) for line in told.splitlines()), told
