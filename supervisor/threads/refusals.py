"""What Discord refuses, and what is done next: a pure table.

A refusal is either ours to mend, or it passes. Nothing that a person waits for is dropped because of one.

    what Discord says                            it means      next
    ------------------------------------------   -----------   ------------------------------------------------
    malformed, too large, blocked by a filter    FORM          the next plainer form, at once, and it stays
    403 for a post with an embed, that answers   FORM          without these, and then without its files, which are
    a message, or with files                                   named: a permission for just that may be missing
    403, thread locked (160005), too many        PLACE         the whole thread waits, and is tried again with
    threads (160006), 404 without a code                       growing pauses; it is said in the channel
    any other 4xx                                ODD           the same again a few times; then the next plainer
                                                               form, and later the whole one again
    the message a thread is made from is gone    GONE          there is nothing to hang a thread on

The forms, each plainer than the one before it; one that would change nothing is left out:

    whole    as desired
    bare     without the embed: its words stand in the text; and answering nothing
    text     without files: they are named, with why they are missing
    file     the words in a file, with two lines above it (a new message only: an edit uploads nothing)
    words    one sentence of ours, and nothing that can be pressed

Buttons stay until the last form, because without them nobody can answer. What was refused oddly is shown plainly first
and then wholly when that goes; ``COMES_BACK_PAUSES_S`` ends, so every post is settled some time.
"""

from enum import Enum
from typing import Literal

import msgspec

from bridge.discord_numbers import CONTENT_CHARS, ErrorCode
from bridge.protocol.errors import RemoteError
from bridge.render.posts import File, Post
from bridge.text import clip, escape, one_line
from supervisor.discord.errors import Archived, ChannelGone, Forbidden, MessageGone, Refused, StaysArchived

Action = Literal["thread", "create", "edit"]
Form = Literal["whole", "bare", "text", "file", "words"]
FORMS: tuple[Form, ...] = ("whole", "bare", "text", "file", "words")

FORM_CODES = frozenset(
    {
        ErrorCode.EXPLICIT_CONTENT,
        ErrorCode.ENTITY_TOO_LARGE,
        ErrorCode.EMPTY_MESSAGE,
        ErrorCode.NON_TEXT_CHANNEL,
        ErrorCode.INVALID_FORM,
        ErrorCode.FILE_TOO_LARGE,
        ErrorCode.INVALID_FILE,
        ErrorCode.INVALID_JSON,
        ErrorCode.BLOCKED_BY_FILTER,
        ErrorCode.TITLE_BLOCKED_BY_FILTER,
        ErrorCode.HARMFUL_LINKS,
    }
)
"""Something is wrong with what we sent: explicit content, too large, empty, invalid, a filter of the server's."""
ODD_PAUSES_S = (1.0, 2.0, 4.0)
PLACE_PAUSE_S, LONGEST_PLACE_PAUSE_S = 2.0, 600.0
COMES_BACK_PAUSES_S = (30.0, 60.0, 120.0, 300.0, 600.0, 600.0, 600.0)
SAID_AFTER = 3
"""Refusals in a row after which one that may pass by itself is said; a missing permission is said at once."""
WORDS_CHARS = 300
TROUBLE = "⚠"
"""How the words in the channel begin while something cannot be shown."""
PROMISE = "Nothing is lost; I will try again."
"""How they end, where that is so."""
TROUBLE_KEY = "trouble"
"""Of the post with them; each session has one."""


class Meaning(Enum):
    FORM = "form"
    PLACE = "place"
    ODD = "odd"
    GONE = "gone"


class Again(msgspec.Struct, frozen=True):
    """The same, after so many seconds. ``shuts``: nothing else goes there until then. ``is_said``: in the channel."""

    pause_s: float
    shuts: bool = False
    is_said: bool = False


class Plainer(msgspec.Struct, frozen=True):
    """In this form. ``comes_back``: the whole form is tried again later."""

    form: Form
    comes_back: bool = False


class GiveUp(msgspec.Struct, frozen=True):
    """There is no place (any more) where it could be shown."""


Step = Again | Plainer | GiveUp


def meaning_of(error: RemoteError) -> Meaning:
    match error:
        case ChannelGone() | MessageGone():
            return Meaning.GONE
        case Forbidden() | Archived():
            return Meaning.PLACE
        case Refused(status=0):
            return Meaning.FORM  # never sent: it is we who cannot make it
        case Refused(code=code) if code in FORM_CODES:
            return Meaning.FORM
        case Refused(status=413, code=0):
            return Meaning.FORM
        case Refused(status=403) | Refused(status=404, code=0):
            return Meaning.PLACE
        case Refused(code=ErrorCode.THREAD_LOCKED | ErrorCode.TOO_MANY_THREADS):
            return Meaning.PLACE
        case _:
            return Meaning.ODD


def next_step(action: Action, post: Post, form: Form, tries: int, error: RemoteError) -> Step:
    """``form``: the one that was refused. ``tries``: how often before, in a row, the post or (PLACE) the place was."""
    meaning = meaning_of(error)
    if meaning is Meaning.GONE:
        return GiveUp()
    if less := _asking_less(action, post, form, error):
        return Plainer(less)
    if meaning is Meaning.PLACE:
        pause_s = min(PLACE_PAUSE_S * 2.0 ** min(tries, 20), LONGEST_PLACE_PAUSE_S)
        return Again(pause_s, shuts=True, is_said=isinstance(error, Forbidden) or tries + 1 >= SAID_AFTER)
    if meaning is Meaning.ODD and form == "whole" and tries < len(ODD_PAUSES_S):
        return Again(ODD_PAUSES_S[tries])
    if plainer := next_form(action, post, form):
        return Plainer(plainer, comes_back=meaning is Meaning.ODD)
    beyond = max(0, tries - len(ODD_PAUSES_S))
    return Again(COMES_BACK_PAUSES_S[min(beyond, len(COMES_BACK_PAUSES_S) - 1)], is_said=True)


