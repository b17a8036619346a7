"""Directories outside the project in which Claude offers to work without asking: what a card says, and the channel.

Each button grants what its words say. Beside *Accept edits*, which is for the project's directory, stands a second
button that is for the other one too; where edits are accepted already, the directory alone is offered.
"""

from bridge.render.posts import Button, Post
from bridge.session.people import named
from bridge.session.permission import PermissionRequest
from bridge.session.rules import IN_WORDS, OF_CHANNEL, Rule, Term
from bridge.text import inline_code, one_line, reveal, utf16_len

PATHS_CHARS = 150
"""Of paths that are not shown whole none is offered."""
_MEANS = "Claude reads there and, while edits are accepted, edits and runs rm, mv, mkdir and sed there"
ALONE = f"Allow this directory, for this session: work in {{}} without asking. {_MEANS}"
TOO = (
    "Accept edits is for the project’s directory; Accept edits there too: also for {}, where Claude reads unasked, too"
)
UNSEEN = (
    "Claude does not see {}: it is not there, or its walls do not show it. No button here opens a wall; [containment]"
    " writable in the configuration would"
)
UNANSWERED = "{} cannot be allowed for longer now: the file system there does not answer"
NO_DIRECTORY = "{} cannot be allowed for longer: it is no directory"
_TERMS: dict[Term, str] = {"always": "Directory: this session", "cever": "Directory: this channel, until revoked"}
_VERBS: dict[Term, str] = {"always": "dir", "cever": "cdir"}


def are_offered(request: PermissionRequest) -> bool:
    """Those that cannot be shown whole are not."""
    return bool(request.offered_directories) and utf16_len(_paths(request.offered_directories)) <= PATHS_CHARS


def on_card(request: PermissionRequest) -> tuple[Button, ...]:
    label = "Accept edits there too" if request.offers_edits else "Allow this directory"
    return (Button(label, request.name.custom_id("dir")),) if are_offered(request) else ()


def meaning(request: PermissionRequest) -> list[str]:
    """What it means to allow them, where a wall stays before them, and which are not offered and why; a line each."""
    if not request.may_open:
        return []
    event, lines = request.event, list[str]()
    if are_offered(request):
        means = TOO if request.offers_edits else ALONE
        lines = [means.format(_paths(request.offered_directories))]
        lines += [UNSEEN.format(_paths(event.unseen))] if event.unseen else []
    for words, paths in ((UNANSWERED, event.unanswered), (NO_DIRECTORY, event.not_directories)):
        lines += [words.format(one_line(_paths(paths), PATHS_CHARS))] if paths else []
    return lines


def longer(request: PermissionRequest) -> str:
    """In a sentence about what is allowed without asking."""
    return f"work in {_in_code(request.offered_directories)} ({_MEANS})"


def by_term(request: PermissionRequest) -> tuple[Button, ...]:
    """For how long, and where."""
    return tuple(Button(label, request.name.custom_id(_VERBS[term])) for term, label in _TERMS.items())


def kept(directories: tuple[str, ...], term: Term) -> str:
    """What stands behind the decision that allowed them."""
    return f"and without asking work in {_paths(directories)}, {IN_WORDS[term]}"


def announced(rule: Rule, term: Term, thread_id: int) -> Post:
    """For the channel; it pings nobody."""
    where = "" if term in OF_CHANNEL else f" in <#{thread_id}>"
    return Post(
        f"⚠ {named(rule.by_id, rule.by)} allowed {in_code(rule)} without asking{where}, {IN_WORDS[term]}."
        " `/rules` there lists and revokes it.",
        silent=True,
        where="channel",
    )


def in_code(rule: Rule) -> str:
    return f"work in {_in_code(rule.directories)}"


def _in_code(directories: tuple[str, ...]) -> str:
    return inline_code(one_line(reveal(_paths(directories)), PATHS_CHARS), PATHS_CHARS)


def _paths(directories: tuple[str, ...]) -> str:
    return ", ".join(directories)
