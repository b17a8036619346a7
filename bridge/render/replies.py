"""What the bridge answers to the person who ran a command or clicked: pure texts and cards.

Everything here fits Discord's limits (docs/discord-api.md, "Messages and components"), whatever a thread is called or a
prompt holds.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

import msgspec

from bridge.discord_numbers import CHOICE_CHARS, CONTENT_CHARS, MOST_CHOICES
from bridge.protocol.events import When
from bridge.render import marks
from bridge.render.modals import labelled, modal, text_field
from bridge.render.posts import Button, Choice, Embed, Post, Select
from bridge.session.custom_ids import REASON_FIELD, STOP_PICKER, HaltButton
from bridge.session.managed import ManagedSession
from bridge.text import clip, duration, escape, one_line, reveal, usd

TITLE_CHARS = 45
STARTER_PROMPT_CHARS = 1500
REASON_CHARS = 1000

_GREEN = 0x3BA55D

HELP = (
    "**Claude Code in Discord: a thread is a session.**\n"
    "Write in a configured channel, and Claude answers in a thread of its own; write in that thread to go on."
    " What you send while Claude works reaches it at once.\n\n"
    "`/new [prompt] [directory]` starts a session, also in a directory below this channel's\n"
    "`/stop` ends the turn in this thread; when Claude is idle it ends the session. In a channel you pick one\n"
    "`/queue` shows what waits for Claude here\n"
    "`/model`, `/mode`, `/effort` show or switch what this thread, or every new one of the channel, runs with\n"
    "`/claude` runs one of Claude's own commands or skills, such as `/compact`, `/clear`, `/context` and `/cost`."
    " The project's (`.claude`) once they are trusted\n"
    "`/trust` shows which projects' own hooks, servers, settings and commands act in this channel, and revokes it\n"
    "`/rules` shows what is allowed here without asking, and revokes it\n"
    "`/project add`, `list`, `remove`: which channels have a project\n"
    "`/invite person` lets somebody write in this thread only; `/uninvite person` ends that\n"
    "`/continue [prompt]` goes on with this thread's session, or with this channel's most recent one\n"
    "`/status` shows the sessions of this server that you can see, what needs somebody first\n"
    "`/help` shows this\n\n"
    "When Claude asks for permission, a card with buttons appears in its thread. Nothing of the kind happens before"
    " somebody with the right **decide** allows it."
)


class Listed(msgspec.Struct, frozen=True):
    """A session as ``/status`` and the pickers show it. ``title`` is what its thread was called."""

    session: ManagedSession
    title: str
    state: str
    has_lost: bool = False
    """Its last turn was lost, and nobody said yet what is to become of it."""
    limit_at: float = 0.0
    """When the usage limit that ended its last turn is free again, in Unix seconds; 0: none did."""
    goes_on: bool = False
    """That turn is taken up then."""


def left_out(count: int) -> str:
    """Of messages in a channel whose own words could not be kept for as long as Discord took none."""
    if count == 1:
        what = "An earlier message here was no prompt and got no answer"
    else:
        what = f"{count} earlier messages here were no prompts and got no answer"
    return f"⚠ {what}: too many answers waited for Discord. What still matters can be written again."


def presence(active: int, working: int) -> str:
    """What the bot is shown to do."""
    if working:
        return f"working on {working}"
    return f"{active} session{'' if active == 1 else 's'} active" if active else "ready"


# --- the picker of /stop ------------------------------------------------------------------------------


def title_in_bold(one: Listed) -> str:
    return f"**{_title(one)}**"


def _title(one: Listed) -> str:
    return escape(one_line(reveal(one.title), TITLE_CHARS)) or "Claude"


def stop_picker(listed: Sequence[Listed], now: float) -> Post:
    """Which of the channel's sessions is to be stopped."""
    if not listed:
        return Post("There is no active session in this channel.")
    more = f"\n-# The newest {MOST_CHOICES} of {len(listed)}." if len(listed) > MOST_CHOICES else ""
    choices = tuple(_choice(one, now) for one in listed[:MOST_CHOICES])
    return Post(f"Which session is to be stopped?{more}", selects=(Select(STOP_PICKER, choices, "Choose a session"),))


def _choice(one: Listed, now: float) -> Choice:
    ago = duration(now - one.session.last_activity)
    return Choice(
        label=one_line(one.title, CHOICE_CHARS) or "Claude",
        value=one.session.session_id,
        description=one_line(f"{one.state}, last active {ago} ago, {one.session.directory}", CHOICE_CHARS),
    )


def stopped(one: Listed, *, interrupted: bool, dropped: int = 0) -> str:
    """What stopping did, in words. ``dropped``: how many messages waited behind the turn."""
    if interrupted:
        lost = f" {dropped} that waited {'is' if dropped == 1 else 'are'} dropped." if dropped else ""
        return f"Stopping what Claude does in {title_in_bold(one)} ({one.session.url()}).{lost} The session stays."
    ended = "was idle, so its session is ended, with all that it had started"
    return f"{title_in_bold(one)} ({one.session.url()}) {ended}. `/continue` wakes it."


# --- /new and /continue ------------------------------------------------------------------------------


def starter(person: str, directory: str, prompt: str) -> Post:
    """The message in the channel from which the thread of ``/new`` is made."""
    where = escape(PurePath(directory).name or directory)
    head = f"**{escape(one_line(person, 100))}** started a session in **{where}**"
    return Post(clip(f"{head}{quoted(prompt)}", CONTENT_CHARS))


