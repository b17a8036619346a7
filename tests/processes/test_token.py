"""The token of a running supervisor, where the docs put it, and a Claude that looks for it."""

import msgspec

from bridge.protocol import events as e
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited


async def tried(house: Playhouse, *lines: str) -> list[str]:
    """What Claude's tools said to each line of a prompt; only the first asks, and is allowed."""
    thread = await house.starts("\n".join(lines))
    await house.press(await house.card(thread), "Allow")
    await house.done(thread)
    (log,) = house.host.place.state.glob("sessions/*/log.jsonl")
    events = [msgspec.json.decode(line, type=e.Record).event for line in log.read_bytes().splitlines()]
    return [event.output for event in events if isinstance(event, e.ToolFinished)]


@awaited
async def test_a_contained_child_does_not_find_the_token_where_the_docs_put_it() -> None:
    async with playhouse() as house:
        token = house.host.place.token_file
        assert token == house.host.place.home / ".config/threadbridge/token" and token.read_text()
        said = await tried(house, f"run cat {token} {token.parent}/*oken", f"run ls -A {token.parent}")
        assert "No such file" in said[0]
        assert token.read_text().strip() not in "".join(said)
        assert "token" not in said[1].split()
