"""The end of set-up: a thread in which Claude answers, seen on Discord."""

from supervisor.discord.shapes import Message
from supervisor.operator.setup.asked_discord import Discord
from supervisor.operator.setup.terminal import Terminal

WAIT_S = 600.0


def see(discord: Discord, channel_id: int, terminal: Terminal) -> bool:
    """Wait until a thread that begins with a message of now has a word of the bot's. Raises UserError."""
    found = discord.channel(channel_id)
    if found is None:
        return False
    after = found.last_message_id or 0
    what = f'write "hi" in #{found.name}: a thread opens, and Claude answers in it'
    answer = terminal.waits(what, lambda: _answer(discord, channel_id, after), WAIT_S)
    if answer:
        terminal.yes("it answers")
    return answer is not None


def _answer(discord: Discord, channel_id: int, after: int) -> Message | None:
    threads = [message.thread for message in discord.messages(channel_id, after) if message.thread]
    said = (message for thread in threads for message in discord.messages(thread.id, 0))
    return next((message for message in said if message.author.bot and message.content), None)