def quoted(prompt: str) -> str:
    """Its beginning, on lines below what says whose it is."""
    said = clip(prompt.strip(), STARTER_PROMPT_CHARS)
    return "".join(f"\n> {line}" for line in said.splitlines())


def welcome(directory: str) -> Post:
    """In the thread of a ``/new`` without a prompt."""
    return Post(f"Claude is ready in `{directory}`. Write here what it should do.")


def started(url: str, *, with_prompt: bool) -> str:
    return f"Started: {url}" + ("" if with_prompt else "\nWrite there what Claude should do.")


def resumed(one: Listed, prompt: str) -> Post:
    """The card of ``/continue``: what is gone on with."""
    session = one.session
    what = f"Sent to Claude: “{one_line(prompt, 300)}”" if prompt else "Write in the thread to go on."
    fields: Iterable[tuple[str, str]] = (
        ("Thread", f"{_title(one)} · {session.url()}"),
        ("Directory", f"`{one_line(session.directory, 500)}`"),
        ("Messages", str(session.message_count)),
        ("Cost", usd(session.total_cost_usd)),
        ("Last activity", f"<t:{int(session.last_activity)}:R>"),
    )
    body = "\n".join(f"**{name}:** {value}" for name, value in fields)
    return Post(embed=Embed("Continuing this session", f"{body}\n\n{what}", "", _GREEN))


def nothing_to_continue(*, may_begin: bool) -> str:
    """``may_begin``: whether a session can begin here."""
    if not may_begin:
        return "There is no session of Claude's here, so there is nothing to continue."
    return "There is no session in this channel to continue. Write here, or use `/new`."


# --- the modal for a denial's reason -----------------------------------------------------------------


def reason_modal(custom_id: str, tool: str) -> dict[str, object]:
    """The JSON of a modal whose one field holds the reason; it is submitted under the same custom_id."""
    field = text_field(REASON_FIELD, REASON_CHARS, required=True, placeholder="Why not, or what to do instead")
    return modal(f"Deny {tool}", custom_id, labelled("Claude is told this", field))


# --- settings, Claude's commands, what waits ---------------------------------------------------------


def setting_chosen(name: str, value: str, *, in_thread: bool, runs: bool, for_channel: bool) -> str:
    """``name`` is the command's: model, mode or effort."""
    shown = f"**{escape(one_line(value, CHOICE_CHARS))}**"
    here = "Claude is asked to switch now" if runs else "It counts from the next prompt on"
    parts = [
        f"{name.capitalize()} {shown}.",
        f"{here}, and this thread remembers it." if in_thread else "",
        "Sessions that begin in this channel from now on start with it." if for_channel else "",
    ]
    return " ".join(filter(None, parts))


def setting_now(name: str, now: str, choices: Sequence[tuple[str, str]], *, in_thread: bool) -> str:
    whose = "This thread's" if in_thread else "New sessions of this channel:"
    lines = [f"- `{value}`" + (f" {escape(meaning)}" if meaning else "") for value, meaning in choices]
    what = f"**{escape(now)}**" if now else "the host's default"
    return clip("\n".join([f"{whose} {name}: {what}.", f"`/{name}` takes:", *lines]), CONTENT_CHARS)


def command_sent(text: str, *, waits: bool) -> str:
    when = " It is run when this turn is over." if waits else ""
    return f"Sent to Claude as its own command: `{one_line(text.replace('`', ''), 300)}`.{when}"


QUEUE_WITH_BUTTONS = 12
"""Two buttons each, and a message takes 25."""
_WHEN: dict[When, str] = {"next": "at Claude's next step", "later": "after this turn", "now": "now"}


def queue(session_id: str, waiting: Sequence[tuple[int, str, When]]) -> Post:
    """(prompt, text, when) of each prompt that Claude has not taken up, in its order; with what may become of them."""
    if not waiting:
        return Post("Nothing waits for Claude in this thread.")
    lines = [
        f"{n}. {escape(one_line(text, 120)) or '(a file)'} · {_WHEN[when]}"
        for n, (_, text, when) in enumerate(waiting, 1)
    ]
    head = f"{len(waiting)} message{'' if len(waiting) == 1 else 's'} wait for Claude:"
    tail = "-# Edit a message to change it, delete it to withdraw it."
    text = "\n".join([head, clip("\n".join(lines), CONTENT_CHARS - len(head) - len(tail) - 2), tail])
    numbered = list(enumerate(waiting, 1))[:QUEUE_WITH_BUTTONS]
    return Post(text, buttons=tuple(b for n, (i, _, when) in numbered for b in marks.choices(session_id, i, when, n)))


def stop_what_waits(session_id: str, waiting: int) -> Post:
    """Before a turn is ended behind which something waits."""
    them = "the message that waits" if waiting == 1 else f"the {waiting} messages that wait"
    return Post(
        f"Claude works, and there {'is' if waiting == 1 else 'are'} {waiting} more for it after that.",
        buttons=(
            Button(f"Stop, and drop {them}", HaltButton(session_id, "drop").custom_id(), "danger"),
            Button(f"Stop, and go on with {them}", HaltButton(session_id, "keep").custom_id()),
        ),
    )


def stopping(*, keeps: bool) -> str:
    after = "; it takes up what waits." if keeps else ", and what waited is dropped."
    return f"Stopping what Claude does{after}"