def _asking_less(action: Action, post: Post, form: Form, error: RemoteError) -> Form | None:
    """The next form that takes fewer permissions; None: there is none, or the whole place is barred."""
    if not isinstance(error, Forbidden) or isinstance(error, StaysArchived) or error.code == ErrorCode.MISSING_ACCESS:
        return None
    plainer = next_form(action, post, form)
    return plainer if plainer in ("bare", "text") else None


def next_form(action: Action, post: Post, form: Form) -> Form | None:
    """The next plainer form that differs from this one; None: there is none."""
    for plainer in FORMS[FORMS.index(form) + 1 :]:
        if is_other(action, post, plainer):
            return plainer
    return None


def is_other(action: Action, post: Post, form: Form) -> bool:
    if post.thread_name:
        return form == "words"
    match form:
        case "bare":
            return post.embed is not None or bool(post.reply_to)
        case "text":
            return bool(post.files) and action == "create"
        case "file":
            return action == "create"
        case _:
            return True


def in_form(post: Post, form: Form, why: str, *, editing: bool = False) -> Post:
    """The post in that form. ``why``: what Discord said, for those forms that leave something out."""
    if form == "whole":
        return post
    if post.thread_name:
        return msgspec.structs.replace(post, thread_name="Claude")
    post = msgspec.structs.replace(post, reply_to=0)
    because = escape(one_line(why, WORDS_CHARS))
    if form == "words":
        kept = msgspec.structs.replace(post, embed=None, files=(), buttons=(), selects=(), content="")
        return msgspec.structs.replace(kept, content=_in_a_sentence(post, because, editing=editing))
    files = post.files if form == "bare" else ()
    missing = [escape(one_line(f.name, 100)) for f in post.files] if not files else []
    notes = [f"⚠ {', '.join(missing)} could not be sent: {because}"] if missing and not editing else []
    whole = _words(post)
    if form == "file" or (form != "bare" and len(whole) + sum(map(len, notes)) + 1 > CONTENT_CHARS):
        return _as_file(post, whole, notes, because, editing=editing)
    content = "\n".join(filter(None, (whole, *notes)))
    if len(content) > CONTENT_CHARS:
        return _as_file(post, whole, notes, because, editing=editing)
    return msgspec.structs.replace(post, content=content, embed=None, files=files)


def _as_file(post: Post, whole: str, notes: list[str], because: str, *, editing: bool) -> Post:
    if editing:
        return msgspec.structs.replace(post, content=clip(whole, CONTENT_CHARS), embed=None, files=())
    head = f"⚠ Discord does not take this as it is ({because}); it stands in the file."
    content = clip("\n".join([head, *notes]), CONTENT_CHARS)
    return msgspec.structs.replace(post, content=content, embed=None, files=(File("message.md", whole or head),))


def _in_a_sentence(post: Post, because: str, *, editing: bool) -> str:
    lost = " What could be pressed here is left out too." if post.buttons or post.selects else ""
    what = "The newest state of this post" if editing else "A post that belongs here"
    return f"⚠ {what} cannot be shown: Discord says: {because}.{lost} The bridge's log has more."


def _words(post: Post) -> str:
    embed = post.embed
    parts = (post.content, *((f"**{embed.title}**" if embed.title else "", embed.description) if embed else ()))
    return "\n".join(filter(None, (*parts, f"-# {embed.footer}" if embed and embed.footer else "")))


# --- for people --------------------------------------------------------------------------------------


def in_words(action: Action, post: Post, error: RemoteError) -> str:
    """What is missing, in the words of Discord's own settings; not which request failed."""
    if isinstance(error, StaysArchived):
        return "the thread is archived and locked, and the bot lacks the permission *Manage Threads* to open it"
    if isinstance(error, Forbidden):
        return f"the bot lacks the permission {permission(action, post, error.code)}"
    match error:
        case Refused(code=ErrorCode.THREAD_LOCKED):
            return "the thread is locked"
        case Refused(code=ErrorCode.TOO_MANY_THREADS):
            return "this server has as many active threads as Discord allows; archive some"
        case Refused(status=403 | 404 as status, code=0):
            return f"something between us and Discord answers instead of it ({status})"
        case _:
            return one_line(str(error), WORDS_CHARS)


def permission(action: Action, post: Post, code: int = 0) -> str:
    """The name under which Discord's settings list what is probably missing. ``post``: as it was sent."""
    if code == ErrorCode.MISSING_ACCESS:
        return "*View Channel*"
    match action:
        case "thread":
            return "*Create Public Threads*"
        case "create" | "edit" if post.embed:
            return "*Embed Links*"
        case "create" if post.reply_to:
            return "*Read Message History*"
        case "create" if post.files:
            return "*Attach Files*"
        case "create" | "edit":
            return "*Send Messages*" if post.where == "channel" else "*Send Messages in Threads*"
