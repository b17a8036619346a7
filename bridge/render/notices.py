"""Short posts about the session itself, and what Claude is told when nobody decides."""

from collections.abc import Collection, Sequence

from bridge.protocol import directories
from bridge.protocol.events import AnyEvent, Attachment, ConfigureAccepted, FileSent, PermissionRequested
from bridge.render.posts import File, Post
from bridge.session.managed import ManagedSession
from bridge.session.people import pinged
from bridge.text import duration, escape, human_size, inline_code, one_line, reveal

REASON_CHARS = 900  # escaped, it may be twice as long, and is still one post
CAPTION_CHARS = 700
TITLE_CHARS = 100
KEPT_CHARS = 300
HELD_CHARS, HELD_TOLD = 150, 5
FILES_TOLD = 4
"""Each takes up to 400 characters of the post when it is escaped."""


def killed() -> Post:
    return Post("■ This session was ended on the host (`threadbridge kill`). Write here to wake it.")


def configured(event: ConfigureAccepted, session: ManagedSession) -> Post:
    """What came of /model, /mode or /effort, or of a directory that Claude did not take, or not back."""
    is_of_places = event.setting == directories.SETTING
    if event.error and is_of_places and (kept := {*session.directories} - {*directories.read(event.value)}):
        return _not_taken_back(sorted(kept), event.error)
    named = {"permission_mode": "Mode", directories.SETTING: "Where Claude works without asking"}
    name = named.get(event.setting, escape(one_line(event.setting, 40)).capitalize())
    if event.error:
        return Post(f"⚠ {name} was not changed: {escape(one_line(event.error, REASON_CHARS))}", silent=True)
    return Post(f"-# ⚙ {name}: {escape(one_line(event.value, 100)) or 'the default'}", silent=True)


def _not_taken_back(kept: Sequence[str], error: str) -> Post:
    where = inline_code(one_line(reveal(", ".join(kept)), KEPT_CHARS), KEPT_CHARS)
    return Post(
        f"⚠ Claude Code was told to ask again in {where}, and refused: {escape(one_line(error, REASON_CHARS))}"
        "\n-# Until its process has ended it works there without asking. It gets no further prompt and is ended as soon"
        " as it has no turn, background tasks included; the next prompt starts it again, and then it asks.",
        silent=True,
    )


def invited(came: Collection[int], went: Collection[int], by: int) -> Post:
    """Who may talk in this thread from now on, and who may not any more. It pings those who are invited."""
    lines = [f"✓ <@{user}> may write to Claude in this thread: invited by <@{by}>." for user in came]
    lines += [f"✗ <@{user}> may not write to Claude in this thread any more, says <@{by}>." for user in went]
    return Post("\n".join(lines), mentions=tuple(came), silent=not came)


def archived(session: ManagedSession) -> Post:
    """Discord hides a thread in which somebody is waited for. In the channel."""
    people = pinged(*(session.prompter_of(request) for request in session.requests.values()))
    whom = "".join(f"<@{user}> " for user in people)
    return Post(
        f"{whom}Claude waits for an answer in {session.url()}, which Discord has archived.",
        mentions=people,
        where="channel",
    )


def opened_again(session: ManagedSession) -> Post:
    return Post(f"-# ✓ {session.url()} is open again.", where="channel")


def thread_deleted(title: str, waiting: int, *, is_at_work: bool) -> Post:
    """Somebody waited for Claude in it. ``waiting``: how many messages it had not taken up. In the channel."""
    messages = "one message was" if waiting == 1 else f"{waiting} messages were"
    lost = [*(["Claude was at work"] if is_at_work else []), *([f"{messages} not taken up"] if waiting else [])]
    name = escape(one_line(title, TITLE_CHARS))
    return Post(
        f"-# A thread was deleted (“{name}”), so its session was ended: {', and '.join(lost)}.",
        silent=True,
        where="channel",
    )


def fresh_start() -> Post:
    return Post("Started fresh: Claude remembers nothing of before in this thread.")


def goes_on_here(who: str) -> Post:
    """``who``: as ``people.named`` has it."""
    return Post(f"✓ {who} lets Claude go on in the directory as it is now.")


def held_back(texts: Sequence[str]) -> Post:
    """What waited for Claude when a backup was made that is the state now."""
    lines = [f"> {escape(one_line(text, HELD_CHARS)) or '(a file)'}" for text in texts[:HELD_TOLD]]
    if (more := len(texts) - HELD_TOLD) > 0:
        lines.append(f"> … and {more} more")
    return Post(
        "\n".join(
            [
                "⚠ The bridge's state came from a backup. What waited for Claude when it was made is not sent, because"
                " it may have been answered since:",
                *lines,
                "-# Write again what is still wanted.",
            ]
        )
    )


