"""Which right each command and each button needs: one of those that are named.

What depends on more than the name (whose turn it is, whether a mode is looser) is asked where that is known; then this
says what is needed at least.
"""

from bridge.session.rights import ANY, Right

TALK: tuple[Right, ...] = ("talk",)
DECIDE: tuple[Right, ...] = ("decide",)
MANAGE: tuple[Right, ...] = ("manage",)

COMMANDS: dict[str, tuple[Right, ...]] = {
    "new": TALK,
    "continue": TALK,
    "queue": TALK,
    "claude": TALK,
    "compact": TALK,
    "clear": TALK,
    "context": TALK,
    "cost": TALK,
    "stop": ANY,  # one's own session or turn: talk; others': manage
    "model": ANY,  # to choose in a thread: talk; for the channel: manage
    "mode": ANY,  # to choose in a thread: talk; looser, or for the channel: manage
    "effort": ANY,
    "trust": ANY,
    "rules": ANY,
    "project": MANAGE,  # to remove one: in its channel
    "invite": ANY,  # the session's owner; others: manage
    "uninvite": ANY,
    "status": ANY,
    "help": ANY,
}

BUTTONS: dict[str, tuple[Right, ...]] = {
    "allow": DECIDE,
    "always": DECIDE,
    "keep": DECIDE,
    "hour": DECIDE,
    "chour": DECIDE,  # and, because it counts for the channel, manage
    "cweek": DECIDE,
    "cever": DECIDE,
    "dir": DECIDE,
    "cdir": DECIDE,  # and manage
    "rule": (*DECIDE, *MANAGE),
    "list": DECIDE,
    "deny": DECIDE,
    "reason": DECIDE,
    "edits": DECIDE,  # whoever may allow each of them may allow all
    "plan": DECIDE,
    "send": DECIDE,
    "skip": DECIDE,
    "pick": DECIDE,
    "option": DECIDE,
    "other": DECIDE,
    "page": DECIDE,
    "show": ANY,  # it stood there for all to see
    "diff": ANY,  # so did what Claude did
    "sdiff": ANY,
    "continue": TALK,
    "discard": DECIDE,
    "again": TALK,
    "reset": TALK,
    "fresh": TALK,
    "moved": DECIDE,
    "strict": (*TALK, *MANAGE),
    "wide": MANAGE,
    "trust": MANAGE,
    "when": TALK,
    "plain": TALK,
    "tell": TALK,  # and it is one's own message
    "because": DECIDE,
    "halt": ANY,  # as /stop
    "stop": ANY,
    "status": ANY,
}
