"""The card about a project's files that act, and what ``/trust`` says.

All that would act can be read before the click: in the card, or in a file beside it.
"""

from collections.abc import Sequence

from bridge.discord_numbers import BUTTON_LABEL_CHARS
from bridge.render.posts import Button, Embed, File, Post
from bridge.session.custom_ids import TrustButton
from bridge.session.people import called, named, pinged
from bridge.text import clip, code_block, inline_code, one_line, reveal, utf16_len
from bridge.trust.acting import Acting
from bridge.trust.decision import Trusted

LINES_CHARS = 2800
EXCERPT_CHARS = 1200
LEFT_OUT_CHARS = 800
MOST_LISTED = 4
"""Trusted directories that one answer lists; each has a button."""
_LISTED_CHARS = 160
_DIRECTORY_CHARS = 100
_OPEN, _YES, _GONE = 0xE0A030, 0x3BA55D, 0x747F8D
_FILE = "what-would-act.txt"
_FINE_PRINT = (
    "Hooks, servers and ! lines run programs without asking, in what Claude can reach. A copy of these files acts, so"
    " a later change of them does nothing before you are asked again; scripts of the project that they run are run as"
    " they are then."
)
_HAS = " has files that would act by themselves."
NEXT_START = "acts from Claude's next start in this channel"
CHANGED = "— The project's files have changed since; what is in them now is on another card."
SHOWN_AGAIN = "— Shown again on another card."


def card(acting: Acting, mention: int = 0) -> Post:
    """Asks whether what would act may act. ``mention``: whom it pings; 0: nobody."""
    body, files = _body(acting)
    return Post(
        f"{called(mention)}{_about(acting.directory)}{_HAS} They do nothing yet.",
        embed=Embed("Trust these for this channel?", body, _FINE_PRINT, _OPEN),
        buttons=(
            Button("Trust these for this channel", TrustButton("yes", acting.digest).custom_id(), "primary"),
            Button("Not now", TrustButton("no", acting.digest).custom_id()),
        ),
        files=files,
        mentions=pinged(mention),
        urgent=True,
    )


def settled(post: Post, verdict: str, *, trusted: bool = False) -> Post:
    """The same card without its buttons; ``verdict`` says what became of it."""
    embed = post.embed or Embed()
    about = post.content.partition("\n")[0].rpartition(_HAS)[0]
    return Post(
        f"{about}{_HAS}\n-# {verdict}",
        embed=Embed(embed.title, embed.description, "", _YES if trusted else _GONE),
        files=post.files,
        urgent=True,
    )


def trusted_by(who: str) -> str:
    """``who``: as ``people.named`` has it."""
    return f"✓ Trusted by {who}: a copy of this {NEXT_START}. `/trust` lists and revokes it."


def declined_by(who: str) -> str:
    return f"— {who} chose *Not now*: nothing of it acts. `/trust` asks again."


def revoked_by(who: str) -> str:
    return f"✗ Revoked by {who}: it acts no more from Claude's next start in this channel."


def told_trusted(*, rest: int) -> str:
    """What the person who clicked is told; ``rest``: sessions that work, and have what they were started with."""
    return f"Trusted. The copy {NEXT_START}.{_meanwhile(rest)}"


def told_revoked(*, rest: int) -> str:
    return f"Revoked. It acts no more from Claude's next start in this channel.{_meanwhile(rest)}"


def _meanwhile(rest: int) -> str:
    """Those that are idle were told to sleep, and start anew with the next message."""
    if not rest:
        return " Write on: Claude starts anew with the next message."
    count = "One session works" if rest == 1 else f"{rest} sessions work"
    return f" {count} now and go{'es' if rest == 1 else ''} on as started until then."


def listed(trusted: Sequence[Trusted], acting: Acting, *, asks: bool, is_asked: bool) -> Post:
    """``acting``: the project here; ``asks``: it would act and is not trusted; ``is_asked``: its card is here too."""
    lines = [f"{_about(one.directory)}: {_trusted_line(one)}" for one in trusted[:MOST_LISTED]]
    if len(trusted) > MOST_LISTED:
        lines.append(f"… and {len(trusted) - MOST_LISTED} more; revoke one of these to see them.")
    if not trusted:
        lines.append("No project's own files are trusted in this channel.")
    lines.append(_here(acting, asks=asks, is_asked=is_asked))
    return Post("\n".join(filter(None, lines)), buttons=tuple(_revoke(one) for one in trusted[:MOST_LISTED]))


def _here(acting: Acting, *, asks: bool, is_asked: bool) -> str:
    about = _about(acting.directory)
    if asks:
        where = "The card in this thread" if is_asked else "`/trust` in a thread there"
        return f"{about} has files that would act and are not trusted. {where} shows them."
    if acting.files:
        return ""
    left_out = inline_code("; ".join(acting.left_out), _LISTED_CHARS)
    return f"{about} has nothing that would act." + (f" Left out: {left_out}" if acting.left_out else "")


def _revoke(one: Trusted) -> Button:
    name = one.directory.rpartition("/")[2] or "/"
    return Button(
        one_line(f"Revoke {name}", BUTTON_LABEL_CHARS), TrustButton("revoke", one.digest).custom_id(), "danger"
    )


def _trusted_line(one: Trusted) -> str:
    acts = "; ".join(one.acts)
    return f"by {named(one.by_id, one.by)} since <t:{int(one.since)}:f>: {inline_code(acts, _LISTED_CHARS)}"


def _about(directory: str) -> str:
    return f"The project {inline_code(directory, _DIRECTORY_CHARS)}"


def _body(acting: Acting) -> tuple[str, tuple[File, ...]]:
    """Whole in the card, or as a file beside it."""
    lines = reveal("\n".join(acting.acts))
    left_out = reveal("\n".join(acting.left_out))
    without = f"\nLeft out, and does not act:\n{code_block(left_out, '', LEFT_OUT_CHARS)}" if left_out else ""
    whole = code_block(lines)
    if utf16_len(whole) <= LINES_CHARS and utf16_len(left_out) <= LEFT_OUT_CHARS // 2:
        return whole + without, ()
    text = f"{lines}\n" + (f"\nLeft out, and does not act:\n{left_out}\n" if left_out else "")
    shown = code_block(clip(lines, EXCERPT_CHARS), "", EXCERPT_CHARS * 2)
    return f"{shown}\nThe whole of it is in **{_FILE}** ({len(acting.acts)} lines).", (File(_FILE, text),)