def pruned(ended_at: float, at: float) -> Post:
    """When somebody writes into a session whose log was removed. Unix seconds."""
    return Post(
        f"-# This session ended on <t:{int(ended_at)}:D>, and its log and files were removed on <t:{int(at)}:D> to make"
        " room: Claude begins anew here, and remembers nothing of what stands above.",
        silent=True,
    )


def log_lost(*, whole: bool) -> Post:
    """The session's log on the disk is gone, or the end of it. What is shown in the thread was shown from it."""
    if whole:
        what = "This session's log is gone from the host's disk, and begins anew."
    else:
        what = "The end of this session's log is gone from the host's disk."
    return Post(
        f"⚠ {what} What was running or waiting then is not known any more: if an answer is missing, ask again."
        "\n-# Open permission requests are withdrawn; their buttons decide nothing."
    )


def file_sent(event: FileSent) -> Post:
    """The file itself hangs below; what it is is said in words too."""
    about = f"-# {escape(one_line(event.name, 200))} · {human_size(event.size_bytes)}"
    caption = escape(one_line(event.caption, CAPTION_CHARS))
    return Post("\n".join(filter(None, (caption, about))), files=(File(event.name, path=event.stored),))


def files_failed(prompt_id: int, failures: Sequence[Attachment]) -> Post:
    """Files that Claude does not get; the text reaches it all the same, and says so too."""
    lines = [f"⚠ {escape(one_line(a.name, 80))}: {escape(one_line(a.failure, 120))}" for a in failures[:FILES_TOLD]]
    if (more := len(failures) - FILES_TOLD) > 0:
        lines.append(f"⚠ {more} more")
    return Post("\n".join([*lines, "-# Claude gets your text without it, and is told why."]), reply_to=prompt_id)


def worker_failed(reason: str) -> Post:
    return Post(
        f"⚠ This session's worker cannot run: {escape(one_line(reason, REASON_CHARS))}\n"
        "-# What was waiting is dropped. When it is mended on the host, write here again."
    )


def expired(timeout_s: float) -> str:
    """Told to Claude, who should neither wait nor look for a way round."""
    return (
        f"Nobody answered this permission request within {duration(timeout_s)}; the person is probably away."
        " Do not try to reach the same thing another way. Say what you would need, and end your turn."
    )


def uncontained(how: str) -> Post:
    return Post(
        f"⚠ This Claude is not shut in ({escape(one_line(how, 200))}): it can do whatever its user on the host can,"
        " read the bot's token and decide for other sessions included."
    )


def opened(places: Sequence[str]) -> Post:
    """What a session reaches besides its project."""
    what = ", ".join(map(_opened_in_words, places))
    return Post(f"-# The project belongs to a repository outside of it, so Claude also reaches {what}.", silent=True)


def _opened_in_words(place: str) -> str:
    """A worker says a path in code, and in brackets how it is open; a path may have such signs itself."""
    path, _, how = place.removeprefix("`").rpartition("` (")
    if not path:
        return escape(one_line(place, KEPT_CHARS))
    return f"{inline_code(one_line(reveal(path), KEPT_CHARS), KEPT_CHARS)} ({escape(how.removesuffix(')'))})"


def closed_now() -> Post:
    """Once, after the update that closed the home."""
    return Post(
        "🔒 Since this update Claude sees its project, the machine's programs and a list, and no more of the home that"
        " it runs in. Closed now: keys and logins such as `~/.ssh`, `~/.npmrc`, `~/.aws`, `gh`'s; agents' sockets; what"
        " lies beside the project. What a project needs opens with one line of the configuration on the machine:"
        ' `[containment]` `readable = ["~/.npmrc"]`, or `containment = "home"` for a channel.'
        "\n-# `threadbridge check` says what there is; docs/security.md, what is open and why."
    )


def unshown(event: AnyEvent) -> Post:
    """A mistake of ours: the record stands, and what it should show could not be made of it."""
    what = "Claude asks for a decision" if isinstance(event, PermissionRequested) else "Something happened here"
    then = " `/stop` ends the waiting." if isinstance(event, PermissionRequested) else ""
    return Post(f"⚠ {what} that cannot be shown; the bridge's log says why, and the session's log has it.{then}")
